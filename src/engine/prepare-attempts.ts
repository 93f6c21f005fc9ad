// Prepares attempts: due payouts are packed into batches, signed, and committed with their reservations before anything is sent.

import { accountName } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { backoffMs } from '../core/attempt.ts'
import { decideBatch, accountsOf, type Leg } from '../core/posting.ts'
import type { PayoutHold } from '../core/payout.ts'
import { Refusal } from '../core/refusal.ts'
import type { PrepareInput, Prepared, Rail, RailAsset, RailPayout, RailWallet, Unpayable } from '../rails/rail.ts'
import { committedOf, reservePayouts, type LiveAttempt, type NewAttempt } from '../store/attempt.ts'
import { dueQueues, duePayouts, holdPayouts, type Hold, type PayoutRow } from '../store/payout.ts'
import { runOnLane } from '../store/posting.ts'
import { walletsOf } from '../store/wallet.ts'
import { headHash } from '../store/journal.ts'
import type { Ledger } from './ledger.ts'
import type { World } from './world.ts'

/** Batches prepared in one go: enough to keep signer and network busy, few enough that a crash leaves little to look after. */
const MAX_BATCHES = 16

/** An attempt that was committed and may be sent now. */
export type ReadyAttempt = Pick<LiveAttempt, 'lane' | 'attempt' | 'identity' | 'bytes' | 'data'> & { readonly members: readonly string[] }

/** Prepares what is due on a lane. Answers the attempts committed; an empty list when nothing was due or nothing could go. */
export async function prepareAttempts(world: World, ledger: Ledger, lane: bigint, rail: Rail): Promise<readonly ReadyAttempt[]> {
  const queues = await dueQueues(world.store.pool, lane, world.now())
  if (queues.length === 0) return []
  const wallets = await walletsOf(world.store.pool, ledger.id)
  const ready: ReadyAttempt[] = []
  for (const { wallet: id, asset: name } of queues) {
    const { address } = present(wallets.find(({ wallet }) => wallet === id), 'wallet')
    const asset = present(ledger.assets.get(name), name)
    ready.push(...(await prepareQueue(world, { lane, rail, wallet: { id, address }, asset })))
  }
  return ready
}

type Queue = { readonly lane: bigint; readonly rail: Rail; readonly wallet: RailWallet; readonly asset: RailAsset }

async function prepareQueue(world: World, queue: Queue): Promise<readonly ReadyAttempt[]> {
  const { lane, rail, wallet, asset } = queue
  const now = world.now()
  const size = rail.batchSize(asset)
  const due = await duePayouts(world.store.pool, { lane, wallet: wallet.id, asset: asset.asset, now, limit: size * MAX_BATCHES })
  const committed = new Map((await committedOf(world.store.pool, wallet.id)).map(({ asset: name, units }) => [name, units]))
  const head = await headHash(world.store.pool, lane)
  const prepared: { attempt: NewAttempt; rows: readonly PayoutRow[] }[] = []
  const holds: Hold[] = []
  // One after the other, because each takes from what the ones before it leave in the wallet.
  for (const group of batches(due, size)) {
    const attempt = world.id()
    const input = { attempt, head, wallet, committed, payouts: group.map((row) => railPayout(row, asset)) }
    const outcome = await prepareBatch(world, queue, input)
    if (outcome.state === 'unavailable') {
      world.log('warn', 'a batch could not be prepared; it is tried again', { reason: outcome.reason })
      holds.length = 0
      break
    }
    holds.push(...outcome.unpayable.map((found) => holdOf(world, group, found)))
    if (outcome.state === 'nothing') continue
    const { identity, bytes, data, payouts } = outcome.attempt
    const rows = payouts.map((id) => present(group.find(({ payout }) => payout === id), 'payout of the batch'))
    const units = rows.reduce((all, row) => all + row.units, 0n)
    committed.set(asset.asset, (committed.get(asset.asset) ?? 0n) + units)
    prepared.push({ attempt: { attempt, wallet: wallet.id, asset: asset.asset, identity, bytes, data, payouts }, rows })
  }
  if (holds.length > 0) await holdPayouts(world.store.pool, lane, holds, now)
  if (prepared.length === 0) return []
  return await reserve(world, lane, prepared)
}

/** Payouts that share a batch stay together in one of their own; the others are packed in order of age. */
function batches(due: readonly PayoutRow[], size: number): readonly (readonly PayoutRow[])[] {
  const bound = Map.groupBy(due.filter(({ batch }) => batch !== null), ({ batch }) => batch)
  const free = due.filter(({ batch }) => batch === null)
  const packed: PayoutRow[][] = []
  for (let start = 0; start < free.length; start += size) packed.push(free.slice(start, start + size))
  return [...bound.values(), ...packed].slice(0, MAX_BATCHES)
}

type Obstacle = Omit<Unpayable, 'reason'> & { readonly reason: PayoutHold }
type Outcome = Prepared | { readonly state: 'nothing'; readonly unpayable: readonly Obstacle[] }

async function prepareBatch(world: World, { lane, rail, wallet }: Queue, input: Omit<PrepareInput, 'sign'>): Promise<Outcome> {
  const sign: PrepareInput['sign'] = async (payouts, draft) => await world.signer.sign({ lane, wallet: wallet.id, payouts, draft })
  try {
    return await rail.prepare({ ...input, sign })
  } catch (error) {
    // Nothing was sent. A limit holds the batch; anything else the signer refuses is a reason to wait and to be looked at.
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'rail_unavailable') return { state: 'unavailable', reason: error.message }
    world.log('warn', 'the signer refused a batch', { code: error.code, reason: error.message })
    const reason = error.code === 'signing_limit_exceeded' ? 'signing_limit' : 'rail_refused'
    const blamed = input.payouts.filter(({ id }) => id === error.details['payout'])
    const waiting = blamed.length > 0 ? blamed : input.payouts
    return { state: 'nothing', unpayable: waiting.map(({ id }) => ({ payout: id, reason, detail: error.message })) }
  }
}

export function railPayout({ payout, units, destination }: Pick<PayoutRow, 'payout' | 'units' | 'destination'>, asset: RailAsset): RailPayout {
  return { id: payout, units, asset, destination: present(destination, 'destination') }
}

function holdOf(world: World, group: readonly PayoutRow[], { payout, reason, detail }: Obstacle): Hold {
  const { tries } = present(group.find((row) => row.payout === payout), 'payout of the batch')
  return { payout, reason, detail, dueAt: retryAt(world, tries) }
}

/** When a payout that could not go is tried again. */
export function retryAt(world: Pick<World, 'now' | 'random'>, tries: number): Temporal.Instant {
  return world.now().add({ milliseconds: backoffMs(tries, present(world.random(1)[0], 'random byte')) })
}

/** Commits attempts with their reservations: all of them, or none when another worker took one of their payouts first. */
async function reserve(
  world: World,
  lane: bigint,
  prepared: readonly { readonly attempt: NewAttempt; readonly rows: readonly PayoutRow[] }[],
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
    accounts: accountsOf(member),
    guards: [reservePayouts(lane, prepared.map(({ attempt }) => attempt), now)],
    decide: ({ head, known, guarded }) => {
      if (present(guarded[0], 'reservation').rowCount !== rows.length) return { abort: true, result: false }
      const { outcomes, write } = decideBatch(head, known, [member], now)
      const [outcome] = outcomes
      if (outcome?.state === 'refused') throw outcome.refusal
      return { abort: false, write, after: [], result: true }
    },
  })
  if (!committed) return []
  return prepared.map(({ attempt: { attempt, identity, bytes, data, payouts } }) => ({ lane, attempt, identity, bytes, data, members: payouts }))
}
