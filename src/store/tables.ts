// Every table of the engine and what it is: this list is what the catalog, the bench and Citus are held against. In the order in which
// Citus can take them: a table stands after those that its foreign keys name.

/**
 * `lane`: leads its primary key with its lane, has it in all others, and is spread by it. `reference`: the same on every machine, read far more often than written.
 * `local`: stays where the server connects to.
 */
export type TableKind = 'lane' | 'reference' | 'local'

export const TABLES: Readonly<Record<string, TableKind>> = {
  migration: 'local',
  ledger: 'reference',
  lane: 'reference',
  asset: 'reference',
  plan_version: 'reference',
  recipient: 'reference',
  // It has a trigger, which a reference table cannot have.
  destination: 'local',
  wallet: 'reference',
  wallet_key: 'local',
  signing_limit: 'reference',
  signing: 'local',
  // It has a trigger too.
  api_key: 'local',
  settings_change: 'local',
  plan_draft: 'local',
  plan_revision: 'local',
  approval: 'local',
  fact: 'local',
  idempotency: 'local',
  inbox: 'local',
  dropped_view_grant: 'local',
  snapshot: 'local',
  snapshot_block: 'local',
  snapshot_line: 'local',
  head: 'lane',
  event: 'lane',
  reference: 'lane',
  account: 'lane',
  transfer: 'lane',
  block: 'lane',
  balance: 'lane',
  rule_state: 'lane',
  checkpoint: 'lane',
  distribution: 'lane',
  distribution_chunk: 'lane',
  distribution_root: 'lane',
  deduction: 'lane',
  payout_cursor: 'lane',
  attempt: 'lane',
  payout: 'lane',
  payout_share: 'lane',
  attempt_payout: 'lane',
  settlement: 'lane',
  movement: 'lane',
}

/** Names of the tables of one kind, in the order above. */
export function tablesOf(kind: TableKind): readonly string[] {
  return Object.keys(TABLES).filter((name) => TABLES[name] === kind)
}
