-- Persons, what a ledger asks of them, and what they agreed to. A person who may approve has the public half of a seal here; only the
-- owner's role writes it, and the signer believes nothing else. Approvals, settings and facts are append-only but for how they ended.

alter table apportion.api_key add column public_key bytea check (octet_length(public_key) = 32);
alter table apportion.api_key add constraint api_key_sealed check (('approve' = any (rights)) = (public_key is not null));
alter table apportion.api_key add unique (ledger, key);

-- A key that was revoked stays so: else whoever has the server's role could bring back a person who left.
create function apportion.api_key_stays_revoked() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = 'insufficient_privilege', message = 'a revoked key stays revoked';
end
$$;
create trigger api_key_stays_revoked before update on apportion.api_key
for each row when (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
execute function apportion.api_key_stays_revoked();

-- What a ledger asks for, as changes in their order. What a change tightens counts at once, what it loosens once it was approved; so what
-- is in force follows from these rows and the approvals, and nobody who writes a row here can loosen anything.
create table apportion.settings_change (
  change uuid primary key,
  ledger uuid not null references apportion.ledger,
  number integer not null check (number > 0),
  content jsonb not null,
  proposed_by uuid,
  proposed_at timestamptz not null,
  closed_at timestamptz,
  closed_by uuid,
  reason text,
  unique (ledger, number),
  foreign key (ledger, proposed_by) references apportion.api_key (ledger, key),
  foreign key (ledger, closed_by) references apportion.api_key (ledger, key)
);

create table apportion.plan_draft (
  draft uuid primary key,
  ledger uuid not null references apportion.ledger,
  state text not null check (state in ('draft', 'approved', 'rejected', 'withdrawn')),
  version integer,
  closed_by uuid,
  closed_at timestamptz,
  reason text,
  created_at timestamptz not null,
  unique (ledger, version),
  foreign key (ledger, version) references apportion.plan_version,
  foreign key (ledger, closed_by) references apportion.api_key (ledger, key),
  check ((state = 'draft') = (closed_at is null)),
  check ((state = 'approved') = (version is not null))
);
create index plan_draft_open on apportion.plan_draft (ledger) where state = 'draft';

-- What a draft said each time it was written; the newest counts. Approvals name the hash of one.
create table apportion.plan_revision (
  draft uuid not null references apportion.plan_draft,
  revision integer not null check (revision > 0),
  content jsonb not null,
  effective_from timestamptz,
  hash text not null,
  drafted_by uuid references apportion.api_key,
  drafted_at timestamptz not null,
  primary key (draft, revision)
);

-- The settings under which a version came to be; the number of the newest change then, 0 before any.
alter table apportion.plan_version add column settings integer not null default 0;

-- What a person agreed to, sealed with a key that no server holds.
create table apportion.approval (
  approval uuid primary key,
  ledger uuid not null,
  kind text not null check (kind in ('plan', 'payout', 'settings')),
  subject uuid not null,
  hash text not null,
  preview text,
  key uuid not null,
  approved_at timestamptz not null,
  signature bytea not null unique check (octet_length(signature) = 64),
  recorded_at timestamptz not null,
  foreign key (ledger, key) references apportion.api_key (ledger, key)
);
create index approval_subject on apportion.approval (subject);
create index approval_newest on apportion.approval (ledger, approval);

-- Facts that stand until they are announced anew. `dropped_at`: it was replaced before it counted.
create table apportion.fact (
  ledger uuid not null references apportion.ledger,
  name text collate "C" not null,
  subject text collate "C" not null,
  number integer not null check (number > 0),
  value text collate "C" not null check (value ~ '^(0|[1-9][0-9]{0,37})(\.[0-9]{0,17}[1-9])?$'),
  effective_from timestamptz not null,
  announced_by uuid references apportion.api_key,
  announced_at timestamptz not null check (announced_at <= effective_from),
  dropped_at timestamptz check (dropped_at < effective_from),
  primary key (ledger, name, subject, number)
);
create index fact_in_force on apportion.fact (ledger, name, subject, effective_from, number);

alter table apportion.payout drop constraint payout_state_check;
alter table apportion.payout add constraint payout_state_check check (state in ('queued', 'awaiting_approval', 'held', 'reserved', 'settled'));
alter table apportion.payout add check (state <> 'awaiting_approval' or destination is not null);
create index payout_awaiting on apportion.payout (lane, asset, units) where state = 'awaiting_approval';

-- The settings by which the payouts of an attempt were let through.
alter table apportion.attempt add column settings integer not null default 0;

revoke execute on all functions in schema apportion from public;
