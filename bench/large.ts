// A distribution to very many recipients: allocated, posted and payable, beside a raw COPY of as many rows; how its time grows with its
// size, and the most memory that a process takes in which it is made.

import { copyTransfersMs } from './copy.ts'
import { inDatabase } from './database.ts'
import type { Told } from './large-process.ts'
import type { Frame, Part } from './part.ts'
import { toldBy } from './told.ts'

/** The slope is measured between this part of the recipients and all of them. */
const PART = 10
const LIMIT_MIB = 512

export function largePart(recipients: number): Part {
  const pattern = `${recipients.toLocaleString('en')} recipients`
  const frame = (name: string, unit: string, target: Frame['target']): Frame => ({ name, pattern, callers: 1, unit, target })
  const RATE = frame('distribution: allocate, post, payable', 'shares/s', { least: 0.5 })
  const AGAIN = frame('the same to accounts that there are already', 'shares/s', null)
  const BACK = frame('distribution: taken back, of payable shares', 'shares/s', null)
  const SLOPE = frame(`distribution: time a share, of a ${PART}th as many`, 'µs', { most: 1.15 })
  const MEMORY = frame('distribution: resident memory', 'MiB', { most: 1 })
  const frames = [RATE, AGAIN, BACK, SLOPE, MEMORY]
  return {
    name: 'large distributions',
    frames,
    measure: async ({ effects, scale, say, nowMs, wants }, add) => {
      if (!frames.some(wants)) return
      await inDatabase(effects, async (database) => {
        for (let run = 0; run < scale.runs; run += 1) {
          const few = Math.max(1, Math.round(recipients / PART))
          say(`distributions to ${few.toLocaleString('en')} and ${pattern}, run ${run + 1} of ${scale.runs}`)
          const copied = await copyTransfersMs(database.owner, recipients, nowMs)
          // Code is slow until it has run for a while: the first is not counted.
          const sizes = [few, few, recipients].map(String)
          const { distributed, mebibytes } = await toldBy<Told>('./large-process.ts', 'the distribution', [database.ownerUrl, database.appUrl, database.app, ...sizes])
          // An interrupted bench ends here.
          nowMs()
          const [, small, large] = distributed
          if (small === undefined || large === undefined) throw new Error('the bench has distributed too little')
          add(RATE, { value: (recipients * 1000) / large.ms, limit: (recipients * 1000) / copied })
          add(AGAIN, { value: (recipients * 1000) / large.againMs, limit: (recipients * 1000) / copied })
          add(BACK, { value: (recipients * 1000) / large.backMs, limit: (recipients * 1000) / copied })
          add(SLOPE, { value: (large.ms * 1000) / recipients, limit: (small.ms * 1000) / few })
          add(MEMORY, { value: mebibytes, limit: LIMIT_MIB })
        }
      })
    },
  }
}
