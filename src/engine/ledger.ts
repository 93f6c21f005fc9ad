// A ledger opened for work: its program, lanes, assets and plan versions. Opened once and shared; only the plan versions grow.

import { assert, present } from '../core/assert.ts'
import { parseAsset, type Asset } from '../core/money.ts'
import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { chosenProgram, type Program } from '../core/program.ts'
import { lanePosition } from '../core/reference.ts'
import { Refusal } from '../core/refusal.ts'
import type { RailAsset } from '../rails/rail.ts'
import { hasAdopted } from '../store/inbox.ts'
import { assetsOf, findLedger, lanesOf, listLedgers, planVersionsOf, type LedgerRow } from '../store/ledger.ts'
import type { Queryable } from '../store/statement.ts'
import type { Desk } from './world.ts'

export type Ledger = {
  readonly id: string
  readonly name: string
  readonly program: Program
  readonly row: LedgerRow
  readonly asset: Asset
  readonly assets: ReadonlyMap<string, RailAsset>
  readonly lanes: readonly bigint[]
  /** Whether its inbox table held rows when it was adopted: their references must be looked up before any event is posted. */
  readonly adopted: boolean
  /** Versions known so far, in order; `refreshPlans` reads new ones. */
  plans: readonly PlanVersion[]
}

/** Ledgers opened by one process, by name. */
export type Ledgers = {
  /** Refuses `ledger_not_found`, `program_not_found`. */
  readonly open: (name: string) => Promise<Ledger>
  /** The names of those there are now, oldest first. Each may be opened, or refuse to be, by itself. */
  readonly names: () => Promise<readonly string[]>
  readonly all: () => Promise<readonly Ledger[]>
  /** Forgets what was opened under a name: an import has given the ledger other lanes. Whoever opens it next reads it anew. */
  readonly forget: (name: string) => void
}

export function createLedgers(desk: Pick<Desk, 'store' | 'programs'>): Ledgers {
  const opened = new Map<string, Promise<Ledger>>()
  const remember = (name: string, load: () => Promise<Ledger>): Promise<Ledger> =>
    opened.getOrInsertComputed(name, async () => {
      try {
        return await load()
      } catch (error) {
        opened.delete(name)
        throw error
      }
    })
  return {
    open: async (name) => await remember(name, async () => await loadLedger(desk, await requireLedger(desk, name))),
    names: async () => {
      const found = await listLedgers(desk.store.pool)
      // Others may have made copies of them meanwhile.
      for (const { name, copied_at: copiedAt } of found) {
        const known = await opened.get(name)?.catch(() => null)
        if (known !== null && known !== undefined && known.row.copied_at === null && copiedAt !== null) opened.delete(name)
      }
      return found.map(({ name }) => name)
    },
    forget: (name) => void opened.delete(name),
    all: async () => {
      const found = await listLedgers(desk.store.pool)
      return await Promise.all(found.map(async (row) => await remember(row.name, async () => await loadLedger(desk, row))))
    },
  }
}

/** The lane that a source reference belongs to. */
export function laneOf(ledger: Ledger, reference: string): bigint {
  return present(ledger.lanes[lanePosition(reference, ledger.lanes.length)], 'lane')
}

/** Refuses `ledger_copy_forbidden` for a copy, which is read and proven alone. */
export function requireOriginal({ name, row }: Ledger): void {
  if (row.copied_at === null) return
  throw new Refusal('ledger_copy_forbidden', `the ledger ${name} is a copy of another one's journal: record in the ledger from which it was exported`, { ledger: name })
}

/** Reads the plan versions anew. Whoever is within a transaction reads on its connection: to wait for a second one could be for ever. */
export async function refreshPlans({ store }: Pick<Desk, 'store'>, ledger: Ledger, on: Queryable = store.pool): Promise<void> {
  const read = await loadPlans(on, ledger.id)
  // Versions are only added: what was read at an older instant, or answered later, must not take any away.
  if (read.length > ledger.plans.length) ledger.plans = read
}

/** The same where one after the version `known` was met: without it there, whoever tries again would try for ever. */
export async function refreshNewPlans(desk: Pick<Desk, 'store'>, ledger: Ledger, known: number): Promise<void> {
  await refreshPlans(desk, ledger)
  const { version } = newestPlan(ledger)
  assert(version > known, `the ledger ${ledger.name} uses a plan version after ${known}, and there is none`)
}

export function newestPlan({ plans }: Ledger): PlanVersion {
  return present(plans.at(-1), 'plan version')
}

export function planVersion({ plans }: Ledger, version: number): PlanVersion {
  return present(plans.find((plan) => plan.version === version), `plan version ${version}`)
}

async function requireLedger({ store }: Pick<Desk, 'store'>, name: string): Promise<LedgerRow> {
  const row = await findLedger(store.pool, name)
  if (row !== null) return row
  throw new Refusal('ledger_not_found', `there is no ledger named ${name}: \`npx apportion ledger list\` shows those there are`, { ledger: name })
}

async function loadLedger({ store, programs }: Pick<Desk, 'store' | 'programs'>, row: LedgerRow): Promise<Ledger> {
  const program = chosenProgram(programs, { program: row.program, file: row.program_file }, `the file of the ledger ${row.name}`)
  const [lanes, assets, plans, adopted] = await Promise.all([
    lanesOf(store.pool, row.ledger),
    assetsOf(store.pool, row.ledger),
    loadPlans(store.pool, row.ledger),
    row.inbox_schema === null ? false : hasAdopted(store.pool, row.ledger),
  ])
  return {
    id: row.ledger,
    name: row.name,
    program,
    row,
    asset: parseAsset(program.asset),
    assets: new Map(assets.map((asset) => [asset.asset, asset])),
    lanes,
    adopted,
    plans,
  }
}

async function loadPlans(on: Queryable, ledger: string): Promise<readonly PlanVersion[]> {
  const versions = await planVersionsOf(on, ledger)
  return versions.map(({ version, effective_from: effectiveFrom, content }) => ({ version, effectiveFrom, ...parsePlan(content) }))
}
