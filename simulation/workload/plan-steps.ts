// Parameters of one step for every rule there is, at random. What a plan is made of (kinds, names, targets) is drawn by `shape`, all that
// is a figure by `numbers`: plans of one shape follow each other as versions of one business.

import type { Json, JsonObject } from '../../src/core/effects.ts'
import type { Random } from '../random.ts'

/** What events must bring so that a plan can divide them. */
export type Needs = {
  /** Recipients whose scores are asked for; empty: none. */
  scored: readonly string[]
  referrers: boolean
  /** Switches of discounts. */
  readonly flags: Set<string>
  contributors: readonly string[]
  results: boolean
  advances: boolean
  /** A standing percentage of the subscription. */
  percent: boolean
  /** An event may be refused: by a fund that is short, an order, a fact that is not there. */
  unsure: boolean
}

export type Draft = {
  readonly shape: Random
  readonly numbers: Random
  /** Recipients that the plan names. */
  readonly people: readonly string[]
  /** Most shares of a division. */
  readonly most: number
  /** The day before the history begins. */
  readonly day: string
  /** An ordinary amount. */
  readonly plain: bigint
  readonly needs: Needs
  /** Funds that a later step divides, and those that keep what they get. */
  readonly divided: { readonly fund: string; readonly depth: number }[]
  readonly kept: string[]
}

export const PARTIES = ['maker', 'finder', 'subscription'] as const

/** Steps are nested so deep. */
const DEEPEST = 2

/** Where a share goes: a recipient mostly, a party, a fund that is divided again, or one that keeps it. */
export function targetOf({ shape, people, divided, kept }: Draft, depth: number): JsonObject {
  if (depth < DEEPEST && shape.chance(0.25)) {
    const fund = `pot-${divided.length}`
    divided.push({ fund, depth: depth + 1 })
    return { fund }
  }
  if (shape.chance(0.2)) {
    const fund = `kept-${kept.length}`
    kept.push(fund)
    return { fund }
  }
  return shape.chance(0.2) ? { party: shape.pick(PARTIES) } : { recipient: shape.pick(people) }
}

const percent = (numbers: Random, most = 100): string => `${numbers.below(most + 1)}%`
const units = ({ numbers, plain }: Draft): string => numbers.units(1n, plain * 10n).toString()

/** Weights as parts, or as percentages that make a hundred. */
function sharesOf(draft: Draft, depth: number, count: number): readonly JsonObject[] {
  const { shape, numbers } = draft
  const inPercent = shape.chance(0.3)
  let left = 100
  return Array.from({ length: count }, (_, place) => {
    const part = place === count - 1 ? left : numbers.below(left + 1)
    left -= part
    const weight = inPercent ? `${part}%` : numbers.chance(0.1) && place > 0 ? '0' : numbers.pick([numbers.between(1, 99).toString(), `${numbers.between(1, 50)}.5`])
    return { role: `r${place}`, to: targetOf(draft, depth), weight }
  })
}

function fixedShares(draft: Draft, depth: number): JsonObject {
  return { shares: sharesOf(draft, depth, draft.shape.between(2, draft.most)) }
}

function proRata(draft: Draft, depth: number): JsonObject {
  draft.needs.scored = draft.people
  return { by: { fact: 'score' }, whenAllZero: targetOf(draft, depth) }
}

function tieredFee(draft: Draft, depth: number): JsonObject {
  const { shape, numbers, needs, kept } = draft
  const discounts = Array.from({ length: shape.below(3) }, (_, place) => {
    const isFlag = shape.chance(0.6)
    if (isFlag) needs.flags.add(`d${place}`)
    const when = isFlag ? { fact: 'flags', subject: `d${place}` } : { party: 'maker', is: shape.pick(draft.people) }
    return { name: `d${place}`, off: percent(numbers), when }
  })
  const fund = shape.chance(0.3) ? kept[0] : undefined
  if (fund !== undefined) needs.unsure = true
  const first = BigInt(units(draft))
  return {
    fee: { role: 'fee', to: targetOf(draft, depth) },
    rest: { role: 'rest', to: targetOf(draft, depth) },
    tiers: [{ from: '0', rate: percent(numbers) }, { from: first.toString(), rate: percent(numbers) }, { from: (first * 2n).toString(), rate: percent(numbers) }].slice(0, numbers.between(1, 3)),
    applies: shape.pick(['whole', 'bands']),
    ...(discounts.length > 0 && { discounts, combine: numbers.pick(['multiply', 'add', 'best-of']) }),
    ...(numbers.chance(0.3) && { floor: numbers.chance(0.5) ? percent(numbers, 10) : { units: numbers.units(1n, 100n).toString() } }),
    ...(numbers.chance(0.3) && { ceiling: percent(numbers.fork('ceiling'), 90) }),
    bearer: fund === undefined ? 'deducted' : { onTop: { fund } },
  }
}

function bonusInPool(draft: Draft, depth: number): JsonObject {
  const { numbers, needs } = draft
  needs.scored = draft.people
  needs.referrers = true
  const rates = Array.from({ length: numbers.between(1, 3) }, () => percent(numbers, 33))
  return { rates, referrers: { fact: 'referrers' }, funding: { pool: { by: { fact: 'score' }, whenAllZero: targetOf(draft, depth) } } }
}

function recoup(draft: Draft, depth: number): JsonObject {
  const { shape, numbers, needs } = draft
  const advances = Array.from({ length: shape.between(1, 3) }, (_, place) => {
    const isFact = shape.chance(0.2)
    if (isFact) needs.advances = true
    return { role: `a${place}`, to: targetOf(draft, depth), advance: isFact ? { fact: 'advance', of: 'maker' } : units(draft) }
  })
  return { advances, among: shape.pick(['order', 'pro-rata']), ...(shape.chance(0.5) && { most: percent(numbers) }), rest: { role: 'rest', to: targetOf(draft, depth) } }
}

function profitShare(draft: Draft): JsonObject {
  const { shape, numbers, needs } = draft
  needs.results = true
  // A close may be older than those that are kept.
  needs.unsure = true
  const isStanding = shape.chance(0.4)
  if (isStanding) needs.percent = true
  const policy = shape.pick(['each-win', 'high-water-mark'])
  const crystallised: Json = shape.chance(0.6) ? 'event' : { every: shape.pick(['day', 'week', 'month']), zone: 'UTC' }
  const isOrdered = policy === 'high-water-mark' || crystallised !== 'event'
  const hurdle = shape.chance(0.4) ? { kind: numbers.pick(['hard', 'soft']), ...(isOrdered && numbers.chance(0.5) ? { rate: percent(numbers, 30) } : { units: units(draft) }) } : null
  return {
    ...{ policy, crystallised, subject: 'subscription', percent: isStanding ? { fact: 'percent' } : percent(numbers) },
    share: { role: 'share', to: { recipient: shape.pick(draft.people) } },
    rest: { role: 'rest', to: { party: 'subscription' } },
    ...(hurdle !== null && { hurdle }),
    ...(isOrdered && { keep: numbers.between(0, 20) }),
  }
}

function waterfall(draft: Draft, depth: number): JsonObject {
  const { shape, numbers, needs, people, day } = draft
  // Events of an earlier day than the newest are refused.
  needs.unsure = true
  const contributors = shape.shuffle(people).slice(0, shape.between(1, 3))
  if (shape.chance(0.5)) needs.contributors = contributors
  const carry = sharesOf(draft, depth, 2).map((each, place) => ({ ...each, weight: numbers.between(1, 99).toString(), role: `c${place}` }))
  const preferred = shape.chance(0.7) ? [{ kind: 'preferred', name: 'preferred', rate: `${numbers.between(1, 100)}%`, compounding: shape.pick(['none', 'month', 'quarter', 'year']) }] : []
  const catchUp = preferred.length > 0 && shape.chance(0.5)
    ? [{ kind: 'catch-up', name: 'catch-up', rate: '100%', target: `${numbers.between(1, 50)}%`, shares: [{ role: 'manager', to: { recipient: shape.pick(people) }, weight: '1' }] }]
    : []
  const until = shape.chance(0.3) ? [{ kind: 'split', name: 'early', until: units(draft), shares: carry.slice(0, 1) }] : []
  return {
    contributors: contributors.map((recipient) => ({ role: recipient, recipient, ...(shape.chance(0.6) && { contributed: { units: units(draft), on: day } }) })),
    tranches: [{ kind: 'capital', name: 'capital' }, ...preferred, ...catchUp, ...until, { kind: 'split', name: 'carry', shares: carry }],
  }
}

type Parameters = (draft: Draft, depth: number) => JsonObject

/** Rules that divide an account. */
export const DIVIDING: Readonly<Record<string, Parameters>> = {
  'fixed-shares': fixedShares,
  'pro-rata': proRata,
  'tiered-fee': tieredFee,
  bonus: bonusInPool,
  recoup,
  'profit-share': profitShare,
  waterfall,
}

/** Rules that change the shares of an earlier step. */
export const CHANGING: Readonly<Record<string, Parameters>> = {
  cap: (draft) => ({ limit: units(draft), per: draft.shape.pick(['event', 'day', 'week', 'month', 'year', 'lifetime']), excess: draft.shape.chance(0.5) ? { fund: 'excess' } : { recipient: draft.shape.pick(draft.people) } }),
  minimum: (draft) => ({ minimum: units(draft) }),
  bonus: (draft) => {
    const { shape, numbers, kept, needs, people } = draft
    const [referred = '', referrer = '', above = ''] = shape.shuffle(people)
    const fund = shape.chance(0.5) ? kept[0] : undefined
    if (fund !== undefined) needs.unsure = true
    return {
      rates: Array.from({ length: numbers.between(1, 2) }, () => percent(numbers, 40)),
      referrers: [{ referred: { recipient: referred }, referrer: { recipient: referrer } }, { referred: { recipient: referrer }, referrer: { recipient: above } }],
      funding: fund === undefined ? 'referred' : { platform: { fund } },
    }
  },
}
