// Four-way split events in three patterns, in a ledger of the bench's own without an inbox table.

import type { Pool } from 'pg'
import { z } from 'zod'
import type { Effects } from '../src/core/effects.ts'
import type { EventInput } from '../src/core/event.ts'
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

const benchProgram = (rail: string, asset: string): Program => ({
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
  event: z.custom<EventInput>(() => false),
  inbox: null,
  install: null,
  grants: null,
  sample: { body: {}, parties: [] },
  versionInstant: ({ eventAt }) => eventAt,
})

/** An event of a pattern: hot has four accounts always, spread draws on 10,000 payees from 64 sources, one source on 10,000. */
export function benchEvent(pattern: Pattern, asset: string, index: number): EventInput {
  const parties = Object.fromEntries(
    ROLES.map((role, place) => [role, pattern === 'hot' ? role : `payee-${(index * 7919 + place * 104_729) % PAYEES}`]),
  )
  const source = pattern === 'spread' ? index % SOURCES : 0
  const reference = `${pattern}-${source}-${index.toString(36)}-5f0c81d2a7be4c3f9a60d4b17e`
  return { reference, asset, units: 1_000_000_007n + BigInt(index % 1000), parties, eventAt: null, claimed: null, details: null }
}

/** A new ledger of the bench's program. */
export async function benchLedger(
  effects: Effects,
  { owner, store, app, rail, name, url }: { owner: Pool; store: Store; app: string; rail: RailModule; name: string; url?: string },
): Promise<Ledger> {
  const program = benchProgram(rail.name, rail.nativeAssets[0] ?? 'SOL/9')
  const programs = new Map([[program.name, program]])
  await createLedger(
    { ...effects, owner, appRole: app, programs, rails: { [rail.name]: rail } },
    { name, program: 'bench', sandbox: true, railUrl: url ?? null, inboxSchema: null, tokens: {}, lanes: 1 },
  )
  return await createLedgers({ store, programs }).open(name)
}
