// Holds our ledger against the cases of simulation/conformance and prints what came of each: `node simulation/conformance.ts [--lanes 3]`. With
// `--broken` it holds ledgers against them that break the law on purpose, and all must fail. Ends with 1 when it went otherwise; what cannot be
// expressed is said, and counts neither way.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { machineEffects } from '../src/world.ts'
import { makeTemplate } from '../test/template.ts'
import { openBenches, type Benches } from './conformance/apportion-bench.ts'
import { outcomeOf, type LedgerCase, type Outcome } from './conformance/bench.ts'
import { BREAKAGES, type Breakage } from './conformance/broken.ts'
import { kitCases } from './conformance/kit-cases.ts'
import { ownCases } from './conformance/own-cases.ts'

export const LEDGER_CASES: readonly LedgerCase[] = [...kitCases, ...ownCases]

/** Every case on a ledger of its own. */
export async function holdAgainst({ open }: Pick<Benches, 'open'>): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const one of LEDGER_CASES) outcomes.push(await outcomeOf(one, await open()))
  return outcomes
}

/** What the case of a breakage says of a ledger that breaks it. */
export async function outcomeOfBroken({ breaks, tamper }: Breakage, { open }: Pick<Benches, 'open'>): Promise<Outcome> {
  const one = LEDGER_CASES.find(({ name }) => name === breaks)
  if (one === undefined) throw new Error(`there is no case ${breaks}`)
  return await outcomeOf(one, tamper(await open()))
}

/** Whether a case failed, and for the reason that it should. */
export function isNoticed({ why }: Breakage, outcome: Outcome): boolean {
  return outcome.state === 'failed' && why.test(outcome.why)
}

async function holdBroken(benches: Benches): Promise<boolean> {
  let missed = 0
  for (const breakage of BREAKAGES) {
    const outcome = await outcomeOfBroken(breakage, benches)
    const noticed = isNoticed(breakage, outcome)
    if (!noticed) missed += 1
    process.stdout.write(`${noticed ? 'noticed' : 'MISSED '} ${breakage.breaks}: a ledger that ${breakage.by}\n        ${outcome.state === 'passed' ? '' : outcome.why}\n`)
  }
  process.stdout.write(`${BREAKAGES.length - missed} of ${BREAKAGES.length} broken ledgers were noticed\n`)
  return missed === 0
}

export function tableOf(outcomes: readonly Outcome[]): string {
  const table = new Table({ head: ['case', 'outcome', 'law, or why not'], style: { head: [], border: [], compact: true }, colWidths: [42, 21, 72], wordWrap: true })
  for (const outcome of outcomes) table.push([outcome.name, outcome.state, outcome.state === 'passed' ? outcome.says : outcome.why])
  const count = (state: Outcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length
  return `${table.toString()}\n${count('passed')} passed, ${count('failed')} failed, ${count('cannot be expressed')} cannot be expressed`
}

async function main({ lanes, broken }: { readonly lanes: number; readonly broken: boolean }): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'apportion-conformance-'))
  const server = await startEmbedded({ dataDirectory: join(folder, 'postgres'), effects: machineEffects(() => {}), dieWithParent: true })
  try {
    await makeTemplate(server.url)
    const benches = await openBenches({ databaseUrl: server.url, lanes })
    try {
      if (broken) return await holdBroken(benches)
      const outcomes = await holdAgainst(benches)
      process.stdout.write(`${tableOf(outcomes)}\n`)
      return outcomes.every(({ state }) => state !== 'failed')
    } finally {
      await benches.close()
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { lanes: { type: 'string', default: '1' }, broken: { type: 'boolean', default: false } } })
  process.exitCode = (await main({ lanes: Number(values.lanes), broken: values.broken })) ? 0 : 1
}
