// What a statement and a reset cost on both hosts of the simulator's database, in CPU time of this process and, on the server, in time:
// node simulation/measure-database.ts

import { createPool } from '../src/store/pool.ts'
import { runUnit, type Step } from '../src/store/unit.ts'
import { machineEffects } from '../src/world.ts'
import { openEmbedded } from './database/embedded.ts'
import type { Host } from './database/host.ts'
import { openInProcess } from './database/in-process.ts'
import { createSessions } from './database/sessions.ts'

const STATEMENTS = 5_000
const RESETS = 50
const WARM_UP = 10
const effects = machineEffects(() => {})

const microseconds = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Average of many, in µs: CPU time of this process, and time as it passes. */
async function measure(count: number, work: () => Promise<unknown>): Promise<{ readonly cpu: number; readonly passed: number }> {
  for (let done = 0; done < count / WARM_UP; done += 1) await work()
  const [cpu, began] = [microseconds(), effects.now()]
  for (let done = 0; done < count; done += 1) await work()
  return { cpu: (microseconds() - cpu) / count, passed: effects.now().since(began).total('microseconds') / count }
}

async function report(name: string, host: Host): Promise<void> {
  const sessions = createSessions(host, () => Promise.resolve('run'))
  const stream = sessions.streams('measuring')
  const [app, signer, hot] = [
    createPool({ url: host.urls.app, max: 1, applicationName: 'measure', stream }),
    createPool({ url: host.urls.signer, max: 1, applicationName: 'measure', stream }),
    createPool({ url: host.urls.owner, max: 1, applicationName: 'measure', stream, pipeline: true }),
  ]
  const lookUp = { text: 'select lane from apportion.lane where ledger = $1', values: ['018f0000-0000-7000-8000-000000000000'] }
  await hot.query('create table public.measured (number bigint primary key, text text)')
  const client = await hot.connect()
  let number = 0
  const unit = async (): Promise<void> => {
    const lines = Array.from({ length: 10 }, () => `${(number += 1)}\twritten\n`).join('')
    const steps: readonly Step[] = [{ name: 'now', text: 'select $1::bigint', values: [1] }, { name: 'copy', copy: 'copy public.measured from stdin', lines }]
    await runUnit(client, steps)
  }
  const works = {
    'named statement': async () => await app.query({ ...lookUp, name: 'look-up' }),
    'statement without a name': async () => await app.query(lookUp),
    'simple query': async () => await app.query('select 1'),
    'two roles in turn, each': async () => {
      await app.query({ ...lookUp, name: 'look-up' })
      await signer.query({ ...lookUp, name: 'look-up' })
    },
    'unit with ten COPY lines': unit,
  }
  for (const [what, work] of Object.entries(works)) {
    const { cpu, passed } = await measure(STATEMENTS, work)
    const each = what.endsWith('each') ? 2 : 1
    process.stdout.write(`${name}  ${what.padEnd(26)} ${(cpu / each).toFixed(0).padStart(7)} µs CPU ${(passed / each).toFixed(0).padStart(7)} µs\n`)
  }
  client.release()
  await sessions.end()
  const { cpu, passed } = await measure(RESETS, host.reset)
  process.stdout.write(`${name}  ${'reset'.padEnd(26)} ${cpu.toFixed(0).padStart(7)} µs CPU ${passed.toFixed(0).padStart(7)} µs\n`)
  await host.close()
}

await report('in process', await openInProcess())
await report('on a server', await openEmbedded(effects))
