-- Reversals of large distributions: chunk by chunk, as the distribution that they take back. Such a row is named by the reversal's own
-- event, its units are those to be taken back, and its chunks lie as those of the distribution.

-- The event whose distribution it takes back; null for one that gives.
alter table apportion.distribution add column reverses bigint;
create index distribution_reverses on apportion.distribution (lane, reverses, event) where reverses is not null;

-- A reversal has no Merkle tree.
drop index apportion.distribution_rootless;
create index distribution_rootless on apportion.distribution (lane, event) where state = 'complete' and root is null and reverses is null;

-- Of what a chunk of a reversal took back, units that are owed by their recipients. In such a chunk `shares` counts its transfers.
alter table apportion.distribution_chunk add column owed numeric(39,0) not null default 0;
