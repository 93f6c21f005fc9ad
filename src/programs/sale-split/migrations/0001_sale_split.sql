-- What sale-split adds to a database, once: the functions behind the triggers of its ledgers' tables, and the checks by which a table
-- that exists already is adopted. Nothing here belongs to one ledger; install.sql makes that.

-- Why a text cannot be an event's reference, or null. The same rules as the other doors have: at most 256 UTF-16 units, no white
-- space at either end, no control character, nothing invisible (Unicode's category Cf). White space and what is invisible are listed,
-- because what a database's locale takes for them differs.
create function apportion.sale_split_reference_problem(reference text) returns text
language sql immutable parallel safe
return case
  when reference is null then 'is missing'
  -- Nearly all: visible ASCII.
  when octet_length(reference) <= 256 and reference ~ '^[\u0021-\u007e]+$' then null
  when reference = '' then 'is empty'
  when octet_length(reference) > 256 and char_length(reference) + regexp_count(reference, '[\U00010000-\U0010ffff]') > 256
    then format('has %s characters, the longest is 256', char_length(reference) + regexp_count(reference, '[\U00010000-\U0010ffff]'))
  when reference ~ '^[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]'
    or reference ~ '[\u0009-\u000d\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]$'
    then 'begins or ends with white space'
  when reference ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' then 'holds a control character'
  when reference ~ ('[\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f'
    '\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a'
    '\U000e0001\U000e0020-\U000e007f]')
    then 'holds an invisible character'
end;

-- The code of the refusal for an amount in SOL, or null. An amount that is not given is no problem here.
create function apportion.sale_split_amount_problem(amount numeric, smallest numeric) returns text
language sql immutable parallel safe
return case
  when amount is null then null
  when amount in ('NaN', 'Infinity', '-Infinity') then 'amount_malformed'
  when min_scale(amount) > 9 then 'amount_scale_exceeded'
  when amount < smallest then 'amount_not_positive'
  when amount > 18446744073.709551615 then 'amount_exceeded'
end;

-- The first problem of a row as 'column code', or null.
create function apportion.sale_split_row_problem(
  reference text, token uuid, sale numeric, dao numeric, creator numeric, lucky numeric, reinvestment numeric, at timestamptz
) returns text
language sql immutable parallel safe
return coalesce(
  case when apportion.sale_split_reference_problem(reference) is not null then 'transaction_hash reference_malformed' end,
  case when token is null then 'token_id field_malformed' end,
  case when sale is null then 'sale_amount field_malformed' end,
  'sale_amount ' || apportion.sale_split_amount_problem(sale, 0.000000001),
  'dao_amount ' || apportion.sale_split_amount_problem(dao, 0),
  'creator_amount ' || apportion.sale_split_amount_problem(creator, 0),
  'lucky_amount ' || apportion.sale_split_amount_problem(lucky, 0),
  'reinvestment_amount ' || apportion.sale_split_amount_problem(reinvestment, 0),
  case when at < '0001-01-01 00:00:00+00' or at >= '10000-01-01 00:00:00+00' then 'timestamp field_malformed' end,
  case when dao + creator + lucky + reinvestment <> sale then 'sale_amount event_amounts_mismatch' end
);

-- Refuses to serve a table that is not the ledger's own. The trigger functions below act as the owner, and whoever could bind one to a
-- table of their own would write another ledger's queue and destinations with it.
create function apportion.sale_split_require_own_table(relation oid, serving uuid, called name) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (
    select from apportion.ledger
    join pg_namespace as namespace on namespace.nspname = ledger.inbox_schema
    join pg_class as class on class.relnamespace = namespace.oid and class.relname = called
    where ledger.ledger = serving and class.oid = relation
  ) then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('%s is not the table %I of the ledger %s', relation::regclass, called, serving);
  end if;
end
$$;

-- Refuses rows of profit_events that could never be an event, and queues the others; the argument is the ledger. One bad row refuses
-- the whole statement. What depends on the plan or on what was recorded before is decided after the commit.
create function apportion.sale_split_profit_events_added() returns trigger
language plpgsql security definer set search_path = pg_catalog, apportion, pg_temp as $$
declare
  bad record;
begin
  perform apportion.sale_split_require_own_table(tg_relid, tg_argv[0]::uuid, 'profit_events');
  -- The engine writes the rows of its own doors, checked already, together with their events. Others may set the mark, but only for
  -- roles that may write the journal it has an effect.
  if current_setting('apportion.door', true) = 'engine' and has_table_privilege(session_user, 'apportion.reference', 'insert') then
    return null;
  end if;
  select to_jsonb(given) as content, problem into bad
  from added as given
  cross join lateral apportion.sale_split_row_problem(given.transaction_hash, given.token_id, given.sale_amount, given.dao_amount,
    given.creator_amount, given.lucky_amount, given.reinvestment_amount, given."timestamp") as problem
  where problem is not null
  limit 1;
  if found then
    perform apportion.sale_split_refuse_row(bad.content, split_part(bad.problem, ' ', 1), split_part(bad.problem, ' ', 2),
      tg_table_schema, tg_table_name);
  end if;
  -- An entry that is there already belongs to a row that its owner deleted; a worker that has that one at hand must not take this one for
  -- it. What the old system paid stays paid.
  insert into apportion.inbox (ledger, reference, state, queued_at)
  select tg_argv[0]::uuid, added.transaction_hash, 'queued', now() from added order by added.transaction_hash collate "C"
  on conflict (ledger, reference) do update
  set state = 'queued', code = null, reason = null, queued_at = excluded.queued_at, taken_until = null
  where inbox.state <> 'before_adoption';
  return null;
end
$$;

-- Raises the refusal of one row: what was wrong, with the figures, and what to do. The refusal's code stands as the constraint.
create function apportion.sale_split_refuse_row(content jsonb, field text, code text, table_schema name, table_name name) returns void
language plpgsql set search_path = pg_catalog, apportion, pg_temp as $$
declare
  given text := left(content ->> field, 60);
  problem text;
  remedy text;
begin
  case code
    when 'reference_malformed' then
      problem := format('transaction_hash %s', sale_split_reference_problem(content ->> 'transaction_hash'));
      remedy := 'Send the hash of the sale''s transaction as it stands.';
    when 'field_malformed' then
      problem := case when given is null then format('%s is missing', field) else format('%s is %s', field, given) end;
      remedy := case field
        when 'token_id' then 'Send the id of the token that was sold.'
        when 'timestamp' then 'Send the instant of the sale, or leave it out: then it is the instant of the insert.'
        else 'Send the profit of the sale in SOL, such as 1.5.'
      end;
    when 'amount_malformed' then
      problem := format('%s is %s, which is no amount', field, given);
      remedy := 'Send a plain decimal number of SOL, such as 1.5.';
    when 'amount_scale_exceeded' then
      problem := format('%s is %s with %s decimals, but SOL has 9', field, given, min_scale((content ->> field)::numeric));
      remedy := 'Round it to whole lamports (9 decimals).';
    when 'amount_not_positive' then
      problem := case field
        when 'sale_amount' then format('%s is %s: it must be more than 0', field, given)
        else format('%s is %s: it may not be below 0', field, given)
      end;
      remedy := case field
        when 'sale_amount' then 'Only a profit is shared; leave out sales without one.'
        else 'Correct the amount, or leave it out: then it is filled in.'
      end;
    when 'amount_exceeded' then
      problem := format('%s is %s: the largest amount is 18446744073.709551615', field, given);
      remedy := 'Amounts are in SOL, not in lamports.';
    when 'event_amounts_mismatch' then
      problem := format('dao_amount %s + creator_amount %s + lucky_amount %s + reinvestment_amount %s is %s, but sale_amount is %s',
        content ->> 'dao_amount', content ->> 'creator_amount', content ->> 'lucky_amount', content ->> 'reinvestment_amount',
        (content ->> 'dao_amount')::numeric + (content ->> 'creator_amount')::numeric + (content ->> 'lucky_amount')::numeric
          + (content ->> 'reinvestment_amount')::numeric,
        given);
      remedy := 'Correct the amounts, or leave them out: then they are filled in.';
  end case;
  raise exception using
    errcode = 'check_violation',
    message = format('%s (transaction_hash %s): nothing of this statement was taken', problem,
      coalesce(to_json(left(content ->> 'transaction_hash', 60))::text, 'null')),
    hint = remedy, schema = table_schema, table = table_name, column = field, constraint = code;
end
$$;

-- Makes tokens known as recipients, and their wallets as destinations from now on where they changed. A token that lost its wallet
-- gets a destination of JSON null: later shares wait for a wallet. An empty text is no wallet.
create function apportion.sale_split_name_creators(ledger uuid, tokens uuid[], addresses text[]) returns void
language plpgsql set search_path = pg_catalog, apportion, pg_temp as $$
#variable_conflict use_column
begin
  insert into apportion.recipient (ledger, recipient, created_at)
  select $1, token::text, now() from unnest($2) as token order by token
  on conflict (ledger, recipient) do nothing;

  insert into apportion.destination (ledger, recipient, effective_from, destination, created_at)
  select $1, named.recipient,
    -- A transaction that began earlier may have changed this wallet later: the last change counts.
    case when newest.effective_from > now() then newest.effective_from + interval '1 microsecond' else now() end,
    named.destination, now()
  from (
    select token::text as recipient,
      case when btrim(address) <> '' then jsonb_build_object('address', address) else 'null' end as destination
    from unnest($2, $3) as given (token, address)
  ) as named
  left join lateral (
    select effective_from, destination from apportion.destination
    where ledger = $1 and recipient = named.recipient
    order by effective_from desc
    limit 1
  ) as newest on true
  where named.destination <> coalesce(newest.destination, 'null')
  order by named.recipient collate "C"
  -- The same token twice in one transaction: nobody has seen the first change.
  on conflict (ledger, recipient, effective_from) do update set destination = excluded.destination;
end
$$;

-- After insert and update of a ledger's tokens; the argument is the ledger.
create function apportion.sale_split_tokens_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, apportion, pg_temp as $$
begin
  perform apportion.sale_split_require_own_table(tg_relid, tg_argv[0]::uuid, 'tokens');
  perform apportion.sale_split_name_creators(tg_argv[0]::uuid, array_agg(id order by id), array_agg(creator_wallet_address order by id))
  from changed having count(*) > 0;
  return null;
end
$$;

-- A view shows; the argument is the table that takes what somebody tried to write.
create function apportion.sale_split_view_written() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using
    errcode = 'object_not_in_prerequisite_state',
    message = format('%I.%I is a view and cannot be written: it shows what became of the rows of %I',
      tg_table_schema, tg_table_name, tg_argv[0]),
    hint = format('Insert into %I.%I instead.', tg_table_schema, tg_argv[0]);
end
$$;

-- Installation -------------------------------------------------------------------------------------------------------------------

-- What has this name in a schema; null: nothing. Only what is called a table can be adopted.
create function apportion.sale_split_name_taken(place name, taken name) returns text
language sql stable set search_path = pg_catalog, pg_temp
return coalesce(
  (
    select case class.relkind
      when 'r' then case class.relpersistence when 'p' then 'a table' else 'an unlogged table' end
      when 'p' then 'a partitioned table'
      when 'v' then 'a view'
      when 'm' then 'a materialized view'
      when 'f' then 'a foreign table'
      when 'S' then 'a sequence'
      when 'c' then 'a type'
      else 'an index'
    end
    from pg_class as class where class.relnamespace = to_regnamespace(quote_ident(place)) and class.relname = taken
  ),
  (select 'a type' from pg_type as type where type.typnamespace = to_regnamespace(quote_ident(place)) and type.typname = taken)
);

-- What stands in the way of adopting a table, each with its remedy: its columns, its owner, its row security. `wanted` is an array of
-- {name, type, width, filled}: a text of that many characters at least, told apart by its bytes; a column that fills itself. `app` is
-- the role that will read all of these columns and insert into the others.
create function apportion.sale_split_table_problems(adopted regclass, wanted jsonb, app regrole) returns setof text
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  with wanted_column as (
    select name, type, width, filled from jsonb_to_recordset(wanted) as wanted_column (name name, type text, width integer, filled boolean)
  ), found_column as (
    select attribute.attname as name, attribute.attnotnull as not_null, attribute.atthasdef or attribute.attidentity <> '' as filled,
      attribute.attgenerated <> '' as generated, attribute.atttypid::regtype::text as type,
      format_type(attribute.atttypid, attribute.atttypmod) as printed,
      case when attribute.atttypmod >= 4 then attribute.atttypmod - 4 end as modifier,
      coalesce(rules.collisdeterministic, true) as deterministic
    from pg_attribute as attribute
    left join pg_collation as rules on rules.oid = attribute.attcollation
    where attribute.attrelid = adopted and attribute.attnum > 0 and not attribute.attisdropped
  ), listed (place, name, problem) as (
    select 1, wanted_column.name, case
      when found_column.name is null
        then format('the column %I is missing (alter table %2$s add column %1$I %3$s)', wanted_column.name, adopted, wanted_column.type)
      when found_column.generated then format('the column %I is generated, so nothing can be written to it', found_column.name)
      when wanted_column.type = 'numeric' and (
        found_column.type in ('real', 'double precision')
        or found_column.type = 'numeric'
          and (found_column.modifier & 65535 < 9 or (found_column.modifier >> 16) - (found_column.modifier & 65535) < 11)
      )
        then format('the column %I is %s, which does not hold 11 digits and 9 decimals exactly '
          '(alter table %s alter column %1$I type numeric)', found_column.name, found_column.printed, adopted)
      when found_column.type in ('text', 'character varying') and wanted_column.type = 'text'
        and wanted_column.width is not null and (found_column.modifier < wanted_column.width or not found_column.deterministic)
        then format('the column %I is %s, which does not tell all texts of %s characters apart '
          '(alter table %s alter column %1$I type text collate "C")',
          found_column.name, found_column.printed, wanted_column.width, adopted)
      when found_column.type <> wanted_column.type and not (wanted_column.type = 'text' and found_column.type = 'character varying')
        then format('the column %I is %s, not %s', found_column.name, found_column.printed, wanted_column.type)
    end
    from wanted_column left join found_column using (name)
    union all
    select 2, found_column.name, format('the column %I may not be null and has no default, but rows of other doors do not give it '
      '(alter table %s alter column %1$I set default …, or drop not null)', found_column.name, adopted)
    from found_column
    where found_column.not_null and not found_column.filled
      and found_column.name not in (select wanted_column.name from wanted_column where filled is not true)
    union all
    select 3, null, format('it belongs to %s, and only its owner can add what it needs (alter table %s owner to %s)',
      class.relowner::regrole, adopted, current_user::regrole)
    from pg_class as class where class.oid = adopted and not pg_has_role(class.relowner, 'usage')
    union all
    select 4, null, format('row security hides its rows from the server '
      '(create policy apportion on %s to %s using (true) with check (true))', adopted, app)
    from pg_class as class
    where class.oid = adopted and class.relrowsecurity
      and not (select rolbypassrls or rolsuper from pg_roles where pg_roles.oid = app)
      and not exists (
        select from pg_policy as policy
        where policy.polrelid = adopted and policy.polpermissive and policy.polcmd = '*' and app = any (policy.polroles)
      )
    union all
    select 5, null, format('it serves the ledger %s already', coalesce(ledger.name, left(encode(found.tgargs, 'escape'), 36)))
    from pg_trigger as found
    left join apportion.ledger as ledger on ledger.ledger::text = left(encode(found.tgargs, 'escape'), 36)
    where found.tgrelid = adopted and found.tgfoid in (
      'apportion.sale_split_profit_events_added'::regproc, 'apportion.sale_split_tokens_changed'::regproc
    )
  )
  select problem from listed where problem is not null order by place, name;
end;

-- What stands in the way of a unique key on a column: rows without a value, and values that stand in several rows.
create function apportion.sale_split_key_problems(adopted regclass, key name) returns setof text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  return query execute format(
    $query$
      select format('%%s rows have no %%I', count(*), %L) from %s where %I is null having count(*) > 0
      union all
      (
        select format('the %%I %%s stands in %%s rows', %1$L, to_json(left(%3$I::text, 60)), count(*)) from %2$s
        where %3$I is not null group by %3$I having count(*) > 1 order by count(*) desc, %3$I limit 20
      )
    $query$, key, adopted, key);
end
$$;

-- Whether a unique index serves this column alone, so that `on conflict` can name it.
create function apportion.sale_split_has_key(adopted regclass, key name) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return exists (
  select from pg_index as found
  join pg_attribute as attribute on attribute.attrelid = adopted and attribute.attname = key and attribute.attnum = found.indkey[0]
  where found.indrelid = adopted and found.indnkeyatts = 1 and found.indisunique and found.indisvalid and found.indimmediate
    and found.indpred is null and found.indexprs is null
);

-- Makes a table that exists already ready to be used, or refuses it with the whole list of what is in the way. Writers are kept out
-- until the installation commits, so that no row falls between those taken as old and those queued as new. Answers what it did.
-- Refusals of an installation are plain exceptions (P0001) whose message is a whole sentence.
create function apportion.sale_split_adopt(adopted regclass, wanted jsonb, key name, app regrole) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  problems text[];
begin
  if pg_has_role((select relowner from pg_class where oid = adopted), 'usage') then
    execute format('lock table %s in share row exclusive mode', adopted);
  end if;
  problems := array(select apportion.sale_split_table_problems(adopted, wanted, app));
  if exists (select from pg_attribute where attrelid = adopted and attname = key and not attisdropped) then
    problems := problems || array(select apportion.sale_split_key_problems(adopted, key));
  end if;
  if cardinality(problems) > 0 then
    raise exception 'the table % cannot be adopted. Repair it, or give the ledger a schema of its own:%', adopted,
      (select string_agg(format(E'\n- %s', problem), '' order by place) from unnest(problems) with ordinality as listed (problem, place));
  end if;
  return next format('adopted the table %s', adopted);
  if not apportion.sale_split_has_key(adopted, key) then
    execute format('create unique index on %s (%I)', adopted, key);
    return next format('added a unique index on %s (%I)', adopted, key);
  end if;
end
$$;

-- First step of install.sql: the schema, and whether the names are free or their tables can be adopted. Answers what it did.
create function apportion.sale_split_prepare(place name, app name) returns setof text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  taken record;
begin
  if place in ('apportion', 'information_schema') or place like 'pg\_%' then
    raise exception 'the schema % belongs to the system: give the ledger another one', quote_ident(place);
  end if;
  if to_regnamespace(quote_ident(place)) is null then
    execute format('create schema %I', place);
    return next format('made the schema %I', place);
  end if;
  for taken in
    select wanted.name, wanted.columns, wanted.key, apportion.sale_split_name_taken(place, wanted.name) as kind
    from (values
      (1, name 'profit_events', name 'transaction_hash', jsonb '[
        {"name": "id", "type": "uuid", "filled": true}, {"name": "token_id", "type": "uuid"},
        {"name": "sale_amount", "type": "numeric"}, {"name": "dao_amount", "type": "numeric"},
        {"name": "creator_amount", "type": "numeric"}, {"name": "lucky_amount", "type": "numeric"},
        {"name": "reinvestment_amount", "type": "numeric"},
        {"name": "timestamp", "type": "timestamp with time zone"}, {"name": "transaction_hash", "type": "text", "width": 256}
      ]'),
      (2, 'tokens', 'id', '[{"name": "id", "type": "uuid"}, {"name": "creator_wallet_address", "type": "text"}]'),
      (3, 'profit_events_status', null, null)
    ) as wanted (step, name, key, columns)
    order by wanted.step
  loop
    continue when taken.kind is null;
    if taken.kind <> 'a table' or taken.columns is null then
      raise exception 'the name %.% is taken by %, which cannot be adopted: rename it, or give the ledger a schema of its own',
        quote_ident(place), quote_ident(taken.name), taken.kind;
    end if;
    return query select apportion.sale_split_adopt(
      format('%I.%I', place, taken.name)::regclass, taken.columns, taken.key, quote_ident(app)::regrole);
  end loop;
end
$$;

-- PostgreSQL lets everybody call a new function, and make triggers of it.
revoke execute on all functions in schema apportion from public;
