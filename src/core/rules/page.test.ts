// The page of rules says what is so: it has a section for each rule, and its examples give what they show.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { distribute } from '../distribution.ts'
import { parsePlan } from '../plan.ts'
import { rules } from './index.ts'
import type { FactSets, RuleState } from './rule.ts'

const PAGE = readFileSync(new URL('../../../docs/reference/rules.md', import.meta.url), 'utf8')

type Example = {
  readonly steps: unknown
  readonly events: readonly { readonly units: string; readonly at?: string; readonly parties?: Readonly<Record<string, string>>; readonly facts?: FactSets }[]
  readonly moves: readonly (readonly string[])[]
}

const sections = PAGE.split(/^## /m).slice(1)
const examples = sections.flatMap((section) => {
  const name = section.slice(0, section.indexOf('\n'))
  return [...section.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text = '']) => [name, JSON.parse(text) as Example] as const)
})

it('has a section with an example for every rule, and no other, and a row of the table for each', () => {
  expect(sections.map((section) => section.slice(0, section.indexOf('\n'))).toSorted()).toEqual([...rules.keys()].toSorted())
  expect([...new Set(examples.map(([name]) => name))].toSorted()).toEqual([...rules.keys()].toSorted())
  expect([...PAGE.matchAll(/^\| \[([a-z-]+)\]\(#[a-z-]+\) \|/gm)].map(([, name = '']) => name).toSorted()).toEqual([...rules.keys()].toSorted())
})

it.each(examples)('%s: its example gives what the page shows', (_, { steps, events, moves }) => {
  const plan = parsePlan({ steps })
  let state: RuleState = new Map()
  const moved = events.map(({ units, at = '2026-11-21T12:00:00Z', parties = {}, facts = {} }) => {
    const event = { asset: 'EUR/2', units: BigInt(units), parties, facts, eventAt: Temporal.Instant.from(at), claimed: null }
    const done = distribute(event, plan, { state })
    state = new Map([...state, ...done.state])
    return done.shares.map(({ from, account, units: each }) => `${from} → ${account} ${each}`)
  })
  expect(moved).toEqual(moves)
})
