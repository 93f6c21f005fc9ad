// A fee by the size of the pool, less discounts, within bounds; out of the pool, or on top of it out of a fund.

import { add, larger, multiply, ONE, rate, ratio, smaller, subtract, weights, ZERO, type Ratio } from '../ratio.ts'
import { divide } from '../rounding.ts'
import { accountOf, factOf, linesOf, partyOf, type Line, type Rule, type Target, type Work } from './work.ts'

type Condition =
  | { readonly party: string; readonly is: string }
  | { readonly fact: string; readonly subject: string }
  | { readonly fact: string; readonly of: string }

type Bound = string | { readonly units: string }

export type TieredFee = {
  readonly fee: { readonly role: string; readonly to: Target }
  readonly rest: { readonly role: string; readonly to: Target }
  readonly tiers: readonly { readonly from: string; readonly rate: string }[]
  readonly applies: 'whole' | 'bands'
  readonly discounts?: readonly { readonly off: string; readonly when: Condition }[]
  readonly combine?: 'multiply' | 'add' | 'best-of'
  readonly floor?: Bound
  readonly ceiling?: Bound
  readonly bearer: 'deducted' | { readonly onTop: { readonly fund: string } }
}

export const tieredFee: Rule<TieredFee> = (work, given) => {
  const fee = exactFee(work, given)
  const parts = weights([subtract(ratio(work.pool), fee), fee])
  // The rest comes first, so that a tie is the payer's.
  const takers = [given.rest, given.fee].map(({ role, to }, place) => {
    const account = accountOf(to, work)
    return { key: `${role}/${account}`, role, to: account, weight: parts[place] ?? 0n }
  })
  if (given.bearer === 'deducted') return linesOf(work, takers)
  const [, units = 0n] = divide(work.pool, takers, work)
  const fund = `fund:${given.bearer.onTop.fund}`
  return takers.map(({ role, to }, place): Line => (place === 0 ? { role, from: work.from, to, units: work.pool } : { role, from: fund, to, units }))
}

function exactFee(work: Work, { tiers, applies, discounts = [], combine = 'multiply', floor, ceiling }: TieredFee): Ratio {
  const pool = ratio(work.pool)
  const offs = discounts.filter(({ when }) => holds(work, when)).map(({ off }) => rate(off))
  const left = multiplied(offs, combine)
  const gross = applies === 'whole' ? multiply(pool, rate(tiers.findLast(({ from }) => BigInt(from) <= work.pool)?.rate ?? '0')) : graduated(work.pool, tiers)
  let fee = multiply(gross, left)
  if (floor !== undefined) fee = larger(fee, boundOf(floor, pool))
  if (ceiling !== undefined) fee = smaller(fee, boundOf(ceiling, pool))
  return smaller(fee, pool)
}

/** The part of the fee that discounts leave. */
function multiplied(offs: readonly Ratio[], combine: NonNullable<TieredFee['combine']>): Ratio {
  if (combine === 'multiply') return offs.reduce((left, off) => multiply(left, subtract(ONE, off)), ONE)
  const off = combine === 'add' ? smaller(offs.reduce(add, ZERO), ONE) : offs.reduce(larger, ZERO)
  return subtract(ONE, off)
}

function holds(work: Work, when: Condition): boolean {
  if ('is' in when) return partyOf(work, when.party) === when.is
  return factOf(work, when, 'subject' in when ? when.subject : partyOf(work, when.of)) === '1'
}

function graduated(pool: bigint, tiers: TieredFee['tiers']): Ratio {
  return tiers.reduce((all, { from, rate: each }, place) => {
    const next = tiers[place + 1]
    const end = next === undefined || BigInt(next.from) > pool ? pool : BigInt(next.from)
    return end > BigInt(from) ? add(all, multiply(ratio(end - BigInt(from)), rate(each))) : all
  }, ZERO)
}

function boundOf(bound: Bound, pool: Ratio): Ratio {
  return typeof bound === 'string' ? multiply(pool, rate(bound)) : ratio(BigInt(bound.units))
}
