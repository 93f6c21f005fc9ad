// Exact ratios of integers, for weights and quotas. They are compared and multiplied, never turned into a float.

import { assert, present } from './assert.ts'

export type Ratio = { readonly numerator: bigint; readonly denominator: bigint }

/** A ratio in lowest terms with a positive denominator. */
export function ratio(numerator: bigint, denominator: bigint): Ratio {
  assert(denominator !== 0n, `${numerator} cannot be divided by zero`)
  const sign = denominator < 0n ? -1n : 1n
  const divisor = greatestCommonDivisor(numerator < 0n ? -numerator : numerator, denominator * sign)
  return { numerator: (numerator * sign) / divisor, denominator: (denominator * sign) / divisor }
}

/** Reads a plain decimal ("33.3") as an exact ratio (333/10). The caller has checked its form. */
export function ratioOfDecimal(text: string): Ratio {
  const [whole = '0', fraction = ''] = text.split('.')
  return ratio(BigInt(whole + fraction), 10n ** BigInt(fraction.length))
}

/** The exact sum of plain decimals as a decimal: 33.3 and 66.7 make 100. */
export function sumOfDecimals(texts: readonly string[]): string {
  const places = Math.max(0, ...texts.map((text) => text.split('.')[1]?.length ?? 0))
  const sum = texts.reduce((all, text) => {
    const [whole = '0', fraction = ''] = text.split('.')
    return all + BigInt(whole + fraction.padEnd(places, '0'))
  }, 0n)
  const digits = sum.toString().padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/** Brings ratios to integers of one common scale, so that they can be weights: 0.5, 1.25 → 2, 5 (in lowest terms). */
export function commonWeights(ratios: readonly Ratio[]): readonly bigint[] {
  const common = present(commonDenominator(ratios), 'common denominator')
  const weights = ratios.map(({ numerator, denominator }) => numerator * (common / denominator))
  const divisor = weights.reduce((all, weight) => greatestCommonDivisor(all, weight), 0n)
  return divisor > 1n ? weights.map((weight) => weight / divisor) : weights
}

/** The least common denominator; null when it is above `max`, as soon as that is seen. */
export function commonDenominator(ratios: readonly Ratio[], max: bigint | null = null): bigint | null {
  let common = 1n
  for (const { denominator } of ratios) {
    common = (common / greatestCommonDivisor(common, denominator)) * denominator
    if (max !== null && common > max) return null
  }
  return common
}

/** Less than zero, zero or more than zero, as a is less than, equal to or more than b. */
export function compareRatios(a: Ratio, b: Ratio): -1 | 0 | 1 {
  const left = a.numerator * b.denominator
  const right = b.numerator * a.denominator
  return left < right ? -1 : left > right ? 1 : 0
}

/** "80/100" in lowest terms as "4/5"; a whole number without its denominator. */
export function formatRatio({ numerator, denominator }: Ratio): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`
}

/** Zero only for two zeros, so that zeros among other numbers change nothing. */
function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}
