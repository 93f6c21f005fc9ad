// A percentage of what results gained, by each win or above a high-water mark. By docs/reference/rule-profit-share.md; all closes of a
// subject are kept and walked through anew, so that a late one needs no thought.

import { add, decimal, isLess, larger, multiply, ratio, smaller, subtract, weights, ZERO, type Ratio } from '../ratio.ts'
import { beginningOf, dayIn, daysFrom, endOf, isBefore, type Day, type Span } from './calendar.ts'
import { accountOf, factOf, linesOf, partyOf, type Rule, type Target, type Work } from './work.ts'

export type ProfitShare = {
  readonly policy: 'each-win' | 'high-water-mark'
  readonly subject: string
  readonly percent: string | { readonly fact: string }
  readonly share: { readonly role: string; readonly to: Target }
  readonly rest: { readonly role: string; readonly to: Target }
  readonly hurdle?: { readonly kind: 'hard' | 'soft'; readonly units: string } | { readonly kind: 'hard' | 'soft'; readonly rate: string }
  readonly crystallised: 'event' | { readonly every: Span; readonly zone: string }
  readonly keep?: number
}

/** `percent`: hundredths of all. */
type Close = { readonly at: Temporal.Instant; readonly net: Ratio; readonly moved: Ratio; readonly percent: Ratio }

type Standing = { readonly day: Day | null; readonly value: Ratio; readonly mark: Ratio; readonly hurdle: Ratio; readonly wins: Ratio; readonly percent: Ratio }

type Subject = { readonly base: Standing; readonly closes: readonly Close[]; readonly due: Ratio }

const BEGINNING: Standing = { day: null, value: ZERO, mark: ZERO, hurdle: ZERO, wins: ZERO, percent: ZERO }

export const profitShare: Rule<ProfitShare> = (work, given) => {
  const id = partyOf(work, given.subject)
  const key = `subject/${id}`
  const { base, closes, due } = (work.memory.things.get(key) as Subject | undefined) ?? { base: BEGINNING, closes: [], due: ZERO }
  const close = closeOf(work, given, id)
  // After all that are not later; where each win stands alone, order does not count and none is kept.
  const place = given.keep === undefined ? closes.length : closes.findLastIndex(({ at }) => Temporal.Instant.compare(at, close.at) <= 0) + 1
  const all = closes.toSpliced(place, 0, close)
  const owed = add(due, subtract(walk(base, all, given).shares, walk(base, closes, given).shares))
  const pool = ratio(work.pool)
  const payable = smaller(larger(owed, ZERO), pool)
  const old = all.slice(0, Math.max(0, all.length - (given.keep ?? 0)))
  work.memory.things.set(key, { base: walk(base, old, given).standing, closes: all.slice(old.length), due: subtract(owed, payable) } satisfies Subject)
  const parts = weights([payable, subtract(pool, payable)])
  const takers = [given.share, given.rest].map(({ role, to }, index) => {
    const account = accountOf(to, work)
    return { key: `${role}/${account}`, role, to: account, weight: parts[index] ?? 0n }
  })
  return linesOf(work, takers)
}

function closeOf(work: Work, { percent }: ProfitShare, id: string): Close {
  const read = (fact: string): Ratio => decimal(factOf(work, { fact }, id) ?? '0')
  const written = typeof percent === 'string' ? percent.replace(/ ?%$/, '') : (factOf(work, percent, id) ?? '0')
  return {
    at: work.event.at,
    net: subtract(subtract(read('result'), read('fees')), read('funding')),
    moved: read('moved'),
    percent: multiply(decimal(written), ratio(1n, 100n)),
  }
}

type Walked = { readonly standing: Standing; readonly shares: Ratio }

function walk(from: Standing, closes: readonly Close[], given: ProfitShare): Walked {
  return closes.reduce<Walked>(
    ({ standing, shares }, close) => {
      const next = advance(standing, close, given)
      return { standing: next.standing, shares: add(shares, next.shares) }
    },
    { standing: from, shares: ZERO },
  )
}

function advance(before: Standing, { at, net, moved, percent }: Close, given: ProfitShare): Walked {
  const span = given.crystallised === 'event' ? null : given.crystallised
  const own = dayIn(at, span?.zone)
  const day = before.day === null || isBefore(before.day, own) ? own : before.day
  const settled = span === null ? { standing: before, shares: ZERO } : settle(before, { day, every: span.every }, given)
  const now = runTo(settled.standing, day, given)
  const isWin = isLess(ZERO, net)
  const standing = { ...now, value: add(add(now.value, moved), net), mark: add(now.mark, moved), wins: isWin ? add(now.wins, net) : now.wins, percent }
  return span === null ? crystallise(standing, given) : { standing, shares: settled.shares }
}

/** The span of the closes before ends by this day: it is settled on the standing after its last close. */
function settle(before: Standing, { day, every }: { day: Day; every: Span }, given: ProfitShare): Walked {
  const end = before.day === null ? null : endOf(before.day, every)
  if (end === null || isBefore(day, end)) return { standing: before, shares: ZERO }
  const settled = crystallise(runTo(before, end, given), given)
  if (given.policy === 'high-water-mark') return settled
  // By each win a hurdle lasts one span, also through spans without a close.
  return { ...settled, standing: { ...settled.standing, day: beginningOf(day, every) } }
}

/** A yearly rate runs on the mark, as long as that is above zero. */
function runTo(standing: Standing, day: Day, { hurdle }: ProfitShare): Standing {
  if (hurdle === undefined || 'units' in hurdle || standing.day === null) return { ...standing, day }
  const yearly = multiply(decimal(hurdle.rate.replace(/ ?%$/, '')), ratio(1n, 100n))
  const earned = multiply(multiply(larger(standing.mark, ZERO), yearly), ratio(daysFrom(standing.day, day), 365n))
  return { ...standing, day, hurdle: add(standing.hurdle, earned) }
}

function crystallise(standing: Standing, { policy, hurdle }: ProfitShare): Walked {
  const profit = policy === 'each-win' ? standing.wins : subtract(standing.value, standing.mark)
  const bar = hurdle === undefined ? ZERO : 'units' in hurdle ? decimal(hurdle.units) : standing.hurdle
  const isPassed = isLess(bar, profit)
  const charged = isPassed ? (hurdle?.kind === 'hard' ? subtract(profit, bar) : profit) : ZERO
  const anew = isPassed || policy === 'each-win' ? { ...standing, mark: standing.value, hurdle: ZERO, wins: ZERO } : standing
  return { standing: anew, shares: multiply(charged, standing.percent) }
}
