-- What the server's role (:app) and the signer's role (:signer) may do in this database (:database). Applied at each start, after the
-- migrations; nobody else gets anything.
-- The server can add to the journal and never change it; it cannot read a key, a limit's table cannot be raised by it.

revoke all on schema apportion from public;
grant usage on schema apportion to :app, :signer;
revoke all on all tables in schema apportion from :app, :signer;
-- Also those of later migrations: the right to call a new function is everybody's until it is taken away.
revoke execute on all functions in schema apportion from public, :app, :signer;
-- A temporary table is one's own to hang triggers on. Where the database is somebody else's this is a warning and changes nothing.
revoke temporary on database :database from public, :app, :signer;

grant select, insert on
  apportion.event, apportion.reference, apportion.account, apportion.transfer, apportion.block, apportion.balance, apportion.checkpoint, apportion.rule_state, apportion.deduction,
  apportion.settlement, apportion.movement, apportion.attempt_payout, apportion.payout_share,
  apportion.plan_version, apportion.recipient, apportion.destination, apportion.plan_revision, apportion.approval
to :app;
grant select, insert on apportion.plan_draft, apportion.settings_change, apportion.fact to :app;
grant update (state, version, closed_by, closed_at, reason) on apportion.plan_draft to :app;
grant update (closed_at, closed_by, reason) on apportion.settings_change to :app;
grant update (dropped_at) on apportion.fact to :app;
-- Without `public_key`: a key that may approve is made by the owner alone.
grant select on apportion.api_key to :app;
grant insert (key, ledger, name, secret_hash, rights, created_at) on apportion.api_key to :app;
-- Ledgers are made by the owner.
grant select on apportion.ledger, apportion.lane, apportion.asset to :app;
grant select, insert on apportion.payout, apportion.attempt, apportion.wallet to :app;
grant update (wallet, destination, units, state, reason, detail, due_at, tries, live_attempt, batch, changed_at) on apportion.payout to :app;
grant update (state, submits, looks, reason, proof, look_at, submit_at, ended_at) on apportion.attempt to :app;
grant update (movement_cursor) on apportion.wallet to :app;
grant select on apportion.head, apportion.payout_cursor to :app;
grant update (event, transfer, block, account, plan, hash, recorded_at) on apportion.head to :app;
grant update (transfer) on apportion.payout_cursor to :app;
grant select, insert, update, delete on apportion.inbox, apportion.idempotency to :app;
grant update (revoked_at) on apportion.api_key to :app;
grant select on apportion.migration to :app;
grant select, insert on apportion.snapshot, apportion.snapshot_block, apportion.distribution, apportion.distribution_chunk, apportion.distribution_root to :app;
grant select, insert, delete on apportion.snapshot_line to :app;
grant update (state, next_place, given, shares, first_transfer, last_transfer, threshold, ties, root, completed_at, payout_transfer) on apportion.distribution to :app;

grant select on
  apportion.ledger, apportion.asset, apportion.wallet, apportion.lane, apportion.payout, apportion.payout_share, apportion.transfer, apportion.deduction,
  apportion.account, apportion.destination, apportion.signing_limit, apportion.settlement, apportion.settings_change, apportion.approval, apportion.distribution
to :signer;
grant select (key, ledger, rights, public_key, revoked_at) on apportion.api_key to :signer;
grant select, insert on apportion.wallet_key, apportion.signing to :signer;
