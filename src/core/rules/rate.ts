// Rates as plans write them, read as exact ratios. Never a float: 0.1 % is 1/1000.

import { z } from 'zod'
import { MAX_POOL } from '../allocate/limits.ts'
import { compareRatios, ratio, ratioOfDecimal, type Ratio } from '../ratio.ts'

/** A decimal without sign or exponent: up to 38 digits before the point and 18 behind it. */
export const DECIMAL = /^(0|[1-9][0-9]{0,37})(\.[0-9]{1,18})?$/

const RATE = /^(0|[1-9][0-9]{0,2})(\.[0-9]{1,18})?( ?%)?$/

export const ONE = ratio(1n, 1n)
export const NOUGHT = ratio(0n, 1n)

/** A part of something: `2.5%` or `0.025`, from nothing to all of it. */
export const rate = z
  .string()
  .regex(RATE, 'a rate is a percentage such as 2.5% or a decimal such as 0.025')
  .refine((text) => !RATE.test(text) || compareRatios(ratioOfRate(text), ONE) <= 0, 'a rate is at most 100%')

export function ratioOfRate(text: string): Ratio {
  const percent = text.endsWith('%')
  const { numerator, denominator } = ratioOfDecimal(text.replace(/ ?%$/, ''))
  return ratio(numerator, percent ? denominator * 100n : denominator)
}

const MAX_AMOUNT = MAX_POOL.toString()

/** Amounts in plans, in units: up to 10^38. */
export const units = z
  .string()
  .regex(/^(0|[1-9][0-9]*)$/, 'an amount is a whole number of units, as text')
  .refine((text) => text.length < MAX_AMOUNT.length || (text.length === MAX_AMOUNT.length && text <= MAX_AMOUNT), 'an amount is at most 10^38 units')

export function times(a: Ratio, b: Ratio): Ratio {
  return ratio(a.numerator * b.numerator, a.denominator * b.denominator)
}

export function plus(a: Ratio, b: Ratio): Ratio {
  return ratio(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
}

export function minus(a: Ratio, b: Ratio): Ratio {
  return plus(a, ratio(-b.numerator, b.denominator))
}

export function least(a: Ratio, b: Ratio): Ratio {
  return compareRatios(a, b) <= 0 ? a : b
}

export function largest(a: Ratio, b: Ratio): Ratio {
  return compareRatios(a, b) >= 0 ? a : b
}

/** The whole units of an amount that is not negative. */
export function floorOf({ numerator, denominator }: Ratio): bigint {
  return numerator / denominator
}

export function whole(amount: bigint): Ratio {
  return ratio(amount, 1n)
}
