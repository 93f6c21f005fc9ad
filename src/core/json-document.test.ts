// JSON that people write: read as JSON.parse reads it, and what is wrong with it is found by line and column.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { checkDocument, readJsonDocument, schemaRefusal } from './json-document.ts'
import { Refusal } from './refusal.ts'

function refusalOf(work: () => unknown): Refusal {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

it('reads every JSON text as JSON.parse does, however it is spaced', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, depthSize: 'small' }), fc.constantFrom(0, 1, '\t', '\r\n  '), (value, space) => {
      const text = JSON.stringify(value, null, space)
      fc.pre(!text.includes('"__proto__"'))
      expect(readJsonDocument(text, 'a.json').value).toEqual(JSON.parse(text))
    }),
  )
})

it('refuses every text that JSON.parse refuses', () => {
  const signs = fc.array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"', 'a', '1', '0', '.', '-', 'e', '\\', 'u', 'true', 'null', ' ', '\n', '"a"', '"b":'), { maxLength: 12 })
  fc.assert(
    fc.property(signs, (parts) => {
      const text = parts.join('')
      let plain: { readonly value: unknown } | null = null
      try {
        plain = { value: JSON.parse(text) }
      } catch {
        // It is none.
      }
      let own: { readonly value: unknown } | string
      try {
        own = { value: readJsonDocument(text, 'a.json').value }
      } catch (error) {
        own = error instanceof Refusal ? error.message : 'no refusal'
      }
      if (plain === null) expect(own).toMatch(/^a\.json:\d+: /)
      else if (typeof own === 'string') expect(own).toContain('stands twice')
      else expect(own.value).toEqual(plain.value)
    }),
    { numRuns: 3000 },
  )
})

it.each([
  ['', 1, 1, 'it is empty'],
  [' \n\n', 3, 1, 'it is empty'],
  ['{\n  "a": 1,\n  "b" 2\n}', 3, 7, 'a colon is missing behind "b"'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma or "}" is missing'],
  ['[1,\n2,\n]', 2, 2, 'a comma stands before the end'],
  ['{\n  "a": 1,\n  "a": 2\n}', 3, 3, '"a" stands twice in one object'],
  ['{\n  "a": 1,\n  "\\u0061": 2\n}', 3, 3, '"a" stands twice in one object'],
  ['{\n  "a": "b\n}', 2, 8, 'text begins here and has no closing quote on its line'],
  ['{\n  "a": "\\x"\n}', 2, 8, 'text holds an escape'],
  ['{"a": \'b\'}', 1, 7, `"'" cannot stand here`],
  ['{"a": {"b": [1, 2}', 1, 18, 'a comma or "]" is missing'],
  ['{"a": 1', 1, 8, 'it ends too early'],
  ['{}\n{}', 2, 1, 'there is more behind the end'],
  ['{"__proto__": 1}', 1, 2, '__proto__ is no name of a field'],
  ['['.repeat(65), 1, 65, 'more than 64 levels'],
  ['[01]', 1, 3, 'a comma or "]" is missing'],
  ['[nul]', 1, 2, 'cannot stand here'],
])('finds what is wrong in %j at line %d, column %d: %s', (text, line, column, problem) => {
  const { code, message, details } = refusalOf(() => readJsonDocument(text, 'a.json'))
  expect({ code, line: details['line'], column: details['column'] }).toEqual({ code: 'file_malformed', line, column })
  expect(message).toContain(problem)
  expect(message.startsWith(`a.json:${line}: `)).toBe(true)
})

const TEXT = `{
  "name": "deal",
  "steps": [
    {"kind": "one", "size": 1},
    {
      "kind": "two",
      "sizes": [1, "2"]
    }
  ],
  "colour": "red"
}`

it.each([
  [[], 1, 1],
  [['name'], 2, 3],
  [['steps', 0, 'size'], 4, 21],
  [['steps', 1], 5, 5],
  [['steps', 1, 'sizes', 1], 7, 20],
  [['steps', 1, 'nothing', 'there'], 5, 5],
  [['steps', 7], 3, 3],
])('knows where %j stands, or what is around it', (path, line, column) => {
  expect(readJsonDocument(TEXT, 'a.json').placeOf(path)).toEqual({ line, column })
})

const STEP = z.union([z.strictObject({ kind: z.literal('one'), size: z.string() }), z.strictObject({ kind: z.literal('two'), sizes: z.array(z.number()).min(3, 'must be three sizes') })])
const FORM = z.strictObject({ name: z.string(), steps: z.array(STEP), colour: z.enum(['red', 'blue']) })

const GOOD = TEXT.replace('"size": 1', '"size": "1"').replace('"2"', '2, 3')

it.each([
  [TEXT, 4, 'steps.0.size must be text in quotes'],
  [TEXT.replace('"size": 1', '"size": "1"'), 7, 'steps.1.sizes.1 must be of the type number'],
  [TEXT.replace('"size": 1', '"size": "1"').replace('"2"', '2'), 7, 'steps.1.sizes must be three sizes'],
  [GOOD.replace(/,\s+"colour": "red"/, ''), 1, 'colour is missing'],
  [GOOD.replace('"colour": "red"', '"color": "red"'), 10, 'color is no field that there is here'],
  [GOOD.replace('"red"', '"green"'), 10, 'colour must be one of: red, blue'],
  ['[]', 1, 'the file must be an object'],
])('says by line what a schema does not take', (text, line, problem) => {
  const { message, details } = refusalOf(() => checkDocument(readJsonDocument(text, 'a.json'), FORM))
  expect(message).toBe(`a.json:${line}: ${problem}${message.includes('no field') ? ': correct its name, or take it out' : ''}`)
  expect(details).toMatchObject({ file: 'a.json', line })
})

it('says of an event what its program does not take', () => {
  const words = z.strictObject({ amount: z.string('must be text') })
  const says = (body: unknown): string => schemaRefusal(words.safeParse(body).error ?? new z.ZodError([]), body).message
  expect([says({}), says({ amount: 1 }), says({ amount: '1', more: 1 }), says([])]).toEqual([
    'amount is missing',
    'amount must be text',
    'more is no field of the event',
    'the event must be an object of fields, such as {"reference": "sale-1"}',
  ])
})
