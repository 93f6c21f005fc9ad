// What limits and defers shares: a cap, a minimum below which they are carried, and advances that are paid back first.

import { put } from '../memory.ts'
import { floor, multiply, rate, ratio } from '../ratio.ts'
import { divide } from '../rounding.ts'
import { accountOf, factOf, partyOf, type FactSet, type Line, type Rule, type Target, type Work } from './work.ts'

type Period = 'event' | 'day' | 'week' | 'month' | 'year' | 'lifetime'

export type Cap = { readonly limit: string; readonly per: Period; readonly excess: Target; readonly roles?: readonly string[] }

export const cap: Rule<Cap> = (work, { limit, per, excess, roles }) => {
  const inEvent = new Map<string, bigint>()
  return work.given.flatMap(({ role, recipient, units, from }): readonly Line[] => {
    const to = `payable:${recipient}`
    if (roles?.includes(role) === false) return [{ role, from, to, units }]
    const key = `used/${periodOf(work.event.at, per)}/${recipient}`
    const used = per === 'event' ? (inEvent.get(key) ?? 0n) : (work.memory.counts.get(key) ?? 0n)
    const room = BigInt(limit) - used
    const kept = room <= 0n ? 0n : room < units ? room : units
    if (per === 'event') inEvent.set(key, used + kept)
    else put(work.memory, key, used + kept)
    const own: Line = { role, from, to, units: kept }
    return kept === units ? [own] : [own, { role: 'excess', from, to: accountOf(excess, work), units: units - kept }]
  })
}

function periodOf(at: Temporal.Instant, per: Period): string {
  const { year, month, day, yearOfWeek, weekOfYear } = at.toZonedDateTimeISO('UTC')
  const names: Readonly<Record<Period, string>> = {
    ...{ event: '', lifetime: 'ever', year: `${year}`, month: `${year}-${month}`, day: `${year}-${month}-${day}` },
    week: `${yearOfWeek ?? 0}-W${weekOfYear ?? 0}`,
  }
  return names[per]
}

export type Minimum = { readonly minimum: string; readonly roles?: readonly string[] }

export const minimum: Rule<Minimum> = (work, { minimum: least, roles }) => {
  const counts = ({ role }: { role: string }): boolean => roles?.includes(role) !== false
  const carried = new Map<string, bigint>()
  const paid = new Set<string>()
  for (const [recipient, shares] of Map.groupBy(work.given.filter(counts), (share) => share.recipient)) {
    const before = work.memory.counts.get(`carried/${recipient}`) ?? 0n
    const together = shares.reduce((all, { units }) => all + units, before)
    carried.set(recipient, before)
    if (together >= BigInt(least)) paid.add(recipient)
    put(work.memory, `carried/${recipient}`, paid.has(recipient) ? 0n : together)
  }
  const released = new Set<string>()
  return work.given.flatMap((share): readonly Line[] => {
    const { role, recipient, units, from } = share
    const payable = `payable:${recipient}`
    if (!counts(share)) return [{ role, from, to: payable, units }]
    if (!paid.has(recipient)) return [{ role, from, to: units === 0n ? payable : `carried:${recipient}`, units }]
    const before = released.has(recipient) ? 0n : (carried.get(recipient) ?? 0n)
    released.add(recipient)
    const own: Line = { role, from, to: payable, units }
    return before === 0n ? [own] : [own, { role: 'carried', from: `carried:${recipient}`, to: payable, units: before }]
  })
}

type Advance = { readonly role: string; readonly to: Target; readonly advance: string | (FactSet & { readonly of: string }) }

export type Recoup = {
  readonly advances: readonly Advance[]
  readonly among: 'order' | 'pro-rata'
  readonly most?: string
  readonly rest: { readonly role: string; readonly to: Target }
}

export const recoup: Rule<Recoup> = (work, { advances, among, most = '100%', rest }) => {
  const open = advances.map((each) => {
    const left = sizeOf(work, each) - (work.memory.counts.get(recoupedKey(work, each)) ?? 0n)
    return left > 0n ? left : 0n
  })
  const available = floor(multiply(ratio(work.pool), rate(most)))
  const all = open.reduce((sum, each) => sum + each, 0n)
  const back = available < all ? available : all
  const takers = advances.map(({ role, to }, place) => ({ key: role, role, to: accountOf(to, work), weight: open[place] ?? 0n }))
  const units = among === 'order' ? inOrder(back, open) : divide(back, takers, work)
  for (const [place, each] of advances.entries()) {
    const key = recoupedKey(work, each)
    put(work.memory, key, (work.memory.counts.get(key) ?? 0n) + (units[place] ?? 0n))
  }
  return [
    ...takers.map(({ role, to }, place): Line => ({ role, from: work.from, to, units: units[place] ?? 0n })),
    { role: rest.role, from: work.from, to: accountOf(rest.to, work), units: work.pool - back },
  ]
}

function recoupedKey(work: Work, { role, advance }: Advance): string {
  return typeof advance === 'string' ? `recouped/${role}` : `recouped/${role}/${partyOf(work, advance.of)}`
}

function sizeOf(work: Work, { advance }: Advance): bigint {
  return BigInt(typeof advance === 'string' ? advance : (factOf(work, advance, partyOf(work, advance.of)) ?? '0'))
}

function inOrder(pool: bigint, open: readonly bigint[]): readonly bigint[] {
  let left = pool
  return open.map((each) => {
    const units = each < left ? each : left
    left -= units
    return units
  })
}
