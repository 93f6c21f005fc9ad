// Bytes on disk of an event with all that is kept of it, beside those of the same events as plain rows.

import { copyRate, rawRows } from './copy.ts'
import { bytesOf, emptyLanes, inDatabase } from './database.ts'
import type { Frame, Part } from './part.ts'
import { EVENTS_A_CALL, post } from './posting.ts'
import { benchLedger, PATTERNS, PAYEES, type Pattern } from './workload.ts'
import { tablesOf } from '../src/store/tables.ts'

const CALLERS = 64
const RAW_TABLES = ['bench.event', 'bench.transfer']

/** How they were posted counts: each block writes a row for every account it touched. */
const frameOf = (pattern: Pattern, eventsACall: number): Frame => ({
  name: `bytes stored an event, ${eventsACall === 1 ? 'one' : eventsACall} a call, of raw rows`,
  pattern,
  callers: eventsACall === 1 ? CALLERS : 1,
  unit: 'bytes',
  target: { most: 2.5 },
})

const ROWS = PATTERNS.flatMap((pattern) => [1, EVENTS_A_CALL].map((events) => ({ pattern, events, frame: frameOf(pattern, events) })))

export const storagePart: Part = {
  name: 'storage',
  frames: ROWS.map(({ frame }) => frame),
  measure: async ({ effects, rail, scale: { weighed }, nowMs, say, wants }, add) => {
    await inDatabase(effects, async (database) => {
      const { owner, store } = database
      const lanes = tablesOf('lane').map((name) => `apportion.${name}`)
      for (const { pattern, events, frame } of ROWS.filter((row) => wants(row.frame))) {
        say(`bytes of ${weighed} events, ${pattern}, ${events} a call`)
        await copyRate(owner, rawRows({ events: weighed, accounts: pattern === 'hot' ? 4 : PAYEES }), nowMs)
        await emptyLanes(owner)
        const ledger = await benchLedger(effects, { ...database, rail, name: effects.id() })
        const lane = { effects, store, ledger, pattern, next: 0 }
        await post(lane, { callers: frame.callers, ms: Infinity, events, calls: weighed / events, nowMs })
        add(frame, { value: (await bytesOf(owner, lanes)) / weighed, limit: (await bytesOf(owner, RAW_TABLES)) / weighed })
      }
    })
  },
}
