// Shows the points that this process comes to, by standing between it and its driver and its `fetch`. The program itself knows nothing of it.

import { Client } from 'pg'
import { askedOf, watchPoints, type Point } from './points.ts'

type Callback = (error: unknown, result: unknown) => void
type Query = (this: object, given: unknown, values?: unknown, callback?: Callback) => unknown

export type Hook = {
  /** The same `fetch`, watched. */
  readonly watched: (real: typeof fetch) => typeof fetch
  /** Leaves the driver as it was. */
  readonly end: () => void
}

/** Tells of each point as it is reached: `before` it leaves, `after` it was answered without an error. */
export function hookPoints<Watched extends Point>(points: readonly Watched[], reached: (point: Watched) => void): Hook {
  const watch = watchPoints(points)
  const tell = (found: readonly Watched[], moment: Point['moment']): void => found.filter((point) => point.moment === moment).forEach(reached)
  const driver = Client.prototype as unknown as { query: Query }
  const { query } = driver
  driver.query = function (given, values, callback) {
    const found = watch.sql(this, askedOf(given))
    tell(found, 'before')
    if (found.every(({ moment }) => moment === 'before')) return query.call(this, given, values, callback)
    const told =
      (answer: Callback): Callback =>
      (error, result) => {
        if (error === null || error === undefined) tell(found, 'after')
        answer(error, result)
      }
    if (hasCallback(given)) given.callback = told(given.callback)
    if (typeof values === 'function') return query.call(this, given, told(values as Callback))
    if (callback !== undefined) return query.call(this, given, values, told(callback))
    const answer = query.call(this, given, values)
    return answer instanceof Promise ? answer.then((result: unknown) => (tell(found, 'after'), result)) : answer
  }
  return {
    watched: (real) => async (input, init) => {
      const found = watch.fetch(init?.body)
      tell(found, 'before')
      const answer = await real(input, init)
      tell(found, 'after')
      return answer
    },
    end: () => void (driver.query = query),
  }
}

/** A piece of several statements, or a query that answers by calling back. */
function hasCallback(given: unknown): given is { callback: Callback } {
  return typeof given === 'object' && given !== null && 'callback' in given && typeof given.callback === 'function'
}
