// A server's distributor in a process of its own, which a test kills as machines do.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createDistributor } from '../src/engine/carry-distributions.ts'
import { createLedgers } from '../src/engine/ledger.ts'
import { programs } from '../src/programs/index.ts'
import { rails } from '../src/rails/index.ts'
import { openStore } from '../src/store/store.ts'
import { dollars } from './dollars.ts'
import { machine } from './effects.ts'

export type DistributingProcess = { readonly kill: () => Promise<void> }

/** Starts one on a database, as the server's role: it carries on whatever runs in a ledger's first lane, as the worker does. */
export function startDistributingProcess(appUrl: string, ledger: string): DistributingProcess {
  const child = fork(import.meta.filename, [appUrl, ledger], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  return {
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process ended by itself')
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function serve(appUrl: string, name: string): Promise<never> {
  process.on('disconnect', () => process.exit())
  const desk = { ...machine, store: openStore(appUrl, 'distributing'), programs: new Map([...programs, [dollars.name, dollars]]), rails }
  const distributor = createDistributor(desk)
  for (;;) {
    try {
      const ledger = await createLedgers(desk).open(name)
      const [lane] = ledger.lanes
      for (;;) if (lane === undefined || (await distributor.step(ledger, lane)) === null) await machine.sleep(5)
    } catch {
      // The database is away, as it may be: the same again.
      await machine.sleep(20)
    }
  }
}

if (import.meta.main) await serve(process.argv[2] ?? '', process.argv[3] ?? '')
