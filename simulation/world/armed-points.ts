// The named points at which processes end in this history: a few of the table, each at its first, second or third time.

import { POINTS, watchPoints, type Point } from '../points.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import type { Owner } from './waiting.ts'

export type ArmedPoints = {
  readonly points: readonly Point[]
  /** How often a process ended at each so far, by name. */
  readonly ended: () => Readonly<Record<string, number>>
  /** Whoever is at a point, and shall end there now. */
  readonly sql: (owner: Owner, point: Point) => void
  readonly fetch: (owner: Owner, moment: Point['moment'], body: string) => void
}

const TIMES = 3

export function armPoints({ random, faults, kill }: { readonly random: Random; readonly faults: Faults; readonly kill: (owner: Owner, why: string) => void }): ArmedPoints {
  const points: readonly Point[] = random.shuffle<Point>(POINTS).slice(0, Math.round(faults.rate('server killed at a named point')))
  const left = new Map(points.map((point) => [point, 1 + random.below(TIMES)]))
  const ended = new Map<string, number>()
  const watch = watchPoints(points)
  const reach = (owner: Owner, point: Point): void => {
    // Off, like all faults, when they end.
    if (!owner.alive || faults.rate('server killed at a named point') === 0) return
    const times = (left.get(point) ?? 0) - 1
    left.set(point, times)
    if (times !== 0) return
    faults.count('server killed at a named point')
    ended.set(point.name, (ended.get(point.name) ?? 0) + 1)
    kill(owner, `at the point "${point.name}": ${point.says}`)
  }
  return {
    points,
    ended: () => Object.fromEntries(ended),
    sql: reach,
    fetch: (owner, moment, body) => watch.fetch(body).filter((point) => point.moment === moment).forEach((point) => reach(owner, point)),
  }
}
