-- What the server's role (:app) and the signer's role (:signer) may do. Applied at each start; nobody else gets anything.
-- The server can add to the journal and never change it; it cannot read a key, a limit's table cannot be raised by it.

revoke all on schema apportion from public;
grant usage on schema apportion to :app, :signer;
revoke all on all tables in schema apportion from :app, :signer;

grant select, insert on
  apportion.event, apportion.reference, apportion.account, apportion.transfer, apportion.block, apportion.balance,
  apportion.settlement, apportion.movement, apportion.attempt_payout, apportion.payout_share,
  apportion.ledger, apportion.lane, apportion.asset, apportion.plan_version, apportion.recipient, apportion.destination,
  apportion.api_key
to :app;
grant select, insert on apportion.payout, apportion.attempt, apportion.wallet to :app;
grant update (destination, state, reason, detail, due_at, tries, live_attempt, batch, changed_at) on apportion.payout to :app;
grant update (state, submits, reason, proof, look_at, submit_at, ended_at) on apportion.attempt to :app;
grant update (movement_cursor) on apportion.wallet to :app;
grant select, update on apportion.head, apportion.payout_cursor to :app;
grant select, insert, update, delete on apportion.inbox, apportion.idempotency to :app;
grant update (revoked_at) on apportion.api_key to :app;
grant select on apportion.migration to :app;

grant select on
  apportion.ledger, apportion.asset, apportion.wallet, apportion.lane, apportion.payout, apportion.payout_share, apportion.transfer,
  apportion.account, apportion.destination, apportion.signing_limit, apportion.settlement
to :signer;
grant select, insert on apportion.wallet_key, apportion.signing to :signer;
