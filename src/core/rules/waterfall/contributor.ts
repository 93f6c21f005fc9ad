// What one contributor has in a waterfall: capital that is still out, and the preferred return on it that has accrued and is not paid.

import { z } from 'zod'
import type { Json } from '../../effects.ts'
import { daysBetween, endOfSpan, isBefore, readDay, type Day } from '../calendar.ts'
import { cutToDecimals, formatGrains, grainsOf, grainsOfUnits, returnOf } from '../grain.ts'
import type { Contributor } from './terms.ts'

export type Holding = {
  /** The day up to which the return has been reckoned; null before any capital. */
  readonly day: Day | null
  /** Units. */
  readonly capital: bigint
  /** Grains, accrued and not paid. */
  readonly preferred: bigint
  /** The part of it, in grains, that has joined the capital and earns a return itself. */
  readonly joined: bigint
  /** Whether the contribution that the plan names has been counted. */
  readonly hasPlanned: boolean
}

export const NO_HOLDING: Holding = { day: null, capital: 0n, preferred: 0n, joined: 0n, hasPlanned: false }

/** Null without a preferred return. `rate` in ten-thousandths of a per cent a year. */
export type ReturnTerms = { readonly rate: bigint; readonly compounding: 'none' | 'month' | 'quarter' | 'year' } | null

/** The holding on a day: with the return up to it, and with what the plan says was contributed by then. */
export function holdingOn(holding: Holding, day: Day, { planned, terms }: { readonly planned: Contributor['contributed']; readonly terms: ReturnTerms }): Holding {
  if (planned === undefined || holding.hasPlanned || isBefore(day, readDay(planned.on))) return accrue(holding, day, terms)
  const before = accrue(holding, readDay(planned.on), terms)
  return accrue({ ...before, capital: before.capital + BigInt(planned.units), hasPlanned: true }, day, terms)
}

/**
 * Return by days of a year of 365: base × rate × days ÷ 365. Simple: the base is the capital alone, and nothing is ever rounded.
 * Compounding: at the end of each month, quarter or year (UTC) what is unpaid joins the base, cut to 18 decimals of a unit.
 */
export function accrue(holding: Holding, day: Day, terms: ReturnTerms): Holding {
  if (holding.day === null || terms === null) return { ...holding, day }
  const { rate, compounding } = terms
  const { capital } = holding
  let { day: from, preferred, joined } = { ...holding, day: holding.day }
  const earn = (until: Day) => returnOf(grainsOfUnits(capital) + joined, { rate, days: daysBetween(from, until) })
  if (compounding !== 'none') {
    for (let end = endOfSpan(from, compounding); !isBefore(day, end); end = endOfSpan(from, compounding)) {
      preferred = cutToDecimals(preferred + earn(end))
      joined = preferred
      from = end
    }
  }
  return { ...holding, day, preferred: preferred + earn(day), joined }
}

/** Whole units of return that can be paid: the part of a unit stays and is paid when it is whole. */
export function returnDue({ preferred }: Holding): bigint {
  return preferred / grainsOfUnits(1n)
}

/** What was paid goes to the oldest first: to what has joined the capital. */
export function payReturn(holding: Holding, units: bigint): Holding {
  const paid = grainsOfUnits(units)
  return { ...holding, preferred: holding.preferred - paid, joined: holding.joined > paid ? holding.joined - paid : 0n }
}

const stored = z.strictObject({ day: z.string().nullable(), capital: z.string(), preferred: z.string(), joined: z.string(), hasPlanned: z.boolean() })

export function readHolding(value: Json | undefined): Holding {
  if (value === undefined) return NO_HOLDING
  const { day, capital, preferred, joined, hasPlanned } = stored.parse(value)
  return { day: day === null ? null : readDay(day), capital: BigInt(capital), preferred: grainsOf(preferred), joined: grainsOf(joined), hasPlanned }
}

export function writeHolding({ day, capital, preferred, joined, hasPlanned }: Holding): Json {
  return { day: day?.toString() ?? null, capital: capital.toString(), preferred: formatGrains(preferred), joined: formatGrains(joined), hasPlanned }
}
