-- A settlement is of a payout that its attempt held: one foreign key to the member, which is one of the payout and of the attempt, in place
-- of two that said nothing of each other.
do $$
declare
  found name;
begin
  for found in select conname from pg_constraint where conrelid = 'apportion.settlement'::regclass and contype = 'f' loop
    execute format('alter table apportion.settlement drop constraint %I', found);
  end loop;
end
$$;
alter table apportion.settlement add foreign key (lane, attempt, payout) references apportion.attempt_payout;
