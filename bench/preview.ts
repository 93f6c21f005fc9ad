// Previews of what a ledger recorded: events a second of one processor, beside what is asked for; and what such a process takes of memory.

import { inDatabase } from './database.ts'
import { fillLedger } from './history.ts'
import type { Frame, Part } from './part.ts'
import type { Passed } from './preview-process.ts'
import { toldBy } from './told.ts'
import { benchLedger } from './workload.ts'

/** Asked for: four-way events a second of one processor, and memory however many they are. */
const EVENTS_A_SECOND = 50_000
const MEBIBYTES = 512

const frame = (name: string, unit: string, target: Frame['target']): Frame => ({ name, pattern: 'spread', callers: 1, unit, target })
const PREVIEW = frame('preview of past events, of 50,000 a second of a processor', 'events/s', { least: 1 })
const DIFF = frame('diff of two plans on them, of 50,000 a second of a processor', 'events/s', null)
const MEMORY = frame('memory of a process that does both, of 512 MiB', 'MiB', { most: 1 })

export const previewPart: Part = {
  name: 'preview',
  frames: [PREVIEW, DIFF, MEMORY],
  measure: async ({ effects, rail, scale: { history, runs }, say, wants }, add) => {
    await inDatabase(effects, async (database) => {
      const ledger = await benchLedger(effects, { ...database, rail, name: 'preview' })
      say(`recording ${Math.round(history / 5).toLocaleString('en')} events to preview`)
      await fillLedger({ effects, store: database.store, ledger }, { pattern: 'spread', transfers: history })
      await database.owner.query('checkpoint')
      for (let run = 0; run < runs; run += 1) {
        say(`preview, run ${run + 1} of ${runs}`)
        const { events, preview, diff, mebibytes } = await toldBy<Passed>('./preview-process.ts', 'the preview', [database.appUrl, ledger.name])
        if (wants(PREVIEW)) add(PREVIEW, { value: events / preview, limit: EVENTS_A_SECOND })
        if (wants(DIFF)) add(DIFF, { value: events / diff, limit: EVENTS_A_SECOND })
        if (wants(MEMORY)) add(MEMORY, { value: mebibytes, limit: MEBIBYTES })
      }
    })
  },
}
