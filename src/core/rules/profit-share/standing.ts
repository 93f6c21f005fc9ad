// Where a subject stands between its closes: running result, mark, hurdle so far. One close after the other, in order; pure.

import { dayOf, daysBetween, endOfSpan, isBefore, laterDay, startOfSpan, type Day } from '../calendar.ts'
import { returnOf, shareOf } from '../grain.ts'
import type { Terms } from './terms.ts'

/** One event of a subject. Amounts in grains, the percentage in ten-thousandths of a per cent. */
export type Close = {
  readonly at: Temporal.Instant
  /** Result less trading fees and funding. */
  readonly net: bigint
  /** Deposits less withdrawals. */
  readonly moved: bigint
  readonly percent: bigint
}

export type Standing = {
  /** The newest day counted; null before the first close. */
  readonly day: Day | null
  /** All results and movements so far. */
  readonly value: bigint
  /** High-water mark: the value when profit last became a share. By each win: the value when the hurdle began. Movements move it too. */
  readonly mark: bigint
  /** What a yearly rate has asked for since then. */
  readonly hurdle: bigint
  /** By each win: the wins since profit last became a share. */
  readonly wins: bigint
  /** Of the newest close. */
  readonly percent: bigint
}

export const NOWHERE: Standing = { day: null, value: 0n, mark: 0n, hurdle: 0n, wins: 0n, percent: 0n }

/** How profit became a share, or why not. */
export type Charge = {
  readonly value: bigint
  readonly mark: bigint
  readonly profit: bigint
  readonly hurdle: bigint
  readonly isPassed: boolean
  readonly percent: bigint
  readonly share: bigint
  /** The first day after the span that it settles; null where each event settles itself. */
  readonly spanEnd: Day | null
}

/** A standing after one close or more: the shares made on the way, and the charge of the last. */
export type Advanced = { readonly standing: Standing; readonly charge: Charge | null; readonly shares: bigint }

/**
 * The next close. With spans: when it is the first on or after the day on which the span of the closes before it ends, that span is
 * settled first, on the standing and with the percentage of its last close. Days are those of the zone; a day never goes back.
 */
export function advance(before: Standing, { at, net, moved, percent }: Close, terms: Terms): Advanced {
  const own = dayOf(at, terms.span?.zone ?? 'UTC')
  const day = before.day === null ? own : laterDay(before.day, own)
  const settled = settleSpan(before, day, terms)
  const { value, mark, hurdle, wins } = accrue(settled.standing, day, terms)
  const standing = { day, value: value + moved + net, mark: mark + moved, hurdle, wins: net > 0n ? wins + net : wins, percent }
  return terms.span === null ? crystallise(standing, terms, null) : { standing, charge: settled.charge, shares: settled.shares }
}

function settleSpan(before: Standing, day: Day, terms: Terms): Advanced {
  const { span } = terms
  const end = span === null || before.day === null ? null : endOfSpan(before.day, span.every)
  if (span === null || end === null || isBefore(day, end)) return { standing: before, charge: null, shares: 0n }
  const settled = crystallise(accrue(before, end, terms), terms, end)
  // By each win a hurdle lasts one span, also through spans without a close; a high-water mark keeps its hurdle until it is passed.
  return terms.policy === 'each-win' ? { ...settled, standing: { ...settled.standing, day: startOfSpan(day, span.every) } } : settled
}

/** The yearly rate runs on the mark, as long as that is above zero. */
function accrue(standing: Standing, day: Day, { hurdle }: Terms): Standing {
  if (hurdle === null || !('rate' in hurdle) || standing.day === null) return { ...standing, day }
  const base = standing.mark > 0n ? standing.mark : 0n
  const earned = returnOf(base, { rate: hurdle.rate, days: daysBetween(standing.day, day) })
  return { ...standing, day, hurdle: standing.hurdle + earned }
}

/**
 * Hard: a share of the profit above the hurdle; what is below it is never shared. Soft: nothing up to the hurdle, and once profit is
 * above it a share of all of it. Then the mark, the hurdle and the wins begin anew; by each win they do so in any case.
 */
function crystallise(standing: Standing, { policy, hurdle: terms }: Terms, spanEnd: Day | null): Advanced {
  const { value, mark, wins, percent } = standing
  const profit = policy === 'each-win' ? wins : value - mark
  const hurdle = terms === null ? 0n : 'units' in terms ? terms.units : standing.hurdle
  // A hurdle is never below zero.
  const isPassed = profit > hurdle
  const share = !isPassed ? 0n : shareOf(terms?.kind === 'hard' ? profit - hurdle : profit, percent)
  const anew = isPassed || policy === 'each-win' ? { ...standing, mark: value, hurdle: 0n, wins: 0n } : standing
  return { standing: anew, charge: { value, mark, profit, hurdle, isPassed, percent, share, spanEnd }, shares: share }
}
