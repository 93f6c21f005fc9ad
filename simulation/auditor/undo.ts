// What a reversal must take back of an event, and from where (docs/guides/refunds-and-chargebacks.md, decision 14). Plans play no part.

import { roleOf, partyOf } from './balances.ts'
import type { Transfer } from './journal.ts'
import { createMemory, put, type Change, type Memory } from './memory.ts'
import { divide } from './rounding.ts'

/** What an event left in an account: below zero where it took more from it than it gave. `reversed`: of that, undone so far. */
export type Holding = { readonly part: string; readonly account: string; readonly units: bigint; reversed: bigint }

/** What an event changed of what its plan's rules count. */
export type Counted = { readonly memory: Memory; readonly step: string; readonly change: Change }

/**
 * Each recipient's share by itself, other accounts once; what rounding keeps is nobody's yet and stays. What was given out in chunks is one
 * holding, unless its shares are among these: then nothing of it is left.
 */
export function holdingsOf(shares: readonly Transfer[]): readonly Holding[] {
  const own = shares.filter(({ credit }) => roleOf(credit) === 'payable').map(({ part, credit, units }): Holding => ({ part, account: credit, units, reversed: 0n }))
  const others = new Map<string, { part: string; units: bigint }>()
  for (const { part, debit, credit, units } of shares) {
    for (const [account, change] of [[debit, -units], [credit, units]] as const) {
      if (account === 'received' || roleOf(account) === 'rounding' || roleOf(account) === 'payable') continue
      others.getOrInsertComputed(account, () => ({ part, units: 0n })).units += change
    }
  }
  const rest = [...others].filter(([, { units }]) => units !== 0n).map(([account, { part, units }]): Holding => ({ part, account, units, reversed: 0n }))
  return [...own, ...rest].toSorted((a, b) => Number(a.part) - Number(b.part))
}

/** How much of an event can be reversed at all. */
export function reversibleOf(holdings: readonly Holding[], units: bigint): bigint {
  const held = holdings.reduce((all, holding) => all + holding.units, 0n)
  return held < units ? held : units
}

/** So many units of `of`, after `before` were reversed earlier. */
export type Portion = { readonly units: bigint; readonly of: bigint; readonly before: bigint }

/** By holding: units to be taken, below zero to be given back. */
export function undo(holdings: readonly Holding[], { units, of, before }: Portion): readonly bigint[] {
  const given = holdings.map((holding) => (holding.units < 0n ? (-holding.units * (before + units)) / of + holding.reversed : 0n))
  const pool = given.reduce((all, each) => all + each, units)
  const takers = holdings.map((holding) => ({ key: '', role: '', to: '', weight: holding.units > 0n ? holding.units - holding.reversed : 0n }))
  const taken = divide(pool, takers, { rounding: 'largest-remainder', memory: createMemory() })
  return holdings.map((_, place) => (taken[place] ?? 0n) - (given[place] ?? 0n))
}

/** What of a carried account the event's own steps remember: no more can be taken from it. */
export function carriedUnder(account: string, counted: readonly Counted[]): bigint {
  const key = `carried/${partyOf(account)}`
  return counted.reduce((all, { memory, change }) => (change.key === key ? all + (memory.counts.get(key) ?? 0n) : all), 0n)
}

const COUNTERS = /^(used|recouped)\//

/** What rules count falls in proportion; what they carry follows its account (`moved`: into it, below zero out of it). */
export function giveBack(counted: readonly Counted[], { units, of, before }: Portion, moved: Map<string, bigint>): void {
  for (const { memory, change } of counted) {
    const now = memory.counts.get(change.key) ?? 0n
    if (COUNTERS.test(change.key)) {
      const part = (reversed: bigint): bigint => ((change.after - change.before) * reversed) / of
      const next = now - (part(before + units) - part(before))
      put(memory, change.key, next < 0n ? 0n : next)
    } else if (change.key.startsWith('carried/')) {
      const account = change.key.replace('/', ':')
      const all = moved.get(account) ?? 0n
      const delta = all < -now ? -now : all
      moved.set(account, all - delta)
      put(memory, change.key, now + delta)
    }
  }
}
