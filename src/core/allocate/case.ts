// An allocation as people and programs write it: numbers as text. Everything that can be wrong with it is refused here, with figures.

import { z } from 'zod'
import type { Allocation, AllocationInput } from '../allocate.ts'
import { clip, quote } from '../money.ts'
import { commonDenominator, commonWeights, ratio, ratioOfDecimal, type Ratio } from '../ratio.ts'
import { Refusal } from '../refusal.ts'
import { isCovered } from './cumulative.ts'
import { MAX_CASE_WEIGHTS, MAX_POOL, MAX_SCALE_DIGITS, MAX_WEIGHT } from './limits.ts'
import { parseRounding, policyOf, residualOf, type Rounding } from './rounding.ts'
import { cumulativeSchema, turnSchema, writeState, type RoundingState, type WrittenState } from './state.ts'

const MAX_ID = 256

const caseId = z.union([z.string().max(MAX_ID), z.int()])

/** What a case is called; null when it has no name that can be repeated. */
export type CaseId = z.infer<typeof caseId> | null

const text = z.string('must be text')
const list = z.array(z.string('must hold text alone'), 'must be a list')

const shape = z.strictObject({
  id: z.union([z.string(), z.int()], 'must be text or a whole number').refine((id) => caseId.safeParse(id).success, `must have at most ${MAX_ID} characters`).optional(),
  pool: text,
  weights: list,
  rounding: z.unknown().optional(),
  recipients: list.optional(),
  state: z.unknown().optional(),
})

export type AllocationCase = Required<AllocationInput> & { readonly id: CaseId }

/** The id of what may be a case, so that a refusal can be told by it. */
export function idOf(data: unknown): CaseId {
  const given = typeof data === 'object' && data !== null && Object.hasOwn(data, 'id') ? (data as { readonly id: unknown }).id : null
  return caseId.safeParse(given).data ?? null
}

/**
 * Reads `{ id, pool, weights, rounding, recipients, state }`: pool in digits, weights as "80", "12.5" or "1/3"; all but pool and weights
 * may be left out. Recipients without names are called by their places from 1 on.
 */
export function parseCase(data: unknown): AllocationCase {
  const given = parseShape(data)
  const rounding = parseRounding(given.rounding ?? 'largest-remainder')
  const pool = parsePool(given.pool)
  const weights = parseWeights(given.weights)
  const names = given.recipients ?? weights.map((_, place) => String(place + 1))
  if (names.length !== weights.length) {
    throw new Refusal('field_malformed', `recipients has ${names.length} names for ${weights.length} weights: give one for each`, { field: 'recipients' })
  }
  requireResidual(rounding, names, weights)
  return { id: given.id ?? null, pool, weights, rounding, names, state: parseState(rounding, given.state ?? null, weights.length) }
}

/** An allocation as it is answered; `remainder` and `state` only where the policy has them. */
export type AllocationAnswer = { readonly shares: string[]; readonly remainder?: string; readonly state?: WrittenState }

export function answerOf({ units, remainder, state }: Allocation): AllocationAnswer {
  return {
    shares: units.map(String),
    ...(remainder === 0n ? {} : { remainder: remainder.toString() }),
    ...(state === null ? {} : { state: writeState(state) }),
  }
}

function parseShape(data: unknown): z.infer<typeof shape> {
  // Counted before it is looked at: what is too long is not read through.
  const weights = typeof data === 'object' && data !== null && 'weights' in data ? data.weights : null
  const count = Array.isArray(weights) ? weights.length : 0
  if (count > MAX_CASE_WEIGHTS) {
    throw new Refusal('weights_exceeded', `there are ${count} weights: a case has at most ${MAX_CASE_WEIGHTS}`, { weights: count, max: MAX_CASE_WEIGHTS })
  }
  const parsed = shape.safeParse(data)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') throw new Refusal('field_malformed', `${quote(issue.keys[0] ?? '')} is no field of a case`, { field: clip(issue.keys[0] ?? '') })
  const field = String(issue?.path[0] ?? '')
  if (field === '') throw new Refusal('field_malformed', 'a case must be an object such as {"pool": "100", "weights": ["3", "3", "3"]}', { field })
  const isMissing = !Object.hasOwn(data as object, field)
  throw new Refusal('field_malformed', `${field} ${isMissing ? 'is missing' : (issue?.message ?? '')}`, { field })
}

function parsePool(given: string): bigint {
  if (!/^[0-9]+$/.test(given)) {
    const why = /^-[0-9]+$/.test(given) ? 'is negative' : 'is no whole number of units'
    throw new Refusal('pool_malformed', `pool ${quote(given)} ${why}: send digits alone, such as "100"`, { field: 'pool', value: clip(given) })
  }
  const isLong = given.replace(/^0+/, '').length > MAX_POOL.toString().length
  if (isLong || BigInt(given) > MAX_POOL) {
    throw new Refusal('pool_exceeded', `pool ${clip(given)} is above the largest, ${MAX_POOL}`, { field: 'pool', value: clip(given), max: MAX_POOL.toString() })
  }
  return BigInt(given)
}

function parseWeights(given: readonly string[]): readonly bigint[] {
  const ratios = given.map(parseWeight)
  if (ratios.every(({ numerator }) => numerator === 0n)) {
    throw new Refusal('weights_missing', given.length === 0 ? 'there are no weights: give one for each recipient' : `all ${given.length} weights are zero, so nothing says who gets the pool`, {
      weights: given.length,
    })
  }
  if (commonDenominator(ratios, 10n ** BigInt(MAX_SCALE_DIGITS)) === null) {
    throw new Refusal('weight_exceeded', `the weights have no common scale of at most ${MAX_SCALE_DIGITS} digits: use denominators that go into each other`, { digits: MAX_SCALE_DIGITS })
  }
  return commonWeights(ratios)
}

const FORM = /^([0-9]+)(?:\.([0-9]+)|\/([0-9]+))?$/
/** Digits of the largest weight, and of the finest one. */
const MAX_DIGITS = MAX_WEIGHT.toString().length

function parseWeight(given: string, place: number): Ratio {
  const match = FORM.exec(given)
  const [, whole = '', fraction = '', divisor = '1'] = match ?? []
  const malformed = (why: string): Refusal =>
    new Refusal('weight_malformed', `weight ${place + 1}, ${quote(given)}, ${why}`, { field: 'weights', place: place + 1, value: clip(given) })
  if (match === null) throw malformed(/^-[0-9./]+$/.test(given) ? 'is negative: the least is 0' : 'is no number such as 80, 12.5 or 1/3')
  const isLong = [whole, fraction, divisor].some((digits) => digits.length > MAX_DIGITS)
  if (isLong || BigInt(whole) > MAX_WEIGHT || BigInt(divisor) > MAX_WEIGHT) {
    throw new Refusal('weight_exceeded', `weight ${place + 1}, ${quote(given)}, is above ${MAX_WEIGHT} or has more than ${MAX_DIGITS} digits before or after its point or stroke`, {
      field: 'weights',
      place: place + 1,
      value: clip(given),
      max: MAX_WEIGHT.toString(),
    })
  }
  if (BigInt(divisor) === 0n) throw malformed('divides by zero')
  return fraction === '' ? ratio(BigInt(whole), BigInt(divisor)) : ratioOfDecimal(given)
}

function requireResidual(rounding: Rounding, names: readonly string[], weights: readonly bigint[]): void {
  const residual = residualOf(rounding)
  if (residual === null) return
  const place = names.indexOf(residual)
  const details = { field: 'rounding', recipient: residual }
  if (place === -1) throw new Refusal('residual_not_found', `the rest is to go to ${residual}, who is not among the ${names.length} recipients: ${clip(names.join(', '))}`, details)
  if (weights[place] === 0n) throw new Refusal('residual_not_found', `the rest is to go to ${residual}, whose weight is zero: name a recipient with a weight`, details)
}

function parseState(rounding: Rounding, given: unknown, count: number): RoundingState {
  if (given === null) return null
  const mismatch = (why: string): Refusal => new Refusal('rounding_state_mismatch', `state ${why}`, { field: 'state' })
  switch (policyOf(rounding).state) {
    case 'none':
      throw mismatch('is given, but the rounding policy remembers nothing')
    case 'place': {
      const turn = turnSchema.safeParse(given)
      if (!turn.success) throw mismatch('must be such as {"next": 2}: the place, counted from 0, where the next turn begins')
      return turn.data
    }
    case 'fractions': {
      const written = cumulativeSchema.safeParse(given)
      if (!written.success) throw mismatch('must be such as {"fractions": ["0", "0"], "standing": "0"}, as the answer before gave it')
      const state = { fractions: written.data.fractions.map(BigInt), standing: BigInt(written.data.standing) }
      if (state.fractions.length !== count) throw mismatch(`has ${state.fractions.length} fractions for ${count} weights`)
      if (!isCovered(state)) throw mismatch(`has fractions of more than the ${state.standing} units that stand for them`)
      return state
    }
  }
}
