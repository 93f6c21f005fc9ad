-- Balances by eras of their lane's transfers: within an era they stand by account, so that rows are added where others were added lately,
-- however long the history (docs/decisions/0017-eras-of-balances.md).
alter table apportion.balance add column era integer not null generated always as ((transfer >> 22)::integer) stored;
alter table apportion.balance drop constraint balance_pkey;
alter table apportion.balance add primary key (lane, era, account, transfer);
