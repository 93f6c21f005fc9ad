// `npm run mutants`: puts one breakage of the law at a time into a copy of the program and shows who notices it. One that nobody notices
// is a gap to close, and ends the command with 1. `--only <words>` takes those whose name holds the words; `--json` prints the rows.

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { bySimulator, byTests, requireLoading, type Caught } from './mutants/catch.ts'
import { LAW_MUTANTS, NOT_YET } from './mutants/law.ts'
import type { Mutant } from './mutants/mutant.ts'
import { copyWith } from './mutants/tree.ts'

type Row = { readonly mutant: Mutant; readonly caught: Caught | null }

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } } })
const chosen = LAW_MUTANTS.filter(({ name }) => name.includes(values.only))
const base = mkdtempSync(join(tmpdir(), 'apportion-mutants-'))
try {
  const found = await tryAll(chosen)
  print(found)
  process.exitCode = found.length > 0 && found.every(({ caught }) => caught !== null) ? 0 : 1
} finally {
  rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

async function tryAll(mutants: readonly Mutant[]): Promise<readonly Row[]> {
  const found = new Map<Mutant, Caught | null>()
  const queue = [...mutants.entries()]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, mutant] = next
      found.set(mutant, await tryOne(join(base, String(index)), mutant))
      process.stderr.write(`${found.size} of ${mutants.length} mutants tried\n`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work))
  return mutants.map((mutant) => ({ mutant, caught: found.get(mutant) ?? null }))
}

async function tryOne(folder: string, mutant: Mutant): Promise<Caught | null> {
  copyWith(folder, mutant)
  await requireLoading(folder, mutant)
  const caught = (await bySimulator(folder, mutant.seeds)) ?? (await byTests(folder, mutant.tests))
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  return caught
}

function print(found: readonly Row[]): void {
  const rows = found.map(({ mutant: { name, law }, caught }) => ({ mutant: name, law, caught: caught?.by ?? null, seeds: caught?.seeds ?? null }))
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ rows, not_yet: NOT_YET }, null, 2)}\n`)
    return
  }
  const table = new Table({ head: ['a program that …', 'breaks', 'noticed by', 'seeds'], colWidths: [52, 8, 84, 7], wordWrap: true, style: { head: [], border: [] } })
  for (const { mutant, law, caught, seeds } of rows) table.push([mutant, law, caught ?? 'NOBODY', seeds ?? ''])
  const noticed = rows.filter(({ caught }) => caught !== null).length
  process.stdout.write(`${table.toString()}\n${noticed} of ${rows.length} mutants were noticed, ${rows.filter(({ seeds }) => seeds !== null).length} of them by the simulator\n`)
  for (const { name, until } of NOT_YET) process.stdout.write(`not yet: ${name} (comes with ${until})\n`)
}
