// The templates: each is a program, its scenarios stand beside it (run with all others), its events come out as its page says, and a slip
// anywhere in it is told by its line.

import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishedSchema } from '../../../test/published-schema.ts'
import { orRefusal } from '../../core/event-member.ts'
import { Refusal } from '../../core/refusal.ts'
import { programFileSchema } from './form.ts'
import { custom } from './program.ts'

const names = readdirSync(custom.templates).toSorted()
const textOf = (name: string, file = 'deal.json'): string => readFileSync(join(custom.templates, name, file), 'utf8')

it('are six, each with its files', () => {
  expect(names).toEqual(['affiliate-bonus', 'collective', 'fund-waterfall', 'marketplace-fee', 'royalty-advance', 'single-split'])
  for (const name of names) expect(globSync('*', { cwd: join(custom.templates, name) }).toSorted()).toEqual(['README.md', 'deal.json', 'events.jsonl', 'scenarios.json'])
})

it('name the published schema, which is the one they are read by', async () => {
  await expect(publishedSchema(programFileSchema)).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/reference/program.schema.json'))
  for (const name of names) expect(textOf(name)).toContain('"$schema": "../../../../../docs/reference/program.schema.json"')
})

describe.each(names)('%s', (name) => {
  it('is a program of its own', () => {
    const program = custom.read(textOf(name), 'deal.json')
    expect(program.name).toBe('custom')
    expect(program.event.parse(program.sample.body).reference).toMatch(/^TEST_/)
  })

  it('has events that are read', () => {
    const { event } = custom.read(textOf(name), 'deal.json')
    const read = textOf(name, 'events.jsonl').trim().split('\n').map((line) => orRefusal(() => event.parse(JSON.parse(line))))
    expect(read.filter((each) => !(each instanceof Refusal)).length).toBeGreaterThan(2)
  })
})

const [FIRST, FEE] = ['single-split', 'marketplace-fee']

/** A text in place of another, which must be there. */
function changed(name: string, from: string, to: string): { readonly text: string; readonly line: number } {
  const text = textOf(name)
  expect(text).toContain(from)
  return { text: text.replace(from, to), line: text.slice(0, text.indexOf(from)).split('\n').length }
}

it.each<[string, string, string, string, string, number]>([
  [FIRST, '"weight": "10%"', '"weight": "20%"', 'plan_invalid', 'come to 110', -3],
  [FIRST, '"weight": "10%"', '"weight": "-10%"', 'plan_invalid', 'a weight is a decimal', 0],
  [FIRST, '"rule": "fixed-shares"', '"rule": "fixed"', 'plan_invalid', 'step split asks for the rule "fixed"', 0],
  [FIRST, '"from": "received"', '"from": "fund:x"', 'plan_invalid', 'is the first and divides fund:x', 0],
  [FIRST, '"asset": "SOL/9"', '"asset": "SOL"', 'asset_not_found', 'asset must look like SOL/9', 0],
  [FIRST, '"rail": "solana",', '', 'file_malformed', 'rail is missing', -4],
  [FIRST, '"others": "refused"', '"others": "lost"', 'file_malformed', 'event.others must be one of: ignored, refused', 0],
  [FIRST, '"reference": "id"', '"refrence": "id"', 'file_malformed', 'event', 0],
  [FIRST, '"amount": "amount"', '"amount": ""', 'file_malformed', 'must be a path into the event', 0],
  [FIRST, '"amount": "amount",', '"amount": "amount", "amount": "sum",', 'file_malformed', '"amount" stands twice', 0],
  [FIRST, '"summary"', 'summary', 'file_malformed', 'a field begins with its name in quotes', 0],
  [FIRST, '{ "recipient": "designer" }', '{ "recipient": "desinger" }', 'file_malformed', 'the plan names the recipient desinger, which accounts.recipients does not list', 0],
  [FIRST, '"recipient": "designer", "label"', '"recipient": "founder", "label"', 'file_malformed', 'the recipient founder is listed twice', 0],
  [FIRST, '{ "recipient": "designer" }', '{ "party": "designer" }', 'file_malformed', "asks who the event's designer is, which event.parties does not say", 0],
  [FIRST, '"amount": "1.5"', '"amount": 1.5', 'amount_malformed', 'amount is a JSON number', 0],
  [FIRST, '"amount": "1.5"', '"amount": "0"', 'amount_not_positive', 'nothing to divide', 0],
  [FIRST, '"sample": {', '"sample": { "parties": [{ "recipient": "a b", "label": "c" }],', 'file_malformed', 'an id is 1 to 100 letters', 0],
  [FEE, '"verified": { "of": "seller"', '"other": { "of": "seller"', 'file_malformed', 'step fee needs the fact verified with each event, which event.facts does not map', -20],
  [FEE, '"facts": {', '"facts": { "more": { "each": "x" },', 'file_malformed', 'no step of the plan asks for the fact more', 0],
  [FEE, '"of": "seller", "value"', '"of": "buyer", "value"', 'file_malformed', "is of the event's buyer, which event.parties does not map", 0],
  [FEE, '"approval_above": "5000"', '"approval_above": "5000.0000001"', 'amount_scale_exceeded', 'its asset has 6 decimals', 0],
  [FEE, '"label": "the marketplace" }] }', '"label": "the marketplace" }], "funds": [{ "fund": "spare", "label": "s" }] }', 'file_malformed', 'no step of the plan gives to the fund spare', 0],
  [FEE, '"to": { "recipient": "platform" }', '"to": { "fund": "fees" }', 'file_malformed', 'the plan names the fund fees, which accounts.funds does not list', 0],
])('%s with %s as %s is refused by its line: %s', (name, from, to, code, says, offset) => {
  const { text, line } = changed(name, from, to)
  const refusal = orRefusal(() => custom.read(text, 'deal.json'))
  if (!(refusal instanceof Refusal)) return expect.fail('nothing was refused')
  expect(refusal.message).toContain(says)
  expect({ code: refusal.code, line: refusal.details['line'] }).toEqual({ code, line: line + offset })
  expect(refusal.message.startsWith(`deal.json:${String(refusal.details['line'])}: `)).toBe(true)
})
