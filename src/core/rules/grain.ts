// Amounts finer than a unit, for rules that remember: whole numbers of grains, so that sums over years stay exact and short.

import { assert } from '../assert.ts'
import { formatRatio, ratio, ratioOfDecimal, type Ratio } from '../ratio.ts'

/**
 * Grains in one unit. Facts have up to 18 decimals, percentages up to four (six places after the division by 100) and may follow one
 * another once (a share of what passes a yearly rate), and rates run by days of a year of 365: each such figure is a whole number
 * of grains, whatever happened before it.
 */
export const GRAINS = 365n * 10n ** 30n

/** What facts are as fine as: the last of 18 decimals of a unit. Parts of amounts are cut to it, so that sums with them stay exact too. */
export const DECIMAL = GRAINS / 10n ** 18n

/** Percentages in ten-thousandths of a per cent: what `percentOf` gives, of which so many are the whole. */
const WHOLE = 100n * 10n ** 4n

/** Days of a year by the day count actual/365 (fixed): leap years too. */
const YEAR = 365n

const PERCENT = /^(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?$/

/** Whether a text is a percentage that this file reads: plain (a fact), below 10,000, with at most four decimals. */
export function isPercent(text: string): boolean {
  return PERCENT.test(text)
}

const SIGN = / ?%$/

/** The same as plans write it: with its sign, `2.5%`. */
export function isRate(text: string): boolean {
  return SIGN.test(text) && PERCENT.test(text.replace(SIGN, ''))
}

/** `20` or `2.5%` as ten-thousandths of a per cent. The caller has checked its form. */
export function percentOf(text: string): bigint {
  const [whole = '0', fraction = ''] = text.replace(SIGN, '').split('.')
  return BigInt(whole + fraction.padEnd(4, '0'))
}

/** The percentage without its sign: `2.5`. */
export function formatPercent(percent: bigint): string {
  return decimalOf(percent, 4)
}

/** A decimal of units with at most 18 places, or what `formatGrains` wrote, as grains. The caller has checked its form. */
export function grainsOf(text: string): bigint {
  const [over = '', under] = text.split('/')
  const { numerator, denominator } = under === undefined ? ratioOfDecimal(over) : ratio(BigInt(over), BigInt(under))
  assert(GRAINS % denominator === 0n, `${text} units are no whole number of grains`)
  return numerator * (GRAINS / denominator)
}

export function grainsOfUnits(units: bigint): bigint {
  return units * GRAINS
}

export function ratioOfGrains(grains: bigint): Ratio {
  return ratio(grains, GRAINS)
}

/** As a decimal of units where it is one (`-12.5`), else as a ratio (`500/73`). */
export function formatGrains(grains: bigint): string {
  return grains % YEAR === 0n ? decimalOf(grains / YEAR, 30) : formatRatio(ratioOfGrains(grains))
}

/** An amount without what is finer than 18 decimals of a unit, towards zero. */
export function cutToDecimals(grains: bigint): bigint {
  return grains - (grains % DECIMAL)
}

/** So many per cent of an amount, exactly. */
export function shareOf(grains: bigint, percent: bigint): bigint {
  assert((grains * percent) % WHOLE === 0n, `${grains} grains at ${percent} are no whole number of grains`)
  return (grains * percent) / WHOLE
}

/** What an amount earns at a yearly rate over so many days, exactly: amount × rate × days ÷ 365. */
export function returnOf(grains: bigint, { rate, days }: { readonly rate: bigint; readonly days: bigint }): bigint {
  const earned = grains * rate * days
  assert(earned % (WHOLE * YEAR) === 0n, `${grains} grains at ${rate} for ${days} days are no whole number of grains`)
  return earned / (WHOLE * YEAR)
}

function decimalOf(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  const fraction = digits.slice(-places).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -places)}${fraction === '' ? '' : `.${fraction}`}`
}
