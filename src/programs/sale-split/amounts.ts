// The amounts of a sale: which column belongs to which role of the plan, and how their text becomes lamports. Never a number.

import { amountsMismatch } from '../../core/distribution.ts'
import { formatUnits, parseAmount, type AssetName } from '../../core/money.ts'

export const ASSET: AssetName = 'SOL/9'

const SCALE = 9

/** A lamport amount is an unsigned 64-bit integer on the chain. */
export const MAX_LAMPORTS = 2n ** 64n - 1n

/** The amounts that may come with a sale, by the plan's roles. The names are contracts with people's SQL and clients. */
export const AMOUNT_FIELDS = {
  ai: 'reinvestment_amount',
  dao: 'dao_amount',
  lucky: 'lucky_amount',
  creator: 'creator_amount',
} as const

export type Role = keyof typeof AMOUNT_FIELDS

export type AmountField = (typeof AMOUNT_FIELDS)[Role]

export const ROLES = Object.keys(AMOUNT_FIELDS) as readonly Role[]

/** Reads SOL as lamports. Refuses `amount_*`, naming the field. */
export function parseLamports(text: string, field: string): bigint {
  return parseAmount(withoutTrailingZeros(text), { field, scale: SCALE, max: MAX_LAMPORTS })
}

const ZERO = /^[+-]?0+(?:\.0+)?$/

/** Reads one of the four amounts, of which a tiny sale leaves some at zero. Refuses `amount_*`, naming the field. */
export function parseShare(text: string, field: string): bigint {
  return ZERO.test(text) ? 0n : parseLamports(text, field)
}

/** PostgreSQL keeps all zeros that it was given: 1.5 with two hundred of them is still 1.5. */
function withoutTrailingZeros(text: string): string {
  if (!text.includes('.') || !text.endsWith('0')) return text
  // Not by a regular expression, whose time would grow with the square of what a stranger sends.
  let end = text.length
  while (text[end - 1] === '0') end -= 1
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end)
}

/** Prints lamports as SOL with all nine decimals. */
export function formatSol(lamports: bigint): string {
  return formatUnits(lamports, SCALE)
}

/** Refuses `event_amounts_mismatch` when all four amounts are given and do not add up. */
export function checkSum(units: bigint, claimed: Readonly<Partial<Record<Role, bigint>>>): void {
  let sum = 0n
  for (const role of ROLES) {
    const amount = claimed[role]
    if (amount === undefined) return
    sum += amount
  }
  if (sum !== units) throw amountsMismatch({ sum, units, asset: ASSET })
}
