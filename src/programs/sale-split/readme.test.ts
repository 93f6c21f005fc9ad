// The README's examples, run as they stand: its SQL in order, its JSON as an event, its output compared.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase } from '../../../test/sale-ledger.ts'
import { saleSplit } from './program.ts'

let sales: SaleDatabase

beforeAll(async () => {
  sales = await saleDatabase()
})

afterAll(async () => {
  await sales.drop()
})

it('shows what happens', async () => {
  const ledger = await sales.makeLedger('main')
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  let printed = ''
  let shown = 0
  for (const [, language, block = ''] of readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)) {
    if (language === 'sql') {
      const result = await sales.owner.query({ text: block, rowMode: 'array' })
      await ledger.take()
      const rows: readonly unknown[][] = Array.isArray(result) ? [] : result.rows
      printed = rows.map((row) => row.map((value) => (value === null ? '' : `${value as string | bigint}`)).join(' | ').trimEnd()).join('\n')
    } else if (language === 'json') {
      expect(saleSplit.event.parse(JSON.parse(block))).toMatchObject({ units: 1_500_000_000n, details: { gross_amount: '2.250000000' } })
    } else {
      expect(printed).toBe(block.trimEnd())
      shown += 1
    }
  }
  expect(shown).toBe(1)
})
