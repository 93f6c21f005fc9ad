-- Reversals: events that undo an earlier one, and what they, and recoupments, took from shares before those were paid.

alter table apportion.event add column reverses bigint;
create index event_reverses on apportion.event (lane, reverses) where reverses is not null;

-- `share`: the transfer of the share; `transfer`: the one that took from it. A payout's units are its shares less these.
create table apportion.deduction (
  lane bigint not null,
  share bigint not null,
  transfer bigint not null,
  units numeric(39,0) not null check (units > 0),
  primary key (lane, share, transfer),
  unique (lane, transfer)
);

alter table apportion.payout drop constraint payout_state_check;
alter table apportion.payout add constraint payout_state_check
  check (state in ('queued', 'awaiting_approval', 'held', 'reserved', 'settled', 'cancelled'));

-- A cancelled payout may never have had a wallet.
do $$
declare
  found name;
begin
  select conname into strict found from pg_constraint
  where conrelid = 'apportion.payout'::regclass and contype = 'c' and pg_get_constraintdef(oid) like '%wallet IS NOT NULL%';
  execute format('alter table apportion.payout drop constraint %I', found);
end
$$;
alter table apportion.payout add constraint payout_wallet_check check (state in ('held', 'cancelled') or wallet is not null);

-- A plan may lock its shares: whatever else a payout waits for, it is not paid before.
alter table apportion.payout add column locked_until timestamptz;
create index payout_locked on apportion.payout (lane, locked_until) where locked_until is not null and state not in ('settled', 'cancelled');
