// Connections whose every statement is shown to a test before it is sent and after it was answered, so that a process or its connection
// can die at exactly that place. The statements are the real ones, one after the other.

import type { Pool, PoolClient } from 'pg'
import type { Store } from '../src/store/store.ts'

export type Step = {
  readonly moment: 'before' | 'after'
  /** The statement's name where it has one, else its text. */
  readonly statement: string
  /** The server's process that carries it out. */
  readonly pid: number
}

/** Rejecting lets the statement fail: before, it was never sent; after, its answer was lost. */
export type Watch = (step: Step) => Promise<void> | void

export function watchedStore(store: Store, watch: Watch): Store {
  return { ...store, hot: watchedPool(store.hot, watch), pool: watchedPool(store.pool, watch) }
}

type Asked = string | { readonly name?: string; readonly text: string; readonly values?: unknown[] }
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
    const pid = client.processID
    await watch({ moment: 'before', statement, pid })
    const answer = await client.query(asked as string)
    await watch({ moment: 'after', statement, pid })
    return answer
  }
  const query = (asked: Asked): Promise<unknown> => {
    const answer = last.then(() => perform(asked))
    last = answer.catch(() => {})
    return answer
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
