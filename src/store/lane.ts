// A lane as one process works on it: what it remembers of it, whose turn it is, and the connection that its postings follow one another on.

import type { Pool, PoolClient } from 'pg'
import { createLaneCache, createMemory, type LaneCache } from './lane-cache.ts'
import { createTurns, type Turns } from './turns.ts'

export type Lane = {
  readonly cache: LaneCache
  readonly turns: Turns
  /** How many postings from memory have failed: one that was sent before such a failure was decided on a head that never came to be. */
  failures: number
  line: Line | null
}

/** A connection with postings on their way: given back when the last of them has been answered. */
type Line = { readonly connected: Promise<PoolClient>; client: PoolClient | null; users: number; broken: Error | undefined }

/** The lanes of one process. */
export type Lanes = { readonly of: (lane: bigint) => Lane }

export function createLanes(): Lanes {
  const lanes = new Map<bigint, Lane>()
  const memory = createMemory()
  return { of: (lane) => lanes.getOrInsertComputed(lane, () => ({ cache: createLaneCache(memory), turns: createTurns(), failures: 0, line: null })) }
}

/** What a posting does with its lane's connection, which it shares with those sent shortly before and after it. */
export type Joined = {
  readonly client: PoolClient
  /** Nobody else joins this connection. */
  readonly breakOff: (error: Error) => void
  readonly leave: () => void
}

/** Joins the connection that the lane's postings are on, or opens one. In order: who asks first is served first. */
export async function joinLine({ hot }: { readonly hot: Pool }, lane: Lane): Promise<Joined> {
  const line = (lane.line ??= { connected: hot.connect(), client: null, users: 0, broken: undefined })
  line.users += 1
  const leave = (): void => {
    line.users -= 1
    if (line.users > 0) return
    if (lane.line === line) lane.line = null
    line.client?.release(line.broken)
  }
  try {
    const client = (line.client = await line.connected)
    const breakOff = (error: Error): void => {
      line.broken = error
      if (lane.line === line) lane.line = null
    }
    return { client, breakOff, leave }
  } catch (error) {
    if (lane.line === line) lane.line = null
    throw error
  }
}
