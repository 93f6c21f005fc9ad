// The command line: nouns and verbs, each loaded only when it is named. Results go to stdout, everything else to stderr.

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { withDesk } from '../boot/desk.ts'
import { exitCodeOf, hearSignals, outliveReaders } from '../boot/signals.ts'
import { Refusal } from '../core/refusal.ts'
import type { Given } from './command.ts'
import type { CommandEntry } from './command-entry.ts'
import { COMMANDS } from './commands.ts'
import { createOutput } from './output.ts'

const USAGE = 2
const FAILURE = 1

const NOUNS: Readonly<Record<string, string>> = {
  ledger: 'ledgers: one installed program each',
  event: 'what came in',
  distribution: 'how events were divided',
  payout: 'who is paid, and how far it is',
  wallet: 'the wallets that pay',
  recipient: 'who is paid where',
  balance: 'what stands in each account',
  account: 'what moved in one account',
  block: 'the blocks of the journal',
  statement: 'what a recipient earned and was paid',
  report: 'questions over all recipients',
  inbox: 'rows of SQL inserts that are no events yet',
  plan: 'the versions of the rules, and drafts of them',
  approval: 'what waits for a person, and what persons agreed to',
  settings: 'what a ledger asks for before money moves otherwise than before',
  fact: 'standing facts: percentages and the like',
  key: 'persons and programs, by their keys',
  scenario: 'what a plan does, as files: given, when, expect',
}

const program = new Command('apportion')
  .description('Money in, exact shares out, exactly once.')
  .option('--json', 'print the result as JSON')
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })
  .showSuggestionAfterError()
  .exitOverride()

for (const entry of COMMANDS) addCommand(entry)

const asked = hearSignals()
outliveReaders()
try {
  await program.parseAsync()
} catch (error) {
  if (!asked.signal.aborted) process.exitCode = complain(error)
}
// Everything is closed by now; what still waits (for a key to be typed, say) would keep the process.
if (asked.signal.aborted) process.exit(exitCodeOf(await asked.came))

function addCommand(entry: CommandEntry): void {
  const parent = entry.noun === null ? program : nounOf(entry.noun)
  const command = parent.command(entry.verb).description(entry.summary).exitOverride()
  for (const [form, summary] of entry.words) command.argument(form, summary)
  for (const [form, summary, standard] of entry.options) {
    if (form.includes('<count>')) command.option(form, summary, count)
    else command.option(form, summary, standard)
  }
  for (const [form, summary] of entry.required) command.requiredOption(form, summary)
  command.option('--json', 'print the result as JSON')
  command.action(async (...given: unknown[]) => {
    const options = command.optsWithGlobals<Readonly<Record<string, unknown>>>()
    const input: Given = { words: given.slice(0, entry.words.length), options }
    const output = createOutput({ json: options['json'] === true })
    const { run } = await entry.load()
    await withDesk(entry.needs, asked.signal, async (desk) => await run(desk, input, output))
  })
}

function nounOf(noun: string): Command {
  const found = program.commands.find((command) => command.name() === noun)
  return found ?? program.command(noun).description(NOUNS[noun] ?? '').exitOverride()
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError('it must be a whole number from 1 to 1000')
  return value
}

function complain(error: unknown): number {
  // Commander has said already what was wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  if (error instanceof Refusal) {
    process.stderr.write(`apportion: ${error.message}\n  (${error.code})\n`)
    return FAILURE
  }
  process.stderr.write(`apportion: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILURE
}
