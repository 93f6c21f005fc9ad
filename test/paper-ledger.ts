// A ledger of a program and a rail made for tests of the engine: three shares on a network of paper, which does as it is told. Ledger,
// database and verbs are the real ones.

import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { instantText } from '../src/core/canonical.ts'
import type { Share } from '../src/core/distribution.ts'
import type { JsonObject } from '../src/core/effects.ts'
import type { EventInput } from '../src/core/event.ts'
import type { InboxRow, Program } from '../src/core/program.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import { createLedgers, type Ledger } from '../src/engine/ledger.ts'
import { lookAttempts } from '../src/engine/look-attempts.ts'
import { makePayouts, recheckHeld } from '../src/engine/make-payouts.ts'
import { prepareAttempts } from './prepare-attempts.ts'
import { createRecorder, type RecordResult } from '../src/engine/recorder.ts'
import { submitAttempts } from '../src/engine/submit-attempts.ts'
import { watchWallets } from '../src/engine/watch-wallets.ts'
import type { World } from '../src/engine/world.ts'
import type { Look, Movement, Rail, RailModule, RailPayout, StoredAttempt } from '../src/rails/rail.ts'
import { openStore } from '../src/store/store.ts'
import { insertDestinations, insertRecipients, insertWallet } from '../src/store/wallet.ts'
import { testDatabase, type TestDatabase } from './database.ts'
import { machine } from './effects.ts'
import { ROLES } from './template.ts'

export const ASSET = 'PAP/2'

const share = (role: string, weight: string, to: { recipient: string } | { party: string }) => ({ role, to, weight })

/** 70 : 20 : 10, and a share of weight zero. */
export const FIRST_PLAN: Program['firstPlan'] = {
  steps: [
    {
      name: 'split',
      from: 'received',
      rule: 'fixed-shares',
      parameters: {
        shares: [
          share('house', '70', { recipient: 'house' }),
          share('fund', '20', { recipient: 'fund' }),
          share('guest', '10', { party: 'guest' }),
          share('nobody', '0', { recipient: 'nobody' }),
        ],
      },
      rounding: 'largest-remainder',
    },
  ],
}

const eventSchema: z.ZodType<EventInput> = z
  .strictObject({ reference: z.string(), cents: z.string(), guest: z.string() })
  .transform(({ reference, cents, guest }) => paperEvent(reference, BigInt(cents), { guest }))

export function paperEvent(reference: string, units: bigint, { guest = 'guest-1', ...given }: { guest?: string } & Partial<EventInput> = {}): EventInput {
  return { reference, asset: ASSET, units, parties: { guest }, facts: {}, eventAt: null, claimed: null, details: null, ...given }
}

const paper: Program = {
  name: 'paper',
  summary: 'a program for tests of the engine',
  asset: ASSET,
  amountFields: {},
  rail: 'paper',
  recipients: [
    { recipient: 'house', label: 'the house' },
    { recipient: 'fund', label: 'the fund' },
  ],
  firstPlan: FIRST_PLAN,
  event: eventSchema,
  inbox: {
    table: 'paper_sales',
    reference: 'receipt',
    columns: [
      { name: 'receipt', type: 'text' },
      { name: 'cents', type: 'numeric' },
      { name: 'guest', type: 'text' },
      { name: 'house', type: 'numeric' },
      { name: 'sold_at', type: 'timestamptz' },
    ],
    toEvent: (row) => paperEvent(row['receipt'] ?? '', BigInt(row['cents'] ?? '0'), { guest: row['guest'] ?? '' }),
    toRow: (event, shares) => ({
      receipt: event.reference,
      cents: event.units.toString(),
      guest: event.parties['guest'] ?? null,
      house: shares.find(({ role }) => role === 'house')?.units.toString() ?? '0',
      sold_at: instantText(event.eventAt),
    }),
    compare: compareRow,
  },
  install: `create schema if not exists :schema;
    create table :schema.paper_sales (receipt text primary key, cents numeric not null, guest text, house numeric, sold_at timestamptz);`,
  views: null,
  grants: 'grant usage on schema :schema to :app; grant select, insert on :schema.paper_sales to :app;',
  sample: { body: { reference: 'sample', cents: '100', guest: 'guest-1' }, parties: [] },
  versionInstant: ({ eventAt }) => eventAt,
}

function compareRow(row: InboxRow, event: EventInput, shares: readonly Share[]): string | null {
  if (row['cents'] !== event.units.toString()) return `cents is ${String(row['cents'])}, but the event has ${event.units}`
  const house = shares.find(({ role }) => role === 'house')?.units ?? 0n
  return row['house'] === null || row['house'] === house.toString() ? null : `house is ${String(row['house'])}, but its share is ${house}`
}

/** What the network of paper says of the attempts that are looked at next, and what came into the wallet. */
export type PaperNetwork = { look: (identity: string) => Look; readonly movements: Movement[] }

const FEE = { kind: 'fee', asset: ASSET, units: 5n } as const

export function settled(identity: string): Look {
  return { state: 'settled', proof: { page: `page of ${identity}`, line: 7 }, costs: [FEE] }
}

/** What the network of paper is sent: nobody signs it. */
function slip(identity: string, payouts: readonly RailPayout[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify([identity, ...payouts.map(({ units, destination }) => [units.toString(), destination])]))
}

/** The attempts that are held against themselves: paper, ended with the proof that belongs to them. */
async function checkPaper({ identity, bytes, state, proof, payouts }: StoredAttempt): Promise<string | null> {
  const text = new TextDecoder().decode(bytes)
  if (!text.startsWith(JSON.stringify([identity]).slice(0, -1))) return await Promise.resolve(`a slip of another attempt: ${text}`)
  const ended = state === 'failed' || state === 'never'
  if (!ended && text !== new TextDecoder().decode(slip(identity, payouts))) return `a slip of other payouts: ${text}`
  const due: Readonly<Record<string, JsonObject>> = { settled: { page: `page of ${identity}`, line: 7 }, failed: { torn: identity }, never: { gone: identity } }
  return isDeepStrictEqual(proof, due[state] ?? null) ? null : `another proof: ${JSON.stringify(proof)}`
}

function railModule(network: PaperNetwork): RailModule {
  const rail: Rail = {
    name: 'paper',
    batchSize: () => 2,
    prepare: async ({ attempt, payouts }) => {
      const identity = `paper-${attempt}`
      const prepared = { identity, bytes: slip(identity, payouts), payouts: payouts.map(({ id }) => id), data: {} }
      return await Promise.resolve({ state: 'prepared', attempt: prepared, costs: [], unpayable: [] })
    },
    submit: async () => await Promise.resolve({ state: 'accepted' }),
    look: async (attempts) => await Promise.resolve(attempts.map(({ attempt }) => network.look(attempt.identity))),
    balance: async () => await Promise.resolve(0n),
    incoming: async ({ cursor }) => {
      const seen = Number(cursor ?? '0')
      return await Promise.resolve({ movements: network.movements.slice(seen), cursor: network.movements.length.toString(), more: false })
    },
    identify: async () => await Promise.resolve({ network: 'paper', detail: null }),
  }
  const custodial = { address: 'desk', secret: new Uint8Array(1) }
  return {
    name: 'paper',
    nativeAssets: [ASSET],
    destination: z.strictObject({ drawer: z.string() }) satisfies z.ZodType<JsonObject>,
    describe: ({ drawer }) => `drawer ${typeof drawer === 'string' ? drawer : 'unknown'}`,
    maxUnits: 10n ** 18n,
    custody: {
      create: async () => await Promise.resolve(custodial),
      read: async () => await Promise.resolve(custodial),
      sign: async () => await Promise.resolve({ identity: 'none', bytes: new Uint8Array(1) }),
    },
    connect: () => rail,
    sandbox: { start: unused, fund: unused },
    checkProof: checkPaper,
    checkMovement: async ({ identity, proof }) => await Promise.resolve(proof['receipt'] === identity ? null : `a proof of ${JSON.stringify(proof['receipt'])}`),
  }
}

async function unused(): Promise<never> {
  return await Promise.reject(new Error('the rail of paper has no such thing'))
}

export type PaperLedger = {
  readonly world: World
  readonly ledger: Ledger
  readonly lane: bigint
  readonly wallet: string
  readonly network: PaperNetwork
  readonly record: (events: readonly EventInput[]) => Promise<readonly RecordResult[]>
  /** Where recipients are paid: a drawer of their own name. */
  readonly nameDrawers: (recipients: readonly string[]) => Promise<void>
  readonly makePayouts: () => Promise<void>
  /** Reserves and sends what is due in all lanes. */
  readonly send: () => Promise<number>
  readonly look: () => Promise<number>
  readonly watch: () => Promise<number>
}

export type PaperDatabase = {
  readonly database: TestDatabase
  readonly open: (name: string, options?: { readonly lanes?: number; readonly inbox?: boolean; readonly sandbox?: boolean }) => Promise<PaperLedger>
  readonly drop: () => Promise<void>
}

export async function paperDatabase(): Promise<PaperDatabase> {
  const database = await testDatabase()
  const store = openStore(database.appUrl, 'test')
  const drop = async (): Promise<void> => {
    await store.close()
    await database.drop()
  }
  return { database, open: async (name, options = {}) => await openPaper({ database, store }, name, options), drop }
}

async function openPaper(
  { database, store }: { database: TestDatabase; store: World['store'] },
  name: string,
  { lanes = 1, inbox = false, sandbox = true }: { lanes?: number; inbox?: boolean; sandbox?: boolean },
): Promise<PaperLedger> {
  const network: PaperNetwork = { look: settled, movements: [] }
  const module = railModule(network)
  const rail = module.connect(machine, { url: '' })
  const signer: World['signer'] = { create: unused, import: unused, sign: unused, stop: unused, onExit: () => {} }
  const world: World = { ...machine, store, programs: new Map([['paper', paper]]), rails: { paper: module }, connect: () => rail, signer }
  const given = { name, program: 'paper', sandbox, railUrl: sandbox ? null : 'paper://desk', tokens: {}, lanes }
  await createLedger({ ...world, owner: database.pool, appRole: ROLES.app }, { ...given, inboxSchema: inbox ? name : null })
  const ledger = await createLedgers(world).open(name)
  const [lane] = ledger.lanes
  const wallet = world.id()
  await insertWallet(store.pool, { wallet, ledger: ledger.id, label: 'main', rail: 'paper', address: `desk of ${name}`, at: world.now() })
  const recorder = createRecorder(world)
  const pace = { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 60_000 }
  const eachLane = async (work: (lane: bigint) => Promise<number>): Promise<number> => {
    let done = 0
    for (const each of ledger.lanes) done += await work(each)
    return done
  }
  return {
    ...{ world, ledger, lane: lane ?? 0n, wallet, network },
    record: async (events) => await recorder.record(ledger, events.map((input) => ({ input, door: 'test', mayBackdate: true }))),
    nameDrawers: async (recipients) => {
      const at = world.now()
      await insertRecipients(store.pool, { ledger: ledger.id, recipients: recipients.map((recipient) => ({ recipient, label: null })), at })
      const destinations = recipients.map((recipient) => ({ recipient, destination: { drawer: recipient } }))
      await insertDestinations(store.pool, { ledger: ledger.id, destinations, at })
    },
    makePayouts: async () => {
      await eachLane(async (each) => {
        await recheckHeld(world, ledger, each)
        return await makePayouts(world, ledger, each)
      })
    },
    send: async () =>
      await eachLane(async (each) => {
        const attempts = await prepareAttempts(world, ledger, each, rail)
        await submitAttempts(world, rail, { lane: each, attempts, pace })
        return attempts.length
      }),
    look: async () => await eachLane(async (each) => await lookAttempts(world, ledger, { lane: each, rail, pace })),
    watch: async () => await watchWallets(world, ledger, rail),
  }
}
