-- The engine's tables. Server tables (ledger, plan, wallet, …) have foreign keys and triggers; lane tables lead every key with
-- `lane`; event, reference, transfer, block, account and balance are append-only and have neither foreign keys nor triggers:
-- the posting statement and `verify` hold them, and the server's role may not update or delete them.

create table apportion.ledger (
  ledger uuid primary key,
  name text collate "C" not null unique check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  program text not null,
  sandbox boolean not null,
  rail text not null,
  rail_url text check (rail_url is not null or sandbox),
  inbox_schema text,
  settings jsonb not null default '{}',
  created_at timestamptz not null
);

create table apportion.lane (
  lane bigint primary key check (lane > 0),
  ledger uuid not null references apportion.ledger,
  position smallint not null check (position >= 0),
  unique (ledger, position)
);

create table apportion.asset (
  ledger uuid not null references apportion.ledger,
  asset text collate "C" not null check (asset ~ '^[A-Z][A-Z0-9]{0,15}/[0-9]{1,2}$'),
  token text,
  primary key (ledger, asset)
);

create table apportion.plan_version (
  ledger uuid not null references apportion.ledger,
  version integer not null check (version > 0),
  effective_from timestamptz check (effective_from is not null or version = 1),
  content jsonb not null,
  hash text not null,
  created_at timestamptz not null,
  primary key (ledger, version)
);

create table apportion.recipient (
  ledger uuid not null references apportion.ledger,
  recipient text collate "C" not null check (recipient ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
  label text,
  created_at timestamptz not null,
  primary key (ledger, recipient)
);

-- A changed destination counts for events that occur later, so each keeps the instant from which it holds.
create table apportion.destination (
  ledger uuid not null,
  recipient text collate "C" not null,
  effective_from timestamptz not null,
  destination jsonb not null,
  created_at timestamptz not null,
  primary key (ledger, recipient, effective_from),
  foreign key (ledger, recipient) references apportion.recipient
);

create table apportion.wallet (
  wallet uuid primary key,
  ledger uuid not null references apportion.ledger,
  label text collate "C" not null,
  rail text not null,
  address text not null,
  movement_cursor text,
  created_at timestamptz not null,
  unique (ledger, label),
  unique (ledger, rail, address)
);

-- Read by the signer's role alone. Envelope: the wallet's key under a data key of its own, that one under the master key.
create table apportion.wallet_key (
  wallet uuid primary key,
  sealed_key bytea not null,
  sealed_data_key bytea not null,
  master_key_id text not null,
  created_at timestamptz not null
);

-- The most that leaves a ledger's wallets in one UTC day, set by the owner's role; the server's role cannot raise it.
create table apportion.signing_limit (
  ledger uuid not null references apportion.ledger,
  asset text collate "C" not null,
  units_per_day numeric(39,0) not null check (units_per_day > 0),
  primary key (ledger, asset)
);

-- The signer's own count: each payout once, on the day it was first signed, however often it is signed again. `day_units` is the
-- day's running total with this row, so that the day's sum is one look-up (a sum over 100,000 rows would cost each signature 15 ms).
create table apportion.signing (
  payout uuid primary key,
  ledger uuid not null,
  asset text collate "C" not null,
  units numeric(39,0) not null check (units > 0),
  day date not null,
  day_units numeric(39,0) not null check (day_units >= units),
  first_signed_at timestamptz not null,
  unique (ledger, asset, day, day_units)
);

create table apportion.api_key (
  key uuid primary key,
  ledger uuid not null references apportion.ledger,
  name text not null,
  secret_hash bytea not null,
  rights text[] not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  unique (ledger, name)
);

create table apportion.idempotency (
  key uuid not null references apportion.api_key,
  route text collate "C" not null,
  idempotency_key text collate "C" not null,
  fingerprint bytea not null,
  status smallint not null,
  body text not null,
  created_at timestamptz not null,
  primary key (key, route, idempotency_key)
);
create index idempotency_age on apportion.idempotency (created_at);

-- Rows of inbox tables that are not events: waiting to be taken, refused, or present when the table was adopted.
create table apportion.inbox (
  ledger uuid not null,
  reference text collate "C" not null,
  state text not null check (state in ('queued', 'refused', 'waiting', 'before_adoption')),
  code text,
  reason text,
  queued_at timestamptz not null,
  taken_until timestamptz,
  primary key (ledger, reference)
);
create index inbox_queued on apportion.inbox (ledger, queued_at) where state = 'queued';

-- Lane tables ---------------------------------------------------------------------------------------------------------------

create table apportion.head (
  lane bigint primary key,
  event bigint not null,
  transfer bigint not null,
  block bigint not null,
  account integer not null,
  plan integer not null,
  hash bytea not null,
  recorded_at timestamptz not null
) with (fillfactor = 20);

create table apportion.event (
  lane bigint not null,
  number bigint not null,
  digest uuid not null,
  event_at timestamptz not null,
  block bigint not null,
  first_transfer bigint not null,
  transfers integer not null,
  plan integer not null,
  backdated boolean not null,
  units numeric(39,0) not null check (units > 0),
  asset text collate "C" not null,
  door text not null,
  reference text collate "C" not null,
  parties jsonb not null,
  claimed jsonb,
  details jsonb,
  primary key (lane, number)
);

create table apportion.reference (
  lane bigint not null,
  digest uuid not null,
  event bigint not null,
  fingerprint bytea not null,
  primary key (lane, digest)
);

create table apportion.account (
  lane bigint not null,
  number integer not null,
  name text collate "C" not null,
  asset text collate "C" not null,
  primary key (lane, number),
  unique (lane, name, asset)
);

create table apportion.transfer (
  lane bigint not null,
  number bigint not null,
  event bigint,
  debit integer not null,
  credit integer not null,
  part smallint,
  units numeric(39,0) not null check (units > 0),
  kind text collate "C" not null,
  subject uuid,
  primary key (lane, number),
  check (debit <> credit)
);

create table apportion.block (
  lane bigint not null,
  number bigint not null,
  first_transfer bigint not null,
  last_transfer bigint not null,
  first_event bigint not null,
  last_event bigint not null,
  recorded_at timestamptz not null,
  hash bytea not null,
  primary key (lane, number)
);
create index block_recorded on apportion.block (lane, recorded_at);

-- One row for each account a block touched: the newest row is the balance, an older one the balance at a past instant.
create table apportion.balance (
  lane bigint not null,
  account integer not null,
  transfer bigint not null,
  debits numeric(39,0) not null,
  credits numeric(39,0) not null,
  primary key (lane, account, transfer)
);

-- How far the shares of a lane have been made into payouts.
create table apportion.payout_cursor (
  lane bigint primary key,
  transfer bigint not null
);

create table apportion.attempt (
  lane bigint not null,
  attempt uuid not null,
  wallet uuid not null references apportion.wallet,
  asset text collate "C" not null,
  state text not null check (state in ('prepared', 'submitted', 'unknown', 'settled', 'failed', 'never')),
  identity text collate "C" not null,
  bytes bytea not null,
  data jsonb not null,
  -- The most that the network may take besides the payouts: [{kind, asset, units}].
  costs jsonb not null default '[]',
  submits integer not null default 0,
  -- Looks in a row that proved nothing.
  looks integer not null default 0,
  reason text,
  proof jsonb,
  look_at timestamptz,
  submit_at timestamptz,
  prepared_at timestamptz not null,
  ended_at timestamptz,
  primary key (lane, attempt),
  unique (lane, wallet, identity),
  check ((state in ('prepared', 'submitted', 'unknown')) = (ended_at is null)),
  check (state not in ('settled', 'failed', 'never') or proof is not null)
);
create index attempt_live on apportion.attempt (lane, look_at) where ended_at is null;
create index attempt_identity on apportion.attempt (wallet, identity);

-- `batch`: payouts with the same one go into an attempt of their own (an expired batch is signed anew as it was); null: free to be packed.
create table apportion.payout (
  lane bigint not null,
  payout uuid not null,
  event bigint not null,
  part smallint not null,
  role text collate "C" not null,
  recipient text collate "C" not null,
  -- What it is paid from: null while the ledger has no wallet.
  wallet uuid references apportion.wallet,
  asset text collate "C" not null,
  units numeric(39,0) not null check (units > 0),
  destination jsonb,
  state text not null check (state in ('queued', 'held', 'reserved', 'settled')),
  reason text,
  detail text,
  due_at timestamptz,
  tries integer not null default 0,
  live_attempt uuid,
  batch uuid,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (lane, payout),
  unique (lane, event, part),
  foreign key (lane, live_attempt) references apportion.attempt,
  check ((state = 'reserved') = (live_attempt is not null)),
  check ((state = 'held') = (reason is not null)),
  check (state <> 'reserved' or destination is not null),
  check (state <> 'queued' or (destination is not null and due_at is not null)),
  check (state = 'held' or wallet is not null)
);
create index payout_due on apportion.payout (lane, wallet, asset, due_at) where state = 'queued';
create index payout_walletless on apportion.payout (lane) where wallet is null;
create index payout_held on apportion.payout (lane, due_at) where state = 'held';
-- Those too small for their destination, which may be large enough together.
create index payout_small on apportion.payout (lane, destination) where state = 'held' and reason = 'below_minimum';
create index payout_live on apportion.payout (lane, live_attempt) where live_attempt is not null;
create index payout_recipient on apportion.payout (lane, recipient, payout);

-- A payout draws on named shares; a share is its transfer and is drawn on once.
create table apportion.payout_share (
  lane bigint not null,
  transfer bigint not null,
  payout uuid not null,
  primary key (lane, transfer),
  foreign key (lane, payout) references apportion.payout
);
create index payout_share_payout on apportion.payout_share (lane, payout);

create table apportion.attempt_payout (
  lane bigint not null,
  attempt uuid not null,
  payout uuid not null,
  position smallint not null,
  primary key (lane, attempt, payout),
  foreign key (lane, attempt) references apportion.attempt,
  foreign key (lane, payout) references apportion.payout
);
create index attempt_payout_payout on apportion.attempt_payout (lane, payout);

-- The proof that a payout arrived: at most one for each, by its key.
create table apportion.settlement (
  lane bigint not null,
  payout uuid not null,
  attempt uuid not null,
  settled_at timestamptz not null,
  primary key (lane, payout),
  foreign key (lane, payout) references apportion.payout,
  foreign key (lane, attempt) references apportion.attempt
);

-- Money seen coming into a wallet, or leaving it by its owner's hand. `transfer` is where the ledger holds it.
create table apportion.movement (
  lane bigint not null,
  wallet uuid not null references apportion.wallet,
  identity text collate "C" not null,
  asset text collate "C" not null,
  movement uuid not null,
  direction text not null check (direction in ('in', 'out')),
  units numeric(39,0) not null check (units > 0),
  at timestamptz,
  proof jsonb not null,
  seen_at timestamptz not null,
  primary key (lane, wallet, identity, asset)
);

-- A new destination makes the payouts that waited for it due. No clock is read: the earliest instant is due at any time.
create function apportion.destination_added() returns trigger
language plpgsql security definer set search_path = pg_catalog, apportion, pg_temp as $$
begin
  -- It acts as the owner: for rows of another table it would do so for whoever made that table.
  if tg_relid <> 'apportion.destination'::regclass then
    raise exception using errcode = 'insufficient_privilege', message = 'this trigger serves apportion.destination alone';
  end if;
  update apportion.payout set due_at = to_timestamp(0)
  from added join apportion.lane on lane.ledger = added.ledger
  where payout.lane = lane.lane and payout.recipient = added.recipient and payout.state = 'held' and payout.destination is null;
  return null;
end
$$;

create trigger destination_added after insert on apportion.destination
referencing new table as added for each statement execute function apportion.destination_added();

-- PostgreSQL lets everybody call a new function, and make triggers of those that act as the owner. A trigger that is there already
-- needs no such right of whoever fires it.
revoke execute on all functions in schema apportion from public;
