// Cases of the rules that take something first: fees and advances.

import fc from 'fast-check'
import { IDS, list, NOTHING, type Case, type Sample } from './sample.ts'

const percent = fc.integer({ min: 0, max: 100 })
const feeParameters = (applies: 'whole' | 'bands', tiers: readonly (readonly [from: string, rate: string])[]): Record<string, unknown> => ({
  fee: { role: 'fee', to: { fund: 'fees' } },
  rest: { role: 'rest', to: { recipient: 'ana' } },
  tiers: tiers.map(([from, rate]) => ({ from, rate })),
  applies,
  bearer: 'deducted',
})

/** Discounts that the event switches on, a floor and a ceiling, now and then. */
const extras = fc.record(
  {
    discounts: fc.array(percent, { maxLength: 2 }).map((offs) =>
      offs.map((off, place) => ({ name: `d${place + 1}`, off: `${off}%`, when: { fact: 'flags', subject: `d${place + 1}` } })),
    ),
    floor: fc.oneof(percent.map((value) => `${value}%`), fc.constant({ units: '2' })),
  },
  { requiredKeys: ['discounts'] },
)

const feeCases = (applies: 'whole' | 'bands'): fc.Arbitrary<Case> =>
  fc.tuple(percent, percent, fc.integer({ min: 1, max: 20 }), extras).map(([first, second, from, { discounts, floor }]) => ({
    ...NOTHING,
    parameters: {
      ...feeParameters(applies, [['0', `${first}%`], [`${from}`, `${second}%`]]),
      ...{ discounts, combine: 'multiply' },
      ...(floor === undefined ? {} : { floor }),
    },
    facts: discounts.length === 0 ? {} : { flags: Object.fromEntries(discounts.map(({ name }) => [name, '1'])) },
    text: [
      `${first}% and ${second}% from ${from} units`,
      ...discounts.map(({ off }) => `${off} off`),
      ...(floor === undefined ? [] : [`floor ${typeof floor === 'string' ? floor : '2 units'}`]),
    ].join(', '),
  }))

const fee = (applies: 'whole' | 'bands', form: string): Sample => ({
  kind: 'tiered-fee',
  form,
  cases: feeCases(applies),
  parameters: feeParameters(applies, [['0', '10%']]),
  residuals: ['rest', 'fee'],
  turned: null,
  scaled: null,
})

export const FEE_WHOLE: Sample = fee('whole', 'one rate for all')
export const FEE_BANDS: Sample = fee('bands', 'graduated')

export const FEE_ON_TOP: Sample = {
  ...fee('whole', 'on top'),
  cases: feeCases('whole').map((each) => ({ ...each, parameters: { ...(each.parameters as object), bearer: { onTop: { fund: 'purse' } } } })),
  parameters: { ...feeParameters('whole', [['0', '10%']]), bearer: { onTop: { fund: 'purse' } } },
}

const advances = (sizes: readonly bigint[], among: 'order' | 'pro-rata', most: string): Record<string, unknown> => ({
  advances: sizes.map((size, place) => ({ role: `r${place + 1}`, to: { recipient: IDS[place] }, advance: size.toString() })),
  among,
  most,
  rest: { role: 'rest', to: { recipient: 'flo' } },
})

type Advances = { readonly advances: readonly { readonly advance: string }[] }

const recoup = (among: 'order' | 'pro-rata'): Sample => ({
  kind: 'recoup',
  form: among === 'order' ? 'one after the other' : 'pro rata',
  cases: fc.tuple(fc.array(fc.bigInt({ min: 0n, max: 40n }), { minLength: 1, maxLength: 3 }), fc.constantFrom('100%', '50%')).map(([sizes, most]) => ({
    ...NOTHING,
    parameters: advances(sizes, among, most),
    text: `advances ${list(sizes)}, at most ${most}`,
  })),
  parameters: advances([10n], among, '50%'),
  residuals: [],
  turned: among === 'order' ? null : (given) => ({ ...given, parameters: { ...(given.parameters as object), advances: (given.parameters as Advances).advances.toReversed() } }),
  scaled: {
    amounts: true,
    by: (given, k) => ({
      ...given,
      parameters: { ...(given.parameters as object), advances: (given.parameters as Advances).advances.map((each) => ({ ...each, advance: (BigInt(each.advance) * k).toString() })) },
    }),
  },
})

export const RECOUP_IN_ORDER: Sample = recoup('order')
export const RECOUP_PRO_RATA: Sample = recoup('pro-rata')
