// Four-way split events in three patterns, in a ledger of the bench's own without an inbox table.

import type { Pool } from 'pg'
import { z } from 'zod'
import { present } from '../src/core/assert.ts'
import type { Effects } from '../src/core/effects.ts'
import type { EventInput } from '../src/core/event.ts'
import { parseAmount } from '../src/core/money.ts'
import type { Program } from '../src/core/program.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import { createLedgers, type Ledger } from '../src/engine/ledger.ts'
import type { Store } from '../src/store/store.ts'
import type { RailModule } from '../src/rails/rail.ts'

export const PATTERNS = ['hot', 'spread', 'one source'] as const
export type Pattern = (typeof PATTERNS)[number]

const ROLES = ['first', 'second', 'third', 'fourth'] as const
const WEIGHTS = ['80', '15', '3', '2'] as const
export const PAYEES = 10_000
const SOURCES = 64

/** The event in the words of the API. */
type Body = { readonly reference: string; readonly units: string } & Readonly<Record<(typeof ROLES)[number], string>>

const bodySchema = z.strictObject({ reference: z.string(), units: z.string(), first: z.string(), second: z.string(), third: z.string(), fourth: z.string() })

const eventOf = (asset: string, { reference, units, ...parties }: Body): EventInput => {
  return { reference, asset, units: parseAmount(units, { field: 'units', scale: 0 }), parties, facts: {}, eventAt: null, claimed: null, details: null }
}

export const benchProgram = (rail: RailModule): Program => programOf(rail.name, assetOf(rail))

function assetOf(rail: RailModule): string {
  return present(rail.nativeAssets[0], 'native asset')
}

const programOf = (rail: string, asset: string): Program => ({
  name: 'bench',
  summary: 'four shares to parties that the event names',
  asset,
  rail,
  recipients: [],
  firstPlan: {
    steps: [
      {
        name: 'split',
        from: 'received',
        rule: 'fixed-shares',
        parameters: { shares: ROLES.map((role, index) => ({ role, to: { party: role }, weight: WEIGHTS[index] ?? '1' })) },
        rounding: 'largest-remainder',
      },
    ],
  },
  amountFields: {},
  event: bodySchema.transform((body) => eventOf(asset, body)),
  inbox: null,
  install: null,
  views: null,
  grants: null,
  sample: { body: benchBody('hot', 0), parties: [] },
  versionInstant: ({ eventAt }) => eventAt,
})

/** The body of an event of a pattern: hot has four accounts always, spread draws on 10,000 payees from 64 sources, one source on 10,000. */
export function benchBody(pattern: Pattern, index: number): Body {
  const party = (place: number): string => (pattern === 'hot' ? (ROLES[place] ?? '') : `payee-${(index * 7919 + place * 104_729) % PAYEES}`)
  const source = pattern === 'spread' ? index % SOURCES : 0
  const reference = `${pattern.replace(' ', '-')}-${source}-${index.toString(36)}-5f0c81d2a7be4c3f9a60d4b17e`
  return { reference, units: String(1_000_000_007 + (index % 1000)), first: party(0), second: party(1), third: party(2), fourth: party(3) }
}

/** The event of such a body, as a door hands it to the engine. */
export function benchEvent(pattern: Pattern, asset: string, index: number): EventInput {
  return eventOf(asset, benchBody(pattern, index))
}

type Place = { readonly owner: Pool; readonly store: Store; readonly app: string; readonly rail: RailModule }
type NewLedger = { readonly name: string; readonly url?: string; readonly lanes?: number }

/** A new ledger of the bench's program, on the sandbox at `url`, with one lane unless more are asked for. */
export async function benchLedger(effects: Effects, { owner, store, app, rail, name, url, lanes = 1 }: Place & NewLedger): Promise<Ledger> {
  const program = benchProgram(rail)
  const programs = new Map([[program.name, program]])
  await createLedger(
    { ...effects, owner, appRole: app, programs, rails: { [rail.name]: rail } },
    { name, program: program.name, sandbox: true, railUrl: url ?? null, inboxSchema: null, tokens: {}, lanes },
  )
  return await createLedgers({ store, programs }).open(name)
}
