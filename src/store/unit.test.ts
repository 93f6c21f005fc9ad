// Units: several statements and COPY streams in one piece, all of them or none, one after the other without waiting.

import fc from 'fast-check'
import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { createPool } from './pool.ts'
import { copyText, runUnit, type Step } from './unit.ts'

let database: TestDatabase
let pool: Pool
beforeAll(async () => {
  database = await testDatabase()
  await database.pool.query('create table public.line (number integer primary key, text text)')
  pool = createPool({ url: database.url, max: 1, applicationName: 'unit', pipeline: true })
})
beforeEach(async () => {
  await database.pool.query('truncate public.line')
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const copy = (...lines: readonly [number, string | null][]): Step => ({
  name: 'copy-line',
  copy: 'copy public.line (number, text) from stdin',
  lines: lines.map(([number, text]) => `${number}\t${copyText(text)}\n`).join(''),
})
const insert = (number: number, name?: string): Step => ({ ...(name !== undefined && { name }), text: 'insert into public.line values ($1, $2)', values: [number, 'inserted'] })
const FAIL: Step = { text: 'select 1 / 0', values: [] }

async function run(...units: readonly (readonly Step[])[]): Promise<readonly string[]> {
  const client = await pool.connect()
  try {
    const answers = await Promise.allSettled(units.map(async (steps) => await runUnit(client, steps)))
    return answers.map((answer) => (answer.status === 'fulfilled' ? 'done' : (answer.reason as Error).message))
  } finally {
    client.release()
  }
}

async function numbers(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ number: number }>('select number from public.line order by number')
  return rows.map(({ number }) => number)
}

describe('a unit', () => {
  it('is committed whole, statements and streams together', async () => {
    expect(await run([insert(1, 'one'), copy([2, 'b'], [3, null]), insert(4, 'one'), copy([5, 'e'])])).toEqual(['done'])
    expect(await numbers()).toEqual([1, 2, 3, 4, 5])
  })

  it.each([
    ['a statement before a stream', [insert(1), FAIL, copy([2, 'b'])], 'division by zero'],
    ['a statement after a stream', [copy([2, 'b']), FAIL, insert(3)], 'division by zero'],
    ['a stream', [insert(1), copy([2, 'b'], [1, 'again']), insert(3)], 'duplicate key value violates unique constraint "line_pkey"'],
  ])('that fails at %s leaves nothing, and the one behind it is by itself', async (_, steps, message) => {
    expect(await run(steps, [copy([9, 'i'])])).toEqual([message, 'done'])
    expect(await numbers()).toEqual([9])
  })

  it('that fails before its statements were parsed makes them be parsed again, by those that are not on their way yet', async () => {
    const [first, behind] = await run([FAIL, insert(1, 'fresh')], [insert(2, 'fresh')])
    expect([first, behind]).toEqual(['division by zero', 'prepared statement "unit fresh" does not exist'])
    expect(await run([insert(3, 'fresh')], [insert(4, 'fresh')])).toEqual(['done', 'done'])
    expect(await numbers()).toEqual([3, 4])
  })

  it('that fails after they were parsed does so too', async () => {
    expect(await run([insert(1, 'parsed'), FAIL])).toEqual(['division by zero'])
    expect(await run([insert(2, 'parsed')])).toEqual(['done'])
    expect(await numbers()).toEqual([2])
  })

  it('whose values cannot be written is not sent, and nothing of it stays behind', async () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const [unwritten, next] = await run([insert(1, 'kept'), { text: 'select $1::jsonb', values: [circular] }], [insert(2, 'kept')])
    expect(unwritten).toContain('circular')
    expect(next).toBe('done')
    expect(await numbers()).toEqual([2])
  })

  it('is part of an open transaction, and its own commit ends it', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await runUnit(client, [insert(1)])
    expect(await numbers()).toEqual([])
    await runUnit(client, [copy([2, 'b']), { name: 'commit', text: 'commit', values: [] }])
    expect(await numbers()).toEqual([1, 2])
    client.release()
  })
})

describe('a text in a stream', () => {
  it('arrives as it was, whatever is in it', async () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', '\b', '\f', '\v', 'N', '.', 'x', "'", 'é', '🎵') }))
    const sendable = text.map((each) => each.replaceAll('\0', '').toWellFormed())
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(sendable), { minLength: 1, maxLength: 40 }), async (texts) => {
        await database.pool.query('truncate public.line')
        expect(await run([copy(...texts.map((each, index): [number, string | null] => [index, each]))])).toEqual(['done'])
        const { rows } = await database.pool.query<{ text: string | null }>('select text from public.line order by number')
        expect(rows.map((row) => row.text)).toEqual(texts)
      }),
      { numRuns: 30 },
    )
  })
})
