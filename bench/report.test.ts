// A bench that cannot flatter: what its rows say of runs that met, missed, or were never made.

import { describe, expect, it } from 'vitest'
import type { Frame, Sample, Target } from './part.ts'
import { lineOf, median, percentile, tableMarkdown, tableText } from './report.ts'

const frame = (target: Target): Frame => ({ name: 'posting', pattern: 'hot', callers: 64, unit: 'events/s', target })

const run = (value: number, limit: number): Sample => ({ value, limit })

describe('a row', () => {
  it.each<[string, Target, readonly Sample[], boolean | null]>([
    ['at least its share is met', { least: 0.25 }, [run(25, 100)], true],
    ['below its share is missed', { least: 0.25 }, [run(24.9, 100)], false],
    ['at most its multiple is met', { most: 4 }, [run(4, 1)], true],
    ['above its multiple is missed', { most: 4 }, [run(4.01, 1)], false],
    ['without a target is neither', null, [run(1, 1)], null],
    ['that was not run is neither', { least: 0.25 }, [], null],
    ['whose figure is no number is missed', { least: 0.25 }, [run(NaN, 1)], false],
    ['whose limit was nothing is missed where less is better', { most: 4 }, [run(1, 0)], false],
  ])('%s', (_, target, samples, met) => {
    expect(lineOf(frame(target), samples).row.met).toBe(met)
  })

  it('is made of the medians of its runs, and shows how far they lay apart', () => {
    const { row, spread } = lineOf(frame({ least: 0.25 }), [run(10, 100), run(50, 100), run(30, 200)])
    expect(row).toEqual({ name: 'posting', pattern: 'hot', callers: 64, value: 30, limit: 100, ratio: 0.3, target: '≥ 0.25', met: true })
    expect(spread).toMatchObject({ unit: 'events/s', runs: 3, value: [10, 50], limit: [100, 200], ratio: [0.1, 0.5] })
  })

  it('has exactly the keys that programs read', () => {
    for (const samples of [[], [run(1, 2)]]) {
      expect(Object.keys(lineOf(frame(null), samples).row)).toEqual(['name', 'pattern', 'callers', 'value', 'limit', 'ratio', 'target', 'met'])
    }
  })
})

describe('the table', () => {
  const lines = [lineOf(frame({ least: 0.25 }), [run(10, 100)]), lineOf(frame({ least: 0.25 }), []), lineOf(frame({ least: 0.25 }), [run(50, 100)])]

  it.each([
    ['for a terminal', tableText(lines).split('\n').slice(1)],
    ['for a page', tableMarkdown(lines).split('\n').slice(2)],
  ])('%s says what was missed and what was not run', (_, rows) => {
    expect(rows.map((row) => /MISSED|not run/.exec(row)?.[0] ?? '')).toEqual(['MISSED', 'not run', ''])
  })
})

describe('figures of several runs', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[7], 7],
    [[], NaN],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0.001, 1],
  ])('the share %d of one to a hundred ends at %d', (share, expected) => {
    expect(percentile(Array.from({ length: 100 }, (_, index) => 100 - index), share)).toBe(expected)
  })
})
