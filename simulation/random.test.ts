// That chance is a function of its seed, and of nothing else.

import { describe, expect, it } from 'vitest'
import { randomOf, type Random } from './random.ts'

const drawn = (random: Random, count = 100): readonly number[] => Array.from({ length: count }, () => random.next())

describe('a random source', () => {
  it('is a function of its seed', () => {
    expect(drawn(randomOf('1'))).toEqual(drawn(randomOf('1')))
    expect(drawn(randomOf('1'))).not.toEqual(drawn(randomOf('2')))
  })

  it('has forks that know nothing of what else was drawn', () => {
    const random = randomOf('1')
    const before = drawn(random.fork('a'))
    drawn(random)
    expect(drawn(random.fork('a'))).toEqual(before)
    expect(drawn(random.fork('b'))).not.toEqual(before)
  })

  it('stays within bounds, reaches both, and has dust as well as fortunes', () => {
    const random = randomOf('bounds')
    const numbers = new Set(Array.from({ length: 200 }, () => random.between(2, 5)))
    expect(numbers).toEqual(new Set([2, 3, 4, 5]))
    const units = Array.from({ length: 500 }, () => random.units(1n, 10n ** 38n))
    expect(units.every((each) => each >= 1n && each <= 10n ** 38n)).toBe(true)
    expect(units.some((each) => each < 100n)).toBe(true)
    expect(units.some((each) => each > 10n ** 36n)).toBe(true)
  })

  it('loses nothing when it shuffles', () => {
    expect(new Set(randomOf('cards').shuffle([1, 2, 3, 4, 5]))).toEqual(new Set([1, 2, 3, 4, 5]))
  })
})
