// `try`: what a program's file does with events, on a ledger in memory. Events are read one by one, so that their number does not matter;
// one that is refused is shown, and holds up none after it.

import { createReadStream } from 'node:fs'
import { partyOf } from '../../core/account.ts'
import { doubledKey } from '../../core/doubled-key.ts'
import { orRefusal } from '../../core/event-member.ts'
import { checkDocument, schemaRefusal } from '../../core/json-document.ts'
import { formatMoney, parseAsset, quote, type Asset } from '../../core/money.ts'
import { chosenProgram, type Program } from '../../core/program.ts'
import { readLines, type Line } from '../../core/read-lines.ts'
import { Refusal } from '../../core/refusal.ts'
import { startSchema } from '../../core/scenario/form.ts'
import { beginningOf, startTrial } from '../../core/scenario/stage.ts'
import { nextRun } from '../../core/schedule.ts'
import { createTrial, type Trial, type Tried } from '../../core/trial.ts'
import { amountDocument } from '../../engine/documents.ts'
import { maybeText, text, type Given, type Run } from '../command.ts'
import { readDocumentFile, readTextFile } from '../document-file.ts'
import type { Output } from '../output.ts'
import { whyUnreadable } from '../read-input.ts'

/** Longest line: the largest body that the API takes. */
const MAX_LINE_BYTES = 1024 * 1024

/** Recipients and accounts of a table for people; --json has all. */
const MAX_ROWS = 1000

type Counts = { recorded: number; duplicates: number; refused: number }

type Tries = { readonly program: Program; readonly trial: Trial; readonly asset: Asset; readonly counts: Counts }

export const run: Run = async ({ programs }, { words, options, input }, output) => {
  const [file, events] = [text(words[0]), text(words[1])]
  const program = chosenProgram(programs, { program: text(options['program']), file: readTextFile(file) }, file)
  const tries: Tries = { program, trial: trialOf(program, maybeText(options['given'])), asset: parseAsset(program.asset), counts: { recorded: 0, duplicates: 0, refused: 0 } }
  for await (const line of linesOf(events, input)) {
    if ('text' in line && line.text.trim() === '') continue
    const tried = tryLine(tries, line)
    if (options['totals'] === true && tried.state !== 'refused') continue
    const isRead = await output.flow(output.json ? JSON.stringify(documentOf(tried, line, tries.asset)) : textOf(tried, line, tries.asset))
    if (!isRead) return
  }
  const { recorded, duplicates, refused } = tries.counts
  if (recorded + duplicates + refused === 0) throw new Refusal('file_malformed', `${events} holds no event: write one JSON object a line`, { file: events })
  if (refused > 0) output.fail()
  const totals = totalsOf(tries)
  if (output.json) output.line(JSON.stringify({ totals }))
  else showTotals(totals, tries, output)
}

function trialOf(program: Program, file: string | null): Trial {
  const document = file === null ? null : readDocumentFile(file)
  const given = document === null ? {} : checkDocument(document, startSchema)
  const trial = createTrial({ ...program, plan: program.firstPlan, at: beginningOf(given) })
  if (document !== null) startTrial(trial, { document, given, pathOf: (field) => [field], scale: parseAsset(program.asset).scale })
  return trial
}

/** Refuses `file_not_found`. */
async function* linesOf(file: string, input: Given['input']): AsyncGenerator<Line> {
  const stream: AsyncIterable<Buffer> = file === '-' ? input() : createReadStream(file)
  try {
    yield* readLines(stream, MAX_LINE_BYTES)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new Refusal('file_not_found', `${file} cannot be read: ${whyUnreadable(error)}`, { file })
  }
}

/** One event, as it went. */
type TriedLine = Tried & { readonly reference: string | null; readonly units: bigint }

function tryLine({ program, trial, counts }: Tries, line: Line): TriedLine {
  const input = orRefusal(() => {
    const body = bodyOf(line)
    const parsed = program.event.safeParse(body)
    if (parsed.success) return parsed.data
    throw schemaRefusal(parsed.error, body)
  })
  const tried: Tried = input instanceof Refusal ? { state: 'refused', refusal: input } : trial.record(input)
  counts[tried.state === 'duplicate' ? 'duplicates' : tried.state] += 1
  return { ...tried, ...(input instanceof Refusal ? { reference: null, units: 0n } : { reference: input.reference, units: input.units }) }
}

function bodyOf(line: Line): unknown {
  if ('problem' in line) {
    if (line.problem === 'not UTF-8') throw new Refusal('body_malformed', 'the line is not UTF-8')
    throw new Refusal('body_exceeded', `the line is longer than ${MAX_LINE_BYTES} bytes`, { max: MAX_LINE_BYTES })
  }
  let body: unknown
  try {
    body = JSON.parse(line.text)
  } catch {
    throw new Refusal('body_malformed', 'the line is not JSON')
  }
  const doubled = doubledKey(line.text)
  if (doubled !== null) throw new Refusal('body_malformed', `the line has ${quote(doubled)} twice in one object`, { field: doubled.slice(0, 60) })
  return body
}

function documentOf({ reference, units, ...tried }: TriedLine, { number: line }: Line, asset: Asset): unknown {
  if (tried.state === 'refused') {
    const { code, message, details } = tried.refusal
    return { line, reference, state: tried.state, code, message, details }
  }
  if (tried.state === 'duplicate') return { line, reference, state: tried.state, event: tried.event.toString() }
  const shares = tried.shares.map(({ role, recipient, account, units: share }) => ({ role, recipient, account, ...amountDocument(share, asset.name) }))
  return { line, reference, state: tried.state, event: tried.event.toString(), event_at: tried.eventAt.toString(), plan_version: tried.plan, ...amountDocument(units, asset.name), shares }
}

function textOf({ reference, units, ...tried }: TriedLine, { number: line }: Line, asset: Asset): string {
  if (tried.state === 'refused') return `line ${line}: refused (${tried.refusal.code}): ${tried.refusal.message}\n`
  if (tried.state === 'duplicate') return `line ${line}: ${reference} was recorded before, as event ${tried.event}\n`
  const rows = tried.shares.map(({ role, account, units: share }) => [role, formatMoney(share, asset), account] as const)
  const [roles, amounts] = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column as 0 | 1].length)))
  const table = rows.map(([role, amount, account]) => `  ${role.padEnd(roles ?? 0)}  ${amount.padStart(amounts ?? 0)}  ${account}\n`)
  return `line ${line}: ${reference}, ${formatMoney(units, asset)}, by plan version ${tried.plan}\n${table.join('')}`
}

type Standing = { readonly recipient: string; due: bigint; locked: bigint; scheduled: bigint; carried: bigint }

function totalsOf({ trial, asset, counts, program: { schedule } }: Tries) {
  const recipients = new Map<string, Standing>()
  const of = (recipient: string): Standing => recipients.getOrInsertComputed(recipient, () => ({ recipient, due: 0n, locked: 0n, scheduled: 0n, carried: 0n }))
  const others: { account: string; balance: bigint }[] = []
  for (const { name, balance } of trial.accounts()) {
    const [due, carried] = [partyOf('payable', name), partyOf('carried', name)]
    if (due !== null) of(due).due = balance
    else if (carried !== null) of(carried).carried = balance
    else if (name !== 'expected') others.push({ account: name, balance })
  }
  for (const { account, units } of trial.locked()) of(partyOf('payable', account) ?? account).locked += units
  for (const { account, units } of trial.scheduled()) of(partyOf('payable', account) ?? account).scheduled += units
  const amount = (units: bigint): ReturnType<typeof amountDocument> => amountDocument(units, asset.name)
  return {
    ...counts,
    at: trial.now().toString(),
    next_run_at: schedule === undefined ? null : nextRun(schedule, trial.now()).toString(),
    recipients: [...recipients.values()]
      .toSorted((a, b) => (a.due === b.due ? (a.recipient < b.recipient ? -1 : 1) : a.due < b.due ? 1 : -1))
      .map(({ recipient, due, locked, scheduled, carried }) => ({ recipient, due: amount(due), locked: amount(locked), scheduled: amount(scheduled), carried: amount(carried) })),
    accounts: others.toSorted((a, b) => (a.account < b.account ? -1 : 1)).map(({ account, balance }) => ({ account, balance: amount(balance) })),
  }
}

function showTotals({ recorded, duplicates, refused, at, recipients, accounts, next_run_at: next }: ReturnType<typeof totalsOf>, { asset, program }: Tries, output: Output): void {
  const money = ({ units }: { readonly units: string }): string => (units === '0' ? '-' : formatMoney(BigInt(units), asset))
  output.table(
    recipients.slice(0, MAX_ROWS),
    [
      { title: 'RECIPIENT', of: ({ recipient }) => recipient },
      { title: 'DUE', of: ({ due }) => money(due), right: true },
      { title: 'LOCKED', of: ({ locked }) => money(locked), right: true },
      ...(program.schedule === undefined ? [] : [{ title: 'SCHEDULED', of: ({ scheduled }: (typeof recipients)[number]) => money(scheduled), right: true }]),
      { title: 'CARRIED', of: ({ carried }) => money(carried), right: true },
    ],
    'Nothing is due to anybody.',
  )
  output.line('')
  output.table(accounts.slice(0, MAX_ROWS), [{ title: 'ACCOUNT', of: ({ account }) => account }, { title: 'BALANCE', of: ({ balance }) => money(balance), right: true }], 'No other account.')
  const more = Math.max(recipients.length, accounts.length) > MAX_ROWS ? ` Only the first ${MAX_ROWS} of ${recipients.length} recipients and ${accounts.length} accounts are shown: --json has all.` : ''
  output.line(`\n${recorded} recorded, ${duplicates} recorded before, ${refused} refused, as it stands at ${at}.${next === null ? '' : ` Payouts are made next at ${next}.`}${more}`)
}
