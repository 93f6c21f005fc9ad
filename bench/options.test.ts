// The bench's command line: what it takes, and that a word it does not know never runs something else.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readOptions } from './options.ts'
import { wantedBy } from './part.ts'
import { partsOf } from './parts.ts'

describe('options', () => {
  it('without any run all rows several times, and print a table', () => {
    const { scale, print, only, load } = readOptions([])
    expect(scale.runs).toBeGreaterThan(2)
    expect({ print, load, all: only.test('') }).toEqual({ print: 'table', load: null, all: true })
  })

  it.each([
    [['--history', '20e6'], 20_000_000],
    [['--history', '100000000'], 100_000_000],
    [['--quick', '--history', '5e5'], 500_000],
  ])('%j store so many transfers', (args, transfers) => {
    expect(readOptions(args).scale.history).toBe(transfers)
  })

  it('that the page of figures names each ask for rows that there are', () => {
    const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'performance.md'), 'utf8')
    const named = [...page.matchAll(/^ +npm run bench -- (--only .*?)(?: {2,}|$| posting )/gm)].map(([, args = '']) => args.replaceAll("'", '').split(' '))
    expect(named.length).toBeGreaterThan(1)
    for (const args of named) {
      const { scale, only } = readOptions(args)
      const parts = partsOf(scale)
      expect(parts.flatMap(({ frames }) => frames).some(wantedBy(parts, only)), args.join(' ')).toBe(true)
    }
  })

  it.each([[['--load', 'two-servers'], 60], [['--load', 'defaults', '--seconds', '5'], 5]])('%j run a load for %d seconds', (args, seconds) => {
    expect(readOptions(args)).toMatchObject({ load: args[1], seconds })
  })

  it.each([
    [['--load', 'everything'], 'there is no load everything'],
    [['--load', 'defaults', '--seconds', '0'], '--seconds is a whole number above zero'],
    [['--history', 'many'], '--history is a whole number above zero'],
    [['--history', '1.5'], '--history is a whole number above zero'],
    [['--fast'], '--fast'],
  ])('%j are refused in words', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
  })
})
