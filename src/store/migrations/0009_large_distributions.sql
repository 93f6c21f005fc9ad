-- Snapshots: weights of up to ten million recipients, frozen; and the distributions made by them, posted in chunks. Entries stand in blocks
-- of about a thousand lines, by recipient, exactly as they are hashed: a row an entry would cost as much as posting its share.

create table apportion.snapshot (
  snapshot uuid primary key,
  ledger uuid not null references apportion.ledger,
  name text collate "C" not null,
  record_at timestamptz not null,
  recipients integer not null check (recipients > 0),
  -- Decimals of the finest weight: all are integers of 10^-decimals.
  decimals smallint not null check (decimals between 0 and 18),
  weights text collate "C" not null,
  hash bytea not null check (octet_length(hash) = 32),
  source text not null,
  created_at timestamptz not null,
  unique (ledger, name),
  unique (ledger, hash)
);

create table apportion.snapshot_block (
  snapshot uuid not null,
  first_place integer not null,
  entries integer not null check (entries > 0),
  first_recipient text collate "C" not null,
  -- The sum of the weights before, as an integer of 10^-decimals.
  weights_before numeric not null,
  -- A line an entry: recipient, tab, weight.
  lines text collate "C" not null,
  primary key (snapshot, first_place),
  unique (snapshot, first_recipient)
);
-- Kept as it is: to compress it costs more than to read it.
alter table apportion.snapshot_block alter column lines set storage external;

-- Lines on their way into a snapshot, put in order here; all of it within one transaction, so that it is empty for everybody else.
create unlogged table apportion.snapshot_line (
  snapshot uuid not null,
  line integer not null,
  recipient text collate "C" not null,
  weight text collate "C" not null,
  primary key (snapshot, line)
);

-- A distribution by snapshot. Its shares count when it is complete. `first_transfer` and `last_transfer` are those of its shares so far.
create table apportion.distribution (
  lane bigint not null,
  event bigint not null,
  digest uuid not null,
  part integer not null,
  plan integer not null,
  snapshot bytea not null,
  recipients integer not null,
  asset text collate "C" not null,
  units numeric(39,0) not null check (units > 0),
  state text not null default 'running' check (state in ('running', 'complete')),
  -- Places of a chunk, a power of two, so that a chunk is a whole subtree of the Merkle tree.
  chunk integer not null default 8192 check (chunk > 0 and chunk & (chunk - 1) = 0),
  next_place integer not null default 0 check (next_place between 0 and recipients),
  given numeric(39,0) not null default 0,
  shares integer not null default 0,
  first_transfer bigint,
  last_transfer bigint,
  -- Where the units left over end: remainders above the threshold get one, and of those at it the first `ties`. Null where none are.
  threshold numeric,
  ties integer,
  -- Of the Merkle tree over all shares, made once they are payable.
  root bytea check (octet_length(root) = 32),
  completed_at timestamptz,
  -- How far its shares have become payouts.
  payout_transfer bigint not null default 0,
  primary key (lane, event),
  check ((state = 'complete') = (completed_at is not null)),
  check (root is null or state = 'complete'),
  check (state = 'running' or (next_place = recipients and given = units))
);
create unique index distribution_digest on apportion.distribution (lane, digest);
create index distribution_running on apportion.distribution (lane, event) where state = 'running';
create index distribution_end on apportion.distribution (lane, last_transfer);
create index distribution_rootless on apportion.distribution (lane, event) where state = 'complete' and root is null;
create index distribution_unpaid on apportion.distribution (lane, event) where state = 'complete' and payout_transfer < last_transfer;

-- Append-only, as the transfers are. `account` is the one that the chunk was taken from.
create table apportion.distribution_chunk (
  lane bigint not null,
  event bigint not null,
  first_place integer not null,
  places integer not null check (places > 0),
  account integer not null,
  -- Of its first share; where it has none, of the one that would come next.
  first_transfer bigint not null,
  shares integer not null,
  units numeric(39,0) not null,
  -- How many of the ties at the threshold were given a unit before this chunk.
  ties_before integer not null,
  primary key (lane, event, first_place)
);

-- Roots of the Merkle trees over the places of a chunk, which are subtrees of the whole.
create table apportion.distribution_root (
  lane bigint not null,
  event bigint not null,
  first_place integer not null,
  root bytea not null check (octet_length(root) = 32),
  primary key (lane, event, first_place)
);
