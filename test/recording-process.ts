// A server's recorder in a process of its own, which a test kills as machines do. It tells of each answer as soon as it has it.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { z } from 'zod'
import { createLedgers } from '../src/engine/ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import { programs } from '../src/programs/index.ts'
import { saleSplit } from '../src/programs/sale-split/program.ts'
import { rails } from '../src/rails/index.ts'
import { openStore } from '../src/store/store.ts'
import { machine } from './effects.ts'

const wantedSchema = z.object({ ledger: z.string(), token: z.string(), amount: z.string(), references: z.array(z.string()) })
const toldSchema = z.object({ reference: z.string(), state: z.string() })

export type RecordingProcess = {
  /** Records sales, a call each, all at once. */
  readonly record: (wanted: z.infer<typeof wantedSchema>) => void
  readonly kill: () => Promise<void>
}

/** Starts one on a database, as the server's role. `told` hears of each answer. */
export function startRecordingProcess(appUrl: string, told: (reference: string, state: string) => void): RecordingProcess {
  const child = fork(import.meta.filename, [appUrl], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  child.on('message', (message) => {
    const { reference, state } = toldSchema.parse(message)
    told(reference, state)
  })
  return {
    record: (wanted) => void child.send(wanted),
    kill: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

function serve(appUrl: string): void {
  const desk = { ...machine, store: openStore(appUrl, 'recording'), programs, rails }
  const ledgers = createLedgers(desk)
  const recorder = createRecorder(desk)
  const recordOne = async (name: string, sale: Readonly<Record<string, string>>): Promise<void> => {
    const [result] = await recorder.record(await ledgers.open(name), [{ input: saleSplit.event.parse(sale), door: 'api', mayBackdate: false }])
    process.send?.({ reference: sale['reference'], state: result?.state })
  }
  process.on('disconnect', () => process.exit())
  process.on('message', (message) => {
    const { ledger, token, amount, references } = wantedSchema.parse(message)
    // Without an answer the test says which one it missed.
    for (const reference of references) recordOne(ledger, { reference, token_id: token, sale_amount: amount }).catch(console.error)
  })
}

if (import.meta.main) serve(process.argv[2] ?? '')
