// The same through the program of token sales with its inbox row, on the whole server as it is shipped: by the API, and by plain inserts of
// people who know only the table. Payouts are made meanwhile.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { present } from '../src/core/assert.ts'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { createPool } from '../src/store/pool.ts'
import { apportion, startProgram } from '../simulation/process.ts'
import { runCallers } from './callers.ts'
import { copyRate, rawRows } from './copy.ts'
import { openClient } from './http.ts'
import { inTurns, type Bench, type Frame, type Part } from './part.ts'

const CALLERS = 64
const LEDGER = 'sale-split'
const MOST_A_SECOND = 20_000

const API: Frame = { name: 'sales by the API with inbox row, of COPY', pattern: LEDGER, callers: CALLERS, unit: 'events/s', target: null }
const SQL: Frame = { name: 'sales by SQL insert until recorded, of COPY', pattern: LEDGER, callers: CALLERS, unit: 'events/s', target: null }

export const salesPart: Part = {
  name: 'sales',
  frames: [API, SQL],
  measure: async (bench, add) => {
    const { effects, scale, nowMs, say } = bench
    const directory = mkdtempSync(join(tmpdir(), 'apportion-bench-'))
    try {
      const program = await startProgram(directory)
      const embedded = await startEmbedded({ dataDirectory: join(directory, 'postgres'), effects })
      const owner = createPool({ url: embedded.url, max: CALLERS, applicationName: 'bench' })
      try {
        const { key } = JSON.parse(await apportion(directory, ['key', 'create', 'bench', '--rights', 'record', '--json'])) as { key: string }
        const raw = rawRows({ events: scale.copied, accounts: 4 })
        const token = randomUUID()
        for (let run = 0; run < scale.runs; run += 1) {
          say(`sales, run ${run + 1} of ${scale.runs}`)
          const before = await copyRate(owner, raw, nowMs)
          const found = new Map<Frame, number>()
          for (const frame of inTurns(run, [API, SQL])) {
            found.set(frame, frame === API ? await byApi(bench, { url: program.url, key, token }) : await bySql(bench, owner, token))
          }
          const limit = (before + (await copyRate(owner, raw, nowMs))) / 2
          for (const [frame, value] of found) add(frame, { value, limit })
        }
      } finally {
        await owner.end()
        await program.stop()
        await embedded.stop()
      }
    } finally {
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    }
  },
}

async function byApi({ scale: { ms }, nowMs }: Bench, { url, key, token }: { readonly url: string; readonly key: string; readonly token: string }): Promise<number> {
  const client = openClient({ url, key })
  const bodies = Array.from({ length: (MOST_A_SECOND * ms) / 1000 }, () =>
    Buffer.from(JSON.stringify({ reference: randomUUID(), token_id: token, sale_amount: '1.5' })),
  )
  try {
    const { perSecond } = await runCallers({ callers: CALLERS, ms, calls: bodies, nowMs }, async (body) => {
      const { status, text } = await client.send(`/v1/ledgers/${LEDGER}/events`, body)
      if (status !== 201) throw new Error(`a sale was answered ${status}: ${text}`)
    })
    return perSecond
  } finally {
    client.close()
  }
}

const INSERT = 'insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, 1.5, $2)'

/** Events a second, from the first insert until the last row is an event. */
async function bySql({ effects, scale: { ms }, nowMs }: Bench, owner: Pool, token: string): Promise<number> {
  const recorded = async (): Promise<number> => {
    const { rows } = await owner.query<{ event: bigint }>('select event from apportion.head')
    return Number(present(rows[0], 'head').event)
  }
  const before = await recorded()
  const references = Array.from({ length: (MOST_A_SECOND * ms) / 1000 }, () => randomUUID())
  const began = nowMs()
  const { calls } = await runCallers({ callers: CALLERS, ms, calls: references, nowMs }, async (reference) => {
    await owner.query({ name: 'bench-sale', text: INSERT, values: [token, reference] })
  })
  while ((await recorded()) < before + calls) await effects.sleep(5)
  return (calls * 1000) / (nowMs() - began)
}
