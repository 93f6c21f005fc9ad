// Cases of bonuses, by who funds them.

import fc from 'fast-check'
import { factsOf, factTimes, IDS, list, NOTHING, scores, turnedFacts, type Sample } from './sample.ts'

/** Referrers of some of the members: each by one who stands before it or by an outsider, so that there is no loop. */
const referrers = (count: number): fc.Arbitrary<Readonly<Record<string, string>>> =>
  fc
    .array(fc.option(fc.nat(5)), { minLength: count, maxLength: count })
    .map((chosen) => Object.fromEntries(chosen.flatMap((by, place) => (by === null ? [] : [[IDS[place] ?? '', by < place ? (IDS[by] ?? '') : 'friend']]))))

const referred = (set: Readonly<Record<string, string>>): string =>
  Object.entries(set).map(([member, referrer]) => `${member} referred by ${referrer}`).join(', ') || 'nobody referred'

const inPool = (rates: readonly string[]): Record<string, unknown> => ({
  rates,
  referrers: { fact: 'referrers', source: 'standing' },
  funding: { pool: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } } },
})

export const BONUS_IN_POOL: Sample = {
  kind: 'bonus',
  form: 'funded by the pool',
  cases: scores.chain((given) =>
    fc.tuple(referrers(given.length), fc.constantFrom(['5%'], ['50%', '10%'], ['33%', '33%'])).map(([set, rates]) => ({
      ...NOTHING,
      parameters: inPool(rates),
      facts: { score: factsOf(given), referrers: set },
      text: `scores ${list(given)}, ${referred(set)}, ${rates.join(' and ')}`,
    })),
  ),
  parameters: inPool(['5%']),
  residuals: ['ana'],
  turned: turnedFacts,
  scaled: { amounts: false, by: (given, k) => factTimes(given, 'score', k) },
}

const onShares = (funding: unknown, form: string): Sample => ({
  kind: 'bonus',
  form,
  cases: fc.integer({ min: 1, max: 4 }).chain((count) =>
    fc.tuple(referrers(count), fc.constantFrom(['5%'], ['50%', '10%'], ['33%', '33%'])).map(([set, rates]) => ({
      ...NOTHING,
      parameters: { rates, referrers: { fact: 'referrers', source: 'standing' }, funding },
      facts: { referrers: set },
      given: IDS.slice(0, count).map((recipient) => ({ role: 'share', recipient })),
      text: `${referred(set)}, ${rates.join(' and ')}`,
    })),
  ),
  parameters: { rates: ['5%'], referrers: { fact: 'referrers', source: 'standing' }, funding },
  residuals: ['referred', 'bonus'],
  turned: turnedFacts,
  scaled: null,
})

export const BONUS_BY_REFERRED: Sample = onShares('referred', 'out of the share')
export const BONUS_BY_PLATFORM: Sample = onShares({ platform: { fund: 'promotion' } }, 'out of a fund')
