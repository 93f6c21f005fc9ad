-- Foreign keys to an attempt look it up by lane and id. While the table had grown since it was last analysed, the planner took the other key
-- that began with the lane for that, and read all attempts of the lane each time. An identity is looked for by its wallet.
drop index apportion.attempt_identity;
do $$
declare
  found name;
begin
  select conname into strict found from pg_constraint where conrelid = 'apportion.attempt'::regclass and contype = 'u';
  execute format('alter table apportion.attempt drop constraint %I', found);
end
$$;
alter table apportion.attempt add constraint attempt_identity unique (wallet, identity, lane);
