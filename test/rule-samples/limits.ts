// Cases of caps and minimums.

import fc from 'fast-check'
import { NOTHING, type Sample } from './sample.ts'

const owners = fc.array(fc.constantFrom('ana', 'bo', 'cy'), { minLength: 1, maxLength: 4 }).map((ids) => ids.map((recipient) => ({ role: 'share', recipient })))

const capped = (per: string): Sample => ({
  kind: 'cap',
  form: per === 'event' ? 'of each event' : 'of a period',
  cases: fc.tuple(owners, fc.nat(30)).map(([given, limit]) => ({
    ...NOTHING,
    parameters: { limit: `${limit}`, per, excess: { fund: 'excess' } },
    given,
    text: `at most ${limit}, shares of ${given.map(({ recipient }) => recipient).join(', ')}`,
  })),
  parameters: { limit: '10', per, excess: { fund: 'excess' } },
  residuals: [],
  turned: (given) => given,
  scaled: { amounts: true, by: (given, k) => ({ ...given, parameters: { ...(given.parameters as object), limit: (BigInt((given.parameters as { limit: string }).limit) * k).toString() } }) },
})

export const CAP_OF_EVENT: Sample = capped('event')
export const CAP_OF_PERIOD: Sample = capped('month')

export const MINIMUM: Sample = {
  kind: 'minimum',
  form: null,
  cases: fc.tuple(owners, fc.nat(40)).map(([given, least]) => ({
    ...NOTHING,
    parameters: { minimum: `${least}` },
    given,
    text: `at least ${least}, shares of ${given.map(({ recipient }) => recipient).join(', ')}`,
  })),
  parameters: { minimum: '10' },
  residuals: [],
  turned: (given) => given,
  scaled: { amounts: true, by: (given, k) => ({ ...given, parameters: { minimum: (BigInt((given.parameters as { minimum: string }).minimum) * k).toString() } }) },
}
