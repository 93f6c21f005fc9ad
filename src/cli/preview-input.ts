// What `plan preview` and `plan diff` are given: plans by number, id or file, and events by a span, a file or the program's sample.

import { createReadStream } from 'node:fs'
import { doubledKey } from '../core/doubled-key.ts'
import type { EventInput } from '../core/event.ts'
import { schemaRefusal } from '../core/json-document.ts'
import { quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { GivenEvent, SourceChoice } from '../engine/preview/source.ts'
import type { PlanChoice } from '../engine/preview/subject.ts'
import { maybeText, type Given } from './command.ts'
import { readPlan } from './plan-file.ts'
import { whyUnreadable } from './read-input.ts'
import { readLines, type Line } from '../core/read-lines.ts'

const VERSION = /^[1-9][0-9]{0,8}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A plan by what names it: a version's number, a draft's id, `in-force`, `recorded`, or else a file. */
export async function planChoiceOf(given: string, input: Given['input']): Promise<PlanChoice> {
  if (VERSION.test(given)) return { kind: 'version', version: Number(given) }
  if (UUID.test(given)) return { kind: 'draft', draft: given }
  if (given === 'in-force') return { kind: 'in_force' }
  if (given === 'recorded') return { kind: 'recorded' }
  return { kind: 'content', content: await readPlan(given, input) }
}

/** The events that the options name. Refuses `field_malformed` where they name several kinds. */
export function sourceOf(ledger: Ledger, { options, input }: Pick<Given, 'options' | 'input'>): SourceChoice {
  const [from, to, file] = [maybeText(options['from']), maybeText(options['to']), maybeText(options['file'])]
  const isSample = options['sample'] === true
  const named = [from !== null || to !== null ? 'a span' : null, file === null ? null : 'a file', isSample ? 'the sample' : null].filter((each) => each !== null)
  if (named.length > 1) throw new Refusal('field_malformed', `give ${named.join(' or ')}, not both: a preview runs on one of them`, { field: 'file' })
  if (isSample) return { kind: 'sample', events: sampleOf(ledger) }
  return file === null ? { kind: 'ledger', from, to } : { kind: 'events', events: eventsOf(ledger, { file, input }) }
}

function eventOf({ program }: Ledger, content: unknown): EventInput {
  const parsed = program.event.safeParse(content)
  if (parsed.success) return parsed.data
  throw schemaRefusal(parsed.error, content)
}

/** The event by which the ledger's program shows itself. */
export function sampleOf(ledger: Ledger): readonly GivenEvent[] {
  return [{ line: null, input: eventOf(ledger, ledger.program.sample.body) }]
}

/** Longest line: an event's metadata has at most ten thousand characters, its facts ten thousand subjects. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/** The events of a file, one by one. A line that is none is told as such, and does not end the reading. */
export async function* eventsOf(ledger: Ledger, { file, input }: Pick<Given, 'input'> & { readonly file: string }): AsyncGenerator<GivenEvent, undefined> {
  const stream: AsyncIterable<Buffer> = file === '-' ? input() : createReadStream(file)
  try {
    for await (const line of readLines(stream, MAX_LINE_BYTES)) {
      if ('text' in line && line.text.trim() === '') continue
      yield eventOfLine(ledger, line)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new Refusal('field_malformed', `the file ${file} cannot be read: ${whyUnreadable(error)}`, { field: 'file' })
    throw error
  }
}

function eventOfLine(ledger: Ledger, line: Line): GivenEvent {
  const { number } = line
  try {
    return { line: number, input: eventOf(ledger, contentOf(line)) }
  } catch (error) {
    if (error instanceof Refusal) return { line: number, refusal: error }
    throw error
  }
}

function contentOf(line: Line): unknown {
  const where = { line: line.number }
  if ('problem' in line) {
    if (line.problem === 'not UTF-8') throw new Refusal('body_malformed', 'the line is not UTF-8', where)
    throw new Refusal('body_exceeded', `the line is longer than ${MAX_LINE_BYTES} bytes`, { ...where, max: MAX_LINE_BYTES })
  }
  let content: unknown
  try {
    content = JSON.parse(line.text)
  } catch {
    throw new Refusal('body_malformed', 'the line is not JSON', where)
  }
  const doubled = doubledKey(line.text)
  if (doubled !== null) throw new Refusal('body_malformed', `the line has ${quote(doubled)} twice`, where)
  return content
}
