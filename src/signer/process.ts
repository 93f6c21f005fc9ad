// The signer's process: started by the server, spoken to over its channel alone. The only file of this room that knows the real clock
// and real randomness. It holds the master key and never writes about keys.

import { randomBytes } from 'node:crypto'
import { assert } from '../core/assert.ts'
import type { Effects, Log } from '../core/effects.ts'
import { rails } from '../rails/index.ts'
import { createDesk, refusalFor } from './answer.ts'
import { refusedAnswer, type Answer } from './protocol.ts'
import { masterKeyFor, takeSettings } from './settings.ts'
import { openSignerPool } from './store.ts'

// Long enough for connections to say goodbye, so that the database can be stopped right after us.
const GOODBYE_MS = 1_000

// A read and a count are under way at once; the others serve ledgers with settings and the making of keys.
const CONNECTIONS = 4

const effects: Pick<Effects, 'now' | 'random'> = {
  now: () => Temporal.Now.instant().round({ smallestUnit: 'microsecond', roundingMode: 'trunc' }),
  random: (bytes) => new Uint8Array(randomBytes(bytes)),
}

const log: Log = (level, message, fields = {}) => void send({ type: 'log', level, message, fields })

/** Resolves when the message has left, or cannot: the server is gone then, and so are we. */
function send(answer: Answer): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve()
    process.send(answer, undefined, undefined, () => resolve())
  })
}

async function start(): Promise<void> {
  const settings = takeSettings(process.env)
  const pool = openSignerPool({ url: settings.signerUrl, max: CONNECTIONS })
  process.on('disconnect', () => {
    setTimeout(() => process.exit(0), GOODBYE_MS)
    const exit = (): never => process.exit(0)
    pool.end().then(exit, exit)
  })
  // It may have gone while we were being loaded, before anybody listened.
  if (!process.connected) process.exit(0)
  const masterKey = await masterKeyFor(pool, settings, effects.random)
  const answer = createDesk({ effects, pool, masterKey, rails }, log)
  process.on('message', (message) => {
    answer(message).then(send).catch(end)
  })
  await send({ type: 'ready', masterKey: masterKey.id })
}

async function end(error: unknown): Promise<never> {
  await send(refusedAnswer(null, refusalFor(error, log)))
  process.exit(1)
}

assert(process.send !== undefined, 'the signer is started by the server and speaks to it alone')
// The terminal sends these to the whole group. The server ends us when its own work is done, by closing the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// Node would print the error with all its fields.
process.on('uncaughtException', (error) => void end(error))
process.on('unhandledRejection', (error) => void end(error))
await start().catch(end)
