// The server's entry: starts everything, says what runs where, shows the first sale where there is no ledger yet, and ends in order.

import { readConfig } from './config.ts'
import { firstLedger, showFirstSale } from './boot/first-sale.ts'
import { startServer, type Server } from './boot/server.ts'
import { hearSignals, outliveReaders } from './boot/signals.ts'
import { Refusal } from './core/refusal.ts'
import { ledgers as listLedgers } from './engine/read-ledger.ts'
import { firstProgram } from './programs/index.ts'
import { machineEffects, stderrLog } from './world.ts'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const asked = hearSignals()
outliveReaders()
let server: Server | null = null
try {
  const config = readConfig(process.env)
  // So that no child inherits it. The system goes on showing the environment that this process was started with: to whoever may read
  // that, only a key in a file is hidden.
  delete process.env['APPORTION_MASTER_KEY']
  server = await startServer(machineEffects(stderrLog(config.logLevel)), config, asked.signal)
  await Promise.race([asked.came, welcome(server)])
  await asked.came
} catch (error) {
  // What fails while everything is being stopped fails because of that.
  if (!asked.signal.aborted) complain(error)
}
if (asked.signal.aborted) print(`\n${await asked.came}: stopping …`)
await server?.stop()
if (asked.signal.aborted) print('stopped; nothing is left running')

function complain(error: unknown): void {
  process.stderr.write(error instanceof Refusal ? `apportion: ${error.message}\n` : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}

async function welcome(server: Server): Promise<void> {
  const { world, url, database, signer } = server
  print('Apportion is running.')
  print(`  database   PostgreSQL, ${database.place}`)
  print(`  signer     process ${signer.pid() ?? '?'}, the only one that holds keys`)
  print(`  API        ${url}/v1, described at ${url}/openapi.json`)
  for (const ledger of await listLedgers(world)) print(`  ledger     ${ledger.name} (${ledger.program} on ${ledger.rail}, ${ledger.network})`)
  await showFirst(server)
  print('What to do next:')
  print('  npx apportion event list             what came in and how it was divided')
  print('  npx apportion explain <reference>    why everybody got what they got')
  print('  npx apportion verify                 recompute every figure of the ledger')
  print('  npx apportion --help                 everything else; Ctrl-C here stops the server')
}

/** The first start shows what the program does, on the sandbox. */
async function showFirst(server: Server): Promise<void> {
  const existing = await listLedgers(server.world)
  if (existing.length === 0) await server.networks.startSandbox(firstProgram.rail)
  // A ledger may name a sandbox elsewhere by its address: that one is nobody's first.
  const sandboxed = existing.every(({ network }) => network === 'sandbox') && server.networks.runsSandbox(firstProgram.rail)
  if (sandboxed) print(`  network    sandbox ${firstProgram.rail}, ${server.networks.sandboxUrl(firstProgram.rail)}`)
  const ledger = sandboxed ? await firstLedger(server, firstProgram) : null
  if (ledger === null) return
  print(`There is no event yet, so here is a first one on the SANDBOX (no real money moves): ${firstProgram.name}, which ${firstProgram.summary}.`)
  await showFirstSale({ ...server, networkUrl: server.networks.sandboxUrl(firstProgram.rail) }, ledger, print)
  print('SANDBOX: all of this happened on a network inside this machine.')
}
