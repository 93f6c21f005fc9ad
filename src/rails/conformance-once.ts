// Cases of every rail: the law of once. Identity and bytes stand before anything is sent, the same bytes are sent again, no answer of submit ends
// an attempt, and only a look that proves it says how one ended.

import { assert, present } from '../core/assert.ts'
import {
  attemptOf, batchOf, define, expectEqual, expectPaid, expectProof, expectReceived, expectState, input, lookAtOne, shown, type Batch, type ConformanceBench,
  type ConformanceCase, type Turned,
} from './conformance-bench.ts'
import type { Look, RailAttempt, Sign, StoredAttempt } from './rail.ts'

export const onceCases: readonly ConformanceCase[] = [
  define('sends nothing while it prepares', [], sendsNothing),
  define('asks the signer once, for the payouts that go, and keeps what it signed', [], keepsWhatWasSigned),
  define('gives each attempt an identity of its own', [], identifiesAttempts),
  define('leaves an attempt as it is, and goes on with it in another process', [], survivesRestart),
  define('pays once however often the same bytes are sent', [], paysOnceOnResend),
  define('pays once when requests arrive twice', ['duplicateRequests'], survivesDuplicates),
  define('pays once when every answer is lost', ['loseResponses'], survivesLostResponses),
  define('pays once when the first request is lost and the same bytes are sent again', ['loseRequests'], survivesLostRequests),
  define('takes no answer of submit for an end', ['acceptThenError'], distrustsErrors),
  define('takes silence for nothing', ['loseRequests'], takesSilenceForNothing),
  define('takes a limit for nothing', ['limit'], takesLimitForNothing),
  define('does not call settled what the network can still undo', ['land', 'undo'], waitsForFinality),
  define('settles the same way however often and by whomever it is looked at', [], settlesAgain),
  define('answers looks in the order in which they are asked', ['dropSends'], answersInOrder),
  define('does not say never while an attempt can still land', ['dropSends'], staysPending),
  define('says never with proof when an attempt can land no more, and a new attempt pays once', ['dropSends', 'expire'], provesNever),
  define('never takes a forgotten history for proof', ['dropSends', 'expire', 'forgetHistory'], distrustsForgetfulness),
  define('never takes nodes that are behind for proof', ['dropSends', 'expire', 'lag'], distrustsLag),
  define('keeps a failed attempt failed, though its bytes are sent again', ['spoil'], staysFailed),
  define('has proofs that fit what is stored, and nothing else', ['checkProof', 'dropSends', 'expire'], checksProofs),
]

async function paysOnceOnResend(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 1n])
  const attempt = await attemptOf(bench, batch)
  for (const round of ['before', 'while', 'after']) {
    const submission = await bench.rail.submit(attempt)
    assert(submission.state !== 'unknown', `an answer is known ${round} it lands`)
    await bench.rail.submit(attempt)
    await bench.advance()
  }
  await expectPaid(bench, batch, attempt)
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
  await expectPaid(bench, batch, attempt)
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
  await expectPaid(bench, batch, attempt)
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


async function sendsNothing(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  await bench.advance()
  await expectState(bench, batch, attempt, 'pending')
  await expectReceived(bench, batch.payouts.map((payout) => ({ ...payout, units: 0n })))
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectState(bench, batch, attempt, 'settled')
}

async function keepsWhatWasSigned(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 1_000_000n, 2n])
  const wallet = await bench.wallet(3n * bench.amount)
  const asked: string[] = []
  const signed: { identity: string; bytes: Uint8Array }[] = []
  const sign: Sign = async (payouts, draft) => {
    asked.push(payouts.join())
    const one = await wallet.sign(batch.payouts)(payouts, draft)
    signed.push(one)
    return one
  }
  const prepared = await bench.rail.prepare({ ...input(bench, { ...batch, ...wallet }), sign })
  assert(prepared.state === 'prepared', `a batch is prepared, not ${prepared.state}`)
  const { identity, bytes, payouts } = prepared.attempt
  expectEqual(asked.join(' and '), payouts.join(), 'what the signer was asked for')
  expectEqual(identity, signed[0]?.identity ?? '', 'identity')
  expectEqual(bytes.toHex(), signed[0]?.bytes.toHex() ?? '', 'bytes')
}

/** As it comes back from a database: the same values in other objects. */
function stored(attempt: RailAttempt): RailAttempt {
  const { identity, bytes, payouts, data } = attempt
  return { identity, bytes: Uint8Array.fromHex(bytes.toHex()), payouts: [...payouts], data: JSON.parse(JSON.stringify(data)) as RailAttempt['data'] }
}

async function survivesRestart(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  const before = shown({ ...attempt, bytes: attempt.bytes.toHex() })
  const kept = stored(attempt)
  await bench.rail.submit(attempt)
  await lookAtOne(bench, batch, attempt)
  expectEqual(shown({ ...attempt, bytes: attempt.bytes.toHex() }), before, 'the attempt after submit and look')
  const other = { ...bench, rail: bench.reconnect() }
  expectEqual((await other.rail.submit(kept)).state, 'accepted', 'submit by another process')
  await bench.advance()
  await expectPaid(other, batch, kept)
}

async function survivesDuplicates(bench: Turned<'duplicateRequests'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  bench.duplicateRequests(true)
  const attempt = await attemptOf(bench, batch)
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectPaid(bench, batch, attempt)
}

async function distrustsErrors(bench: Turned<'acceptThenError'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  bench.acceptThenError(true)
  const submission = await bench.rail.submit(attempt)
  assert(submission.state !== 'accepted', 'an error is no acceptance')
  bench.acceptThenError(false)
  const look = await lookAtOne(bench, batch, attempt)
  assert(look.state === 'pending' || look.state === 'unknown', `an error of submit ends nothing, and look says ${look.state}`)
  await bench.advance()
  await expectPaid(bench, batch, attempt)
}

async function takesLimitForNothing(bench: Turned<'limit'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const attempt = await attemptOf(bench, batch)
  bench.limit(true)
  assert((await bench.rail.submit(attempt)).state !== 'accepted', 'what was turned away was not accepted')
  await expectState(bench, batch, attempt, 'unknown')
  expectEqual((await bench.rail.prepare(input(bench, batch))).state, 'unavailable', 'prepare at the limit')
  bench.limit(false)
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectState(bench, batch, attempt, 'settled')
}

async function waitsForFinality(bench: Turned<'land' | 'undo'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const attempt = await attemptOf(bench, batch)
  await bench.rail.submit(attempt)
  await bench.land()
  await expectState(bench, batch, attempt, 'pending')
  await bench.undo()
  await expectState(bench, batch, attempt, 'pending')
  await bench.rail.submit(attempt)
  await bench.advance()
  await expectPaid(bench, batch, attempt)
}

async function settlesAgain(bench: ConformanceBench): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const attempt = await attemptOf(bench, batch)
  await bench.rail.submit(attempt)
  await bench.advance()
  const first = await expectState(bench, batch, attempt, 'settled')
  await bench.advance()
  for (const rail of [bench.rail, bench.reconnect()]) {
    expectEqual(shown(await expectState({ ...bench, rail }, batch, attempt, 'settled')), shown(first), 'the settlement')
  }
}

async function answersInOrder(bench: Turned<'dropSends'>): Promise<void> {
  const batches: { batch: Batch; attempt: RailAttempt }[] = []
  for (const dropped of [false, true, false, true]) {
    const batch = await batchOf(bench, [1n])
    const attempt = await attemptOf(bench, batch)
    bench.dropSends(dropped)
    await bench.rail.submit(attempt)
    batches.push({ batch, attempt })
  }
  bench.dropSends(false)
  await bench.advance()
  const looks = async (order: readonly number[]): Promise<string> => {
    const asked = order.map((index) => present(batches[index], 'a batch')).map(({ batch: { wallet, payouts }, attempt }) => ({ attempt, wallet, payouts }))
    return (await bench.rail.look(asked)).map(({ state }) => state).join()
  }
  expectEqual(await looks([0, 1, 2, 3]), 'settled,pending,settled,pending', 'looks')
  expectEqual(await looks([3, 0, 1, 2]), 'pending,settled,pending,settled', 'looks in another order')
  expectEqual((await bench.rail.look([])).length, 0, 'looks at nothing')
}

async function distrustsLag(bench: Turned<'dropSends' | 'expire' | 'lag'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const landed = await attemptOf(bench, batch)
  await bench.rail.submit(landed)
  await bench.expire()
  const other = await batchOf(bench, [1n])
  const alive = await attemptOf(bench, other)
  bench.dropSends(true)
  await bench.rail.submit(alive)
  bench.lag(true)
  for (let looks = 0; looks < 20; looks += 1) {
    const seen: readonly Look[] = [await lookAtOne(bench, batch, landed), await lookAtOne(bench, other, alive)]
    for (const { state } of seen) assert(state !== 'never' && state !== 'failed', `nodes that are behind prove nothing, and look says ${state}`)
  }
  bench.lag(false)
  await expectState(bench, batch, landed, 'settled')
  await expectState(bench, other, alive, 'pending')
}

async function staysFailed(bench: Turned<'spoil'>): Promise<void> {
  const batch = await batchOf(bench, [1n])
  const known = await attemptOf(bench, batch)
  await bench.rail.submit(known)
  await bench.advance()
  const again = batch.payouts.map((payout) => ({ ...payout, id: bench.id() }))
  const second = { ...(await bench.wallet(20n * bench.amount)), payouts: again }
  const attempt = await attemptOf(bench, second)
  await bench.spoil(present(again[0], 'a payout').destination)
  for (const round of ['first', 'second']) {
    await bench.rail.submit(attempt)
    await bench.advance()
    const failed = await expectState(bench, second, attempt, 'failed')
    assert(failed.reason.length > 0, `a failure has a reason, the ${round} time too`)
  }
  await expectReceived(bench, batch.payouts)
}

async function checksProofs(bench: Turned<'checkProof' | 'dropSends' | 'expire'>): Promise<void> {
  const batch = await batchOf(bench, [1n, 2n])
  const dropped = await attemptOf(bench, batch)
  bench.dropSends(true)
  await bench.rail.submit(dropped)
  await bench.expire()
  bench.dropSends(false)
  const { proof: nothing } = await expectState(bench, batch, dropped, 'never')
  const attempt = await attemptOf(bench, batch)
  await bench.rail.submit(attempt)
  await bench.advance()
  const { proof, costs } = await expectState(bench, batch, attempt, 'settled')
  const payouts = attempt.payouts.map((id) => present(batch.payouts.find((payout) => payout.id === id), id))
  const settled: StoredAttempt = { ...stored(attempt), state: 'settled', proof, costs, wallet: batch.wallet, payouts }
  const never: StoredAttempt = { ...stored(dropped), state: 'never', proof: nothing, costs: [], wallet: batch.wallet, payouts }
  const problem = async (name: string, fits: boolean, one: StoredAttempt): Promise<void> => {
    const found = await bench.checkProof(one)
    assert((found === null) === fits, `${name} ${fits ? 'fits' : 'does not fit'}, and is said to ${found ?? 'fit'}`)
  }
  await problem('a settlement', true, settled)
  await problem('a proof that it can never pay', true, never)
  await problem('a settlement of another amount', false, { ...settled, payouts: payouts.map((payout) => ({ ...payout, units: payout.units + 1n })) })
  await problem('a settlement of another identity', false, { ...settled, identity: dropped.identity })
  await problem('a settlement with the proof of another end', false, { ...settled, proof: nothing })
  await problem('a never with the proof of a settlement', false, { ...never, proof })
  await problem('a never that says nothing', false, { ...never, proof: {} })
}
