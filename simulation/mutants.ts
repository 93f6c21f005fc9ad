// `npm run mutants`: puts one breakage of the law at a time into a copy of the program and shows who notices it: the simulator within so many
// histories, else a test. One that nobody notices is a gap to close, and ends the command with 1. `--only <words>` takes those whose name holds
// the words, `--seeds N` lives no more than so many histories of each, `--both` asks the tests too where the simulator has
// noticed; `--json` prints the rows.

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { bySimulator, byTests, requireLoading, type Caught } from './mutants/catch.ts'
import { LAW_MUTANTS, NOT_YET } from './mutants/law.ts'
import type { Mutant } from './mutants/mutant.ts'
import { copyWith } from './mutants/tree.ts'

/** `test`: null too where nobody asked, as the simulator had noticed. */
type Row = { readonly mutant: Mutant; readonly simulator: Caught | null; readonly test: Caught | null }

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seeds: { type: 'string' }, both: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const seedsOf = ({ seeds }: Mutant): number => Math.min(seeds, Number(values.seeds ?? seeds))
const chosen = LAW_MUTANTS.filter(({ name }) => name.includes(values.only))
const base = mkdtempSync(join(tmpdir(), 'apportion-mutants-'))
try {
  const { sound, rows } = await tryAll(chosen)
  print(rows)
  if (sound !== null) process.stdout.write(`the program without any mutant is broken (${sound.by}): what the simulator noticed proves nothing\n`)
  process.exitCode = sound === null && rows.length > 0 && rows.every(isNoticed) ? 0 : 1
} finally {
  rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

function isNoticed({ simulator, test }: Row): boolean {
  return simulator !== null || test !== null
}

/** `sound`: what the simulator finds in the same histories of the program as it is, of which nothing must be broken. */
async function tryAll(mutants: readonly Mutant[]): Promise<{ readonly sound: Caught | null; readonly rows: readonly Row[] }> {
  const most = Math.max(0, ...mutants.map(seedsOf))
  const found = new Map<Mutant, Row>()
  let sound: Caught | null = null
  const tasks = [
    async () => {
      sound = await inCopy('sound', [], async (folder) => await bySimulator(folder, most))
      say(`of ${most} histories without a mutant ${sound === null ? 'none is' : 'one is'} broken`)
    },
    ...mutants.map((mutant, index) => async () => {
      const row = await tryOne(`mutant-${index}`, mutant)
      found.set(mutant, row)
      say(`${found.size} of ${mutants.length}: ${mutant.name}: ${row.simulator?.by ?? row.test?.by ?? 'NOBODY'}${row.simulator === null ? '' : ` (${row.simulator.seeds ?? 0})`}`)
    }),
  ]
  const work = async (): Promise<void> => {
    for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) await next()
  }
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work))
  return { sound, rows: mutants.map((mutant) => found.get(mutant) ?? { mutant, simulator: null, test: null }) }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function tryOne(name: string, mutant: Mutant): Promise<Row> {
  return await inCopy(name, mutant.edits, async (folder) => {
    await requireLoading(folder, mutant)
    const simulator = await bySimulator(folder, seedsOf(mutant))
    return { mutant, simulator, test: simulator === null || values.both ? await byTests(folder, mutant.tests) : null }
  })
}

async function inCopy<Result>(name: string, edits: Mutant['edits'], work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = join(base, name)
  copyWith(folder, { edits })
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

function print(found: readonly Row[]): void {
  const rows = found.map(({ mutant: { name, law }, simulator, test }) => ({ mutant: name, law, simulator: simulator?.by ?? null, seeds: simulator?.seeds ?? null, test: test?.by ?? null }))
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ rows, not_yet: NOT_YET }, null, 2)}\n`)
    return
  }
  const table = new Table({ head: ['a program that …', 'breaks', 'noticed by', 'seeds'], colWidths: [52, 8, 84, 7], wordWrap: true, style: { head: [], border: [] } })
  for (const { mutant, law, simulator, seeds, test } of rows) table.push([mutant, law, [simulator, test].filter((by) => by !== null).join('\n') || 'NOBODY', seeds ?? ''])
  process.stdout.write(`${table.toString()}\n${found.filter(isNoticed).length} of ${rows.length} mutants were noticed, ${rows.filter(({ simulator }) => simulator !== null).length} of them by the simulator\n`)
  for (const { name, until } of NOT_YET) process.stdout.write(`not yet: ${name} (comes with ${until})\n`)
}
