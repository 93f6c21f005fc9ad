// What more lanes and more servers do on this machine: printed beside the others, without a target. Where callers, servers and database
// share the processors, neither can bring more work than there is room for; what they cost is seen here.

import { emptyLanes, inDatabase, type BenchDatabase } from './database.ts'
import { postByHttp, withServer } from './http.ts'
import { inTurns, type Bench, type Frame, type Part } from './part.ts'
import { EVENTS_A_CALL, post, type Lane } from './posting.ts'
import { benchLedger } from './workload.ts'

const CALLERS = 64
const LANES = 4
/** As long as it takes until code runs at its full speed. */
const WARM_MS = 1000
const WARM_CALLS = 4

const frame = (name: string): Frame => ({ name, pattern: 'spread', callers: CALLERS, unit: 'events/s', target: null })

const MORE_LANES = frame(`${LANES} lanes in process, of one lane`)
const TWO_SERVERS = frame('two servers on one lane by HTTP, of one server')

export const scalePart: Part = {
  name: 'scale',
  frames: [MORE_LANES, TWO_SERVERS],
  measure: async (bench, add) => {
    const { effects, scale, nowMs, say, wants } = bench
    const { ms, runs } = scale
    await inDatabase(effects, async (database) => {
      const rateOf = async (lanes: number): Promise<number> => (await post(await newLane(bench, database, lanes), { callers: CALLERS, ms, nowMs })).eventsPerSecond
      for (let run = 0; run < runs && wants(MORE_LANES); run += 1) {
        say(`${LANES} lanes, run ${run + 1} of ${runs}`)
        const found = new Map<number, number>()
        for (const lanes of inTurns(run, [1, LANES])) found.set(lanes, await rateOf(lanes))
        add(MORE_LANES, { value: found.get(LANES) ?? NaN, limit: found.get(1) ?? NaN })
      }
      if (!wants(TWO_SERVERS)) return
      await withServer(database.appUrl, async (one) => {
        await withServer(database.appUrl, async (two) => {
          const warming = await newLane(bench, database, 1)
          await postByHttp(warming, { urls: [one, two], callers: CALLERS, ms: WARM_MS, nowMs })
          for (let run = 0; run < runs; run += 1) {
            say(`two servers, run ${run + 1} of ${runs}`)
            const found = new Map<number, number>()
            for (const urls of inTurns(run, [[one], [one, two]])) {
              const lane = await newLane(bench, database, 1)
              found.set(urls.length, (await postByHttp(lane, { urls, callers: CALLERS, ms, nowMs })).perSecond)
            }
            add(TWO_SERVERS, { value: found.get(2) ?? NaN, limit: found.get(1) ?? NaN })
          }
        })
      })
    })
  },
}

async function newLane({ effects, rail, nowMs }: Bench, database: BenchDatabase, lanes: number): Promise<Lane> {
  await emptyLanes(database.owner)
  const ledger = await benchLedger(effects, { ...database, rail, name: effects.id(), lanes })
  const lane: Lane = { effects, store: database.store, ledger, pattern: 'spread', next: 0 }
  await post(lane, { callers: 1, ms: Infinity, events: EVENTS_A_CALL, calls: WARM_CALLS, nowMs })
  return lane
}
