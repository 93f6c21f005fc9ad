// JSON that people write in files: read strictly, and with the place of each value, so that whatever is wrong in it is shown by its line.

import type { z } from 'zod'
import type { Json } from './effects.ts'
import { clip, quote } from './money.ts'
import { Refusal, type RefusalCode, type RefusalDetails } from './refusal.ts'

/** Levels of objects and lists: a plan inside a scenario inside a file takes fifteen. */
const MAX_DEPTH = 64

/** Longest problem of a schema that is repeated, in characters. */
const MAX_PROBLEM = 200

/** Where a value begins in its file: both count from 1. */
export type Place = { readonly line: number; readonly column: number }

/** A value's place, and those of what it holds: by key, by index as text. */
type Spot = { readonly at: number; readonly parts: ReadonlyMap<string, Spot> }

type Read = { readonly value: Json; readonly spot: Spot }

export type JsonDocument = {
  /** The file's name, for people. */
  readonly file: string
  readonly value: Json
  /** The place of the value at a path, or of the innermost one there is on the way to it. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place
}

/** The reader changes in place: it goes through megabytes. */
type Reader = { readonly file: string; readonly text: string; at: number }

/** Reads a file's text. Refuses `file_malformed` with line and column for what is no JSON, or has a key twice. */
export function readJsonDocument(text: string, file: string): JsonDocument {
  const reader: Reader = { file, text, at: 0 }
  const { value, spot } = readValue(reader, MAX_DEPTH)
  skipSpace(reader)
  if (reader.at < text.length) throw malformed(reader, reader.at, 'there is more behind the end')
  return {
    file,
    value,
    placeOf: (path) => {
      let found = spot
      for (const key of path) {
        const next = found.parts.get(String(key))
        if (next === undefined) break
        found = next
      }
      return placeAt(text, found.at)
    },
  }
}

/** A refusal of something in the document: the message begins with file and line, the details name them. */
export function refusalAt(
  { file, placeOf }: JsonDocument,
  path: readonly PropertyKey[],
  { code, message, details }: { readonly code: RefusalCode; readonly message: string; readonly details?: RefusalDetails },
): Refusal {
  const { line, column } = placeOf(path)
  return new Refusal(code, `${file}:${line}: ${message}`, { ...details, file, line, column })
}

/** What the work refuses, with the line of the document that it is about. A refusal that names a file's line already is left as it is. */
export function atLine<Result>(document: JsonDocument, pathOf: (refusal: Refusal) => readonly PropertyKey[], work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusal) || typeof error.details['line'] === 'number') throw error
    throw refusalAt(document, pathOf(error), error)
  }
}

/** What the schema does not take in the document, by its line. Refuses `file_malformed`. */
export function checkDocument<Output>(document: JsonDocument, schema: z.ZodType<Output>): Output {
  const parsed = schema.safeParse(document.value)
  if (parsed.success) return parsed.data
  const { path, problem } = problemOf(parsed.error.issues, document.value)
  const field = clip(path.map(String).join('.'), MAX_PROBLEM)
  const message = `${field === '' ? 'the file' : field} ${clip(problem, MAX_PROBLEM)}`
  throw refusalAt(document, path, { code: 'file_malformed', message, details: { field } })
}

/** What a schema does not take in an event's body, for people. Refuses `field_malformed` naming the field. */
export function schemaRefusal(error: z.ZodError, body: unknown): Refusal {
  const { path, problem } = problemOf(error.issues, body)
  const field = clip(path.map(String).join('.'), MAX_PROBLEM)
  if (error.issues[0]?.code === 'unrecognized_keys') return new Refusal('field_malformed', `${field} is no field of the event`, { field })
  if (field === '') return new Refusal('field_malformed', 'the event must be an object of fields, such as {"reference": "sale-1"}', { field })
  return new Refusal('field_malformed', `${field} ${clip(problem, MAX_PROBLEM)}`, { field })
}

type Problem = { readonly path: readonly PropertyKey[]; readonly problem: string }

/** The first issue in words. Of a choice the branch counts that came furthest: it is the one that was meant. */
function problemOf(issues: readonly z.core.$ZodIssue[], value: unknown): Problem {
  // A field that there is not is mostly the misspelt name of one that is missing.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
  if (issue === undefined) return { path: [], problem: 'is not of the form that it must have' }
  const { path } = issue
  if (issue.code === 'invalid_union' && !hasOwnWords(issue.message)) {
    const inner = issue.errors.filter((branch) => branch.length > 0).map((branch) => problemOf(branch, valueAt(value, path)))
    const [deepest] = inner.toSorted((a, b) => b.path.length - a.path.length)
    if (deepest !== undefined && (deepest.path.length > 0 || inner.length === 1)) return { ...deepest, path: [...path, ...deepest.path] }
  }
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    return { path: [...path, key], problem: 'is no field that there is here: correct its name, or take it out' }
  }
  if (valueAt(value, path) === undefined) return { path, problem: issue.code === 'custom' ? issue.message : 'is missing' }
  if (issue.code === 'invalid_type' && !hasOwnWords(issue.message)) return { path, problem: `must be ${nameOf(issue.expected)}` }
  if (issue.code === 'invalid_value' && !hasOwnWords(issue.message)) return { path, problem: `must be one of: ${issue.values.map(String).join(', ')}` }
  return { path, problem: hasOwnWords(issue.message) ? issue.message : 'is not of the form that it must have' }
}

/** The schema library's own words are for developers. */
function hasOwnWords(message: string): boolean {
  return !/^(Invalid|Too|Unrecognized)\b/.test(message)
}

function nameOf(type: string): string {
  const known: Readonly<Record<string, string>> = { string: 'text in quotes', object: 'an object', record: 'an object', array: 'a list', boolean: 'true or false' }
  return known[type] ?? `of the type ${type}`
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const key of path) found = typeof found === 'object' && found !== null ? (found as Readonly<Record<PropertyKey, unknown>>)[key] : undefined
  return found
}

function placeAt(text: string, at: number): Place {
  const before = text.slice(0, at)
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
}

function malformed({ file, text }: Reader, at: number, problem: string): Refusal {
  const { line, column } = placeAt(text, at)
  return new Refusal('file_malformed', `${file}:${line}: ${problem} (column ${column})`, { file, line, column, problem })
}

const SPACE = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORDS: readonly (readonly [word: string, value: Json])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]
const NO_PARTS: ReadonlyMap<string, Spot> = new Map()

function skipSpace(reader: Reader): void {
  SPACE.lastIndex = reader.at
  SPACE.exec(reader.text)
  reader.at = SPACE.lastIndex
}

function readValue(reader: Reader, depth: number): Read {
  skipSpace(reader)
  const { text, at } = reader
  const sign = text[at]
  if (sign === undefined) throw malformed(reader, at, text.trim() === '' ? 'it is empty' : 'it ends too early: a bracket or a value is missing')
  if (sign === '{' || sign === '[') {
    if (depth === 0) throw malformed(reader, at, `it has more than ${MAX_DEPTH} levels of objects and lists`)
    return sign === '{' ? readObject(reader, depth) : readList(reader, depth)
  }
  return { value: sign === '"' ? readText(reader) : readWord(reader), spot: { at, parts: NO_PARTS } }
}

function readWord(reader: Reader): Json {
  const { text, at } = reader
  const word = WORDS.find(([name]) => text.startsWith(name, at))
  if (word !== undefined) {
    reader.at += word[0].length
    return word[1]
  }
  NUMBER.lastIndex = at
  const number = NUMBER.exec(text)
  if (number === null) throw malformed(reader, at, `${quote(text.slice(at, at + 1))} cannot stand here: a value is text in quotes, a number, true, false, null, {…} or […]`)
  reader.at = NUMBER.lastIndex
  return Number(number[0])
}

function readText(reader: Reader): string {
  const { text, at } = reader
  let end = at + 1
  while (text[end] !== '"' && text[end] !== '\n' && end < text.length) end += text[end] === '\\' ? 2 : 1
  if (text[end] !== '"') throw malformed(reader, at, 'text begins here and has no closing quote on its line')
  reader.at = end + 1
  try {
    return JSON.parse(text.slice(at, end + 1)) as string
  } catch {
    throw malformed(reader, at, 'text holds an escape or a control character that JSON does not have')
  }
}

function readList(reader: Reader, depth: number): Read {
  const { at } = reader
  const items: Json[] = []
  const parts = new Map<string, Spot>()
  reader.at += 1
  while (!closes(reader, { close: ']', first: items.length === 0 })) {
    const { value, spot } = readValue(reader, depth - 1)
    parts.set(items.length.toString(), spot)
    items.push(value)
  }
  return { value: items, spot: { at, parts } }
}

function readObject(reader: Reader, depth: number): Read {
  const { at, text } = reader
  const entries: [string, Json][] = []
  const parts = new Map<string, Spot>()
  reader.at += 1
  while (!closes(reader, { close: '}', first: entries.length === 0 })) {
    skipSpace(reader)
    const from = reader.at
    if (text[from] !== '"') throw malformed(reader, from, 'a field begins with its name in quotes')
    const key = readText(reader)
    if (parts.has(key)) throw malformed(reader, from, `${quote(key)} stands twice in one object: which one is meant is not known`)
    if (key === '__proto__') throw malformed(reader, from, '__proto__ is no name of a field')
    skipSpace(reader)
    if (text[reader.at] !== ':') throw malformed(reader, reader.at, `a colon is missing behind ${quote(key)}`)
    reader.at += 1
    const { value, spot } = readValue(reader, depth - 1)
    // What is wrong with a field is best seen at its name.
    parts.set(key, { at: from, parts: spot.parts })
    entries.push([key, value])
  }
  return { value: Object.fromEntries(entries), spot: { at, parts } }
}

/** Passes the comma or the closing bracket; true for the bracket. */
function closes(reader: Reader, { close, first }: { close: string; first: boolean }): boolean {
  skipSpace(reader)
  const { text, at } = reader
  const sign = text[at]
  if (sign === close) {
    reader.at += 1
    return true
  }
  if (first) return false
  if (sign !== ',') throw malformed(reader, at, sign === undefined ? `it ends too early: ${quote(close)} is missing` : `a comma or ${quote(close)} is missing`)
  reader.at += 1
  skipSpace(reader)
  if (text[reader.at] === close) throw malformed(reader, at, 'a comma stands before the end: take it out')
  return false
}
