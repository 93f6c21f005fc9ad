-- Session locks and session numbers for sessions that share one backend, which PostgreSQL itself takes for one: found before those of
-- pg_catalog, so that statements stay as they are. Locks of a transaction need nothing: only one is open at a time.

create schema simulated;
grant usage on schema simulated to public;

create unlogged table simulated.held (session integer not null, class integer not null, object integer not null, shared boolean not null);

create function simulated.pg_backend_pid() returns integer language sql stable
  as $$ select pg_catalog.current_setting('simulated.session')::integer $$;

create function simulated.try(wanted_class integer, wanted_object integer, wanted_shared boolean) returns boolean language plpgsql security definer
  as $$
  begin
    if exists (
      select from simulated.held
      where class = wanted_class and object = wanted_object and session <> simulated.pg_backend_pid() and not (shared and wanted_shared)
    ) then
      return false;
    end if;
    insert into simulated.held (session, class, object, shared) values (simulated.pg_backend_pid(), wanted_class, wanted_object, wanted_shared);
    return true;
  end $$;

create function simulated.leave(left_class integer, left_object integer, left_shared boolean) returns boolean language plpgsql security definer
  as $$
  begin
    delete from simulated.held where ctid = (
      select min(ctid) from simulated.held
      where session = simulated.pg_backend_pid() and class = left_class and object = left_object and shared = left_shared
    );
    return found;
  end $$;

create function simulated.pg_try_advisory_lock(integer, integer) returns boolean language sql as $$ select simulated.try($1, $2, false) $$;
create function simulated.pg_try_advisory_lock_shared(integer, integer) returns boolean language sql as $$ select simulated.try($1, $2, true) $$;
create function simulated.pg_advisory_unlock(integer, integer) returns boolean language sql as $$ select simulated.leave($1, $2, false) $$;
create function simulated.pg_advisory_unlock_shared(integer, integer) returns boolean language sql as $$ select simulated.leave($1, $2, true) $$;

create function simulated.pg_advisory_unlock_all() returns void language sql security definer
  as $$ delete from simulated.held where session = simulated.pg_backend_pid() $$;

create view simulated.pg_locks as
  select distinct 'advisory' as locktype, class::oid as classid, object::oid as objid, 2::smallint as objsubid, true as granted, session as pid,
    (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()) as database
  from simulated.held;
grant select on simulated.pg_locks to public;
