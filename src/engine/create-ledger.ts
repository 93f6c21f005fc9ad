// Creates a ledger: its program's plan, recipients, assets and lanes, and the tables by which people put events into it.

import { escapeIdentifier, type Pool } from 'pg'
import { GENESIS_HASH } from '../core/journal.ts'
import { parseAsset } from '../core/money.ts'
import { parsePlan } from '../core/plan.ts'
import { chosenProgram, type Program } from '../core/program.ts'
import { Refusal } from '../core/refusal.ts'
import { firstSettings, parseSettings, type Settings } from '../core/settings.ts'
import type { RailModule } from '../rails/rail.ts'
import { insertAssets, insertLanes, insertLedger, insertPlanVersion } from '../store/ledger.ts'
import { insertSettingsChange } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { insertRecipients } from '../store/wallet.ts'
import { withNames } from './inbox-grants.ts'
import type { World } from './world.ts'

export type NewLedger = {
  readonly name: string
  readonly program: string
  /** The text of its file and the file's name for people, for a program that takes one. It is kept with the ledger. */
  readonly programFile?: { readonly text: string; readonly name: string }
  readonly sandbox: boolean
  /** The network's address; null only in the sandbox, whose network this server starts itself. */
  readonly railUrl: string | null
  /** Where the inbox table and its views stand; null for a ledger without any. */
  readonly inboxSchema: string | null
  /** Network names of assets, where they are not the rail's native ones (an SPL mint). */
  readonly tokens: Readonly<Record<string, string>>
  readonly lanes: number
}

/** Each lane has a head of its own; more than this splits a ledger finer than any number of servers needs. */
const MAX_LANES = 256
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/** Postgres' own error class for what a statement's author raises: the installation explains itself in words. */
const RAISED = 'P0001'

/**
 * Creates a ledger with the owner's database role. All of it or nothing.
 * Refuses `ledger_conflict`, `program_not_found`, `rail_not_found`, `asset_not_found`, `field_malformed`, `inbox_table_mismatch`.
 */
export async function createLedger(
  world: Pick<World, 'now' | 'id' | 'random' | 'programs' | 'rails'> & { readonly owner: Pool; readonly appRole: string },
  given: NewLedger,
): Promise<void> {
  const program = chosenProgram(world.programs, { program: given.program, file: given.programFile?.text ?? null }, given.programFile?.name)
  checkLedger(given)
  const rail = world.rails[program.rail]
  if (rail === undefined) throw new Refusal('rail_not_found', `the program ${program.name} pays by ${program.rail}, which is no rail here`, { rail: program.rail })
  const names = assetNames(rail, program, given.tokens)
  const at = world.now()
  const ledger = world.id()
  const { data, hash } = parsePlan(program.firstPlan)
  await inTransaction(world.owner, async (client) => {
    const { name, sandbox, railUrl, inboxSchema } = given
    const isNew = await insertLedger(client, {
      ledger,
      name,
      program: program.name,
      program_file: given.programFile?.text ?? null,
      sandbox,
      rail: rail.name,
      rail_url: railUrl,
      inbox_schema: program.install === null ? null : inboxSchema,
      settings: {},
      created_at: at,
      copied_at: null,
    })
    if (!isNew) throw new Refusal('ledger_conflict', `there is a ledger named ${name} already`, { ledger: name })
    await insertAssets(client, ledger, names.map((asset) => ({ asset, token: given.tokens[asset] ?? null })))
    const change = firstChange(program, sandbox)
    if (change !== null) await insertSettingsChange(client, { ledger, change: world.id(), number: 1, content: change, proposedBy: null, at })
    await insertPlanVersion(client, { ledger, version: 1, effectiveFrom: null, content: data, hash, settings: change === null ? 0 : 1, at })
    await insertRecipients(client, { ledger, recipients: program.recipients, at })
    await insertLanes(client, { ledger, lanes: laneIds(world, given.lanes), hash: GENESIS_HASH, at })
    if (program.install !== null && inboxSchema !== null) {
      const names = { schema: inboxSchema, ledger, app: world.appRole }
      await client.query(`create schema if not exists ${escapeIdentifier(inboxSchema)}`)
      await install(client, withNames(program.install, names))
      if (program.views !== null) await client.query(withNames(program.views, names))
      if (program.grants !== null) await client.query(withNames(program.grants, names))
    }
  })
}

/** What the program asks for besides what every ledger does, as the first change of the settings; null for nothing. */
function firstChange({ settings }: Program, sandbox: boolean): Settings | null {
  return settings === undefined ? null : parseSettings({ ...firstSettings({ sandbox }), ...settings }, { sandbox })
}

/** The assets of a new ledger. Refuses a token without a name on the network here, where later every payout would wait for it in vain. */
function assetNames({ name, nativeAssets }: RailModule, { asset }: Program, tokens: NewLedger['tokens']): readonly string[] {
  const names = [...new Set([...nativeAssets, asset, ...Object.keys(tokens)])]
  for (const each of names) {
    parseAsset(each)
    if (nativeAssets.includes(each) !== Object.hasOwn(tokens, each)) continue
    const problem = nativeAssets.includes(each) ? `is native to ${name} and has no token` : `is not native to ${name}: name its token there`
    throw new Refusal('asset_not_found', `${each} ${problem}`, { field: 'tokens', value: each })
  }
  return names
}

function checkLedger({ name, sandbox, railUrl, lanes, inboxSchema }: NewLedger): void {
  if (!NAME.test(name)) {
    throw new Refusal('field_malformed', `a ledger's name is 1 to 63 small letters, digits and dashes, not ${JSON.stringify(name.slice(0, 80))}`, { field: 'name' })
  }
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > MAX_LANES) {
    throw new Refusal('field_malformed', `a ledger has 1 to ${MAX_LANES} lanes, not ${lanes}`, { field: 'lanes', value: lanes })
  }
  if (!sandbox && railUrl === null) {
    throw new Refusal('field_malformed', 'a ledger outside the sandbox needs the address of its network', { field: 'rail_url' })
  }
  if (inboxSchema !== null && (inboxSchema === 'apportion' || inboxSchema.startsWith('pg_'))) {
    throw new Refusal('field_malformed', `the schema ${inboxSchema} is taken: choose another one for the ledger's tables`, { field: 'schema', value: inboxSchema })
  }
}

/** Random 63-bit ids above zero: lanes of many ledgers spread evenly, and none can be guessed from another. */
export function laneIds({ random }: Pick<World, 'random'>, count: number): readonly bigint[] {
  return Array.from({ length: count }, () => {
    const value = new DataView(random(8).buffer).getBigUint64(0) & 0x7fff_ffff_ffff_ffffn
    return value === 0n ? 1n : value
  })
}

/** Runs a program's installation. What it raises in words becomes a refusal. */
async function install(client: { query: (text: string) => Promise<unknown> }, text: string): Promise<void> {
  try {
    await client.query(text)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === RAISED) throw new Refusal('inbox_table_mismatch', error.message)
    throw error
  }
}
