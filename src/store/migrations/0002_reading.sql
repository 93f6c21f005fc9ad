-- What reading needs so that a page costs the same however long the history. All of it grows at its right end, beside rows that are
-- written anyway.

-- Blocks by instant: several may have one (the clock went back), and the last of them counts.
drop index apportion.block_recorded;
create index block_recorded on apportion.block (lane, recorded_at, number);
-- The block that holds a transfer. Transfers have no index but their key.
create index block_transfers on apportion.block (lane, last_transfer);

-- Lists of payouts in one state, and the ages of what is open. Settled payouts, which are most, are found by their settlements.
create index payout_open on apportion.payout (lane, state, payout) where state <> 'settled';

-- All rows of one SQL transaction are queued at one instant: without the reference, taking a thousand of a million sorted the million.
drop index apportion.inbox_queued;
create index inbox_queued on apportion.inbox (ledger, queued_at, reference) where state = 'queued';
create index inbox_judged on apportion.inbox (ledger, queued_at, reference) where state in ('refused', 'waiting');
