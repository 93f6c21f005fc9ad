// Cases of every rail: money that comes into a wallet from elsewhere.

import {
  attemptOf, batchOf, define, expectEqual, type ConformanceBench, type ConformanceCase, type Turned,
} from './conformance-bench.ts'
import type { Movement, RailWallet } from './rail.ts'

export const depositCases: readonly ConformanceCase[] = [
  define('shows each deposit once, and no payout of ours', ['deposit'], showsDepositsOnce),
  define('loses no deposit when answers are lost', ['deposit', 'loseResponses'], losesNoDeposit),
]

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
