// Connections whose every statement is shown to a test before it is sent and after it was answered, so that a process or its connection
// can die at exactly that place. The statements are the real ones, one after the other.

import type { Pool, PoolClient } from 'pg'
import type { Store } from '../src/store/store.ts'

export type Step = {
  readonly moment: 'before' | 'after'
  /** The statement's name where it has one, else its text. */
  readonly statement: string
  /** Null for a unit: many statements in one piece. */
  readonly asked: { readonly text: string; readonly values: readonly unknown[] } | null
  /** The server's process that carries it out. */
  readonly pid: number
}

/** Rejecting lets the statement fail: before, it was never sent; after, its answer was lost. */
export type Watch = (step: Step) => Promise<void> | void

export function watchedStore(store: Store, watch: Watch): Store {
  return { ...store, hot: watchedPool(store.hot, watch), pool: watchedPool(store.pool, watch) }
}

type Asked = string | { readonly name?: string; readonly text: string; readonly values?: unknown[] } | Unit
/** Several statements in one piece. */
type Unit = { readonly text: string; readonly name?: undefined; readonly submit: unknown; callback: (error: Error | null, result: unknown) => void }
type Connected = PoolClient & { readonly processID: number }

function watchedPool(pool: Pool, watch: Watch): Pool {
  const connect = async (): Promise<PoolClient> => watchedClient((await pool.connect()) as Connected, watch)
  const query = async (asked: Asked): Promise<unknown> => {
    const client = await connect()
    try {
      const answer = await client.query(asked as string)
      client.release()
      return answer
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  }
  return withMethods(pool, { connect, query })
}

function watchedClient(client: Connected, watch: Watch): PoolClient {
  let last: Promise<unknown> = Promise.resolve()
  const perform = async (asked: Asked): Promise<unknown> => {
    const statement = typeof asked === 'string' ? asked : (asked.name ?? asked.text)
    const { text, values = [] } = (typeof asked === 'string' ? { text: asked } : asked) as { readonly text: string; readonly values?: readonly unknown[] }
    const step = { statement, asked: { text, values }, pid: client.processID }
    await watch({ moment: 'before', ...step })
    const answer = await client.query(asked as string)
    await watch({ moment: 'after', ...step })
    return answer
  }
  const performUnit = async (unit: Unit): Promise<unknown> => {
    const { callback } = unit
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    unit.callback = (error, result) => (error === null ? resolve(result) : reject(error))
    const pid = client.processID
    try {
      await watch({ moment: 'before', statement: unit.text, asked: null, pid })
      // The driver gives a unit back as it is, and answers by calling back.
      await Promise.all([promise, client.query(unit as unknown as string)])
      await watch({ moment: 'after', statement: unit.text, asked: null, pid })
      callback(null, null)
    } catch (error) {
      callback(error as Error, null)
      throw error
    }
    return null
  }
  const query = (asked: Asked): unknown => {
    const isUnit = typeof asked !== 'string' && 'submit' in asked
    const answer = last.then(() => (isUnit ? performUnit(asked) : perform(asked)))
    last = answer.catch(() => {})
    return isUnit ? asked : answer
  }
  return withMethods(client, { query })
}

function withMethods<T extends object>(target: T, methods: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get: (real, name) => {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name]
      const value: unknown = Reflect.get(real, name, real)
      return typeof value === 'function' ? (value.bind(real) as unknown) : value
    },
  })
}
