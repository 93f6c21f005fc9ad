-- Plans of several steps, whose rules need facts and remember: what they remember, facts with events, events without units, and parts
-- beyond 32,767.

-- Views in ledgers' own schemas read tables of ours. A migration that changes such a table drops them first; they are made anew after
-- the migrations, and whoever was granted something on them is granted it again. Views that people made themselves are none of ours:
-- PostgreSQL then names them and refuses.
create table apportion.dropped_view_grant (
  schema name not null,
  view name not null,
  grantee name not null,
  privilege text not null,
  grantable boolean not null,
  primary key (schema, view, grantee, privilege)
);

create function apportion.drop_ledger_views() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  found record;
begin
  for found in
    select class.oid, class.relowner, class.relacl, class.relname, place.nspname as schema
    from pg_class as class
    join pg_namespace as place on place.oid = class.relnamespace
    join apportion.ledger on ledger.inbox_schema = place.nspname
    where class.relkind = 'v'
      and exists (select from pg_trigger as made where made.tgrelid = class.oid and made.tgname = 'apportion_read_only')
  loop
    insert into apportion.dropped_view_grant (schema, view, grantee, privilege, grantable)
    select found.schema, found.relname, role.rolname, listed.privilege_type, bool_or(listed.is_grantable)
    from aclexplode(found.relacl) as listed
    join pg_roles as role on role.oid = listed.grantee
    where listed.grantee <> found.relowner
    group by role.rolname, listed.privilege_type
    on conflict do nothing;
    execute format('drop view %s', found.oid::regclass);
  end loop;
end
$$;
revoke execute on function apportion.drop_ledger_views() from public;

select apportion.drop_ledger_views();

alter table apportion.transfer alter column part type integer;
alter table apportion.payout alter column part type integer;

alter table apportion.event drop constraint event_units_check;
alter table apportion.event add constraint event_units_check check (units >= 0);
alter table apportion.event add column facts jsonb, add column standing jsonb;

-- What a plan's rules remember, as it stood after an event: the newest row counts, an older one is what a later event was divided on.
create table apportion.rule_state (
  lane bigint not null,
  key text collate "C" not null,
  event bigint not null,
  value jsonb not null,
  primary key (lane, key, event)
);
-- What an event changed, for whoever checks it.
create index rule_state_event on apportion.rule_state (lane, event);
