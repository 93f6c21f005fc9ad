// API keys: what is stored, what is checked, how soon a revoked key stops, and that a request costs no query.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testbed, type Testbed } from '../http/fixture.ts'
import { Refusal } from '../core/refusal.ts'
import { createAuthenticator, createKey, KEY_CACHE_SECONDS, listKeys, revokeKey } from './api-key.ts'

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

const problemOf = async (promise: Promise<unknown>): Promise<string> => {
  return await promise.then(
    () => 'none',
    (error: unknown) => (error instanceof Refusal ? `${error.code}: ${error.message}` : String(error)),
  )
}

/** A desk that counts its queries. */
function counting(): { readonly desk: Testbed['desk']; readonly queries: () => number } {
  let queries = 0
  const pool = new Proxy(bed.desk.store.pool, {
    get: (target, name) => {
      if (name === 'query') queries += 1
      const member = Reflect.get(target, name) as unknown
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  return { desk: { ...bed.desk, store: { ...bed.desk.store, pool } }, queries: () => queries }
}

describe('a key', () => {
  it('is shown once: what is stored opens nothing', async () => {
    const { key, id } = await createKey(bed.desk, bed.ledger, { name: 'shown', rights: ['record', 'read'] })
    expect(key).toMatch(/^apk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}$/)
    const { rows } = await bed.database.pool.query<{ row: string; length: number }>(
      `select api_key::text as row, length(secret_hash) from apportion.api_key where key = $1`,
      [id],
    )
    expect(rows[0]?.length).toBe(32)
    expect(rows[0]?.row).not.toContain(key.slice(-43))
    const listed = (await listKeys(bed.desk, bed.ledger)).find((each) => each.id === id)
    expect(listed).toMatchObject({ name: 'shown', rights: ['read', 'record'], revoked_at: null })
    expect(JSON.stringify(listed)).not.toContain(key.slice(-43))
  })

  it('stands for its ledger and rights', async () => {
    const other = await bed.makeLedger('other')
    const { key, id } = await createKey(bed.desk, other, { name: 'shown', rights: ['backdate'] })
    expect(await createAuthenticator(bed.desk).authenticate(key)).toEqual({ key: id, name: 'shown', ledger: 'other', rights: new Set(['backdate']) })
  })

  it('has a name of its own in its ledger, also after it was revoked', async () => {
    const made = { name: 'taken', rights: ['read'] }
    await createKey(bed.desk, bed.ledger, made)
    await revokeKey(bed.desk, bed.ledger, 'taken')
    expect(await problemOf(createKey(bed.desk, bed.ledger, made))).toMatch(/^api_key_conflict: .*taken/)
  })

  it.each([
    ['no name', { name: '', rights: ['read'] }, 'name'],
    ['a name with a space', { name: 'a b', rights: ['read'] }, 'name'],
    ['a long name', { name: 'x'.repeat(64), rights: ['read'] }, 'name'],
    ['no rights', { name: 'n', rights: [] }, 'rights'],
    ['an unknown right', { name: 'n', rights: ['read', 'everything'] }, 'rights'],
  ])('is not made with %s', async (_, given, field) => {
    expect(await problemOf(createKey(bed.desk, bed.ledger, given))).toMatch(new RegExp(`^field_malformed: ${field} must be`))
  })

  it.each(['', 'apk_', 'apk_x_y', `apk_${'0'.repeat(32)}_${'A'.repeat(42)}`, `APK_${'0'.repeat(32)}_${'A'.repeat(43)}`])('is none: %j', async (text) => {
    const { desk, queries } = counting()
    expect(await problemOf(createAuthenticator(desk).authenticate(text))).toMatch(/^key_invalid: the API key is not one of ours/)
    expect(queries()).toBe(0)
  })
})

describe('checking a key', () => {
  it('reads it once for all who ask, and not again for some seconds', async () => {
    const { desk, queries } = counting()
    const keys = createAuthenticator(desk)
    expect(keys.isKnown(bed.key)).toBe(false)
    await Promise.all(Array.from({ length: 30 }, async () => await keys.authenticate(bed.key)))
    expect([queries(), keys.isKnown(bed.key)]).toEqual([1, true])
    await keys.authenticate(bed.key)
    expect(queries()).toBe(1)
    bed.moveClock({ seconds: KEY_CACHE_SECONDS })
    await keys.authenticate(bed.key)
    expect(queries()).toBe(2)
  })

  it('needs no query for wrong secrets of a key that is known', async () => {
    const { desk, queries } = counting()
    const keys = createAuthenticator(desk)
    await keys.authenticate(bed.key)
    const guess = `${bed.key.slice(0, 37)}${'A'.repeat(43)}`
    for (let tries = 0; tries < 5; tries += 1) expect(await problemOf(keys.authenticate(guess))).toMatch(/^key_invalid: the API key is unknown/)
    expect(queries()).toBe(1)
  })

  it('remembers nothing of keys that do not exist', async () => {
    const keys = createAuthenticator(bed.desk)
    const guess = `apk_${'0'.repeat(32)}_${'A'.repeat(43)}`
    expect(await problemOf(keys.authenticate(guess))).toMatch(/^key_invalid: the API key is unknown/)
    expect(keys.isKnown(guess)).toBe(false)
  })

  it('stops a revoked key within the seconds that it says', async () => {
    const keys = createAuthenticator(bed.desk)
    const { key } = await createKey(bed.desk, bed.ledger, { name: 'to-be-revoked', rights: ['read'] })
    await keys.authenticate(key)
    const { revoked_at: at } = await revokeKey(bed.desk, bed.ledger, 'to-be-revoked')
    bed.moveClock({ seconds: KEY_CACHE_SECONDS })
    expect(await problemOf(keys.authenticate(key))).toContain(`key_invalid: the API key was revoked at ${at}`)
    expect((await revokeKey(bed.desk, bed.ledger, 'to-be-revoked')).revoked_at).toBe(at)
    expect(await problemOf(revokeKey(bed.desk, bed.ledger, 'nobodys'))).toMatch(/^api_key_not_found: .*nobodys/)
  })

  it('does not let a clock that is set back keep a revoked key alive', async () => {
    const keys = createAuthenticator(bed.desk)
    const { key } = await createKey(bed.desk, bed.ledger, { name: 'clock', rights: ['read'] })
    await keys.authenticate(key)
    await revokeKey(bed.desk, bed.ledger, 'clock')
    bed.moveClock({ hours: -1 })
    expect(await problemOf(keys.authenticate(key))).toContain('was revoked')
  })

  it('says when the database could not be asked, and asks again', async () => {
    let broken = true
    const pool = new Proxy(bed.desk.store.pool, {
      get: (target, name) => {
        if (name === 'query' && broken) return async () => await Promise.reject(new Error('Connection terminated unexpectedly'))
        const member = Reflect.get(target, name) as unknown
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      },
    })
    const keys = createAuthenticator({ ...bed.desk, store: { ...bed.desk.store, pool } })
    expect(await problemOf(keys.authenticate(bed.key))).toBe('Error: Connection terminated unexpectedly')
    broken = false
    expect(await problemOf(keys.authenticate(bed.key))).toBe('none')
  })
})
