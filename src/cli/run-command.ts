// The command line: nouns and verbs, each loaded only when it is named. Results go to stdout, everything else to stderr. Of the process
// around it, it knows the terminal that it is handed.

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { withDesk } from '../boot/desk.ts'
import { Refusal } from '../core/refusal.ts'
import type { Given } from './command.ts'
import type { CommandEntry } from './command-entry.ts'
import { COMMANDS } from './commands.ts'
import { createOutput } from './output.ts'
import type { Terminal } from './terminal.ts'

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

/** Runs the command that the words name, and resolves with its exit code: 1 for what was refused or does not hold, 2 for wrong usage. */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0
  const fail = (): void => {
    code = FAILURE
  }
  const program = new Command('apportion')
    .description('Money in, exact shares out, exactly once.')
    .option('--json', 'print the result as JSON')
    .configureOutput({ writeOut: (text) => terminal.out.write(text), writeErr: (text) => terminal.err.write(text) })
    .showSuggestionAfterError()
    .exitOverride()
  for (const entry of COMMANDS) addCommand(program, entry, terminal, fail)
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    if (!terminal.asked.aborted) return complain(error, terminal)
  }
  return code
}

function addCommand(program: Command, entry: CommandEntry, terminal: Terminal, fail: () => void): void {
  const parent = entry.noun === null ? program : nounOf(program, entry.noun)
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
    const { input, environment, asked, err } = terminal
    const taken: Given = { words: given.slice(0, entry.words.length), options, input, environment }
    const output = createOutput(terminal, { json: options['json'] === true, fail })
    const { run } = await entry.load()
    await withDesk({ needs: entry.needs, environment, asked, err }, async (desk) => await run(desk, taken, output))
  })
}

function nounOf(program: Command, noun: string): Command {
  const found = program.commands.find((command) => command.name() === noun)
  return found ?? program.command(noun).description(NOUNS[noun] ?? '').exitOverride()
}

function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError('it must be a whole number from 1 to 1000')
  return value
}

function complain(error: unknown, { err }: Terminal): number {
  // Commander has said already what was wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  if (error instanceof Refusal) {
    err.write(`apportion: ${error.message}\n  (${error.code})\n`)
    return FAILURE
  }
  err.write(`apportion: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILURE
}
