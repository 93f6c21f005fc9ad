// The API for the bench's own program, as a process of its own: the product's application, recorder and store, without a worker. It ends
// with whoever started it.

import { createLedgers } from '../src/engine/ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import type { Desk } from '../src/engine/world.ts'
import { createApp } from '../src/http/app.ts'
import { rails } from '../src/rails/index.ts'
import { openStore } from '../src/store/store.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { benchProgram } from './workload.ts'

const [, , appUrl = ''] = process.argv
const [rail] = Object.values(rails)
if (rail === undefined) throw new Error('there is no rail')
const program = benchProgram(rail)
const store = openStore(appUrl, 'bench server')
const desk: Desk = { ...machineEffects(stderrLog('warn')), store, programs: new Map([[program.name, program]]), rails }
const app = await createApp(desk, { ledgers: createLedgers(desk), recorder: createRecorder(desk), faults: () => [] })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.once('disconnect', () => void app.close().then(async () => await store.close()))
process.send?.(url)
