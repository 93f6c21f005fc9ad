// What a rail's sandbox must offer to be held against the cases of every rail, and the steps that the cases are made of.

import { assert, present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import type { Look, Rail, RailAsset, RailAttempt, RailPayout, RailWallet, Sign, StoredAttempt } from './rail.ts'

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
  /** Requests are worked on, and their answer is an error. */
  readonly acceptThenError: Knob<(on: boolean) => void>
  /** Requests arrive twice. */
  readonly duplicateRequests: Knob<(on: boolean) => void>
  /** The network takes no more requests and says so. */
  readonly limit: Knob<(on: boolean) => void>
  /** Some answers come from nodes that are behind, further than a payment is valid. */
  readonly lag: Knob<(on: boolean) => void>
  /** Lets the network take in what waits, and no more than that: it is not final. */
  readonly land: Knob<() => Promise<void>>
  /** The network takes back what is not final. */
  readonly undo: Knob<() => Promise<void>>
  /** From now on the node knows nothing of what was before. */
  readonly forgetHistory: Knob<() => Promise<void>>
  /** Makes payouts to the destination fail on the network, after they were prepared. */
  readonly spoil: Knob<(destination: JsonObject) => Promise<void>>
  /** The wallet's owner takes out all that the network lets go. */
  readonly drain: Knob<(wallet: RailWallet) => Promise<void>>
  /** Another process on the same network: it knows nothing of what this one did. */
  readonly reconnect: () => Rail
  /** As the rail's module has it. */
  readonly checkProof: Knob<(attempt: StoredAttempt) => Promise<string | null>>
  /** A stranger pays the wallet. */
  readonly deposit: Knob<(wallet: RailWallet, units: bigint) => Promise<void>>
  readonly close: () => Promise<void>
}

export type KnobName =
  | 'expire' | 'dropSends' | 'loseRequests' | 'loseResponses' | 'acceptThenError' | 'duplicateRequests' | 'limit' | 'lag' | 'land' | 'undo' | 'forgetHistory'
  | 'spoil' | 'drain' | 'checkProof' | 'deposit'
export type Turned<Name extends KnobName> = ConformanceBench & { readonly [Key in Name]: Exclude<ConformanceBench[Key], { readonly unable: string }> }

export type ConformanceCase = {
  readonly name: string
  readonly needs: readonly KnobName[]
  readonly run: (bench: ConformanceBench) => Promise<void>
}

/** Why this bench cannot run the case, or null when it can. */
export function inexpressible({ needs }: ConformanceCase, bench: ConformanceBench): string | null {
  for (const need of needs) {
    const knob = bench[need]
    if (typeof knob !== 'function') return knob.unable
  }
  return null
}

export function define<Name extends KnobName>(name: string, needs: readonly Name[], run: (bench: Turned<Name>) => Promise<void>): ConformanceCase {
  // Only run when `inexpressible` found nothing.
  return { name, needs, run: (bench) => run(bench as Turned<Name>) }
}

export type Batch = ConformanceWallet & { readonly payouts: readonly RailPayout[] }

export async function batchOf(bench: ConformanceBench, multiples: readonly bigint[]): Promise<Batch> {
  const payouts: RailPayout[] = []
  for (const multiple of multiples) {
    payouts.push({ id: bench.id(), units: multiple * bench.amount, asset: bench.asset, destination: await bench.destination() })
  }
  const sum = payouts.reduce((total, { units }) => total + units, 0n)
  return { ...(await bench.wallet(sum)), payouts }
}

export const HEAD = 'c0ffee00'.repeat(8)
export const shown = (value: unknown): string => JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))

export function input(bench: ConformanceBench, { wallet, sign, payouts }: Batch, committed = 0n) {
  return { attempt: bench.id(), head: HEAD, payouts, wallet, committed: new Map([[bench.asset.asset, committed]]), sign: sign(payouts) }
}

export async function attemptOf(bench: ConformanceBench, batch: Batch): Promise<RailAttempt> {
  const prepared = await bench.rail.prepare(input(bench, batch))
  assert(prepared.state === 'prepared', `a batch is prepared, not ${shown(prepared)}`)
  return prepared.attempt
}

export async function lookAtOne(bench: ConformanceBench, batch: Batch, attempt: RailAttempt): Promise<Look> {
  const payouts = attempt.payouts.map((id) => present(batch.payouts.find((payout) => payout.id === id), id))
  const [look] = await bench.rail.look([{ attempt, wallet: batch.wallet, payouts }])
  return present(look, 'an answer of look')
}

export async function expectState<State extends Look['state']>(
  bench: ConformanceBench, batch: Batch, attempt: RailAttempt, state: State,
): Promise<Extract<Look, { readonly state: State }>> {
  const look = await lookAtOne(bench, batch, attempt)
  assert(look.state === state, `look says ${state}, not ${shown(look)}`)
  return look as Extract<Look, { readonly state: State }>
}

/** The attempt is settled, and each destination has what it pays and no more. */
export async function expectPaid(bench: ConformanceBench, batch: Batch, attempt: RailAttempt): Promise<void> {
  await expectState(bench, batch, attempt, 'settled')
  await expectReceived(bench, batch.payouts)
}

export async function expectReceived(bench: ConformanceBench, payouts: readonly RailPayout[]): Promise<void> {
  const sums = new Map<string, { readonly destination: JsonObject; units: bigint }>()
  for (const { destination, units } of payouts) {
    const name = JSON.stringify(destination)
    const sum = sums.get(name)
    if (sum === undefined) sums.set(name, { destination, units })
    else sum.units += units
  }
  for (const [name, { destination, units }] of sums) expectEqual(await bench.received(destination), units, `units received at ${name}`)
}

export function expectEqual<T extends string | number | bigint | boolean>(actual: T, expected: T, what: string): void {
  assert(actual === expected, `${what}: ${actual} instead of ${expected}`)
}

export const expectProof = (proof: JsonObject): void => assert(Object.keys(proof).length > 0, 'a proof says something')
