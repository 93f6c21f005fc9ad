// The journal at size: a ledger is filled in bulk, verified whole and onward, exported, verified by the stand-alone script, imported; then a
// random transfer is changed by SQL, and both verifiers must name it: it ends with an error when one does not. `--transfers 5e6` says how
// large, `--lanes` how many lanes.

import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startVerifyThreads } from '../src/boot/verify-threads.ts'
import { readLines } from '../src/cli/journal-file.ts'
import { present } from '../src/core/assert.ts'
import type { EventInput } from '../src/core/event.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import { exportJournal } from '../src/engine/export-journal.ts'
import { importJournal } from '../src/engine/import-journal.ts'
import { createLedgers, type Ledger } from '../src/engine/ledger.ts'
import { verificationSentences, verify, verifyOnward } from '../src/engine/verify.ts'
import { programs } from '../src/programs/index.ts'
import { rails } from '../src/rails/index.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { openBenchDatabase } from './database.ts'
import { fillLedger } from './history.ts'

const { values: options } = parseArgs({ options: { transfers: { type: 'string', default: '1e6' }, lanes: { type: 'string', default: '1' } } })
const transfers = Number(options.transfers)
const lanes = Number(options.lanes)
const VERIFIER = fileURLToPath(new URL('../scripts/verify-journal.mjs', import.meta.url))
/** What is added before the ledger is verified onward. */
const MORE = 0.01
const PAYEES = 10_000

const effects = machineEffects(stderrLog('warn'))
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'apportion-journal-'))
const { owner, store, app, appUrl, close } = await openBenchDatabase(effects)
const threads = startVerifyThreads({ url: appUrl })
const desk = { ...effects, store, programs, rails }
try {
  const ledger = await openLedger('history')
  let next = 0
  const fill = async (count: number): Promise<void> => {
    next = await fillLedger({ effects, store, ledger }, { pattern: (index) => sale(ledger, index), transfers: count, from: next })
  }
  const checked = { checker: threads.check }
  await timed(`filled with ${transfers} transfers`, async () => await fill(transfers))
  await timed('server: verified whole', async () => requireSound((await verifyOnward(desk, ledger, checked)).ok))
  await fill(transfers * MORE)
  await timed(`server: verified onward after ${transfers * MORE} more`, async () => requireSound((await verifyOnward(desk, ledger, checked)).ok))
  const file = join(folder, 'journal.txt')
  await timed('exported', async () => await writeExport(ledger, file))
  say(`  ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`)
  await timed('stand-alone: verified', async () => await Promise.resolve(requireSound(runVerifier(file).status === 0)))
  const copy = await openLedger('copy')
  await timed('imported, verified in its transaction', async () => await importJournal({ ...desk, owner }, copy, readLines(file, () => process.stdin)))
  const position = randomInt(lanes)
  const lane = present(ledger.lanes[position], 'lane')
  const number = randomInt(1, (await lastTransfer(lane)) + 1)
  const { rowCount } = await owner.query('update apportion.transfer set units = units + 1 where lane = $1 and number = $2', [lane, number])
  say(`transfer ${number} of lane ${position} was changed by a unit (${rowCount ?? 0} row)`)
  const report = await timed('server: verified the broken ledger', async () => await verify(desk, ledger, checked))
  say(`  ${verificationSentences(report)[1] ?? ''}`)
  const found = report.breaks[0]?.where
  requireNamed('the server', found?.lane === position && found.transfer === number.toString())
  rmSync(file)
  await timed('exported, broken', async () => await writeExport(ledger, file))
  const { status, told } = await timed('stand-alone: verified the broken file', async () => await Promise.resolve(runVerifier(file)))
  // An event's transfers are summed when the last of them was read: where their sum is what does not hold, all of them are named.
  const [, where = '', from = '', to = from] = /^broken: line [0-9]+, lane ([0-9]+),.* transfers? ([0-9]+)(?: to ([0-9]+))?: /.exec(told) ?? []
  requireNamed('the stand-alone verifier', status === 1 && where === String(position) && Number(from) <= number && number <= Number(to))
} finally {
  await threads.close()
  await close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** A ledger of the first program there is, without its inbox table: the threads of `verify` know registered programs only. */
async function openLedger(name: string): Promise<Ledger> {
  const program = present(programs.keys().next().value, 'program')
  const given = { name, program, sandbox: true, railUrl: null, inboxSchema: null, tokens: {}, lanes }
  await createLedger({ ...desk, owner, appRole: app }, given)
  return await createLedgers(desk).open(name)
}

function sale({ asset, program }: Ledger, index: number): EventInput {
  const sample = program.event.parse({ ...program.sample.body, reference: `bench-${index.toString(36)}-5f0c81d2a7be4c3f9a60d4b17e` })
  const parties = Object.fromEntries(Object.keys(sample.parties).map((party) => [party, `payee-${(index * 7919) % PAYEES}`]))
  return { ...sample, asset: asset.name, units: 1_000_000_007n + BigInt(index % 1000), parties }
}

async function writeExport(ledger: Ledger, path: string): Promise<void> {
  const file = createWriteStream(path)
  await exportJournal(desk, ledger, {}, async (text) => {
    if (!file.write(text)) await once(file, 'drain')
  })
  file.end()
  await finished(file)
}

/** Runs the stand-alone verifier as others do, and prints what it said. */
function runVerifier(file: string): { readonly status: number | null; readonly told: string } {
  const { status, stdout } = spawnSync(process.execPath, [VERIFIER, file], { encoding: 'utf8' })
  say(`  ${stdout.trim().split('\n').join('\n  ')}`)
  return { status, told: stdout }
}

async function lastTransfer(lane: bigint): Promise<number> {
  const { rows } = await owner.query<{ transfer: bigint }>('select transfer from apportion.head where lane = $1', [lane])
  return Number(present(rows[0], 'head').transfer)
}

function requireNamed(who: string, isNamed: boolean): void {
  if (!isNamed) throw new Error(`${who} did not name the transfer`)
}

function requireSound(sound: boolean): void {
  if (!sound) throw new Error('the ledger is not sound')
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(cpu)
  say(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processor in this process)`)
  return result
}
