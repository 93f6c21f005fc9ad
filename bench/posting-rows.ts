// The rows of posting: three patterns, 1 to 256 callers, many events a call, and HTTP, all in turns with the COPY and the commit that
// they are held against.

import { cpus } from 'node:os'
import { present } from '../src/core/assert.ts'
import { commitMs, copyRate, rawRows } from './copy.ts'
import { emptyLanes, inDatabase, type BenchDatabase } from './database.ts'
import { postByHttp, withServer } from './http.ts'
import { inTurns, type Add, type Bench, type Frame, type Part } from './part.ts'
import { EVENTS_A_CALL, post, type Lane } from './posting.ts'
import { benchLedger, PATTERNS, PAYEES, type Pattern } from './workload.ts'

const CALLERS = [1, 16, 64, 256] as const
const MANY = 64
const FEW = 16
const CROWD = 256
const COMMITS = 500
/** Calls that make nearly all accounts before anything is measured. */
const WARM_CALLS = Math.ceil(PAYEES / EVENTS_A_CALL / 2)

/**
 * Calls until code is about as fast as it gets: a server's first 3,000 requests cost it three times as much as those after 30,000. A number
 * and not a time, because a busy machine would measure what is still cold.
 */
const WARMING_CALLS = 30_000

const share = (least: number): Frame['target'] => ({ least })
const multiple = (most: number): Frame['target'] => ({ most })

function framesOf(pattern: Pattern) {
  const events = { pattern, unit: 'events/s' }
  return {
    oneEvent: new Map(
      CALLERS.map((callers): [number, Frame] => [callers, { ...events, name: 'one event a call, of COPY', callers, target: callers === MANY ? share(0.25) : null }]),
    ),
    bulk: { ...events, name: `${EVENTS_A_CALL} events a call, of COPY`, callers: 1, target: share(0.4) },
    flat: { ...events, name: `${CROWD} callers, of ${FEW}`, callers: CROWD, target: share(0.9) },
    http: { ...events, name: 'one event a call by HTTP, of in process', callers: MANY, target: share(0.5) },
    client: { pattern, unit: 'cores', name: "the HTTP client's own, of the machine", callers: MANY, target: null },
    latency: { pattern, unit: 'ms', name: "one caller's latency, of one commit", callers: 1, target: multiple(4) },
    p99: { pattern, unit: 'ms', name: 'p99, of callers ÷ throughput', callers: MANY, target: multiple(4) },
  } satisfies Record<string, Frame | ReadonlyMap<number, Frame>>
}

type Frames = ReturnType<typeof framesOf>

const FRAMES = new Map(PATTERNS.map((pattern): [Pattern, Frames] => [pattern, framesOf(pattern)]))

const listOf = ({ oneEvent, ...others }: Frames): readonly Frame[] => [...oneEvent.values(), ...Object.values(others)]

export const postingPart: Part = {
  name: 'posting',
  frames: [...FRAMES.values()].flatMap(listOf),
  measure: async (bench, add) => {
    const { effects, scale } = bench
    const wanted = PATTERNS.filter((pattern) => listOf(present(FRAMES.get(pattern), pattern)).some(bench.wants))
    const raw = new Map(wanted.map((pattern) => [pattern, rawRows({ events: scale.copied, accounts: pattern === 'hot' ? 4 : PAYEES })]))
    await inDatabase(effects, async (database) => {
      await withServer(database.appUrl, async (url) => {
        // Code is slow until it has run for a while: nothing of that shall be measured.
        const warming = await newLane(bench, database, 'hot')
        const warm = { callers: MANY, ms: Infinity, calls: WARMING_CALLS, nowMs: bench.nowMs }
        await post(warming, warm)
        if (wanted.some((pattern) => isByHttp(pattern, bench))) await postByHttp(warming, { urls: [url], ...warm })
        for (let run = 0; run < scale.runs; run += 1) {
          for (const pattern of inTurns(run, wanted)) {
            bench.say(`posting, ${pattern}, run ${run + 1} of ${scale.runs}`)
            const lane = await newLane(bench, database, pattern)
            await measureRun(bench, add, { lane, database, run, url, raw: present(raw.get(pattern), pattern) })
          }
        }
      })
    })
  },
}

function isByHttp(pattern: Pattern, { wants }: Bench): boolean {
  const { http, client } = present(FRAMES.get(pattern), pattern)
  return wants(http) || wants(client)
}

async function newLane({ effects, rail, nowMs }: Bench, database: BenchDatabase, pattern: Pattern): Promise<Lane> {
  await emptyLanes(database.owner)
  const ledger = await benchLedger(effects, { ...database, rail, name: effects.id() })
  const lane: Lane = { effects, store: database.store, ledger, pattern, next: 0 }
  await post(lane, { callers: 1, ms: Infinity, events: EVENTS_A_CALL, calls: WARM_CALLS, nowMs })
  return lane
}

type Run = { readonly lane: Lane; readonly database: BenchDatabase; readonly run: number; readonly url: string; readonly raw: ReturnType<typeof rawRows> }

/** One run of a pattern's rows: the limits before and after, and in between each way of posting once. */
async function measureRun({ scale: { ms }, nowMs, wants }: Bench, add: Add, { lane, database: { owner }, run, url, raw }: Run): Promise<void> {
  const frames = present(FRAMES.get(lane.pattern), lane.pattern)
  const isNeeded = (...needing: readonly Frame[]): boolean => needing.some(wants)
  const oneEvent = (callers: number): Frame => present(frames.oneEvent.get(callers), 'frame')
  const limits = async () => ({ copy: await copyRate(owner, raw, nowMs), commit: await commitMs(owner, { commits: COMMITS, nowMs }) })
  const before = await limits()
  const found = new Map<number | 'bulk' | 'http', Awaited<ReturnType<typeof post>>>()
  let client: number | null = null
  const ways: readonly (readonly [needed: boolean, () => Promise<unknown>])[] = [
    ...CALLERS.map((callers) => {
      const needing = { 1: [frames.latency], 16: [frames.flat], 64: [frames.p99, frames.http, frames.client], 256: [frames.flat] }[callers]
      return [isNeeded(oneEvent(callers), ...needing), async () => found.set(callers, await post(lane, { callers, ms, nowMs }))] as const
    }),
    [isNeeded(frames.bulk), async () => found.set('bulk', await post(lane, { callers: 1, ms, events: EVENTS_A_CALL, nowMs }))],
    [
      isNeeded(frames.http, frames.client),
      async () => {
        // The server's memory of the accounts is warmed as this process' was when the lane was made.
        await postByHttp(lane, { urls: [url], callers: MANY, ms: Infinity, calls: WARM_CALLS * EVENTS_A_CALL, nowMs })
        const answered = await postByHttp(lane, { urls: [url], callers: MANY, ms, nowMs })
        client = answered.ownCpu
        found.set('http', { ...answered, eventsPerSecond: answered.perSecond })
      },
    ],
  ]
  for (const [needed, measure] of inTurns(run, ways)) if (needed) await measure()
  const after = await limits()
  const copy = (before.copy + after.copy) / 2
  const commit = (before.commit + after.commit) / 2
  const put = (frame: Frame, value: number | undefined, limit: number | undefined): void => {
    if (value !== undefined && limit !== undefined && wants(frame)) add(frame, { value, limit })
  }
  for (const callers of CALLERS) put(oneEvent(callers), found.get(callers)?.eventsPerSecond, copy)
  const many = found.get(MANY)
  put(frames.bulk, found.get('bulk')?.eventsPerSecond, copy)
  put(frames.flat, found.get(CROWD)?.eventsPerSecond, found.get(FEW)?.eventsPerSecond)
  put(frames.http, found.get('http')?.eventsPerSecond, many?.eventsPerSecond)
  put(frames.client, client ?? undefined, cpus().length)
  put(frames.latency, found.get(1)?.medianMs, commit)
  put(frames.p99, many?.p99Ms, many === undefined ? undefined : (MANY * 1000) / many.eventsPerSecond)
}
