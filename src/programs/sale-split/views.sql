-- Gives one ledger its status view. Run by the owner after install.sql, and again when a migration has dropped the view, with its
-- schema, id and server role in place of the names after the colons.

-- What became of each row. Amounts are those paid where the row is an event, and those given where it is not (yet). Each `limit 1`
-- keeps a step one look-up by its key: joined freely, a planner without statistics has read whole ledgers for one row.
create or replace view :schema.profit_events_status as
select
  given.id,
  given.transaction_hash,
  given.token_id,
  case when event.number is not null then 'recorded' else coalesce(entry.state, 'missing') end as state,
  case when event.number is null and entry.state in ('refused', 'waiting') then entry.code end as code,
  case when event.number is null and entry.state in ('refused', 'waiting') then entry.reason end as reason,
  event.number as event,
  found.position || '.' || event.number as distribution,
  event.plan as plan_version,
  coalesce(event.units * 0.000000001, given.sale_amount) as sale_amount,
  case when event.number is null then given.dao_amount else coalesce(share.dao, 0) * 0.000000001 end as dao_amount,
  case when event.number is null then given.creator_amount else coalesce(share.creator, 0) * 0.000000001 end as creator_amount,
  case when event.number is null then given.lucky_amount else coalesce(share.lucky, 0) * 0.000000001 end as lucky_amount,
  case when event.number is null then given.reinvestment_amount else coalesce(share.ai, 0) * 0.000000001 end as reinvestment_amount,
  event.backdated,
  given."timestamp",
  block.recorded_at
from :schema.profit_events as given
left join lateral (
  select state, code, reason from apportion.inbox
  where ledger = :ledger and reference = given.transaction_hash collate "C"
  limit 1
) as entry on true
left join lateral (
  select lane.lane, lane.position, reference.event
  from apportion.lane
  cross join lateral (
    select event from apportion.reference
    where reference.lane = lane.lane
      and reference.digest = encode(substring(sha256(convert_to(given.transaction_hash, 'UTF8')) for 16), 'hex')::uuid
    limit 1
  ) as reference
  where lane.ledger = :ledger
  limit 1
) as found on entry.state is null or entry.state in ('queued', 'waiting')
left join lateral (
  select number, plan, units, backdated, block, first_transfer, transfers from apportion.event
  where event.lane = found.lane and event.number = found.event
  limit 1
) as event on true
left join lateral (
  select recorded_at from apportion.block where block.lane = found.lane and block.number = event.block limit 1
) as block on true
left join lateral (
  select
    sum(transfer.units) filter (where part.share ->> 'role' = 'ai') as ai,
    sum(transfer.units) filter (where part.share ->> 'role' = 'dao') as dao,
    sum(transfer.units) filter (where part.share ->> 'role' = 'lucky') as lucky,
    sum(transfer.units) filter (where part.share ->> 'role' = 'creator') as creator
  from apportion.plan_version
  cross join lateral jsonb_array_elements(plan_version.content #> '{steps,0,parameters,shares}') with ordinality as part (share, place)
  join apportion.transfer on transfer.lane = found.lane and transfer.kind = 'share' and transfer.part = part.place - 1
    and transfer.number between event.first_transfer and event.first_transfer + event.transfers - 1
  where plan_version.ledger = :ledger and plan_version.version = event.plan
) as share on true;

-- The second makes writes possible at all, so that the first can refuse them, also when no row would be touched.
create or replace trigger apportion_read_only before insert or update or delete on :schema.profit_events_status
for each statement execute function apportion.sale_split_view_written('profit_events');

create or replace trigger apportion_written instead of insert or update or delete on :schema.profit_events_status
for each row execute function apportion.sale_split_view_written('profit_events');

-- Whoever may look at the view is told where to write; nobody can write to it.
grant insert, update, delete on :schema.profit_events_status to public;
