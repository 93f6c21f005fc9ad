// Idempotency keys: one answer for one request, whoever asks, however many at once and on however many servers; and when a key is free again.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testbed, type Testbed } from '../http/fixture.ts'
import { sha256 } from '../core/canonical.ts'
import { Refusal } from '../core/refusal.ts'
import { claimSlots, type IdempotencySlot } from '../store/idempotency.ts'
import { apiKeysOf } from '../store/api-key.ts'
import { createIdempotency, forgetIdempotencyKeys, type Answered, type Idempotency } from './idempotency.ts'

let bed: Testbed
let key: string
/** Two servers on one database. */
let servers: readonly [Idempotency, Idempotency]

beforeAll(async () => {
  bed = await testbed()
  key = (await apiKeysOf(bed.desk.store.pool, bed.ledger.id))[0]?.key ?? ''
  servers = [createIdempotency(bed.desk), createIdempotency(bed.desk)]
})
afterAll(async () => {
  await bed.drop()
})

const slot = (idempotencyKey: string, content = 'content', route = 'POST /events'): IdempotencySlot => {
  return { key, route, idempotencyKey, fingerprint: sha256(content) }
}

function work(body: string, spent = true): { readonly done: () => number; readonly run: () => Promise<Answered> } {
  let done = 0
  return {
    done: () => done,
    run: async () => {
      done += 1
      await Promise.resolve()
      return { answer: { status: 201, body: `${body} ${done}` }, spent }
    },
  }
}

const fails = async (error: Error): Promise<never> => {
  throw error
}
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  return await promise.then(
    () => 'no refusal',
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  )
}

describe('a key', () => {
  it('repeats the first answer to the same request, on every server', async () => {
    const first = work('first')
    expect(await servers[0].run(slot('repeat'), first.run)).toEqual({ answer: { status: 201, body: 'first 1' }, spent: true, replayed: false })
    for (const server of servers) {
      expect(await server.run(slot('repeat'), first.run)).toEqual({ answer: { status: 201, body: 'first 1' }, spent: true, replayed: true })
    }
    expect(first.done()).toBe(1)
  })

  it('refuses another request, done or still being done', async () => {
    await servers[0].run(slot('conflict'), work('a').run)
    expect(await codeOf(servers[1].run(slot('conflict', 'other'), work('b').run))).toBe('idempotency_key_conflict')
    const { promise, resolve } = Promise.withResolvers<Answered>()
    const running = servers[0].run(slot('conflict-now'), async () => await promise)
    expect(await codeOf(servers[0].run(slot('conflict-now', 'other'), work('b').run))).toBe('idempotency_key_conflict')
    resolve({ answer: { status: 200, body: 'a' }, spent: true })
    await running
    expect(await codeOf(servers[1].run(slot('conflict-now', 'other'), work('b').run))).toBe('idempotency_key_conflict')
  })

  it('is one of its API key and route', async () => {
    const other = (await bed.makeKey(['record'])).slice(4, 36)
    const uuid = other.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    for (const [index, each] of [slot('scope'), slot('scope', 'content', 'POST /batch'), { ...slot('scope', 'other'), key: uuid }].entries()) {
      expect(await servers[0].run(each, work(`scope ${index}`).run)).toMatchObject({ answer: { body: `scope ${index} 1` }, replayed: false })
    }
  })

  it('is done once for thirty callers of one server, and answered the same to those of two', async () => {
    const once = work('thirty')
    const own = await Promise.all(Array.from({ length: 30 }, async () => await servers[0].run(slot('thirty'), once.run)))
    expect(once.done()).toBe(1)
    expect(own.filter(({ replayed }) => !replayed)).toHaveLength(1)
    const both = work('both')
    const answers = await Promise.all(Array.from({ length: 30 }, async (_, index) => await servers[index % 2 === 0 ? 0 : 1].run(slot('both'), both.run)))
    expect(new Set(answers.map(({ answer }) => answer.body)).size).toBe(1)
    expect(both.done()).toBeLessThanOrEqual(2)
  })

  it('costs many callers at once a few statements, each its own answer, whichever of two servers they ask', async () => {
    let queries = 0
    const counted = countQueries((name) => (queries += GATHERED.has(name) ? 1 : 0))
    const two = [counted, counted].map((pool) => createIdempotency({ ...bed.desk, store: { ...bed.desk.store, pool } }))
    const names = Array.from({ length: 100 }, (_, index) => `many-${(index * 37) % 100}`)
    const all = await Promise.all(
      two.flatMap((server, first) =>
        (first === 0 ? names : names.toReversed()).map(async (name) => {
          const { answer } = await server.run(slot(name), async () => ({ answer: { status: 200, body: `"${name}"\\ ,{}` }, spent: true }))
          return { name, body: answer.body }
        }),
      ),
    )
    expect(all.filter(({ name, body }) => body !== `"${name}"\\ ,{}`)).toEqual([])
    expect(queries).toBeLessThan(names.length)
    const alone = work('never again')
    for (const name of names) expect((await servers[0].run(slot(name), alone.run)).answer.body).toBe(`"${name}"\\ ,{}`)
    expect(alone.done()).toBe(0)
  })

  it.each(['', ' ', 'with space', 'ä', 'x'.repeat(256), 'line\nfeed'])('may not be %j', async (text) => {
    const never = work('never')
    expect(await codeOf(servers[0].run(slot(text), never.run))).toBe('idempotency_key_malformed')
    expect(never.done()).toBe(0)
  })

  it('may be 255 characters of any visible kind', async () => {
    const text = `"'${'~'.repeat(253)}`
    await servers[0].run(slot(text), work('long').run)
    expect((await servers[1].run(slot(text), work('long').run)).replayed).toBe(true)
  })
})

describe('a key is free again', () => {
  it('when the work says so, for this content and for other', async () => {
    expect(await servers[0].run(slot('freed'), work('first', false).run)).toMatchObject({ spent: false, replayed: false })
    expect(await servers[1].run(slot('freed', 'other'), work('second').run)).toMatchObject({ answer: { body: 'second 1' }, replayed: false })
  })

  it('when the work fails, and all who waited get that error', async () => {
    const down = new Refusal('queue_exceeded', 'too many wait')
    const both = await Promise.all([1, 2].map(async () => await codeOf(servers[0].run(slot('failed'), async () => await fails(down)))))
    expect(both).toEqual(['queue_exceeded', 'queue_exceeded'])
    expect(await servers[0].run(slot('failed', 'other'), work('later').run)).toMatchObject({ replayed: false })
  })

  it('for the same content alone, when its server died over it', async () => {
    const at = bed.desk.now()
    await claimSlots(bed.desk.store.pool, [slot('died')], { at, expired: at.subtract({ hours: 1 }) })
    expect(await codeOf(servers[0].run(slot('died', 'other'), work('other').run))).toBe('idempotency_key_conflict')
    expect(await servers[0].run(slot('died'), work('taken over').run)).toMatchObject({ answer: { body: 'taken over 1' }, replayed: false })
    expect(await servers[1].run(slot('died'), work('again').run)).toMatchObject({ answer: { body: 'taken over 1' }, replayed: true })
  })

  it('after seven days, and is forgotten then', async () => {
    await servers[0].run(slot('old'), work('old').run)
    bed.moveClock({ hours: 7 * 24 - 1 })
    expect(await servers[0].run(slot('old'), work('new').run)).toMatchObject({ replayed: true })
    await servers[0].run(slot('young'), work('young').run)
    expect(await forgetIdempotencyKeys(bed.desk)).toBe(0)
    bed.moveClock({ hours: 1 })
    expect(await servers[0].run(slot('old', 'other'), work('new').run)).toMatchObject({ answer: { body: 'new 1' }, replayed: false })
    expect(await forgetIdempotencyKeys(bed.desk)).toBeGreaterThan(5)
    const { rows } = await bed.database.pool.query(`select idempotency_key as name from apportion.idempotency order by idempotency_key`)
    expect(rows).toEqual([{ name: 'old' }, { name: 'young' }])
  })
})

describe('when the database goes away', () => {
  it('tells what was done all the same', async () => {
    const gone = createIdempotency({ ...bed.desk, store: { ...bed.desk.store, pool: brokenAfter(1) } })
    expect(await gone.run(slot('done-not-kept'), work('done').run)).toMatchObject({ answer: { body: 'done 1' }, replayed: false })
    expect(bed.logged.join()).toContain('could not be kept')
    expect(await servers[0].run(slot('done-not-kept'), work('again').run)).toMatchObject({ answer: { body: 'again 1' } })
  })

  it('does nothing when it could not even claim the key', async () => {
    const never = work('never')
    const gone = createIdempotency({ ...bed.desk, store: { ...bed.desk.store, pool: brokenAfter(0) } })
    expect(await codeOf(gone.run(slot('never'), never.run))).toBe('Error: Connection terminated unexpectedly')
    expect(never.done()).toBe(0)
  })
})

/** Statements that many share. Whoever finds a claim of the other server reads it by itself. */
const GATHERED: ReadonlySet<string | undefined> = new Set(['claim-idempotency', 'keep-idempotency'])

function countQueries(count: (name: string | undefined) => void): Testbed['desk']['store']['pool'] {
  return new Proxy(bed.desk.store.pool, {
    get: (pool, name) => {
      if (name !== 'query') return Reflect.get(pool, name) as unknown
      return (asked: { readonly name?: string }): unknown => {
        count(asked.name)
        return pool.query(asked as never)
      }
    },
  })
}

/** The pool, which loses its connection after so many queries. */
function brokenAfter(queries: number): Testbed['desk']['store']['pool'] {
  let left = queries
  return new Proxy(bed.desk.store.pool, {
    get: (pool, name) => {
      if (name !== 'query') return Reflect.get(pool, name) as unknown
      left -= 1
      return left >= 0 ? pool.query.bind(pool) : async () => await fails(new Error('Connection terminated unexpectedly'))
    },
  })
}
