-- A ledger that holds the journal of another one: it is read and proven, never recorded in, and nobody is paid from it.
alter table apportion.ledger add column copied_at timestamptz;
