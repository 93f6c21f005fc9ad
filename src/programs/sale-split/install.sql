-- Gives one ledger its tables and triggers. Run once by the owner, in the transaction that makes the ledger, with its
-- schema, id and server role in place of the names after the colons. Every answered column `said` tells what was done.

select apportion.sale_split_prepare(
  (select jsonb_object_keys(to_jsonb(named)) from (select null as :schema) as named)::name,
  (select jsonb_object_keys(to_jsonb(named)) from (select null as :app) as named)::name
) as said;

-- The trigger counts characters; a hash too long for its index must be refused before it gets that far.
create table if not exists :schema.profit_events (
  id uuid primary key default gen_random_uuid(),
  token_id uuid not null,
  sale_amount numeric not null,
  dao_amount numeric,
  creator_amount numeric,
  lucky_amount numeric,
  reinvestment_amount numeric,
  "timestamp" timestamptz default now(),
  transaction_hash text not null unique
    constraint transaction_hash_has_at_most_256_characters check (octet_length(transaction_hash) <= 1024)
);

create table if not exists :schema.tokens (
  id uuid primary key,
  creator_wallet_address text
);

-- What stands in an adopted table was paid by the system before: it never becomes an event.
with present as (
  insert into apportion.inbox (ledger, reference, state, queued_at)
  select :ledger, transaction_hash, 'before_adoption', now() from :schema.profit_events
  returning reference
)
select format('marked %s rows of profit_events as before_adoption, with a sum of %s SOL: they never become events',
  count(*), sum(sale_amount)) as said
from present join :schema.profit_events on transaction_hash = reference collate "C"
having count(*) > 0;

select apportion.sale_split_name_creators(:ledger, array_agg(id order by id), array_agg(creator_wallet_address order by id))
from :schema.tokens having count(*) > 0;

create trigger apportion_added after insert on :schema.profit_events
referencing new table as added for each statement execute function apportion.sale_split_profit_events_added(:ledger);

create trigger apportion_added after insert on :schema.tokens
referencing new table as changed for each statement execute function apportion.sale_split_tokens_changed(:ledger);

create trigger apportion_changed after update on :schema.tokens
referencing new table as changed for each statement execute function apportion.sale_split_tokens_changed(:ledger);
