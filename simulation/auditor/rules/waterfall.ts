// Money fills one tranche after the other: capital back, preferred return, catch-up, splits. By docs/reference/rule-waterfall.md.

import { add, decimal, floor, multiply, rate, ratio, subtract, weights, ZERO, type Ratio } from '../ratio.ts'
import { divide, type Taker } from '../rounding.ts'
import { dayIn, daysFrom, endOf, isBefore, type Day } from './calendar.ts'
import { accountOf, factOf, type Line, type Rule, type Target, type Work } from './work.ts'

type Listed = { readonly role: string; readonly to: Target; readonly weight: string }

type Contributor = { readonly role: string; readonly recipient: string; readonly contributed?: { readonly units: string; readonly on: string } }

type Tranche =
  | { readonly kind: 'capital'; readonly name: string }
  | { readonly kind: 'preferred'; readonly name: string; readonly rate: string; readonly compounding: 'none' | 'month' | 'quarter' | 'year' }
  | { readonly kind: 'catch-up'; readonly name: string; readonly rate: string; readonly target: string; readonly shares: readonly Listed[]; readonly rest?: readonly Listed[] }
  | { readonly kind: 'split'; readonly name: string; readonly until?: string; readonly shares: readonly Listed[] }

type Preferred = Extract<Tranche, { kind: 'preferred' }>

export type Waterfall = { readonly contributors?: readonly Contributor[]; readonly tranches: readonly Tranche[] }

/** What a contributor has out, and what it earned: exact, but for what compounding rounds down. `joined` earns a return itself. */
type Holding = { readonly day: Day | null; readonly capital: bigint; readonly earned: Ratio; readonly joined: Ratio; readonly isPlanned: boolean }

const NOTHING: Holding = { day: null, capital: 0n, earned: ZERO, joined: ZERO, isPlanned: false }

export const waterfall: Rule<Waterfall> = (work, { contributors = [], tranches }) => {
  const { memory, event } = work
  const day = dayIn(event.at)
  const preferred = tranches.find((tranche) => tranche.kind === 'preferred')
  const holdings = new Map(contributors.map((each) => [each.recipient, holdingOn(work, each, { day, preferred })]))
  const taken = (name: string): bigint => memory.counts.get(`taken/${name}`) ?? 0n
  let left = work.pool
  const lines = tranches.flatMap((tranche) => {
    const takers = takersOf(work, tranche, { contributors, holdings })
    const due = takers.reduce((all, { weight }) => all + weight, 0n)
    const all = tranches.reduce((sum, { name }) => sum + taken(name), 0n)
    const room = roomOf(tranche, { due, all, preferred: preferred === undefined ? 0n : taken(preferred.name), own: taken(tranche.name) })
    const amount = room === null || left < room ? left : room
    const units = divide(amount, takers, { ...work, division: `tranche/${tranche.name}` })
    payBack(tranche, { contributors, holdings, units })
    memory.counts.set(`taken/${tranche.name}`, taken(tranche.name) + amount)
    left -= amount
    return takers.map(({ role, to }, place): Line => ({ role, from: work.from, to, units: units[place] ?? 0n }))
  })
  for (const [recipient, holding] of holdings) memory.things.set(`holding/${recipient}`, holding)
  return lines
}

type Reckoning = { readonly day: Day; readonly preferred: Preferred | undefined }

/** With the return up to the day, what the plan says was contributed by then, and what the event brings. */
function holdingOn(work: Work, { recipient, contributed }: Contributor, { day, preferred }: Reckoning): Holding {
  let holding = (work.memory.things.get(`holding/${recipient}`) as Holding | undefined) ?? NOTHING
  const from = contributed === undefined || holding.isPlanned ? null : Temporal.PlainDate.from(contributed.on)
  if (contributed !== undefined && from !== null && !isBefore(day, from)) {
    const before = earn(holding, from, preferred)
    holding = { ...before, capital: before.capital + BigInt(contributed.units), isPlanned: true }
  }
  const now = earn(holding, day, preferred)
  return { ...now, capital: now.capital + BigInt(factOf(work, { fact: 'contributed' }, recipient) ?? '0') }
}

const YEAR = 365n
const FINEST = 10n ** 18n

function earn(holding: Holding, day: Day, preferred: Preferred | undefined): Holding {
  if (preferred === undefined || holding.day === null) return { ...holding, day }
  const { compounding } = preferred
  const yearly = rate(preferred.rate)
  let { day: from, earned, joined } = { ...holding, day: holding.day }
  const until = (end: Day): Ratio => {
    const base = add(ratio(holding.capital), joined)
    return add(earned, multiply(multiply(base, yearly), ratio(daysFrom(from, end), YEAR)))
  }
  if (compounding !== 'none') {
    for (let end = endOf(from, compounding); !isBefore(day, end); end = endOf(from, compounding)) {
      earned = ratio(floor(multiply(until(end), ratio(FINEST))), FINEST)
      joined = earned
      from = end
    }
  }
  return { ...holding, day, earned: until(day), joined }
}

type Standing = { readonly contributors: readonly Contributor[]; readonly holdings: Map<string, Holding> }

function takersOf(work: Work, tranche: Tranche, { contributors, holdings }: Standing): readonly Taker[] {
  if (tranche.kind === 'capital' || tranche.kind === 'preferred') {
    return contributors.map(({ role, recipient }) => {
      const { capital, earned } = holdings.get(recipient) ?? NOTHING
      const name = `${tranche.name}.${role}`
      return { key: name, role: name, to: `payable:${recipient}`, weight: tranche.kind === 'capital' ? capital : floor(earned) }
    })
  }
  const listed = tranche.kind === 'split' ? tranche.shares : [...tranche.shares, ...(tranche.rest ?? [])]
  const by = tranche.kind === 'split' ? weights(partsOf(tranche.shares)) : catchUpWeights(tranche)
  return listed.map(({ role, to }, place) => {
    const name = `${tranche.name}.${role}`
    return { key: name, role: name, to: accountOf(to, work), weight: by[place] ?? 0n }
  })
}

function partsOf(shares: readonly Listed[]): readonly Ratio[] {
  return shares.map(({ weight }) => decimal(weight))
}

/** `rate` of it to the shares, the others to the rest, each by their own weights. */
function catchUpWeights({ rate: own, shares, rest = [] }: Extract<Tranche, { kind: 'catch-up' }>): readonly bigint[] {
  const split = (list: readonly Listed[], part: Ratio): readonly Ratio[] => {
    const parts = partsOf(list)
    const all = parts.reduce(add, ZERO)
    return parts.map((each) => multiply(part, ratio(each.over * all.under, each.under * all.over)))
  }
  return weights([...split(shares, rate(own)), ...split(rest, subtract(ratio(1n), rate(own)))])
}

type Taken = { readonly due: bigint; readonly all: bigint; readonly preferred: bigint; readonly own: bigint }

/** Units that a tranche can still take; null for all there are. */
function roomOf(tranche: Tranche, { due, all, preferred, own }: Taken): bigint | null {
  if (tranche.kind === 'capital' || tranche.kind === 'preferred') return due
  if (tranche.kind === 'split' && tranche.until === undefined) return null
  const most = tranche.kind === 'split' ? BigInt(tranche.until ?? '0') - all : catchUp(tranche, preferred) - own
  return most > 0n ? most : 0n
}

/** C = target × P ÷ (rate − target), rounded down. */
function catchUp({ rate: own, target }: Extract<Tranche, { kind: 'catch-up' }>, preferred: bigint): bigint {
  const wanted = multiply(rate(target), ratio(preferred))
  const per = subtract(rate(own), rate(target))
  return floor(multiply(wanted, ratio(per.under, per.over)))
}

function payBack({ kind }: Tranche, { contributors, holdings, units }: Standing & { readonly units: readonly bigint[] }): void {
  if (kind !== 'capital' && kind !== 'preferred') return
  for (const [place, { recipient }] of contributors.entries()) {
    const holding = holdings.get(recipient) ?? NOTHING
    const paid = units[place] ?? 0n
    const joined = subtract(holding.joined, ratio(paid))
    const left = { ...holding, earned: subtract(holding.earned, ratio(paid)), joined: joined.over > 0n ? joined : ZERO }
    holdings.set(recipient, kind === 'capital' ? { ...holding, capital: holding.capital - paid } : left)
  }
}
