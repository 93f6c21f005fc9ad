// Cases of the rules that divide an account by weights.

import { factsOf, factTimes, IDS, list, NOTHING, scores, turnedFacts, weights, type Case, type Sample } from './sample.ts'

const fixedCase = (given: readonly bigint[]): Case => ({
  ...NOTHING,
  parameters: { shares: given.map((weight, place) => ({ role: `r${place + 1}`, to: { recipient: IDS[place] }, weight: weight.toString() })) },
  text: `weights ${list(given)}`,
})

type Shares = { readonly shares: readonly { readonly role: string; readonly to: unknown; readonly weight: string }[] }

export const FIXED_SHARES: Sample = {
  kind: 'fixed-shares',
  form: null,
  cases: weights({ minLength: 1, maxLength: 5 }).map(fixedCase),
  parameters: fixedCase([1n, 1n]).parameters,
  residuals: ['r1', 'r2'],
  turned: (given) => ({ ...given, parameters: { shares: (given.parameters as Shares).shares.toReversed() } }),
  scaled: {
    amounts: false,
    by: (given, k) => ({ ...given, parameters: { shares: (given.parameters as Shares).shares.map((share) => ({ ...share, weight: (BigInt(share.weight) * k).toString() })) } }),
  },
}

export const PRO_RATA: Sample = {
  kind: 'pro-rata',
  form: null,
  cases: scores.map((given) => ({
    ...NOTHING,
    parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } },
    facts: { score: factsOf(given) },
    text: `scores ${list(given)}`,
  })),
  parameters: { by: { fact: 'score' }, whenAllZero: { fund: 'later' } },
  residuals: ['ana', 'bo'],
  turned: turnedFacts,
  scaled: { amounts: false, by: (given, k) => factTimes(given, 'score', k) },
}
