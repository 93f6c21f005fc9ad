// Plain rationals, as much of them as an outsider's arithmetic needs. Never a float, and no code of the engine.

export type Ratio = { readonly over: bigint; readonly under: bigint }

export const ZERO: Ratio = { over: 0n, under: 1n }
export const ONE: Ratio = { over: 1n, under: 1n }

/** In lowest terms, the sign above the stroke. */
export function ratio(over: bigint, under = 1n): Ratio {
  const sign = under < 0n ? -1n : 1n
  const by = gcd(over, under)
  return by === 0n ? ZERO : { over: (sign * over) / by, under: (sign * under) / by }
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

export function add(a: Ratio, b: Ratio): Ratio {
  return ratio(a.over * b.under + b.over * a.under, a.under * b.under)
}

export function subtract(a: Ratio, b: Ratio): Ratio {
  return ratio(a.over * b.under - b.over * a.under, a.under * b.under)
}

export function multiply(a: Ratio, b: Ratio): Ratio {
  return ratio(a.over * b.over, a.under * b.under)
}

export function isLess(a: Ratio, b: Ratio): boolean {
  return a.over * b.under < b.over * a.under
}

export function smaller(a: Ratio, b: Ratio): Ratio {
  return isLess(a, b) ? a : b
}

export function larger(a: Ratio, b: Ratio): Ratio {
  return isLess(a, b) ? b : a
}

/** Whole units, rounded towards less. */
export function floor({ over, under }: Ratio): bigint {
  const whole = over / under
  return over < 0n && whole * under !== over ? whole - 1n : whole
}

/** `12.5`, `-200`, `80`. */
export function decimal(text: string): Ratio {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.')
  const size = ratio(BigInt(whole + fraction), 10n ** BigInt(fraction.length))
  return text.startsWith('-') ? ratio(-size.over, size.under) : size
}

/** `2.5%` or `0.025`: a part of one. */
export function rate(text: string): Ratio {
  const bare = decimal(text.replace(/ ?%$/, ''))
  return text.endsWith('%') ? ratio(bare.over, bare.under * 100n) : bare
}

/** Whole numbers in the proportions of the ratios. */
export function weights(ratios: readonly Ratio[]): readonly bigint[] {
  const common = ratios.reduce((all, { under }) => (all * under) / gcd(all, under), 1n)
  return ratios.map(({ over, under }) => over * (common / under))
}
