// `event record`: records one event given as words, or many from a file, and follows their payouts when asked to.

import { z } from 'zod'
import { present } from '../../../core/assert.ts'
import type { EventInput } from '../../../core/event.ts'
import { schemaRefusal } from '../../../core/json-document.ts'
import { formatMoney, parseAsset } from '../../../core/money.ts'
import { Refusal } from '../../../core/refusal.ts'
import { eventDocument, type EventDocument } from '../../../engine/documents.ts'
import type { Ledger } from '../../../engine/ledger.ts'
import type { RecordResult } from '../../../engine/recorder.ts'
import { ledgerOf, maybeText, type Given, type Run } from '../../command.ts'
import { followPayouts } from '../../follow.ts'
import type { Output } from '../../output.ts'
import { readInput } from '../../read-input.ts'

/** Events recorded in one go from a file. */
const CHUNK = 1000

export const run: Run = async (desk, given, output) => {
  const { options } = given
  const ledger = await ledgerOf(desk, options)
  const inputs = (await bodiesOf(given)).map((body) => parseEvent(ledger, body))
  const mayBackdate = options['backdate'] === true
  const results: RecordResult[] = []
  for (let start = 0; start < inputs.length; start += CHUNK) {
    const offers = inputs.slice(start, start + CHUNK).map((input) => ({ input, door: 'cli', mayBackdate }))
    results.push(...(await desk.recorder.record(ledger, offers)))
  }
  const documents = results.map(documentOf)
  const [only] = documents
  if (documents.length === 1 && only?.state === 'refused') throw present(refusalOf(results[0]), 'refusal')
  output.result(documents.length === 1 ? only : documents, () => show(documents, output))
  if (options['follow'] === true) {
    const references = results.flatMap((result) => (result.state === 'refused' ? [] : [result.event.reference]))
    await followPayouts(desk, ledger, references, output)
  }
  if (documents.some(({ state }) => state === 'refused')) output.fail()
}

/** What one event was given as; `line` counts from 1 in a file. */
type Body = { readonly line: number | null; readonly content: unknown }

/** `key=value` words as one event, or a file of JSON lines (`-` for standard input). */
async function bodiesOf({ words, options, input }: Given): Promise<readonly Body[]> {
  const file = maybeText(options['file'])
  const pairs = z.array(z.string()).parse(words[0] ?? [])
  if (file === null) {
    if (pairs.length === 0) throw new Refusal('field_malformed', 'name the event as words such as reference=sale-1, or give --file', { field: 'event' })
    return [{ line: null, content: Object.fromEntries(pairs.map(pairOf)) }]
  }
  if (pairs.length > 0) throw new Refusal('field_malformed', 'give words or --file, not both', { field: 'file' })
  const lines = (await readInput(file, 'file', input)).split('\n')
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [{ line: index + 1, content: parseLine(line, index + 1) }]))
}

function pairOf(word: string): readonly [string, string] {
  const at = word.indexOf('=')
  if (at > 0) return [word.slice(0, at), word.slice(at + 1)]
  throw new Refusal('field_malformed', `${JSON.stringify(word)} is no field: write name=value`, { field: word.slice(0, 60) })
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    throw new Refusal('body_malformed', `line ${number} of the file is not JSON: nothing was recorded`, { line: number })
  }
}

/** Refuses what the program does not take; of a file it says which line, and that nothing of it was recorded. */
function parseEvent(ledger: Ledger, { line, content }: Body): EventInput {
  try {
    const parsed = ledger.program.event.safeParse(content)
    if (parsed.success) return parsed.data
    throw schemaRefusal(parsed.error, content)
  } catch (error) {
    if (line === null || !(error instanceof Refusal)) throw error
    throw new Refusal(error.code, `line ${line} of the file: ${error.message}; nothing was recorded`, { ...error.details, line })
  }
}

type Document =
  | { readonly state: 'recorded' | 'duplicate'; readonly event: EventDocument }
  | { readonly state: 'refused'; readonly code: string; readonly message: string; readonly details: Refusal['details'] }

function documentOf(result: RecordResult): Document {
  if (result.state !== 'refused') return { state: result.state, event: eventDocument(result.event) }
  const { code, message, details } = result.refusal
  return { state: 'refused', code, message, details }
}

function refusalOf(result: RecordResult | undefined): Refusal | null {
  return result?.state === 'refused' ? result.refusal : null
}

function show(documents: readonly Document[], output: Output): void {
  for (const document of documents) {
    if (document.state === 'refused') {
      output.line(`refused (${document.code}): ${document.message}`)
      continue
    }
    const { reference, units, asset, plan_version: plan, shares } = document.event
    const money = formatMoney(BigInt(units), parseAsset(asset))
    output.line(`${document.state === 'recorded' ? 'recorded' : 'was recorded before'}: ${reference}, ${money}, by plan version ${plan}`)
    if (documents.length > 1) continue
    output.table(
      shares,
      [
        { title: 'ROLE', of: ({ role }) => role },
        { title: 'AMOUNT', of: (share) => formatMoney(BigInt(share.units), parseAsset(asset)), right: true },
        { title: 'RECIPIENT', of: ({ recipient, account }) => recipient ?? account },
      ],
      'no shares',
    )
  }
}
