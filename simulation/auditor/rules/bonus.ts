// Whoever referred a recipient gets a part of what the recipient gets: out of that share, out of a fund, or out of the same pool.

import { add, decimal, multiply, ONE, rate, subtract, weights, ZERO } from '../ratio.ts'
import { divide, type Taker } from '../rounding.ts'
import { accountOf, linesOf, subjectsOf, type FactSet, type Given, type Line, type Rule, type Target, type Work } from './work.ts'

type Person = { readonly recipient: string } | { readonly party: string }
type Pair = { readonly referred: Person; readonly referrer: Person; readonly optional?: boolean }

export type Bonus = {
  readonly rates: readonly string[]
  readonly referrers: FactSet | readonly Pair[]
  readonly funding: 'referred' | { readonly platform: { readonly fund: string } } | { readonly pool: { readonly by: FactSet; readonly whenAllZero: Target } }
}

export const bonus: Rule<Bonus> = (work, { rates, referrers, funding }) => {
  const up = chains(work, referrers, rates.length)
  if (funding === 'referred') return work.given.flatMap((share) => onShare(work, share, { rates, up: up(share.recipient), fund: null }))
  if ('platform' in funding) return work.given.flatMap((share) => onShare(work, share, { rates, up: up(share.recipient), fund: funding.platform.fund }))
  return inPool(work, { ...funding.pool, rates, up })
}

type Chains = (member: string) => readonly string[]

function chains(work: Work, referrers: Bonus['referrers'], levels: number): Chains {
  const { parties, facts } = work.event
  const idOf = (person: Person): string | undefined => ('recipient' in person ? person.recipient : parties[person.party])
  const pairs = isListed(referrers)
    ? referrers.map(({ referred, referrer }) => [idOf(referred), idOf(referrer)] as const)
    : Object.entries(facts[referrers.fact] ?? {})
  const map = new Map(pairs)
  return (member) => {
    const found: string[] = []
    for (let next = map.get(member); next !== undefined && found.length < levels; next = map.get(next)) found.push(next)
    return found
  }
}

function isListed(referrers: Bonus['referrers']): referrers is readonly Pair[] {
  return Array.isArray(referrers)
}

/** Own shares by member, then the bonuses by the member referred, nearest referrer first. */
function inPool(work: Work, { by, whenAllZero, rates, up }: { by: FactSet; whenAllZero: Target; rates: readonly string[]; up: Chains }): readonly Line[] {
  const members = subjectsOf(work, by)
  const own = members.map(([member, value]) => ({ key: member, role: 'share', to: `payable:${member}`, size: decimal(value) }))
  const bonuses = members.flatMap(([member, value]) =>
    up(member).map((referrer, level) => ({ key: `${member}/${referrer}`, role: 'bonus', to: `payable:${referrer}`, size: multiply(decimal(value), rate(rates[level] ?? '0')) })),
  )
  const all = [...own, ...bonuses]
  const by1 = weights(all.map(({ size }) => size))
  if (by1.every((weight) => weight === 0n)) return [{ role: 'share', from: work.from, to: accountOf(whenAllZero, work), units: work.pool }]
  return linesOf(work, all.map(({ key, role, to }, place): Taker => ({ key, role, to, weight: by1[place] ?? 0n })))
}

function onShare(work: Work, { role, recipient, units, from }: Given, { rates, up, fund }: { rates: readonly string[]; up: readonly string[]; fund: string | null }): readonly Line[] {
  const whole: Line = { role, from, to: `payable:${recipient}`, units }
  if (up.length === 0) return [whole]
  const parts = up.map((_, level) => rate(rates[level] ?? '0'))
  const by1 = weights([subtract(ONE, parts.reduce(add, ZERO)), ...parts])
  const takers: readonly Taker[] = [
    { key: recipient, role, name: 'referred', to: `payable:${recipient}`, weight: by1[0] ?? 0n },
    ...up.map((referrer, level) => ({ key: `${recipient}/${referrer}`, role: 'bonus', to: `payable:${referrer}`, weight: by1[level + 1] ?? 0n })),
  ]
  const how = { division: recipient }
  if (fund === null) return linesOf(work, takers, { ...how, pool: units, from })
  const divided = divide(units, takers, { ...work, ...how })
  return [whole, ...takers.slice(1).map((taker, level): Line => ({ role: 'bonus', from: `fund:${fund}`, to: taker.to, units: divided[level + 1] ?? 0n }))]
}
