// Assets and units: exact integers of the smallest unit, parsed and printed at the doors. Never a floating-point number.

import { Refusal } from './refusal.ts'

/** An asset as `CODE/scale`, e.g. `SOL/9`: one unit is 10^-scale of the whole. */
export type AssetName = string

export type Asset = { readonly name: AssetName; readonly code: string; readonly scale: number }

/** What one column of the ledger can hold: numeric(39,0). */
export const MAX_UNITS = 10n ** 39n - 1n

const ASSET_PATTERN = /^([A-Z][A-Z0-9]{0,15})\/([0-9]|[1-2][0-9]|30)$/
const DECIMAL_PATTERN = /^([+-]?)([0-9]+)(?:\.([0-9]+))?$/
// Longer text cannot be an amount that fits 39 digits, and printing it back would only flood a log.
const MAX_AMOUNT_TEXT = 100

/** Reads `CODE/scale`. Refuses `asset_not_found` when the text is not of that form. */
export function parseAsset(text: string): Asset {
  const match = ASSET_PATTERN.exec(text)
  if (match === null) {
    throw new Refusal('asset_not_found', `asset must look like SOL/9 (code in capitals, scale 0 to 30), not ${quote(text)}`, {
      field: 'asset',
      value: clip(text),
    })
  }
  return { name: text, code: match[1] as string, scale: Number(match[2]) }
}

export type AmountOptions = { readonly field: string; readonly scale: number; readonly max?: bigint }

/**
 * Reads a decimal amount of the whole asset ("1.5" SOL) as units, exactly. Trailing zeros beyond the scale are accepted.
 * Refuses `amount_malformed`, `amount_not_positive`, `amount_scale_exceeded`, `amount_exceeded`, naming the field.
 */
export function parseAmount(text: string, { field, scale, max = MAX_UNITS }: AmountOptions): bigint {
  const match = text.length > MAX_AMOUNT_TEXT ? null : DECIMAL_PATTERN.exec(text)
  if (match === null) {
    throw new Refusal('amount_malformed', `${field} must be a plain decimal number such as 1.5, not ${quote(text)}`, {
      field,
      value: clip(text),
    })
  }
  const fraction = (match[3] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) {
    throw new Refusal('amount_scale_exceeded', `${field} is ${text}, but its asset has ${scale} decimals: send no smaller part`, {
      field,
      value: text,
      decimals: fraction.length,
      scale,
    })
  }
  const magnitude = BigInt((match[2] as string) + fraction.padEnd(scale, '0'))
  return requirePositive(match[1] === '-' ? -magnitude : magnitude, { field, scale, max })
}

const ZERO = /^[+-]?0+(?:\.0+)?$/

/** Reads an amount that may be zero. Refuses as `parseAmount` does. */
export function readUnits(text: string, options: AmountOptions): bigint {
  return ZERO.test(text) ? 0n : parseAmount(text, options)
}

function requirePositive(units: bigint, { field, scale, max }: Required<AmountOptions>): bigint {
  if (units <= 0n) {
    throw new Refusal('amount_not_positive', `${field} is ${formatUnits(units, scale)}: it must be more than zero`, {
      field,
      value: formatUnits(units, scale),
    })
  }
  if (units > max) {
    throw new Refusal('amount_exceeded', `${field} is ${formatUnits(units, scale)}: the largest amount is ${formatUnits(max, scale)}`, {
      field,
      value: formatUnits(units, scale),
      max: formatUnits(max, scale),
    })
  }
  return units
}

/** Prints units as a decimal with all digits of the scale: 1500000000 at scale 9 is "1.500000000". */
export function formatUnits(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const sign = units < 0n ? '-' : ''
  return scale === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(digits.length - scale)}`
}

/** Prints units for people: no trailing zeros, with the asset's code: "1.5 SOL". */
export function formatMoney(units: bigint, asset: Asset): string {
  const text = formatUnits(units, asset.scale)
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text
  return `${short} ${asset.code}`
}

/** Cuts text that came from outside before it is repeated in a message. The result has a UTF-8 form: half a pair becomes U+FFFD. */
export function clip(text: string, length = 60): string {
  return text.length <= length ? text.toWellFormed() : `${text.slice(0, length).toWellFormed()}… (${text.length} characters)`
}

// What JSON leaves as it is though it cannot be seen, or turns what follows around.
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The clipped text in quotes, with control and format characters made visible. */
export function quote(text: string): string {
  return JSON.stringify(clip(text)).replace(INVISIBLE, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)
}
