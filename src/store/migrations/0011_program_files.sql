-- The file that a ledger's terms come from, kept as it was given. Null for programs that take none.

alter table apportion.ledger add column program_file text;
