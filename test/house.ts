// A house for tests of the whole path: a real database, the signer's code in this process, a network whose slots are made by hand, and a
// clock that stands until it is moved. Processes in it share nothing but database and network, so each can be lost like a real one.

import { z } from 'zod'
import { present } from '../src/core/assert.ts'
import type { EventInput } from '../src/core/event.ts'
import type { Program } from '../src/core/program.ts'
import { Refusal } from '../src/core/refusal.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import type { PayoutDocument } from '../src/engine/documents.ts'
import { createLedgers, type Ledger, type Ledgers } from '../src/engine/ledger.ts'
import { lookAttempts } from '../src/engine/look-attempts.ts'
import { makePayouts, recheckHeld } from '../src/engine/make-payouts.ts'
import { balances } from '../src/engine/read-accounts.ts'
import { payoutsOfEvent } from '../src/engine/read-ledger.ts'
import { createRecorder, type RecordedEvent, type Recorder, type RecordResult } from '../src/engine/recorder.ts'
import { setDestinations } from '../src/engine/set-destinations.ts'
import { sendPayouts } from '../src/engine/send-payouts.ts'
import type { Pace } from '../src/engine/submit-attempts.ts'
import { takeInboxRows } from '../src/engine/take-inbox.ts'
import { verify, type Verification } from '../src/engine/verify.ts'
import { createWallet, payingWallet } from '../src/engine/wallet.ts'
import { watchWallets } from '../src/engine/watch-wallets.ts'
import type { World } from '../src/engine/world.ts'
import { programMigrations, programs } from '../src/programs/index.ts'
import { saleSplit } from '../src/programs/sale-split/program.ts'
import type { Rail, RailAsset, RailWallet } from '../src/rails/rail.ts'
import { solana } from '../src/rails/solana/rail.ts'
import { openTestbed, SOL, type Testbed as Chain } from '../src/rails/solana/testbed.ts'
import { masterKeyOf } from '../src/signer/envelope.ts'
import { openSignerPool } from '../src/signer/store.ts'
import { inProcessSigner } from '../src/signer/testbed.ts'
import { migrate } from '../src/store/migrate.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { testDatabase, type TestDatabase } from './database.ts'
import { dollars } from './dollars.ts'
import { machine } from './effects.ts'
import { ROLES } from './template.ts'

/** One whole coin of the house's network. */
export const COIN = 1_000_000_000n

/** What a process may have of its own: a rail or connections with faults, or a clock that goes wrong. */
export type Parts = {
  readonly rail?: (rail: Rail) => Rail
  readonly store?: (store: Store) => Store
  /** Another way to the same database. */
  readonly databaseUrl?: string
  readonly now?: World['now']
}

/** One process: its own connections, caches, ledgers, recorder and connection to the network. */
export type Process = {
  readonly world: World
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  readonly rail: Rail
  /** What it logged, a line each. */
  readonly logged: readonly string[]
}

export type House = {
  readonly database: TestDatabase
  readonly chain: Chain
  /** The process that everything runs in unless another one is named. */
  readonly main: Process
  readonly now: () => Temporal.Instant
  /** Moves the clock of all processes and of the network; the database's own stays the machine's. */
  readonly elapse: (by: Temporal.DurationLike) => void
  readonly start: (parts?: Parts) => Process
  readonly makeLedger: (options?: LedgerOptions) => Promise<Home>
  /** Ends all processes and drops the database. */
  readonly close: () => Promise<void>
}

export type LedgerOptions = {
  /** A program other than that of token sales has its own recipients, whom the test names. */
  readonly program?: Program
  readonly lanes?: number
  readonly sandbox?: boolean
  readonly schema?: string
  readonly inbox?: boolean
  readonly tokens?: Readonly<Record<string, string>>
  /** Coins that the wallet has before anything happens. */
  readonly funds?: bigint
  /** Whether the creator of `token` has a wallet from the start. */
  readonly creator?: boolean
}

/** A ledger of token sales with a wallet and an address for everybody. */
export type Home = {
  readonly name: string
  /** As the main process knows it. */
  readonly ledger: Ledger
  /** The first lane. */
  readonly lane: bigint
  readonly wallet: RailWallet
  /** The schema of its inbox table. */
  readonly schema: string
  /** The token that is sold in this ledger unless a sale names another. */
  readonly token: string
  readonly addresses: Readonly<Record<'ai' | 'dao' | 'lucky' | 'creator', string>>
}

/** A house on the test server, or on one of its own. */
export async function openHouse(serverUrl?: string): Promise<House> {
  const database = await testDatabase(serverUrl)
  await migrate(database.pool, { programs: programMigrations })
  const chain = openTestbed({ seed: machine.id() })
  const { elapse, now } = chain.clock
  // Rows that people insert carry the database's clock, so that the house's begins where the machine's is.
  elapse(machine.now().epochMilliseconds - now().epochMilliseconds)
  const signing = openSignerPool({ url: database.signerUrl, max: 4 })
  const masterKey = masterKeyOf(machine.random(32))
  const signer = inProcessSigner({ effects: { now, random: machine.random }, pool: signing, masterKey, rails: { solana } })
  const stores: Store[] = []
  const start = (parts: Parts = {}): Process => {
    const store = openStore(parts.databaseUrl ?? database.appUrl, 'house')
    stores.push(store)
    return startProcess({ chain, signer, store: parts.store?.(store) ?? store }, parts)
  }
  const main = start()
  let ledgers = 0
  return {
    ...{ database, chain, main, now, start },
    elapse: (by) => elapse(Temporal.Duration.from(by).total('milliseconds')),
    makeLedger: async (options = {}) => await makeHome({ database, chain, main }, `sales-${(ledgers += 1)}`, options),
    close: async () => {
      await Promise.all(stores.filter(({ pool }) => !pool.ended).map(async (store) => await store.close()))
      await signing.end()
      await database.drop()
      chain.close()
    },
  }
}

type Shared = { readonly chain: Chain; readonly signer: World['signer']; readonly store: Store }

function startProcess({ chain, signer, store }: Shared, parts: Parts): Process {
  const logged: string[] = []
  const connected = solana.connect(chain.effects, { url: 'http://sandbox' })
  const rail = parts.rail?.(connected) ?? connected
  const world: World = {
    now: parts.now ?? chain.clock.now,
    sleep: chain.clock.sleep,
    random: machine.random,
    id: machine.id,
    fetch: chain.effects.fetch,
    log: (level, message, fields) => void (level === 'debug' || logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`)),
    ...{ store, signer, rails: { solana }, programs: new Map([...programs, [dollars.name, dollars]]) },
    connect: () => rail,
  }
  return { world, ledgers: createLedgers(world), recorder: createRecorder(world), rail, logged }
}

async function makeHome(
  { database, chain, main }: Pick<House, 'database' | 'chain' | 'main'>,
  name: string,
  { program = saleSplit, lanes = 1, sandbox = true, inbox = true, schema = name.replaceAll('-', '_'), tokens = {}, funds = 0n, creator = true }: LedgerOptions,
): Promise<Home> {
  await createLedger(
    { ...main.world, owner: database.pool, appRole: ROLES.app },
    { name, program: program.name, sandbox, railUrl: sandbox ? null : 'http://sandbox', inboxSchema: inbox ? schema : null, tokens, lanes },
  )
  const ledger = await main.ledgers.open(name)
  await createWallet(main.world, ledger, 'main')
  const wallet = await payingWallet(main.world, ledger)
  if (funds > 0n) chain.fund(wallet.address, funds * COIN)
  const [ai, dao, lucky, ofCreator] = (await Promise.all([1, 2, 3, 4].map(() => chain.address()))) as [string, string, string, string]
  const home: Home = {
    ...{ name, ledger, wallet, schema },
    lane: present(ledger.lanes[0], 'lane'),
    token: crypto.randomUUID(),
    addresses: { ai, dao, lucky, creator: ofCreator },
  }
  if (program !== saleSplit) return home
  await nameAddress(main, home, 'ai', ai)
  await nameAddress(main, home, 'dao', dao)
  await nameAddress(main, home, 'lucky', lucky)
  if (creator) await nameAddress(main, home, home.token, ofCreator)
  return home
}

/** Where a recipient is paid from now on. */
export async function nameAddress({ world }: Process, { ledger }: Home, recipient: string, address: string): Promise<void> {
  await setDestinations(world, ledger, [{ recipient, label: null, destination: { address } }])
}

/** A sale as a door hands it to the engine; `amount` in coins as text. */
export function sale(home: Home, reference: string, amount: string, own: Readonly<Record<string, unknown>> = {}): EventInput {
  return saleSplit.event.parse({ reference, token_id: home.token, sale_amount: amount, ...own })
}

/** Records events in one call. */
export async function record(
  { ledgers, recorder }: Process,
  { name }: Home,
  events: readonly EventInput[],
  { door = 'api', mayBackdate = false }: { readonly door?: string; readonly mayBackdate?: boolean } = {},
): Promise<readonly RecordResult[]> {
  return await recorder.record(await ledgers.open(name), events.map((input) => ({ input, door, mayBackdate })))
}

/** Records one event that must be taken. */
export async function mustRecord(process: Process, home: Home, event: EventInput): Promise<RecordedEvent> {
  const [result] = await record(process, home, [event])
  if (result?.state !== 'recorded') throw new Error(`${event.reference} was not recorded: ${result?.state === 'refused' ? result.refusal.message : 'duplicate'}`)
  return result.event
}

/** Somebody who knows only SQL: one row of the inbox table, with the database's own instant. */
export async function insertSale({ database }: House, { schema, token }: Home, reference: string, amount: string): Promise<void> {
  await database.pool.query(`insert into ${schema}.profit_events (token_id, sale_amount, transaction_hash) values ($1, $2, $3)`, [token, amount, reference])
}

export type RowStatus = { readonly state: string; readonly code: string | null; readonly reason: string | null; readonly event: bigint | null }

/** What the status view says of a row; undefined when there is no such row. */
export async function statusOf({ database }: House, { schema }: Home, reference: string): Promise<RowStatus | undefined> {
  const { rows } = await database.pool.query<RowStatus>(
    `select state, code, reason, event from ${schema}.profit_events_status where transaction_hash = $1`,
    [reference],
  )
  return rows[0]
}

/** Due for a look as soon as it is sent, so that a round never waits. */
const PACE: Pace = { firstLookAfterMs: 0, lookAfterMs: 0, resendAfterMs: 500 }

/** One step of each task that a worker has, in the order in which money goes. As there, a network that does not answer ends a step. */
export async function round(process: Process, { name }: Home): Promise<void> {
  const { world, recorder, rail } = process
  const ledger = await process.ledgers.open(name)
  await takeInboxRows(world, recorder, ledger)
  for (const lane of ledger.lanes) {
    await makePayouts(world, ledger, lane)
    await recheckHeld(world, ledger, lane)
    await step(async () => await sendPayouts(world, { ledger, lane, rail }, PACE))
    await step(async () => await lookAttempts(world, ledger, { lane, rail, pace: PACE }))
  }
  await step(async () => await watchWallets(world, ledger, rail))
}

async function step(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'rail_unavailable') throw error
  }
}

const SLOTS_A_ROUND = 6
const ROUND_MS = 120
const MAX_ROUNDS = 80

/** Rounds, slots and time until `done`, or an error that says how the payouts stand. */
export async function run(house: House, home: Home, done: () => Promise<boolean>, process = house.main): Promise<void> {
  for (let rounds = 0; rounds < MAX_ROUNDS; rounds += 1) {
    await round(process, home)
    if (await done()) return
    house.chain.pass(SLOTS_A_ROUND)
    house.elapse({ milliseconds: ROUND_MS })
  }
  const { rows } = await house.database.pool.query(`select role, units, state, reason, detail, tries, due_at from apportion.payout where lane = any ($1)`, [home.ledger.lanes])
  throw new Error(`not done after ${MAX_ROUNDS} rounds: ${JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 1)}`)
}

/** Runs until no payout is under way: each is settled or held, and every share is in one. */
export async function runUntilStill(house: House, home: Home, process = house.main): Promise<void> {
  await run(house, home, async () => {
    const { rows } = await house.database.pool.query<{ open: boolean }>(
      `select exists (select 1 from apportion.payout where lane = any ($1) and state in ('queued', 'reserved'))
        or exists (
          select 1 from apportion.transfer where lane = any ($1) and kind = 'share'
            and not exists (select from apportion.payout_share drawn where drawn.lane = transfer.lane and drawn.transfer = transfer.number)
        ) as open`,
      [home.ledger.lanes],
    )
    return rows[0]?.open === false
  }, process)
}

/** The payouts of an event in plan order. */
export async function payouts({ main }: House, home: Home, reference: string): Promise<readonly PayoutDocument[]> {
  return await payoutsOfEvent(main.world, home.ledger, reference)
}

/** How the legs of an event stand: `role: state` or `role: reason`. */
export async function legs(house: House, home: Home, reference: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await payouts(house, home, reference)).map(({ role, state, reason }) => [role, reason ?? state]))
}

/** Units that a destination, the wallet or anybody has on the network, final ones. */
export async function onChain({ main }: House, address: string, asset: RailAsset = SOL): Promise<bigint> {
  return await main.rail.balance({ id: address, address }, asset)
}

/** The ledger's accounts with their balances in units, those at zero too. */
export async function accounts({ main }: House, home: Home): Promise<Readonly<Record<string, bigint>>> {
  const { items } = await balances(main.world, home.ledger, { at: null, role: null, account: null, cursor: null, limit: 1000 })
  return Object.fromEntries(items.map(({ account, units }) => [account, BigInt(units)]))
}

const signatures = z.object({ result: z.array(z.object({ signature: z.string(), err: z.unknown() })) })

/** The transactions that name an address and succeeded, oldest first: what the network itself says of how often somebody was paid. */
export async function paymentsTo({ chain }: House, address: string): Promise<readonly string[]> {
  const request = { jsonrpc: '2.0', id: 1, method: 'getSignaturesForAddress', params: [address, { commitment: 'finalized' }] }
  const answer = await chain.direct('http://sandbox', { method: 'POST', body: JSON.stringify(request) })
  const { result } = signatures.parse(await answer.json())
  return result.filter(({ err }) => err === null).map(({ signature }) => signature).toReversed()
}

/** The whole of `verify`: what it found broken. */
export async function breaks({ main }: House, home: Home): Promise<Verification['breaks']> {
  return (await verify(main.world, home.ledger)).breaks
}
