-- A new destination makes the payouts that waited for it due, lane by lane: where lanes are spread over machines, a statement may touch
-- one of them and takes its lane as a parameter. Several lanes are rare, and there are 256 at most.

create or replace function apportion.destination_added() returns trigger
language plpgsql security definer set search_path = pg_catalog, apportion, pg_temp as $$
declare
  named record;
  spread bigint;
begin
  -- It acts as the owner: for rows of another table it would do so for whoever made that table.
  if tg_relid <> 'apportion.destination'::regclass then
    raise exception using errcode = 'insufficient_privilege', message = 'this trigger serves apportion.destination alone';
  end if;
  for named in select ledger, array_agg(distinct recipient) as recipients from added group by ledger loop
    for spread in select lane from apportion.lane where lane.ledger = named.ledger order by position loop
      -- No clock is read: the earliest instant is due at any time.
      update apportion.payout set due_at = to_timestamp(0)
      where payout.lane = spread and payout.recipient = any (named.recipients) and payout.state = 'held' and payout.destination is null;
    end loop;
  end loop;
  return null;
end
$$;
