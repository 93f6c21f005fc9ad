// A thread that lives histories, one after the other, each on the database that it has opened once. Told a seed, it answers what came of it.

import { parentPort, workerData } from 'node:worker_threads'
import { present } from '../../src/core/assert.ts'
import { machineEffects } from '../../src/world.ts'
import { openEmbedded } from '../database/embedded.ts'
import { openInProcess } from '../database/in-process.ts'
import { liveTask, type Task } from './live.ts'

/** `server`: each history is lived on a real server too. */
export type ThreadOptions = { readonly server: boolean }

const { server } = workerData as ThreadOptions
const port = present(parentPort, 'thread that started this one')
const host = await openInProcess()
const second = server ? await openEmbedded(machineEffects(() => {})) : null

async function close(): Promise<void> {
  await second?.close()
  port.close()
}

port.on('message', (task: Task | 'end') => {
  const work = task === 'end' ? close() : liveTask(task, host, second).then((ran) => port.postMessage(ran))
  work.catch((error: Error) => {
    throw error
  })
})
port.postMessage('ready')
