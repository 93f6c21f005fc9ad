// The journal at size: a ledger is filled, verified whole, and broken at a random transfer. `--transfers 5e6` and `--lanes` say how large
// it is; `--folder` keeps the database in a folder for another run.

import { parseArgs } from 'node:util'
import { present } from '../src/core/assert.ts'
import { verificationSentences, verify } from '../src/engine/verify.ts'
import { rails } from '../src/rails/index.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { openBenchDatabase } from './database.ts'
import { fillLedger } from './history.ts'
import { benchLedger } from './workload.ts'

const { values: options } = parseArgs({ options: { transfers: { type: 'string', default: '1e6' } } })
const transfers = Number(options.transfers)
const effects = machineEffects(stderrLog('warn'))
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const rail = present(Object.values(rails)[0], 'rail')

const { owner, store, app, close } = await openBenchDatabase(effects)
try {
  const ledger = await benchLedger(effects, { owner, store, app, rail, name: 'history' })
  await timed('filled', async () => await fillLedger({ effects, store, ledger }, { pattern: 'spread', transfers }))
  const report = await timed('verified whole', async () => await verify({ ...effects, store, rails }, ledger))
  say(verificationSentences(report).join('\n'))
} finally {
  await close()
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(cpu)
  say(`${what}: ${((performance.now() - began) / 1000).toFixed(2)} s (${((user + system) / 1e6).toFixed(2)} s of processor here)`)
  return result
}
