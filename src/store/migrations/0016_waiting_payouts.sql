-- The list of what waits for a person, the longest first: each page read and sorted all that waited, a million after one distribution.
create index payout_waiting on apportion.payout (lane, changed_at, payout) where state = 'awaiting_approval';
