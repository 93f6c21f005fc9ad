// Prepares attempts: due payouts are packed into batches, signed, and committed with their reservations before anything is sent.

import { accountName } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { backoffMs } from '../core/attempt.ts'
import { decideBatch, accountsOf, type Leg } from '../core/posting.ts'
import type { PayoutHold } from '../core/payout.ts'
import { Refusal, type RefusalCode } from '../core/refusal.ts'
import type { Settings } from '../core/settings.ts'
import type { PrepareInput, Prepared, Rail, RailAsset, RailModule, RailPayout, RailWallet, Unpayable } from '../rails/rail.ts'
import { committedOf, reservePayouts, type LiveAttempt, type NewAttempt } from '../store/attempt.ts'
import { holdPayouts, queueTogether, type Hold, type Shortfall } from '../store/held-payout.ts'
import { dueQueues, duePayouts, type DuePayout } from '../store/payout.ts'
import { runOnLane } from '../store/posting.ts'
import { walletsOf } from '../store/wallet.ts'
import { headHash } from '../store/journal.ts'
import { passApproved } from './await-approval.ts'
import type { Ledger } from './ledger.ts'
import { RECHECK_AFTER } from './make-payouts.ts'
import { readSettings } from './settings.ts'
import type { World } from './world.ts'

/** Batches prepared in one go: enough to keep signer and network busy, few enough that a crash leaves little to look after. */
const MAX_BATCHES = 32

/** An attempt that was committed and may be sent now. */
export type ReadyAttempt = Pick<LiveAttempt, 'lane' | 'attempt' | 'identity' | 'bytes' | 'data'> & { readonly members: readonly string[] }

/** A lane, and the network that its payouts go to. */
export type SendingLane = { readonly ledger: Ledger; readonly lane: bigint; readonly rail: Rail }

/** Batches of one wallet and asset, signed and not committed yet. */
export type SignedQueue = readonly Batch[]

/**
 * Packs and signs what is due on a lane, without those that are in hand: signed by this process and being committed. While there are any, only
 * wallets that have plenty beside them are drawn on. Answers nothing when nothing was due or nothing could go; refuses `rail_unavailable` when
 * nothing at all could be signed because the network or the signer does not answer.
 */
export async function signDue(world: World, { ledger, lane, rail }: SendingLane, inHand: readonly SignedQueue[]): Promise<readonly SignedQueue[]> {
  const queues = await dueQueues(world.store.pool, lane, world.now())
  if (queues.length === 0) return []
  const { settings, number } = await readSettings(world.store.pool, ledger, world.now())
  const wallets = await walletsOf(world.store.pool, ledger.id)
  const module = present(world.rails[rail.name], rail.name)
  const signed: SignedQueue[] = []
  let away: string | null = null
  for (const { wallet: id, asset: name } of queues) {
    const { address } = present(wallets.find(({ wallet }) => wallet === id), 'wallet')
    const asset = present(ledger.assets.get(name), name)
    const { prepared, unavailable } = await prepareQueue(world, { ledger, settings, number, lane, rail, module, wallet: { id, address }, asset, inHand: inHand.flat() })
    if (prepared.length > 0) signed.push(prepared)
    away ??= unavailable
  }
  if (signed.length === 0 && away !== null) throw new Refusal('rail_unavailable', away, { rail: rail.name })
  return signed
}

/** Commits what was signed, each queue by itself. Answers the attempts that may be sent now. */
export async function commitAttempts(world: World, lane: bigint, signed: readonly SignedQueue[]): Promise<readonly ReadyAttempt[]> {
  const ready: ReadyAttempt[] = []
  for (const prepared of signed) ready.push(...(await reserve(world, lane, prepared)))
  return ready
}

type Queue = {
  readonly ledger: Ledger
  readonly settings: Settings
  /** Of the newest change of the settings. */
  readonly number: number
  readonly lane: bigint
  readonly rail: Rail
  readonly module: RailModule
  readonly wallet: RailWallet
  readonly asset: RailAsset
  /** Of all wallets: being committed while this is prepared. */
  readonly inHand: readonly Batch[]
}

type Batch = { readonly attempt: NewAttempt; readonly rows: readonly DuePayout[] }

type Committed = PrepareInput['committed']

/** `enough`: what it and others of its destination must come to together; null where that is not known, or was tried just now. */
type Held = Hold & { readonly enough: bigint | null }

/** What became of payouts offered together: batches signed, payouts held, and why it ended early, if it did. */
type Outcomes = { readonly prepared: readonly Batch[]; readonly holds: readonly Held[]; readonly unavailable: string | null }

/** Packs and signs what is due of one wallet and asset, and holds what cannot go. `unavailable` says why it ended early. */
async function prepareQueue(world: World, queue: Queue): Promise<Omit<Outcomes, 'holds'>> {
  const { lane, rail, module, wallet, asset, inHand } = queue
  const now = world.now()
  const size = rail.batchSize(asset)
  const reserving = new Set(inHand.flatMap(({ attempt }) => attempt.payouts))
  const limit = size * MAX_BATCHES + reserving.size
  const found = (await duePayouts(world.store.pool, { lane, wallet: wallet.id, asset: asset.asset, now, limit })).filter(({ payout }) => !reserving.has(payout))
  if (found.length === 0) return { prepared: [], unavailable: null }
  const due = await passApproved(world, queue.ledger, { due: found, settings: queue.settings })
  const committed = new Map((await committedOf(world.store.pool, wallet.id)).map(({ asset: name, units }) => [name, units]))
  take(committed, inHand.filter(({ attempt }) => attempt.wallet === wallet.id))
  const head = await headHash(world.store.pool, lane)
  const malformed = due.filter((row) => !module.destination.safeParse(row.destination).success)
  const groups = batches(due.filter((row) => !malformed.includes(row)), size)
  const prepare = async (group: readonly DuePayout[], taken: Committed): Promise<Outcomes> => await prepareGroup(world, queue, group, { head, taken })
  const plenty = await isPlenty(queue, groups, committed)
  // What is in hand may have been committed meanwhile, and is counted twice then: only where that does not matter.
  if (!plenty && inHand.length > 0) return { prepared: [], unavailable: null }
  const outcomes = plenty
    ? await Promise.all(groups.map(async (group) => await prepare(group, committed)))
    : await oneByOne(groups, { committed, prepare })
  const holds = [...holdsOf(world, due, malformed.map((row) => malformedDestination(module, row))), ...outcomes.flatMap((outcome) => outcome.holds)]
  if (holds.length > 0) await hold(world, queue, holds)
  const away = outcomes.find(({ unavailable }) => unavailable !== null)
  return { prepared: outcomes.flatMap(({ prepared }) => prepared), unavailable: away?.unavailable ?? null }
}

/** What came to be enough with the payouts held just now goes at once, as one batch. */
async function hold({ store, now }: Pick<World, 'store' | 'now'>, { lane, rail, asset }: Queue, holds: readonly Held[]): Promise<void> {
  const at = now()
  await holdPayouts(store.pool, lane, holds, at)
  const shortfalls = holds.flatMap(({ payout, enough }): Shortfall[] => (enough === null ? [] : [{ payout, enough }]))
  if (shortfalls.length === 0) return
  await queueTogether(store.pool, { lane, shortfalls, atMost: rail.batchSize(asset), now: at, recheckAt: at.add(RECHECK_AFTER) })
}

/** Whether the wallet has twice what is due: then no batch depends on what the others take, and all can be prepared at once. */
async function isPlenty({ rail, wallet, asset }: Queue, groups: readonly (readonly DuePayout[])[], committed: Committed): Promise<boolean> {
  // Fees and rents of a token's batches are paid in another asset, whose balance this does not ask for.
  if (groups.length < 2 || asset.token !== null) return false
  const due = groups.flat().reduce((all, { units }) => all + units, 0n)
  try {
    return (await rail.balance(wallet, asset)) - (committed.get(asset.asset) ?? 0n) >= 2n * due
  } catch (error) {
    // Preparing asks the network too and says what is wrong with it.
    if (error instanceof Refusal) return false
    throw error
  }
}

/** One after the other, because each takes from what the ones before it leave in the wallet. */
async function oneByOne(
  groups: readonly (readonly DuePayout[])[],
  { committed, prepare }: { committed: Committed; prepare: (group: readonly DuePayout[], taken: Committed) => Promise<Outcomes> },
): Promise<readonly Outcomes[]> {
  const taken = new Map(committed)
  const outcomes: Outcomes[] = []
  for (const group of groups) {
    const outcome = await prepare(group, taken)
    outcomes.push(outcome)
    if (outcome.unavailable !== null) break
    take(taken, outcome.prepared)
  }
  return outcomes
}

/** Counts what batches take from the wallet: payouts and costs. */
function take(taken: Map<string, bigint>, batches: readonly Batch[]): void {
  for (const { asset, units } of batches.flatMap(({ attempt, rows }) => [...rows, ...attempt.costs])) taken.set(asset, (taken.get(asset) ?? 0n) + units)
}

async function prepareGroup(
  world: World,
  queue: Queue,
  group: readonly DuePayout[],
  { head, taken }: { head: string; taken: Committed },
): Promise<Outcomes> {
  const { module, wallet, asset, number: settings } = queue
  const attempt = world.id()
  const outcome = await prepareBatch(world, queue, { attempt, head, wallet, committed: taken, payouts: group.map((row) => railPayout(module, row, asset)) })
  if (outcome.state === 'unavailable') return { prepared: [], holds: [], unavailable: outcome.reason }
  if (outcome.state === 'broken') {
    const halves = [group.slice(0, group.length / 2), group.slice(group.length / 2)]
    const found = await oneByOne(halves, { committed: taken, prepare: async (half, left) => await prepareGroup(world, queue, half, { head, taken: left }) })
    return {
      prepared: found.flatMap(({ prepared }) => prepared),
      holds: found.flatMap(({ holds }) => holds),
      unavailable: found.find(({ unavailable }) => unavailable !== null)?.unavailable ?? null,
    }
  }
  const holds = holdsOf(world, group, outcome.unpayable)
  if (outcome.state === 'nothing') return { prepared: [], holds, unavailable: null }
  const { identity, bytes, data, payouts } = outcome.attempt
  const rowsById = new Map(group.map((row) => [row.payout, row]))
  const rows = payouts.map((id) => present(rowsById.get(id), 'payout of the batch'))
  const made = { attempt, wallet: wallet.id, asset: asset.asset, identity, bytes, data, costs: outcome.costs, settings, payouts }
  return { prepared: [{ attempt: made, rows }], holds, unavailable: null }
}

/** Payouts that share a batch stay together in one of their own; the others are packed in order of age. */
function batches(due: readonly DuePayout[], size: number): readonly (readonly DuePayout[])[] {
  const bound = Map.groupBy(due.filter(({ batch }) => batch !== null), ({ batch }) => batch)
  const free = due.filter(({ batch }) => batch === null)
  const packed: DuePayout[][] = []
  for (let start = 0; start < free.length; start += size) packed.push(free.slice(start, start + size))
  return [...bound.values(), ...packed].slice(0, MAX_BATCHES)
}

type Obstacle = Omit<Unpayable, 'reason'> & { readonly reason: PayoutHold }
type Outcome =
  | Prepared
  | { readonly state: 'nothing'; readonly unpayable: readonly Obstacle[] }
  /** It cannot go as a whole, and nobody knows which payout it is: its halves may. */
  | { readonly state: 'broken' }

/** Refusals that say nothing about the payouts: whoever refused cannot work now. */
const AWAY: ReadonlySet<RefusalCode> = new Set(['rail_unavailable', 'database_unavailable', 'queue_exceeded'])

async function prepareBatch(world: World, { lane, rail, wallet }: Queue, input: Omit<PrepareInput, 'sign'>): Promise<Outcome> {
  const sign: PrepareInput['sign'] = async (payouts, draft) => await world.signer.sign({ lane, wallet: wallet.id, payouts, draft })
  try {
    return await rail.prepare({ ...input, sign })
  } catch (error) {
    // Nothing was sent. A limit holds the batch; anything else is a reason to wait and to be looked at, and must not stop the others.
    const detail = error instanceof Error ? error.message : String(error)
    if (!(error instanceof Refusal) || error.code === 'server_failed') {
      world.log('error', 'a batch could not be prepared', { payouts: input.payouts.length, reason: detail })
      if (input.payouts.length > 1) return { state: 'broken' }
      return { state: 'nothing', unpayable: input.payouts.map(({ id }) => ({ payout: id, reason: 'rail_refused', detail })) }
    }
    if (AWAY.has(error.code)) return { state: 'unavailable', reason: detail }
    if (mayFitInParts(error, input.payouts)) return { state: 'broken' }
    world.log('warn', 'the signer refused a batch', { code: error.code, reason: detail })
    const reason = error.code === 'signing_limit_exceeded' ? 'signing_limit' : 'rail_refused'
    const blamed = input.payouts.filter(({ id }) => id === error.details['payout'])
    const waiting = blamed.length > 0 ? blamed : input.payouts
    return { state: 'nothing', unpayable: waiting.map(({ id }) => ({ payout: id, reason, detail })) }
  }
}

/** Whether what is left of the day's limit is enough for one of several payouts. */
function mayFitInParts({ code, details }: Refusal, payouts: readonly RailPayout[]): boolean {
  const { left } = details
  if (code !== 'signing_limit_exceeded' || payouts.length === 1 || typeof left !== 'string') return false
  return payouts.some(({ units }) => units <= BigInt(left))
}

/** A payout as its rail sees it. Its destination must be one of the rail's. */
export function railPayout(
  module: RailModule,
  { payout, units, destination }: { readonly payout: string; readonly units: bigint; readonly destination: unknown },
  asset: RailAsset,
): RailPayout {
  return { id: payout, units, asset, destination: module.destination.parse(destination) }
}

/** Destinations may come by SQL, where nobody has read them as the rail does: one that is none must not stop the others. */
function malformedDestination(module: RailModule, { payout, destination }: DuePayout): Obstacle {
  const problem = module.destination.safeParse(destination).error?.issues[0]?.message ?? 'unknown form'
  return { payout, reason: 'destination_invalid', detail: `the destination is none of ${module.name}: ${problem}` }
}

function holdsOf(world: World, rows: readonly DuePayout[], obstacles: readonly Obstacle[]): Held[] {
  return obstacles.map(({ payout, reason, detail, enough = null }) => {
    const { tries, batch } = present(rows.find((row) => row.payout === payout), 'payout of the batch')
    return { payout, reason, detail, dueAt: retryAt(world, tries), enough: batch === null ? enough : null }
  })
}

/** When a payout that could not go is tried again. */
export function retryAt(world: Pick<World, 'now' | 'random'>, tries: number): Temporal.Instant {
  return world.now().add({ milliseconds: backoffMs(tries, present(world.random(1)[0], 'random byte')) })
}

/** Commits attempts with their reservations: all of them, or none when another worker took one of their payouts first. */
async function reserve(
  world: World,
  lane: bigint,
  prepared: readonly Batch[],
): Promise<readonly ReadyAttempt[]> {
  const now = world.now()
  const rows = prepared.flatMap((batch) => batch.rows)
  const legs = rows.map(({ recipient, asset, units, payout }): Leg => {
    return { kind: 'reserved', debit: accountName('payable', recipient), credit: accountName('in_flight', recipient), asset, units, part: null, subject: payout }
  })
  const member = { type: 'move', legs } as const
  const committed = await runOnLane(world.store, {
    lane,
    digests: [],
    states: [],
    accounts: accountsOf(member),
    guards: [reservePayouts(lane, prepared.map(({ attempt }) => attempt), now)],
    decide: ({ head, known, guarded }) => {
      const reserved = new Map((present(guarded[0], 'reservation').rows as { payout: string; units: bigint }[]).map(({ payout, units }) => [payout, units]))
      // Another worker took one of them, or a reversal made one smaller, after it was read.
      if (rows.some(({ payout, units }) => reserved.get(payout) !== units)) return { abort: true, result: false }
      const { outcomes, write } = decideBatch(head, known, [member], now)
      const [outcome] = outcomes
      if (outcome?.state === 'refused') throw outcome.refusal
      return { abort: false, write, after: [], result: true }
    },
  })
  if (!committed) return []
  return prepared.map(({ attempt: { attempt, identity, bytes, data, payouts } }) => ({ lane, attempt, identity, bytes, data, members: payouts }))
}
