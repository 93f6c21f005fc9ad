// The model's rules against the examples of the reference.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { carryOut, type Memories, type Plan } from './plan.ts'

/** What the reference shows beside the rule, read by the outsider's model alone. */
type Example = {
  readonly steps: Plan['steps']
  readonly events: readonly { units: string; parties?: Record<string, string>; facts?: Record<string, Record<string, string>>; at?: string }[]
  readonly moves: readonly (readonly string[])[]
}

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/rules.md'), 'utf8')
const examples = page.split(/^## /m).flatMap((section) => {
  const [, json] = /```json\n([\s\S]*?)```/.exec(section) ?? []
  return json === undefined ? [] : [[section.split('\n')[0] ?? '', JSON.parse(json) as Example] as const]
})

describe('the model of rules', () => {
  it.each(examples)('moves what the reference shows of %s', (_, { steps, events, moves }) => {
    const memories: Memories = new Map()
    const moved = events.map(({ units, parties = {}, facts = {}, at = '2026-01-01T00:00:00Z' }) => {
      const event = { asset: 'EUR/2', units: BigInt(units), parties, facts, at: Temporal.Instant.from(at) }
      return carryOut({ steps }, event, memories).map((line) => `${line.from} → ${line.to} ${line.units}`)
    })
    expect(moved).toEqual(moves.map((lines) => lines.filter((line) => !line.endsWith(' 0'))))
  })
})
