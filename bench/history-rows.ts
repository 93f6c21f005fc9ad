// What a long history costs: the same posting into a ledger that holds millions of transfers and into an empty one, in turns. The history
// is posted, not made up: the ledger is one that `verify` takes.

import { present } from '../src/core/assert.ts'
import { emptyLanes, inDatabase, type BenchDatabase } from './database.ts'
import { inTurns, type Bench, type Frame, type Part } from './part.ts'
import { fillLedger } from './history.ts'
import { post, type Lane } from './posting.ts'
import { benchLedger, PATTERNS, type Pattern } from './workload.ts'

const CALLERS = 64
/** From here on the target is the one for a hundred million. */
const LONG = 100e6

/** The rows for a ledger that holds so many transfers. */
export function historyPart(transfers: number): Part {
  const frames = new Map(
    PATTERNS.map((pattern): [Pattern, Frame] => [
      pattern,
      {
        name: `time an event with ${transfers.toLocaleString('en')} transfers stored, of empty`,
        pattern,
        callers: CALLERS,
        unit: 'µs',
        target: { most: transfers >= LONG ? 1.5 : 1.3 },
      },
    ]),
  )
  return {
    name: 'history',
    frames: [...frames.values()],
    measure: async (bench, add) => {
      const { effects, scale, say, wants, nowMs } = bench
      const wanted = PATTERNS.filter((pattern) => wants(present(frames.get(pattern), pattern)))
      await inDatabase(effects, async (full) => {
        const filled = await newLane(bench, full, 'spread')
        await fill(bench, filled, transfers)
        await full.owner.query('checkpoint')
        await inDatabase(effects, async (bare) => {
          for (let run = 0; run < scale.runs; run += 1) {
            for (const pattern of inTurns(run, wanted)) {
              say(`history, ${pattern}, run ${run + 1} of ${scale.runs}`)
              const frame = present(frames.get(pattern), pattern)
              // Each run goes on where the one before it stopped: a reference counts once in a ledger.
              const long: Lane = { ...filled, pattern, next: filled.next }
              await emptyLanes(bare.owner)
              const empty = await newLane(bench, bare, pattern)
              const micros = new Map<Lane, number>()
              for (const lane of inTurns(run, [empty, long])) {
                await post(lane, { callers: CALLERS, ms: scale.ms / 4, nowMs })
                const { eventsPerSecond } = await post(lane, { callers: CALLERS, ms: scale.ms, nowMs })
                micros.set(lane, 1e6 / eventsPerSecond)
              }
              filled.next = long.next
              add(frame, { value: present(micros.get(long), 'filled'), limit: present(micros.get(empty), 'empty') })
            }
          }
        })
      })
    },
  }
}

async function newLane({ effects, rail }: Bench, database: BenchDatabase, pattern: Pattern): Promise<Lane> {
  const ledger = await benchLedger(effects, { ...database, rail, name: effects.id() })
  return { effects, store: database.store, ledger, pattern, next: 0 }
}

/** Tells of each tenth, with the time since the beginning: how fast it fills as it grows. */
async function fill({ say, nowMs }: Bench, lane: Lane, transfers: number): Promise<void> {
  const began = nowMs()
  let told = 0
  const onProgress = (stored: number): void => {
    const tenth = Math.floor((stored * 10) / transfers)
    if (tenth === told) return
    told = tenth
    say(`history, ${stored.toLocaleString('en')} transfers stored after ${((nowMs() - began) / 1000).toFixed(1)} s`)
  }
  lane.next = await fillLedger(lane, { pattern: lane.pattern, transfers, onProgress })
}
