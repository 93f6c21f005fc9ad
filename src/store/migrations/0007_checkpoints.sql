-- Up to where a lane was found sound: the hash of that block, and a digest over what stood in its accounts and what its rules remembered then.
create table apportion.checkpoint (
  lane bigint not null,
  block bigint not null,
  hash bytea not null,
  standing bytea not null,
  verified_at timestamptz not null,
  primary key (lane, block)
);
