// The guide to deals: its plans are plans, and each table is what came out of them, event after event.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { balanceOf } from '../account.ts'
import { present } from '../assert.ts'
import { parseAsset } from '../money.ts'
import { createTrial } from '../trial.ts'
import { shortUnits } from './compare.ts'
import { plainEvent } from './plain-event.ts'

const PAGE = readFileSync(new URL('../../../docs/guides/express-your-deal.md', import.meta.url), 'utf8')
const SECTION = /^## (\d+\. [^\n]+)\n.*?In `([^`]+)`\..*?```json\n(.*?)```\n\n\| event[^\n]*\n\|[-|]+\|\n(.*?)\n\n/gms

type Deal = { readonly title: string; readonly asset: string; readonly plan: string; readonly rows: readonly (readonly [event: string, result: string])[] }

const deals = [...PAGE.matchAll(SECTION)].map(([, title = '', asset = '', plan = '', table = '']): Deal => {
  const rows = table.split('\n').map((line) => /^\| `(.*)` \| (.*) \|$/.exec(line)).map((row): [string, string] => [row?.[1] ?? 'no row', row?.[2] ?? ''])
  return { title, asset, plan, rows }
})

/** What each event changes: recipients by their ids, other accounts by name; what came in and only passed through is left out. */
function worked({ asset: name, plan, rows }: Deal): readonly string[] {
  const asset = parseAsset(name)
  const trial = createTrial({ asset: name, plan: JSON.parse(plan), at: Temporal.Instant.from('2025-01-01T00:00:00Z'), amountFields: {}, versionInstant: ({ eventAt }) => eventAt })
  return rows.map(([event], index) => {
    const tried = trial.record(plainEvent(asset).parse({ reference: `event-${index}`, ...(JSON.parse(event) as object) }))
    if (tried.state !== 'recorded') return tried.state === 'refused' ? tried.refusal.message : tried.state
    const moved = new Map<string, { debits: bigint; credits: bigint }>()
    const of = (account: string): { debits: bigint; credits: bigint } => moved.getOrInsertComputed(account, () => ({ debits: 0n, credits: 0n }))
    for (const { debit, credit, units } of tried.transfers) {
      of(debit).debits += units
      of(credit).credits += units
    }
    const changes = [...moved].map(([account, sums]): [string, bigint] => [account, balanceOf(account, sums)]).filter(([account, units]) => account !== 'expected' && units !== 0n)
    return changes.map(([account, units]) => `${account.replace('payable:', '')} ${shortUnits(units, asset.scale)}`).join(', ') || 'nothing moves'
  })
}

it('has ten deals, each in its table of contents', () => {
  expect(deals.map(({ title }) => title.split('.')[0])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])
  const links = [...PAGE.matchAll(/^\| \d+ \| \[[^\]]+\]\(#([^)]+)\)/gm)].map(([, link]) => link)
  expect(links).toEqual(deals.map(({ title }) => title.toLowerCase().replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-')))
})

describe.each(deals.map((deal) => [deal.title, deal] as const))('%s', (_, deal) => {
  it('gives what its table shows', () => {
    expect(deal.rows.length).toBeGreaterThan(0)
    expect(worked(deal)).toEqual(deal.rows.map(([, result]) => present(result, 'result')))
  })
})
