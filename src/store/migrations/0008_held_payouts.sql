-- Payouts too small for their destination: the largest first, and the one that keeps the time for the others.
drop index apportion.payout_small;
create index payout_small on apportion.payout (lane, wallet, asset, destination, units desc, payout) where state = 'held' and reason = 'below_minimum';
create index payout_keeper on apportion.payout (lane, wallet, asset, destination)
  where state = 'held' and reason = 'below_minimum' and due_at is not null;

-- As before (0003), taking the payouts in the one order in which everybody takes them, so that nobody meets in a deadlock.
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
  for named in select ledger, array_agg(distinct recipient) as recipients from added group by ledger order by ledger loop
    for spread in select lane from apportion.lane where lane.ledger = named.ledger order by lane loop
      -- No clock is read: the earliest instant is due at any time.
      with locked as materialized (
        select payout.payout from apportion.payout
        where payout.lane = spread and payout.recipient = any (named.recipients) and payout.state = 'held' and payout.destination is null
        order by payout.payout
        for no key update
      )
      update apportion.payout set due_at = to_timestamp(0) from locked where payout.lane = spread and payout.payout = locked.payout;
    end loop;
  end loop;
  return null;
end
$$;
