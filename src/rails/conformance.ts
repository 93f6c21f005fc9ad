// What every rail must do, as cases that run against its sandbox. A rail's author runs them first, and the simulation trusts them.
// A case that a rail or its sandbox cannot express is reported as skipped with the reason, never as passed.

import { describe, it } from 'vitest'
import { assert, present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import type { Look, Movement, Rail, RailAsset, RailAttempt, RailPayout, RailWallet, Sign } from './rail.ts'

/** Something the sandbox can be made to do, or why it cannot. */
export type Knob<T> = T | { readonly unable: string }

/** A wallet that holds `units` and enough besides for what the network takes. */
export type ConformanceWallet = { readonly wallet: RailWallet; readonly sign: (payouts: readonly RailPayout[]) => Sign }

/** One fresh network, with one asset to pay in. */
export type ConformanceBench = {
  readonly rail: Rail
  readonly asset: RailAsset
  /** A fair amount: any destination can take it at once. Cases pay small multiples of it. */
  readonly amount: bigint
  /** New ids for attempts and payouts. */
  readonly id: () => string
  readonly wallet: (units: bigint) => Promise<ConformanceWallet>
  /** A destination that nobody used yet. */
  readonly destination: () => Promise<JsonObject>
  /** Units that arrived there for good, from the network's own books. */
  readonly received: (destination: JsonObject) => Promise<bigint>
  /** Lets the network run until what it has taken in is final. */
  readonly advance: () => Promise<void>
  /** Lets the network run until what was signed before can be taken in no more. */
  readonly expire: Knob<() => Promise<void>>
  /** The network answers `accepted` and drops what it is sent. */
  readonly dropSends: Knob<(on: boolean) => void>
  /** Requests vanish before the network sees them. */
  readonly loseRequests: Knob<(on: boolean) => void>
  /** Requests are worked on and their answers vanish. */
  readonly loseResponses: Knob<(on: boolean) => void>
  /** From now on the node knows nothing of what was before. */
  readonly forgetHistory: Knob<() => Promise<void>>
  /** Makes payouts to the destination fail on the network, after they were prepared. */
  readonly spoil: Knob<(destination: JsonObject) => Promise<void>>
  /** A stranger pays the wallet. */
  readonly deposit: Knob<(wallet: RailWallet, units: bigint) => Promise<void>>
  readonly close: () => Promise<void>
}

type KnobName = 'expire' | 'dropSends' | 'loseRequests' | 'loseResponses' | 'forgetHistory' | 'spoil' | 'deposit'
type Turned<Name extends KnobName> = ConformanceBench & { readonly [Key in Name]: Exclude<ConformanceBench[Key], { readonly unable: string }> }

export type ConformanceCase = {
  readonly name: string
  readonly needs: readonly KnobName[]
  readonly run: (bench: ConformanceBench) => Promise<void>
}

export type Conformance = { readonly name: string; readonly setup: () => Promise<ConformanceBench> }

/** Declares the suite for one rail and asset. */
export function railConformance({ name, setup }: Conformance): void {
  describe(`${name}, as every rail`, () => {
    it.for(conformanceCases)('$name', async (one, { skip }) => {
      const unable = await checkCase(one, setup)
      skip(unable !== null, `cannot be expressed: ${unable}`)
    })
  })
}

/** Runs one case on a bench of its own; throws when the rail fails it. Returns why it could not be run, or null. */
export async function checkCase(one: ConformanceCase, setup: Conformance['setup']): Promise<string | null> {
  const bench = await setup()
  try {
    const unable = inexpressible(one, bench)
    if (unable === null) await one.run(bench)
    return unable
  } finally {
    await bench.close()
  }
}

/** Why this bench cannot run the case, or null when it can. */
function inexpressible({ needs }: ConformanceCase, bench: ConformanceBench): string | null {
  for (const need of needs) {
    const knob = bench[need]
    if (typeof knob !== 'function') return knob.unable
  }
  return null
}

function define<Name extends KnobName>(name: string, needs: readonly Name[], run: (bench: Turned<Name>) => Promise<void>): ConformanceCase {
  // Only run when `inexpressible` found nothing.
  return { name, needs, run: (bench) => run(bench as Turned<Name>) }
}

export const conformanceCases: readonly ConformanceCase[] = [
  define('pays each destination its units and settles with proof and costs', [], paysAndSettles),
  define('pays amounts exactly, several to one destination too', [], paysExactly),
  define('pays once however often the same bytes are sent', [], paysOnceOnResend),
  define('gives each attempt an identity of its own', [], identifiesAttempts),
  define('pays once when every answer is lost', ['loseResponses'], survivesLostResponses),
  define('pays once when the first request is lost and the same bytes are sent again', ['loseRequests'], survivesLostRequests),
  define('says never with proof when an attempt can land no more, and a new attempt pays once', ['dropSends', 'expire'], provesNever),
  define('does not say never while an attempt can still land', ['dropSends'], staysPending),
  define('never takes a forgotten history for proof', ['dropSends', 'expire', 'forgetHistory'], distrustsForgetfulness),
  define('takes silence for nothing', ['loseRequests'], takesSilenceForNothing),
  define('holds the payouts of a wallet without money', [], holdsUnfunded),
  define('pays small payouts past a large one that the wallet cannot pay', [], paysPastLarge),
  define('leaves what live attempts may still take', [], respectsCommitted),
  define('names the payout that makes a batch fail, and pays the others without it', ['spoil'], namesFailingMember),
  define('shows each deposit once, and no payout of ours', ['deposit'], showsDepositsOnce),
  define('loses no deposit when answers are lost', ['deposit', 'loseResponses'], losesNoDeposit),
]

type Batch = ConformanceWallet & { readonly payouts: readonly RailPayout[] }

async function batchOf(bench: ConformanceBench, multiples: readonly bigint[]): Promise<Batch> {
  const payouts: RailPayout[] = []
  for (const multiple of multiples) {
    payouts.push({ id: bench.id(), units: multiple * bench.amount, asset: bench.asset, destination: await bench.destination() })
  }
  const sum = payouts.reduce((total, { units }) => total + units, 0n)
  return { ...(await bench.wallet(sum)), payouts }
}

const HEAD = 'c0ffee00'.repeat(8)
const shown = (value: unknown): string => JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))

function input(bench: ConformanceBench, { wallet, sign, payouts }: Batch, committed = 0n) {
  return { attempt: bench.id(), head: HEAD, payouts, wallet, committed: new Map([[bench.asset.asset, committed]]), sign: sign(payouts) }
}

async function attemptOf(bench: ConformanceBench, batch: Batch): Promise<RailAttempt> {
  const prepared = await bench.rail.prepare(input(bench, batch))
  assert(prepared.state === 'prepared', `a batch is prepared, not ${shown(prepared)}`)
  return prepared.attempt
}

async function lookAtOne(bench: ConformanceBench, batch: Batch, attempt: RailAttempt): Promise<Look> {
  const payouts = attempt.payouts.map((id) => present(batch.payouts.find((payout) => payout.id === id), id))
  const [look] = await bench.rail.look([{ attempt, wallet: batch.wallet, payouts }])
  return present(look, 'an answer of look')
}

async function expectState<State extends Look['state']>(
  bench: ConformanceBench, batch: Batch, attempt: RailAttempt, state: State,
): Promise<Extract<Look, { readonly state: State }>> {
  const look = await lookAtOne(bench, batch, attempt)
  assert(look.state === state, `look says ${state}, not ${shown(look)}`)
  return look as Extract<Look, { readonly state: State }>
}

async function expectReceived(bench: ConformanceBench, payouts: readonly RailPayout[]): Promise<void> {
  const sums = new Map<string, { readonly destination: JsonObject; units: bigint }>()
  for (const { destination, units } of payouts) {
    const name = JSON.stringify(destination)
    const sum = sums.get(name)
    if (sum === undefined) sums.set(name, { destination, units })
    else sum.units += units
  }
  for (const [name, { destination, units }] of sums) expectEqual(await bench.received(destination), units, `units received at ${name}`)
}

function expectEqual<T extends string | number | bigint | boolean>(actual: T, expected: T, what: string): void {
  assert(actual === expected, `${what}: ${actual} instead of ${expected}`)
}

const expectProof = (proof: JsonObject): void => assert(Object.keys(proof).length > 0, 'a proof says something')

async function paysAndSettles(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n, 3n])
  const before = await bench.rail.balance(batch.wallet, bench.asset)
  const attempt = await attemptOf(bench, batch)
  expectEqual((await bench.rail.submit(attempt)).state, 'accepted', 'submit')
  await bench.advance()
  const settled = await expectState(bench, batch, attempt, 'settled')
  expectProof(settled.proof)
  await expectReceived(bench, batch.payouts)
  const taken = settled.costs.filter(({ asset }) => asset === bench.asset.asset).reduce((total, { units }) => total + units, 0n)
  const sum = batch.payouts.reduce((total, { units }) => total + units, 0n)
  expectEqual(before - (await bench.rail.balance(batch.wallet, bench.asset)), sum + taken, 'what left the wallet')
}

async function paysExactly(bench: ConformanceBench): Promise<void> {
  const { destination: shared } = present((await batchOf(bench, [1n])).payouts[0], 'a payout')
  const fresh = await batchOf(bench, [1n, 2n, 3n, 4n])
  const payouts = fresh.payouts.map((payout, index) => ({
    ...payout,
    units: payout.units + BigInt(index) * 7n - 11n,
    destination: index % 2 === 0 ? shared : payout.destination,
  }))
  const batch = { ...(await bench.wallet(bench.amount * 11n)), payouts }
  let waiting: readonly RailPayout[] = payouts
  while (waiting.length > 0) {
    const attempt = await attemptOf(bench, { ...batch, payouts: waiting })
    await bench.rail.submit(attempt)
    await bench.advance()
    await expectState(bench, batch, attempt, 'settled')
    waiting = waiting.filter(({ id }) => !attempt.payouts.includes(id))
  }
  await expectReceived(bench, payouts)
}

async function paysOnceOnResend(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 1n])
  const attempt = await attemptOf(bench, batch)
  for (const round of ['before', 'while', 'after']) {
    const submission = await bench.rail.submit(attempt)
    assert(submission.state !== 'unknown', `an answer is known ${round} it lands`)
    await bench.rail.submit(attempt)
    await bench.advance()
  }
  await expectState(bench, batch, attempt, 'settled')
  await expectReceived(bench, batch.payouts)
}

async function identifiesAttempts(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const [first, second] = [await attemptOf(bench, batch), await attemptOf(bench, batch)]
  assert(first.identity !== second.identity, 'two attempts have two identities')
  const one = await bench.rail.identify()
  expectEqual((await bench.rail.identify()).network, one.network, 'network')
}

async function survivesLostResponses(bench: Turned<'loseResponses'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  bench.loseResponses(true)
  expectEqual((await bench.rail.submit(attempt)).state, 'unknown', 'submit without an answer')
  expectEqual((await bench.rail.submit(attempt)).state, 'unknown', 'submit without an answer')
  await expectState(bench, batch, attempt, 'unknown')
  bench.loseResponses(false)
  await bench.advance()
  await expectState(bench, batch, attempt, 'settled')
  await expectReceived(bench, batch.payouts)
}

async function survivesLostRequests(bench: Turned<'loseRequests'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  bench.loseRequests(true)
  expectEqual((await bench.rail.submit(attempt)).state, 'unknown', 'submit without an answer')
  bench.loseRequests(false)
  await bench.advance()
  await expectState(bench, batch, attempt, 'pending')
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectState(bench, batch, attempt, 'settled')
  await expectReceived(bench, batch.payouts)
}

async function provesNever(bench: Turned<'dropSends' | 'expire'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const dropped = await attemptOf(bench, batch)
  bench.dropSends(true)
  expectEqual((await bench.rail.submit(dropped)).state, 'accepted', 'submit to a network that drops')
  await bench.expire()
  bench.dropSends(false)
  expectProof((await expectState(bench, batch, dropped, 'never')).proof)
  const second = await attemptOf(bench, batch)
  // The dead one is sent again beside the new one: it must stay dead.
  await bench.rail.submit(dropped)
  await bench.rail.submit(second)
  await bench.advance()
  await expectState(bench, batch, second, 'settled')
  await expectState(bench, batch, dropped, 'never')
  await expectReceived(bench, batch.payouts)
}

async function staysPending(bench: Turned<'dropSends'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const attempt = await attemptOf(bench, batch)
  bench.dropSends(true)
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectState(bench, batch, attempt, 'pending')
}

async function distrustsForgetfulness(bench: Turned<'dropSends' | 'expire' | 'forgetHistory'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const landed = await attemptOf(bench, batch)
  await bench.rail.submit(landed)
  await bench.advance()
  const other = await batchOf(bench, [1n])
  bench.dropSends(true)
  const dropped = await attemptOf(bench, other)
  await bench.rail.submit(dropped)
  await bench.expire()
  await bench.forgetHistory()
  await expectState(bench, batch, landed, 'unknown')
  await expectState(bench, other, dropped, 'unknown')
}

async function takesSilenceForNothing(bench: Turned<'loseRequests'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const attempt = await attemptOf(bench, batch)
  bench.loseRequests(true)
  expectEqual((await bench.rail.submit(attempt)).state, 'unknown', 'submit into silence')
  await expectState(bench, batch, attempt, 'unknown')
  expectEqual((await bench.rail.prepare(input(bench, batch))).state, 'unavailable', 'prepare in silence')
}

async function holdsUnfunded(bench: ConformanceBench): Promise<void> {
  const batch = { ...(await batchOf(bench, [3n, 4n])), ...(await bench.wallet(0n)) }
  const prepared = await bench.rail.prepare(input(bench, batch))
  assert(prepared.state === 'nothing', 'a wallet without money pays nothing')
  expectEqual(prepared.unpayable.map(({ payout, reason }) => `${payout} ${reason}`).join(), batch.payouts.map(({ id }) => `${id} no_funds`).join(), 'held')
}

async function paysPastLarge(bench: ConformanceBench): Promise<void> {
  const large = await batchOf(bench, [1n, 1_000n, 1n])
  const batch = { ...large, ...(await bench.wallet(2n * bench.amount)) }
  const prepared = await bench.rail.prepare(input(bench, batch))
  assert(prepared.state === 'prepared', `the small ones go, not ${prepared.state}`)
  const [first, second, third] = batch.payouts.map(({ id }) => id)
  expectEqual(prepared.attempt.payouts.join(), [first, third].join(), 'batch')
  expectEqual(prepared.unpayable.map(({ payout, reason }) => `${payout} ${reason}`).join(), `${second} no_funds`, 'held')
}

async function respectsCommitted(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n, 3n])
  const sum = batch.payouts.reduce((total, { units }) => total + units, 0n)
  const held = await bench.rail.balance(batch.wallet, bench.asset)
  const prepared = await bench.rail.prepare(input(bench, batch, held - sum + 4n * bench.amount))
  const going = prepared.state === 'prepared' ? prepared.attempt.payouts : []
  const units = batch.payouts.filter(({ id }) => going.includes(id)).reduce((total, payout) => total + payout.units, 0n)
  assert(units <= 2n * bench.amount, `${units} units go, though all but ${2n * bench.amount} are committed`)
  expectEqual(prepared.state === 'unavailable', false, 'unavailable')
}

async function namesFailingMember(bench: Turned<'spoil'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n, 3n])
  // The destinations are known to the network by now: what fails is the spoiled one.
  const known = await attemptOf(bench, batch)
  await bench.rail.submit(known)
  await bench.advance()
  const again = batch.payouts.map((payout) => ({ ...payout, id: bench.id() }))
  const second = { ...(await bench.wallet(20n * bench.amount)), payouts: again }
  const attempt = await attemptOf(bench, second)
  const spoiled = present(again[1], 'a payout')
  await bench.spoil(spoiled.destination)
  await bench.rail.submit(attempt)
  await bench.advance()
  const failed = await expectState(bench, second, attempt, 'failed')
  expectEqual(failed.member?.payout ?? 'nobody', spoiled.id, 'the payout to blame')
  expectProof(failed.proof)
  const rest = { ...second, payouts: again.filter(({ id }) => id !== spoiled.id) }
  const third = await attemptOf(bench, rest)
  await bench.rail.submit(third)
  await bench.advance()
  await expectState(bench, rest, third, 'settled')
  await expectReceived(bench, [...batch.payouts, ...rest.payouts])
}

async function walk(bench: ConformanceBench, wallet: RailWallet, own: ReadonlySet<string>, from: string | null) {
  const movements: Movement[] = []
  let cursor = from
  for (;;) {
    // A lost answer moves nothing: the same cursor is asked again.
    const incoming = await bench.rail
      .incoming({ wallet, assets: [bench.asset], cursor, own: (ids) => Promise.resolve(new Set(ids.filter((id) => own.has(id)))) })
      .catch(() => null)
    if (incoming === null) continue
    movements.push(...incoming.movements)
    cursor = incoming.cursor
    if (!incoming.more) return { movements, cursor }
  }
}

async function showsDepositsOnce(bench: Turned<'deposit'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const start = await walk(bench, batch.wallet, new Set(), null)
  const attempt = await attemptOf(bench, batch)
  await bench.rail.submit(attempt)
  await bench.deposit(batch.wallet, 5n)
  await bench.advance()
  await bench.deposit(batch.wallet, 6n)
  await bench.advance()
  const next = await walk(bench, batch.wallet, new Set([attempt.identity]), start.cursor)
  expectEqual(next.movements.map(({ direction, units }) => `${direction} ${units}`).join(), 'in 5,in 6', 'movements')
  expectEqual((await walk(bench, batch.wallet, new Set([attempt.identity]), next.cursor)).movements.length, 0, 'movements seen again')
  const all = await walk(bench, batch.wallet, new Set([attempt.identity]), null)
  const identities = all.movements.map(({ identity }) => identity)
  expectEqual(identities.join(), [...start.movements, ...next.movements].map(({ identity }) => identity).join(), 'the whole history')
  expectEqual(new Set(identities).size, identities.length, 'identities')
}

async function losesNoDeposit(bench: Turned<'deposit' | 'loseResponses'>): Promise<void> {
  const { wallet } = await bench.wallet(bench.amount)
  const start = await walk(bench, wallet, new Set(), null)
  await bench.deposit(wallet, 5n)
  await bench.advance()
  bench.loseResponses(true)
  const lost = await bench.rail.incoming({ wallet, assets: [bench.asset], cursor: start.cursor, own: () => Promise.resolve(new Set()) }).then(
    () => false,
    () => true,
  )
  expectEqual(lost, true, 'a lost answer is an error')
  bench.loseResponses(false)
  const next = await walk(bench, wallet, new Set(), start.cursor)
  expectEqual(next.movements.map(({ units }) => units).join(), '5', 'movements')
}
