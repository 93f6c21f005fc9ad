// Connections that count the pages of the database which each question touches, as PostgreSQL itself counts them: a figure without noise,
// unlike time. Each question is asked twice, once to be explained.

import type { Pool, PoolClient, QueryConfig } from 'pg'
import { z } from 'zod'
import type { Store } from '../src/store/store.ts'

const explained = z.tuple([
  z.object({ Plan: z.looseObject({ 'Shared Hit Blocks': z.number(), 'Shared Read Blocks': z.number() }) }),
])

export type Counted = {
  readonly store: Store
  /** Pages touched since it was asked last. */
  readonly taken: () => number
}

export function countingStore(store: Store): Counted {
  let pages = 0
  const counting = (client: PoolClient): PoolClient => {
    const query = async (asked: string | QueryConfig): Promise<unknown> => {
      const { text, values } = typeof asked === 'string' ? { text: asked, values: [] } : asked
      if (/^\s*(select|with)\b/.test(text)) {
        const { rows } = await client.query<{ 'QUERY PLAN': unknown }>({ text: `explain (analyze, buffers, timing off, format json) ${text}`, values: values ?? [] })
        const [{ Plan: plan }] = explained.parse(rows[0]?.['QUERY PLAN'])
        pages += plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
      }
      return await client.query(asked as QueryConfig)
    }
    return withMethods(client, { query })
  }
  const connect = async (): Promise<PoolClient> => counting(await store.pool.connect())
  const query = async (asked: string | QueryConfig): Promise<unknown> => {
    const client = await connect()
    try {
      return await client.query(asked as QueryConfig)
    } finally {
      client.release()
    }
  }
  return {
    store: { ...store, pool: withMethods<Pool>(store.pool, { connect, query }) },
    taken: () => {
      const before = pages
      pages = 0
      return before
    },
  }
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
