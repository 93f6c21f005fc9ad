// Cases of rules that reckon with results and contributions. Each event of a case brings the same facts.

import fc from 'fast-check'
import { factTimes, NOTHING, type Case, type Sample } from './sample.ts'

const SHARING = {
  policy: 'high-water-mark',
  subject: 'subscription',
  percent: '20%',
  share: { role: 'creator', to: { recipient: 'ana' } },
  rest: { role: 'subscriber', to: { recipient: 'bo' } },
  crystallised: 'event',
  keep: 3,
} as const

export const PROFIT_SHARE: Sample = {
  kind: 'profit-share',
  form: null,
  cases: fc.bigInt({ min: -20n, max: 60n }).map((result) => ({
    ...NOTHING,
    parameters: SHARING,
    parties: { subscription: 's1' },
    facts: { result: { s1: result.toString() } },
    text: `a result of ${result} with each event`,
  })),
  parameters: SHARING,
  residuals: ['creator'],
  turned: null,
  splits: false,
  scaled: { amounts: true, by: (given, k) => factTimes(given, 'result', k) },
}

type Fund = { readonly contributors: readonly { readonly role: string; readonly recipient: string; readonly contributed?: { readonly units: string; readonly on: string } }[]; readonly tranches: readonly object[] }

const CARRY = [
  { role: 'investors', to: { recipient: 'di' }, weight: '80' },
  { role: 'manager', to: { recipient: 'ed' }, weight: '20' },
]

const fund = (units: readonly bigint[]): Fund => ({
  contributors: units.map((each, place) => {
    const recipient = ['ana', 'bo', 'cy'][place] ?? ''
    // A year before the events, to the day.
    return { role: recipient, recipient, ...(each === 0n ? {} : { contributed: { units: each.toString(), on: '2025-11-21' } }) }
  }),
  tranches: [
    { kind: 'capital', name: 'capital' },
    { kind: 'preferred', name: 'preferred', rate: '50%', compounding: 'none' },
    { kind: 'catch-up', name: 'catch-up', rate: '100%', target: '20%', shares: [{ ...CARRY[1], weight: '1' }] },
    { kind: 'split', name: 'carry', shares: CARRY },
  ],
})

const turnedFund = (given: Case): Case => {
  const { contributors, tranches } = given.parameters as Fund
  return { ...given, parameters: { contributors: contributors.toReversed(), tranches } }
}

export const WATERFALL: Sample = {
  kind: 'waterfall',
  form: null,
  cases: fc.array(fc.bigInt({ min: 0n, max: 12n }), { minLength: 1, maxLength: 3 }).map((units) => ({
    ...NOTHING,
    parameters: fund(units),
    text: `contributions of ${units.join(', ')} a year before`,
  })),
  parameters: fund([6n, 4n]),
  residuals: [],
  turned: turnedFund,
  scaled: null,
}
