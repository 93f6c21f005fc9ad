// What a policy remembers between events, as it is worked with and as it is written.

import { z } from 'zod'
import { FRACTION, MAX_WEIGHTS } from './limits.ts'

/** Of `rotate`: the place, counted from 0, where the next turn begins. */
export type TurnState = { readonly next: number }

/**
 * Of `cumulative`: the fraction of each recipient's running entitlement in 10^-38 of a unit, by place, and the units that stand in the
 * rounding account, for these recipients and any others.
 */
export type CumulativeState = { readonly fractions: readonly bigint[]; readonly standing: bigint }

export type RoundingState = TurnState | CumulativeState | null

const digits = z.string().regex(/^(0|[1-9][0-9]{0,37})$/, 'must be up to 38 digits, as text')

export const turnSchema = z.strictObject({ next: z.int().min(0).max(MAX_WEIGHTS) })

export const cumulativeSchema = z.strictObject({ fractions: z.array(digits).max(MAX_WEIGHTS), standing: digits })

/** A state as JSON: numbers of money as text. */
export type WrittenState = z.infer<typeof turnSchema> | z.infer<typeof cumulativeSchema>

export function writeState(state: NonNullable<RoundingState>): WrittenState {
  if ('next' in state) return { next: state.next }
  return { fractions: state.fractions.map(String), standing: state.standing.toString() }
}

/** A fraction as people read it: "0.5". */
export function formatFraction(fraction: bigint): string {
  const text = fraction.toString().padStart(FRACTION.toString().length - 1, '0').replace(/0+$/, '')
  return text === '' ? '0' : `0.${text}`
}
