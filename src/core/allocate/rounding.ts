// Rounding policies as data: who gets the units that do not divide, what each policy needs to know, and what it promises.

import { z } from 'zod'
import { clip, quote } from '../money.ts'
import { Refusal } from '../refusal.ts'

const PLAIN = ['largest-remainder', 'first', 'largest-ratio', 'cumulative', 'rotate', 'prefix'] as const

/** The name of the one policy that takes a recipient, as it is written in plans. */
const RESIDUAL = 'residual-to'

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a recipient or role is 1 to 100 letters, digits, dots, dashes or underscores')

/** A policy as it stands in a plan: its name, or `{ "residual-to": <recipient or role> }`. */
export const roundingSchema = z.union([z.enum(PLAIN), z.strictObject({ [RESIDUAL]: name })])

export type Rounding = z.infer<typeof roundingSchema>

export type PolicyName = (typeof PLAIN)[number] | typeof RESIDUAL

/** The words for what a part got: it divides exactly, more than its floor, or its floor. */
type Notes = { readonly exact: string; readonly up: string; readonly down: string }

export type Policy = {
  readonly summary: string
  /** How the rest is given: by size of a key, by turn, to one named, by running totals, or kept for later. */
  readonly rest: 'largest remainder' | 'largest weight' | 'turn' | 'named' | 'running total' | 'kept'
  /** What it remembers between events. */
  readonly state: 'none' | 'place' | 'fractions'
  /** Whether the order given decides more than ties. */
  readonly isAboutOrder: boolean
  /** Whether each share is the quota's floor or ceiling, so that a quota that is whole is the share. */
  readonly staysWithinQuota: boolean
  /** Whether a larger pool never makes a share smaller. */
  readonly growsWithPool: boolean
  /** Whether two events of the same weights come to what one event of both pools comes to. */
  readonly addsUp: boolean
  readonly notes: Notes
}

const EXACT = 'divides exactly'

export const POLICIES: Readonly<Record<PolicyName, Policy>> = {
  'largest-remainder': {
    summary: 'a unit each to the largest remainders',
    rest: 'largest remainder',
    state: 'none',
    isAboutOrder: false,
    staysWithinQuota: true,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'rounded up by less than one unit: it has one of the largest remainders',
      down: 'rounded down by less than one unit: other remainders are larger, or equal and earlier in the plan',
    },
  },
  first: {
    summary: 'a unit each to the non-zero weights, from the first on',
    rest: 'turn',
    state: 'none',
    isAboutOrder: true,
    staysWithinQuota: false,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'a unit more than its floor: units left over go to the first in the order given',
      down: 'rounded down by less than one unit: those before it in the order given got the units left over',
    },
  },
  'largest-ratio': {
    summary: 'a unit each from the largest weight down',
    rest: 'largest weight',
    state: 'none',
    isAboutOrder: false,
    staysWithinQuota: false,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'a unit more than its floor: units left over go to the largest weights',
      down: 'rounded down by less than one unit: other weights are larger, or equal and earlier in the plan',
    },
  },
  cumulative: {
    summary: 'the floor of the running entitlement; fractions are kept until they are whole',
    rest: 'kept',
    state: 'fractions',
    isAboutOrder: false,
    staysWithinQuota: true,
    growsWithPool: true,
    addsUp: true,
    notes: {
      exact: EXACT,
      up: 'a unit more than its floor: with this event its running entitlement became whole once more',
      down: 'rounded down by less than one unit: the fraction is kept in its running entitlement',
    },
  },
  rotate: {
    summary: 'a unit each by turns, on from where the last event ended',
    rest: 'turn',
    state: 'place',
    isAboutOrder: true,
    staysWithinQuota: false,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'a unit more than its floor: it was its turn',
      down: 'rounded down by less than one unit: it was the turn of others',
    },
  },
  [RESIDUAL]: {
    summary: 'all that is left to one named recipient',
    rest: 'named',
    state: 'none',
    isAboutOrder: false,
    staysWithinQuota: false,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'its floor and everything that the others left over',
      down: 'rounded down by less than one unit: the rest goes to the recipient named for it',
    },
  },
  prefix: {
    summary: 'differences of the rounded running totals, in the order given',
    rest: 'running total',
    state: 'none',
    isAboutOrder: true,
    staysWithinQuota: true,
    growsWithPool: false,
    addsUp: false,
    notes: {
      exact: EXACT,
      up: 'rounded up by less than one unit: the running total became whole here',
      down: 'rounded down by less than one unit: the running total became whole before it or comes to be after it',
    },
  },
}

export function policyOf(rounding: Rounding): Policy {
  return POLICIES[nameOf(rounding)]
}

function nameOf(rounding: Rounding): PolicyName {
  return typeof rounding === 'string' ? rounding : RESIDUAL
}

/** The recipient or role that gets the rest; null where the policy names none. */
export function residualOf(rounding: Rounding): string | null {
  return typeof rounding === 'string' ? null : rounding[RESIDUAL]
}

/** Reads a policy as a plan has it, or as a command line has it: `residual-to:<name>`. Refuses `rounding_not_found`. */
export function parseRounding(given: unknown): Rounding {
  const prefix = `${RESIDUAL}:`
  const data = typeof given === 'string' && given.startsWith(prefix) ? { [RESIDUAL]: given.slice(prefix.length) } : given
  const parsed = roundingSchema.safeParse(data)
  if (parsed.success) return parsed.data
  const known = [...PLAIN, `${prefix}<name>`].join(', ')
  const shown = typeof given === 'string' ? given : (JSON.stringify(given) ?? 'nothing')
  throw new Refusal('rounding_not_found', `there is no rounding policy ${quote(shown)}; there are: ${known}`, { field: 'rounding', value: clip(shown) })
}

/** The policy as a command line has it. */
export function formatRounding(rounding: Rounding): string {
  const residual = residualOf(rounding)
  return residual === null ? nameOf(rounding) : `${RESIDUAL}:${residual}`
}
