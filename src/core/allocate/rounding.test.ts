// Policies: how they are written, what they promise, and docs/reference/rounding.md, whose tables are worked out here.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROUNDINGS } from '../../../test/allocation/promises.ts'
import { amountsTable, longRun, longRunTable, policyTable, promiseTables, staysBelowOne, type LongRun } from '../../../test/allocation/tables.ts'
import { formatRounding, parseRounding, policyOf, residualOf } from './rounding.ts'

const PAGE = readFileSync(new URL('../../../docs/reference/rounding.md', import.meta.url), 'utf8')

it('reads every policy as a plan and as a command line has it', () => {
  for (const rounding of ROUNDINGS) {
    expect(parseRounding(rounding)).toEqual(rounding)
    expect(parseRounding(formatRounding(rounding))).toEqual(rounding)
  }
  expect(residualOf(parseRounding('residual-to:platform'))).toBe('platform')
  for (const wrong of ['', 'Largest-Remainder', 'residual-to', 'residual-to:', { 'residual-to': 'a b' }, { 'residual-to': 'a', more: 1 }, { first: 'a' }, null, 7]) {
    expect(() => parseRounding(wrong)).toThrow(/^there is no rounding policy .*; there are: largest-remainder, /)
  }
})

describe('docs/reference/rounding.md', () => {
  it('has the policies', () => expect(PAGE).toContain(policyTable()))

  it('has the same amounts under all policies', () => expect(PAGE).toContain(amountsTable()))

  it('has what is promised and what is not, with the first example of every small case', () => {
    const { kept, some, broken, cases } = promiseTables()
    for (const promise of kept) expect(PAGE).toContain(`\n- ${promise}\n`)
    expect(PAGE).toContain(some)
    expect(PAGE).toContain(broken)
    expect(PAGE).toContain(`${cases.toLocaleString('en')} cases`)
  })
})

describe('over 100,000 small events with changing weights', () => {
  let runs: readonly LongRun[] = []
  beforeAll(() => {
    runs = ROUNDINGS.map(longRun)
  })

  it('cumulative alone is below one unit from every entitlement at every time, with the rest in its rounding account', () => {
    expect(runs.filter(staysBelowOne).map(({ rounding }) => rounding)).toEqual(['cumulative'])
    for (const { rounding, standing } of runs) {
      if (policyOf(rounding).rest === 'kept') expect(standing).toBeLessThan(5n)
      else expect(standing).toBe(0n)
    }
  })

  it('is as docs/reference/rounding.md says', () => expect(PAGE).toContain(longRunTable(runs)))
})
