-- What the server's role may do with the tables of one ledger; names stand in place of those after the colons. Run by the owner after
-- install.sql and at each start, so that it can be run any number of times.

grant usage on schema :schema to :app;
grant select, insert on :schema.profit_events to :app;
grant select, insert, update on :schema.tokens to :app;
grant select on :schema.profit_events_status to :app;
