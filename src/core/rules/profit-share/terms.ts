// What a plan says of a profit share: the schema of its parameters, and the same as figures to count with.

import { z } from 'zod'
import { isZone, SPANS, type Span } from '../calendar.ts'
import { grainsOf, isPercent, isRate, percentOf } from '../grain.ts'
import { identifier, target } from '../target.ts'

/** Most closes kept so that a late one can be put in its place: they are read and written with each event of their subject. */
const MAX_KEPT = 100

/** A whole per cent and the most a rate may be: a thousand per cent a year is no hurdle that anybody means. */
const HUNDRED = 100n * 10n ** 4n
const MAX_RATE = 10n * HUNDRED

const percent = z.string().refine((text) => isRate(text) && percentOf(text) <= HUNDRED, 'a share is a percentage from 0% to 100% with at most four decimals, such as 20% or 2.5%')
const rate = z.string().refine((text) => isRate(text) && percentOf(text) <= MAX_RATE, 'a yearly rate is a percentage from 0% to 1000% with at most four decimals, such as 8%')

const kind = z.enum(['hard', 'soft'])
const hurdle = z.union([
  z.strictObject({ kind, units: z.string().regex(/^(0|[1-9][0-9]{0,38})$/, 'a hurdle is whole units, such as 1000') }),
  z.strictObject({ kind, rate }),
])

const span = z.strictObject({ every: z.enum(SPANS), zone: z.string().max(100).refine(isZone, 'no time zone of that name is known: UTC, or one such as Europe/Paris') })

export const parameters = z
  .strictObject({
    policy: z.enum(['each-win', 'high-water-mark']),
    /** The event's party whose results these are: a subscription, an account, a fund's investor. */
    subject: identifier,
    percent: z.union([percent, z.strictObject({ fact: identifier })]),
    share: z.strictObject({ role: identifier, to: target }),
    rest: z.strictObject({ role: identifier, to: target }),
    hurdle: hurdle.optional(),
    /** When profit becomes a share: with each event, or at the end of each span of days. */
    crystallised: z.union([z.literal('event'), span]),
    /** How many closes are kept so that a late one can be put in its place. */
    keep: z.int().min(0).max(MAX_KEPT).optional(),
  })
  .refine(({ share, rest }) => share.role !== rest.role, 'the share and the rest have the same role')
  .refine(
    ({ policy, hurdle: bar, crystallised }) => !(policy === 'each-win' && crystallised === 'event' && bar !== undefined && 'rate' in bar),
    'a win by itself has no length, so a yearly rate says nothing: take a hurdle in units, or crystallise by spans',
  )
  .refine((given) => (given.keep !== undefined) === isOrdered(given), {
    error: 'keep says how many closes wait for a late one: give it with a high-water mark or with spans, and leave it out where each win stands alone',
    path: ['keep'],
  })

export type Parameters = z.infer<typeof parameters>

/** Whether it matters in which order results come in. */
function isOrdered({ policy, crystallised }: { readonly policy: string; readonly crystallised: unknown }): boolean {
  return policy === 'high-water-mark' || crystallised !== 'event'
}

/** A hurdle of grains, or of a yearly rate on the mark in ten-thousandths of a per cent. */
export type Hurdle = { readonly kind: 'hard' | 'soft' } & ({ readonly units: bigint } | { readonly rate: bigint })

export type Terms = {
  readonly policy: Parameters['policy']
  readonly hurdle: Hurdle | null
  readonly span: { readonly every: Span; readonly zone: string } | null
  /** Closes kept; null where their order does not count. */
  readonly keep: number | null
}

/** Terms per plan's parameters: plans are immutable. */
const termsByParameters = new WeakMap<Parameters, Terms>()

export function termsOf(given: Parameters): Terms {
  return termsByParameters.getOrInsertComputed(given, ({ policy, hurdle: bar, crystallised, keep }) => ({
    policy,
    hurdle: bar === undefined ? null : 'units' in bar ? { kind: bar.kind, units: grainsOf(bar.units) } : { kind: bar.kind, rate: percentOf(bar.rate) },
    span: crystallised === 'event' ? null : crystallised,
    keep: keep ?? null,
  }))
}

/** Whether a fact is a percentage from 0 to 100. It is a number, so it comes without a sign. */
export function isShare(text: string): boolean {
  return isPercent(text) && percentOf(text) <= HUNDRED
}
