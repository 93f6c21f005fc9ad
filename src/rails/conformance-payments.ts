// Cases of every rail: what it pays, what it holds, and what it names as the reason.

import { assert, present } from '../core/assert.ts'
import {
  attemptOf, batchOf, define, expectEqual, expectProof, expectReceived, expectState, input, lookAtOne, type ConformanceBench, type ConformanceCase, type Turned,
} from './conformance-bench.ts'
import type { RailPayout } from './rail.ts'

export const paymentCases: readonly ConformanceCase[] = [
  define('pays each destination its units and settles with proof and costs', [], paysAndSettles),
  define('pays amounts exactly, several to one destination too', [], paysExactly),
  define('puts no more into a batch than its size', [], keepsBatchSize),
  define('holds the payouts of a wallet without money', [], holdsUnfunded),
  define('pays small payouts past a large one that the wallet cannot pay', [], paysPastLarge),
  define('leaves what live attempts may still take', [], respectsCommitted),
  define('names the payout that makes a batch fail, and pays the others without it', ['spoil'], namesFailingMember),
  define('blames nobody when the wallet was emptied after the batch was signed', ['drain', 'expire'], survivesDrain),
]

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


async function keepsBatchSize(bench: ConformanceBench): Promise<void> {
  const size = bench.rail.batchSize(bench.asset)
  const one = await batchOf(bench, [1n])
  const payouts = Array.from({ length: size + 3 }, () => ({ ...present(one.payouts[0], 'a payout'), id: bench.id() }))
  const batch = { ...(await bench.wallet(BigInt(payouts.length) * bench.amount)), payouts }
  const prepared = await bench.rail.prepare(input(bench, batch))
  assert(prepared.state === 'prepared', `a batch is prepared, not ${prepared.state}`)
  const { payouts: going } = prepared.attempt
  assert(going.length > 0 && going.length <= size, `${going.length} payouts go in a batch of ${size}`)
  expectEqual(prepared.unpayable.length, 0, 'payouts called unpayable because the batch is full')
}

async function survivesDrain(bench: Turned<'drain' | 'expire'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  await bench.drain(batch.wallet)
  await bench.rail.submit(attempt)
  await bench.advance()
  const first = await lookAtOne(bench, batch, attempt)
  if (first.state !== 'failed') await bench.expire()
  const ended = first.state === 'failed' ? first : await lookAtOne(bench, batch, attempt)
  assert(ended.state === 'failed' || ended.state === 'never', `what the wallet cannot pay has failed or can never pay, not ${ended.state}`)
  expectProof(ended.proof)
  if (ended.state === 'failed') expectEqual(ended.member?.payout ?? 'nobody', 'nobody', 'the payout to blame')
  await expectReceived(bench, batch.payouts.map((payout) => ({ ...payout, units: 0n })))
}
