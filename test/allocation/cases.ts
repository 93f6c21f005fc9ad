// Cases as they are written: what each is read as, and by which code and words each wrong one is refused.

import { Refusal } from '../../src/core/refusal.ts'
import { must, same, type Property, type Subject } from './properties.ts'

const LARGEST = 10n ** 38n
const nines = (count: number): string => '9'.repeat(count)

const READ: readonly (readonly [weights: readonly string[], integers: readonly bigint[]])[] = [
  [['3', '3', '3'], [1n, 1n, 1n]],
  [['12.5', '0', '1/3'], [75n, 0n, 2n]],
  [['0.5', '1.25'], [2n, 5n]],
  [['007', '1.0'], [7n, 1n]],
  [[`${LARGEST}`, '1'], [LARGEST, 1n]],
  [[`1/${LARGEST}`, '1'], [1n, LARGEST]],
  [[`0.${'0'.repeat(37)}1`, '1'], [1n, LARGEST]],
  [['2/4', '1/2'], [1n, 1n]],
]

const given = { id: 'a', pool: '100', weights: ['3', '3', '3'] }
const primes = (count: number): readonly string[] => {
  const found: bigint[] = []
  for (let one = 10n ** 30n; found.length < count; one += 1n) if (found.every((other) => coprime(one, other))) found.push(one)
  return found.map((one) => `1/${one}`)
}

function coprime(a: bigint, b: bigint): boolean {
  let [x, y] = [a, b]
  while (y > 0n) [x, y] = [y, x % y]
  return x === 1n
}

/** Thirty-three denominators of 31 digits have a product of less than 1,000 digits, thirty-four one of more. */
const coarse = primes(33)
const fine = primes(34)

const REFUSED: readonly (readonly [data: unknown, code: string, words: string])[] = [
  ['text', 'field_malformed', 'a case must be an object'],
  [null, 'field_malformed', 'a case must be an object'],
  [{ ...given, colour: 'red' }, 'field_malformed', '"colour" is no field of a case'],
  [{ weights: ['1'] }, 'field_malformed', 'pool is missing'],
  [{ pool: '1' }, 'field_malformed', 'weights is missing'],
  [{ ...given, pool: 100 }, 'field_malformed', 'pool must be text'],
  [{ ...given, weights: [1, 2] }, 'field_malformed', 'weights must hold text alone'],
  [{ ...given, weights: '1,2' }, 'field_malformed', 'weights must be a list'],
  [{ ...given, id: 1.5 }, 'field_malformed', 'id must be text or a whole number'],
  [{ ...given, id: 'i'.repeat(257) }, 'field_malformed', 'id must have at most 256 characters'],
  [{ ...given, recipients: ['a', 'b'] }, 'field_malformed', 'recipients has 2 names for 3 weights'],
  [{ ...given, pool: '-1' }, 'pool_malformed', 'pool "-1" is negative'],
  [{ ...given, pool: '' }, 'pool_malformed', 'pool "" is no whole number of units'],
  [{ ...given, pool: '1.5' }, 'pool_malformed', 'is no whole number of units'],
  [{ ...given, pool: '1e3' }, 'pool_malformed', 'is no whole number of units'],
  [{ ...given, pool: `${LARGEST + 1n}` }, 'pool_exceeded', `is above the largest, ${LARGEST}`],
  [{ ...given, pool: nines(5000) }, 'pool_exceeded', '(5000 characters)'],
  [{ ...given, weights: ['1', 'x'] }, 'weight_malformed', 'weight 2, "x", is no number such as'],
  [{ ...given, weights: ['1', '-2'] }, 'weight_malformed', 'weight 2, "-2", is negative'],
  [{ ...given, weights: ['1/0'] }, 'weight_malformed', 'weight 1, "1/0", divides by zero'],
  [{ ...given, weights: ['1.5/2'] }, 'weight_malformed', 'is no number'],
  [{ ...given, weights: ['1e5'] }, 'weight_malformed', 'is no number'],
  [{ ...given, weights: ['.5'] }, 'weight_malformed', 'is no number'],
  [{ ...given, weights: [' 1'] }, 'weight_malformed', 'is no number'],
  [{ ...given, weights: [`${LARGEST + 1n}`] }, 'weight_exceeded', 'weight 1'],
  [{ ...given, weights: [`1/${LARGEST + 1n}`] }, 'weight_exceeded', 'weight 1'],
  [{ ...given, weights: [nines(40)] }, 'weight_exceeded', 'has more than 39 digits'],
  [{ ...given, weights: [`0.${nines(40)}`] }, 'weight_exceeded', 'has more than 39 digits'],
  [{ ...given, weights: [`1/${nines(40)}`] }, 'weight_exceeded', 'has more than 39 digits'],
  [{ ...given, weights: fine }, 'weight_exceeded', 'no common scale of at most 1000 digits'],
  [{ ...given, weights: [] }, 'weights_missing', 'there are no weights'],
  [{ ...given, weights: ['0', '0.0', '0/5'] }, 'weights_missing', 'all 3 weights are zero'],
  [{ ...given, weights: Array.from({ length: 100_001 }, () => '1') }, 'weights_exceeded', 'there are 100001 weights: a case has at most 100000'],
  [{ ...given, rounding: 'bankers' }, 'rounding_not_found', 'there is no rounding policy "bankers"; there are: largest-remainder, first,'],
  [{ ...given, rounding: 5 }, 'rounding_not_found', 'there is no rounding policy "5"'],
  [{ ...given, rounding: 'residual-to:' }, 'rounding_not_found', 'there is no rounding policy "residual-to:"'],
  [{ ...given, rounding: 'residual-to:4' }, 'residual_not_found', 'who is not among the 3 recipients: 1, 2, 3'],
  [{ ...given, weights: ['0', '1', '1'], rounding: { 'residual-to': '1' } }, 'residual_not_found', 'whose weight is zero'],
  [{ ...given, state: { next: 1 } }, 'rounding_state_mismatch', 'the rounding policy remembers nothing'],
  [{ ...given, rounding: 'rotate', state: { next: -1 } }, 'rounding_state_mismatch', '{"next": 2}'],
  [{ ...given, rounding: 'rotate', state: { next: 10_000_001 } }, 'rounding_state_mismatch', '{"next": 2}'],
  [{ ...given, rounding: 'cumulative', state: { next: 1 } }, 'rounding_state_mismatch', 'must be such as {"fractions"'],
  [{ ...given, rounding: 'cumulative', state: { fractions: ['0'], standing: '0' } }, 'rounding_state_mismatch', 'has 1 fractions for 3 weights'],
  [{ ...given, rounding: 'cumulative', state: { fractions: [nines(38), nines(38), nines(38)], standing: '2' } }, 'rounding_state_mismatch', 'more than the 2 units that stand for them'],
]

const WHOLE = { id: 7, pool: `${LARGEST}`, weights: ['1', '2'], rounding: 'residual-to:b', recipients: ['a', 'b'], state: null }

function refusalOf({ parseCase }: Subject, data: unknown): string {
  try {
    parseCase(data)
  } catch (error) {
    // A copy of the core has a class of its own.
    if (error instanceof Error && error.name === Refusal.name) return `${(error as Refusal).code}: ${error.message}`
    throw error
  }
  return 'nothing was refused'
}

const IDS: readonly (readonly [data: unknown, id: unknown])[] = [
  [{ id: 'a' }, 'a'],
  [{ id: 7 }, 7],
  [{ id: 1.5 }, null],
  [{ id: 'i'.repeat(256) }, 'i'.repeat(256)],
  [{ id: 'i'.repeat(257) }, null],
  [{}, null],
  [null, null],
  ['id', null],
  [Object.assign(() => 0, { id: 'a' }), null],
]

function placeOf({ parseCase }: Subject, weights: readonly string[]): unknown {
  try {
    return parseCase({ pool: '1', weights })
  } catch (error) {
    return (error as Refusal).details['place']
  }
}

export const CASES: Property = {
  name: 'cases are read exactly, or refused with the figures',
  check: (subject) => {
    const { parseCase } = subject
    for (const [weights, integers] of READ) same(parseCase({ pool: '1', weights }).weights, integers, weights.join(' '))
    same(parseCase(WHOLE), { id: 7, pool: LARGEST, weights: [1n, 2n], rounding: { 'residual-to': 'b' }, names: ['a', 'b'], state: null }, 'a whole case')
    same(parseCase({ pool: '0', weights: ['1'] }), { id: null, pool: 0n, weights: [1n], rounding: 'largest-remainder', names: ['1'], state: null }, 'a bare case')
    same(parseCase({ ...given, rounding: 'rotate', state: { next: 2 } }).state, { next: 2 }, 'a state')
    same(parseCase({ ...given, weights: coarse }).weights.length, 33, 'a fine scale')
    same(parseCase({ ...given, weights: Array.from({ length: 100_000 }, () => '1') }).weights.length, 100_000, 'a long case')
    for (const [data, id] of IDS) same(subject.idOf(data), id, 'id')
    same([placeOf(subject, ['1', 'x']), placeOf(subject, ['1', '2', `${LARGEST + 1n}`])], [2, 3], 'places')
    for (const [data, code, words] of REFUSED) {
      const refusal = refusalOf(subject, data)
      must(refusal.startsWith(`${code}: `) && refusal.includes(words), () => `${code} … ${words} was expected, not ${refusal}`)
    }
  },
}
