// The server's entry: starts everything, says what runs where, shows the first sale where there is no ledger yet, and ends in order.

import { readConfig } from './config.ts'
import { createSandboxLedger, showFirstSale } from './boot/first-sale.ts'
import { startServer, type Server } from './boot/server.ts'
import { present } from './core/assert.ts'
import { Refusal } from './core/refusal.ts'
import { ledgers as listLedgers } from './engine/read-ledger.ts'
import { programs } from './programs/index.ts'
import { machineEffects, stderrLog } from './world.ts'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

try {
  const config = readConfig(process.env)
  // The signer gets it by its own start; nobody who reads this process' environment later shall find it there.
  delete process.env['APPORTION_MASTER_KEY']
  const server = await startServer(machineEffects(stderrLog(config.logLevel)), config)
  const stopped = untilSignal(server)
  await welcome(server)
  await stopped
} catch (error) {
  process.stderr.write(error instanceof Refusal ? `apportion: ${error.message}\n` : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}

/** Resolves when a signal came and everything has ended. A second Ctrl-C within the same second is the terminal's and npm's same one. */
async function untilSignal(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal))
  const signal = await promise
  print(`\n${signal}: stopping …`)
  await server.stop()
  print('stopped; nothing is left running')
}

async function welcome(server: Server): Promise<void> {
  const { world, url, database, signer } = server
  const existing = await listLedgers(world)
  print('Apportion is running.')
  print(`  database   PostgreSQL, ${database.place}`)
  print(`  signer     process ${signer.pid() ?? '?'}, the only one that holds keys`)
  print(`  API        ${url}/v1, described at ${url}/openapi.json`)
  if (existing.length === 0) await firstLedger(server)
  else for (const ledger of existing) print(`  ledger     ${ledger.name} (${ledger.program} on ${ledger.rail}, ${ledger.network})`)
  print('What to do next:')
  print('  npx apportion event list             what came in and how it was divided')
  print('  npx apportion explain <reference>    why everybody got what they got')
  print('  npx apportion verify                 recompute every figure of the ledger')
  print('  npx apportion --help                 everything else; Ctrl-C here stops the server')
}

async function firstLedger(server: Server): Promise<void> {
  const program = present([...programs.values()][0], 'program')
  const networkUrl = await server.networks.startSandbox(program.rail)
  print(`  network    sandbox ${program.rail}, ${networkUrl}`)
  print(`There is no ledger yet, so here is one on the SANDBOX (no real money moves): ${program.name}, which ${program.summary}.`)
  const stage = { ...server, networkUrl }
  const ledger = await createSandboxLedger(stage, program)
  await showFirstSale(stage, ledger, print)
  print(`SANDBOX: all of this happened on a network inside this machine.`)
}
