// Bytes on disk of an event with all that is kept of it, beside those of the same events as plain rows.

import { copyRate, rawRows } from './copy.ts'
import { bytesOf, emptyLanes, inDatabase } from './database.ts'
import type { Frame, Part } from './part.ts'
import { post } from './posting.ts'
import { benchLedger, PATTERNS, PAYEES, type Pattern } from './workload.ts'
import { tablesOf } from '../src/store/tables.ts'

const CALLERS = 64
const RAW_TABLES = ['bench.event', 'bench.transfer']

/** How they were posted counts: each block writes a row for every account it touched. */
const frameOf = (pattern: Pattern): Frame => ({
  name: 'bytes stored an event, of raw rows',
  pattern,
  callers: CALLERS,
  unit: 'bytes',
  target: { most: 2.5 },
})

const FRAMES = new Map(PATTERNS.map((pattern): [Pattern, Frame] => [pattern, frameOf(pattern)]))

export const storagePart: Part = {
  name: 'storage',
  frames: [...FRAMES.values()],
  measure: async ({ effects, rail, scale: { weighed }, nowMs, say, wants }, add) => {
    await inDatabase(effects, async (database) => {
      const { owner, store } = database
      const lanes = tablesOf('lane').map((name) => `apportion.${name}`)
      for (const [pattern, frame] of FRAMES) {
        if (!wants(frame)) continue
        say(`bytes of ${weighed} events, ${pattern}`)
        await copyRate(owner, rawRows({ events: weighed, accounts: pattern === 'hot' ? 4 : PAYEES }), nowMs)
        await emptyLanes(owner)
        const ledger = await benchLedger(effects, { ...database, rail, name: effects.id() })
        const lane = { effects, store, ledger, pattern, next: 0 }
        await post(lane, { callers: CALLERS, ms: Infinity, calls: weighed, nowMs })
        add(frame, { value: (await bytesOf(owner, lanes)) / weighed, limit: (await bytesOf(owner, RAW_TABLES)) / weighed })
      }
    })
  },
}
