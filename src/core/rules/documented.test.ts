// The worked tables of the pages about rules: the rule must give each figure that they show, and each reason.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Json } from '../effects.ts'
import { rules } from './index.ts'
import type { FactSets } from './rule.ts'

type Row = Readonly<Record<string, string>>

type Example = { readonly parameters: unknown; readonly rows: readonly Row[] }

/** Each JSON block of a page with the table that follows it. */
function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/reference', page), 'utf8')
  return [...text.matchAll(/```json\n([^`]*)```\n\n((?:\|.*\n)+)/g)].map(([, json = '', table = '']) => {
    const [head = [], , ...rows] = table.trim().split('\n').map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()))
    return { parameters: JSON.parse(json), rows: rows.map((cells) => Object.fromEntries(head.map((name, index) => [name, cells[index] ?? '']))) }
  })
}

const PARTIES = { subscription: 's1', creator: 'c1' }

/** What the rule makes of the rows' events, one after the other: the rows as the page should have them. */
function worked(kind: string, { parameters, rows }: Example, facts: (row: Row) => FactSets, answer: (parts: readonly { role: string; units: string; grounds: string }[]) => Row): readonly Row[] {
  const rule = rules.get(kind)?.bind(parameters)
  if (rule === undefined) throw new Error(`there is no rule ${kind}`)
  const state = new Map<string, Json>()
  return rows.map((row) => {
    const at = Temporal.Instant.from(`${row['on'] ?? ''}T12:00:00Z`)
    const input = { step: 'step', parties: PARTIES, facts: facts(row), at, pool: BigInt(row['pool'] ?? ''), rounding: 'largest-remainder' as const, given: [], state: new Map(state) }
    const split = rule.split(input)
    for (const [key, value] of split.state) state.set(key, value)
    const explained = rule.explain(input)
    expect(explained.map(({ units }) => units)).toEqual(split.lines.map(({ units }) => units.toString()))
    return { ...row, ...answer(explained) }
  })
}

const figures = (row: Row): FactSets =>
  Object.fromEntries(['result', 'fees', 'funding', 'moved'].flatMap((name) => (row[name] === undefined ? [] : [[name, { s1: row[name] }]])))

describe.each([
  { page: 'rule-profit-share.md', kind: 'profit-share', count: 4, facts: figures, answer: ([share]: readonly { units: string; grounds: string }[]) => ({ share: share?.units ?? '', why: share?.grounds ?? '' }) },
  {
    page: 'rule-waterfall.md',
    kind: 'waterfall',
    count: 3,
    facts: () => ({}),
    answer: (parts: readonly { role: string; units: string }[]) => Object.fromEntries(parts.map(({ role, units }) => [role, units])),
  },
])('$page', ({ page, kind, count, facts, answer }) => {
  const examples = examplesOf(page)

  it('has its worked tables', () => {
    expect(examples.length).toBe(count)
  })

  it.each(examples.map((example, index) => [index + 1, example] as const))('says in table %d what the rule gives', (_, example) => {
    expect(worked(kind, example, facts, answer)).toEqual(example.rows)
  })
})
