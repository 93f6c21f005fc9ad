// Connections that die anywhere on the way of an event into the ledger: what was answered is there once; what was not is there once or
// not at all, and the same reference says which. The chain goes on either way.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { breaks, mustRecord, openHouse, payouts, record, runUntilStill, sale, type Home, type House, type Process } from '../../test/house.ts'
import { until } from '../../test/effects.ts'
import { watchedStore, type Step } from '../../test/watched-store.ts'
import { Refusal } from '../core/refusal.ts'
import type { RecordResult } from './recorder.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

/** Ends a connection at the server, for good: when this resolves its transaction is over. */
async function terminate(pid: number): Promise<void> {
  await house.database.pool.query('select pg_terminate_backend($1::integer)', [pid])
  await until(`the end of backend ${pid}`, async () => {
    const { rowCount } = await house.database.pool.query('select from pg_stat_activity where pid = $1', [pid])
    return rowCount === 0 ? true : undefined
  })
}

type Watched = { readonly process: Process; readonly seen: string[]; readonly killAt: (place: number | null) => void }

/** A process whose steps are counted, and whose connection dies at one of them. A place is the number of statements and answers before. */
function watched(): Watched {
  const seen: string[] = []
  let at: number | null = null
  const watch = async ({ moment, statement, pid }: Step): Promise<void> => {
    seen.push(`${moment} ${statement}`)
    if (seen.length - 1 !== at) return
    at = null
    await terminate(pid)
    // The answer was on its way and is lost; a statement that is still to be sent finds out by itself.
    if (moment === 'after') throw new Error('Connection terminated unexpectedly')
  }
  const process = house.start({ store: (store) => watchedStore(store, watch) })
  return {
    process,
    seen,
    killAt: (place) => {
      seen.length = 0
      at = place
    },
  }
}

async function outcomeOf(work: Promise<readonly RecordResult[]>): Promise<string> {
  try {
    return (await work).map(({ state }) => state).join()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

async function eventsOf({ lane }: Home, references: readonly string[]): Promise<readonly string[]> {
  const { rows } = await house.database.pool.query<{ reference: string }>(`select reference from apportion.event where lane = $1 and reference = any ($2) order by number`, [lane, references])
  return rows.map(({ reference }) => reference)
}

describe('a connection that dies', () => {
  it.each([
    ['of a new party, whose accounts are read and made', (): string => crypto.randomUUID(), 5],
    ['of known parties, posted from memory', (home: Home): string => home.token, 1],
  ])('at each statement and each answer, for an event %s: it is there once or not at all, and the same reference says which', async (_, party, least) => {
    const home = await house.makeLedger()
    const { process, seen, killAt } = watched()
    await mustRecord(process, home, sale(home, 'warm', '100'))
    seen.length = 0
    await mustRecord(process, home, sale(home, 'counted', '100', { token_id: party(home) }))
    const places = [...seen]
    expect(places.filter((place) => place.startsWith('before')).length).toBeGreaterThanOrEqual(least)
    const committed = places.findIndex((place) => place.startsWith('after move-head'))
    expect(committed).toBeGreaterThan(0)
    for (const place of places.keys()) {
      const references = [`first ${place}`, `second ${place}`]
      const token_id = party(home)
      const given = references.map((reference) => sale(home, reference, '100', { token_id }))
      await mustRecord(process, home, sale(home, `warm ${place}`, '1'))
      killAt(place)
      expect([places[place], await outcomeOf(record(process, home, given))]).toEqual([places[place], 'database_unavailable'])
      const there = await eventsOf(home, references)
      expect([places[place], there]).toEqual([places[place], place >= committed ? references : []])
      expect(await outcomeOf(record(process, home, given))).toBe(there.length === 0 ? 'recorded,recorded' : 'duplicate,duplicate')
      expect(await eventsOf(home, references)).toEqual(references)
    }
    expect(await breaks(house, home)).toEqual([])
  })

  it('while thirty callers wait: whoever was answered is there, whoever was not asks again, and nobody is there twice', async () => {
    const home = await house.makeLedger()
    const { process, killAt } = watched()
    await mustRecord(process, home, sale(home, 'warm', '100'))
    const references = Array.from({ length: 30 }, (_, caller) => `caller ${caller}`)
    for (const place of [2, 7, 11, 14]) {
      killAt(place)
      await Promise.all(references.map(async (reference) => await outcomeOf(record(process, home, [sale(home, `${reference} ${place}`, '1')]))))
      killAt(null)
      const again = await Promise.all(references.map(async (reference) => await outcomeOf(record(process, home, [sale(home, `${reference} ${place}`, '1')]))))
      expect(again.every((state) => state === 'recorded' || state === 'duplicate')).toBe(true)
      expect((await eventsOf(home, references.map((reference) => `${reference} ${place}`))).length).toBe(30)
    }
    expect(await breaks(house, home)).toEqual([])
  })

  it('while payouts are reserved and ended leaves none behind', async () => {
    const home = await house.makeLedger({ funds: 1001n })
    const { process, killAt } = watched()
    for (let place = 20; place < 100; place += 9) {
      await mustRecord(house.main, home, sale(home, `sale ${place}`, '50'))
      killAt(place)
      await runUntilStill(house, home, process).catch(async () => await runUntilStill(house, home, process))
      const states = (await payouts(house, home, `sale ${place}`)).map(({ state }) => state)
      expect(states).toEqual(['settled', 'settled', 'settled', 'settled'])
    }
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a database that ends all connections at once, as when it restarts', () => {
  it('is a pause: idle connections are replaced without an error', async () => {
    const home = await house.makeLedger()
    const process = house.start()
    await mustRecord(process, home, sale(home, 'before', '1'))
    const { rows } = await house.database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and usename <> current_user`,
    )
    for (const { pid } of rows) await terminate(pid)
    expect(await until('the next answer', async () => {
      const outcome = await outcomeOf(record(process, home, [sale(home, 'after', '1')]))
      return outcome === 'database_unavailable' ? undefined : outcome
    })).toMatch(/recorded|duplicate/)
    expect(await breaks(house, home)).toEqual([])
  })
})
