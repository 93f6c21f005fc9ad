// `allocate`: divides a pool by weights without a ledger; one case given by options, or any number of them from standard input.

import { allocate, type Allocation } from '../../core/allocate.ts'
import { answerOf, idOf, parseCase, type AllocationAnswer, type AllocationCase, type CaseId } from '../../core/allocate/case.ts'
import { explainAllocation } from '../../core/allocate/explain.ts'
import { policyOf } from '../../core/allocate/rounding.ts'
import { writeState } from '../../core/allocate/state.ts'
import { doubledKey } from '../../core/doubled-key.ts'
import { quote } from '../../core/money.ts'
import { Refusal } from '../../core/refusal.ts'
import { maybeText, type Given, type Run } from '../command.ts'
import type { Output } from '../output.ts'
import type { CommandInput } from '../terminal.ts'
import { readLines, type Line } from '../../core/read-lines.ts'

/** Longest line of standard input: the most weights of a case, 80 characters each. */
const MAX_LINE_BYTES = 8 * 1024 * 1024

export const run: Run = async (_desk, { options, input }, output) => {
  const data = caseOf(options)
  if (data === null) return await answerLines(input(), output)
  const given = parseCase(data)
  const allocation = allocate(given)
  output.result(answerOf(allocation), () => showOne(given, allocation, output))
}

/** The case that the options give; null when it is to be read from standard input. */
function caseOf({ pool, weights, rounding, recipients, state }: Given['options']): unknown {
  if (pool === undefined && weights === undefined) {
    const [extra] = Object.entries({ recipients, state }).filter(([, value]) => value !== undefined)
    if (extra !== undefined) throw new Refusal('field_malformed', `--${extra[0]} needs --pool and --weights; cases from standard input have their own`, { field: extra[0] })
    return null
  }
  return {
    pool: maybeText(pool) ?? undefined,
    weights: listOf(maybeText(weights)),
    rounding: maybeText(rounding),
    recipients: listOf(maybeText(recipients)),
    state: parseState(maybeText(state)),
  }
}

function listOf(list: string | null): readonly string[] | undefined {
  if (list === null) return undefined
  return list === '' ? [] : list.split(',').map((item) => item.trim())
}

function parseState(state: string | null): unknown {
  if (state === null) return null
  try {
    return JSON.parse(state) as unknown
  } catch {
    throw new Refusal('rounding_state_mismatch', `--state ${quote(state)} is not JSON: give it as the answer before did`, { field: 'state' })
  }
}

type Refused = Pick<Refusal, 'code' | 'message' | 'details'>

type LineAnswer = ({ readonly id: CaseId } & AllocationAnswer) | { readonly id: CaseId; readonly line: number; readonly refusal: Refused }

/** Answers each line by a line, as it comes. A line that is refused holds up none after it; the exit code tells that there was one. */
async function answerLines(stream: CommandInput, output: Output): Promise<void> {
  if (stream.isTTY === true) output.note('Cases are read from standard input, one JSON object a line; end it with Ctrl-D.')
  for await (const line of readLines(stream, MAX_LINE_BYTES)) {
    if ('text' in line && line.text.trim() === '') continue
    const answer = answerLine(line)
    if ('refusal' in answer) output.fail()
    const isRead = await output.flow(output.json ? JSON.stringify(answer) : sentenceOf(answer))
    if (!isRead) return
  }
}

function answerLine(line: Line): LineAnswer {
  let id: CaseId = null
  try {
    const data = parseLine(line)
    id = idOf(data)
    return { id, ...answerOf(allocate(parseCase(data))) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, message, details } = error
    return { id, line: line.number, refusal: { code, message, details } }
  }
}

function parseLine(line: Line): unknown {
  const { number } = line
  if ('problem' in line) {
    if (line.problem === 'not UTF-8') throw new Refusal('body_malformed', `line ${number} is not UTF-8`, { line: number })
    throw new Refusal('body_exceeded', `line ${number} is longer than ${MAX_LINE_BYTES} bytes: divide among fewer`, { line: number, max: MAX_LINE_BYTES })
  }
  let data: unknown
  try {
    data = JSON.parse(line.text)
  } catch {
    throw new Refusal('body_malformed', `line ${number} is not JSON`, { line: number })
  }
  const doubled = doubledKey(line.text)
  if (doubled !== null) throw new Refusal('body_malformed', `line ${number} has ${quote(doubled)} twice`, { line: number })
  return data
}

function sentenceOf(answer: LineAnswer): string {
  const name = answer.id === null ? '' : `${answer.id}: `
  if ('refusal' in answer) return `${name}refused on line ${answer.line} (${answer.refusal.code}): ${answer.refusal.message}`
  const rest = answer.remainder === undefined ? '' : `, remainder ${answer.remainder}`
  const state = answer.state === undefined ? '' : `, state ${JSON.stringify(answer.state)}`
  return `${name}${answer.shares.join(' ')}${rest}${state}`
}

function showOne(given: AllocationCase, allocation: Allocation, output: Output): void {
  const notes = explainAllocation(given, allocation)
  output.table(
    notes.map((note, place) => ({ ...note, name: given.names[place] ?? '' })),
    [
      { title: 'RECIPIENT', of: ({ name }) => name },
      { title: 'OF', of: (part) => part.of, right: true },
      { title: 'QUOTA', of: ({ quota }) => quota, right: true },
      { title: 'FLOOR', of: ({ floor }) => floor, right: true },
      { title: 'EXTRA', of: ({ extra }) => extra, right: true },
      { title: 'UNITS', of: ({ units }) => units, right: true },
      { title: 'WHY', of: ({ note }) => note },
    ],
    '',
  )
  if (allocation.remainder !== 0n) output.line(`\nremainder ${allocation.remainder}: ${allocation.remainder > 0n ? 'stands in the rounding account' : 'comes out of the rounding account'}`)
  if (allocation.state !== null) output.line(`\n${policyOf(given.rounding).summary}; to go on, give --state '${JSON.stringify(writeState(allocation.state))}'`)
}
