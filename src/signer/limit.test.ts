// The day's limit: each payout counts once, on the day it was first signed, whoever signs and however many sign at once.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machine } from '../../test/effects.ts'
import { Refusal } from '../core/refusal.ts'
import type { Signed } from '../rails/rail.ts'
import { addLedger, addPayouts, addWallet, ASSET, newDraft, refusalOf, setLimit, signerDatabase, signerWorld, type TestLedger, type TestPayout } from './fixture.ts'
import { inProcessSigner } from './testbed.ts'
import type { Signer, SignerWorld, WalletRequest } from './signer.ts'
import { openSignerPool } from './store.ts'

let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})
afterAll(() => database.drop())

type Scene = {
  readonly world: SignerWorld
  readonly home: TestLedger
  readonly wallet: WalletRequest
  readonly add: (...units: bigint[]) => Promise<readonly TestPayout[]>
  readonly sign: (payouts: readonly TestPayout[], by?: Signer) => Promise<Signed>
  readonly rows: () => Promise<unknown>
  /** Moves the clock of `sign`. */
  readonly at: (instant: string) => void
}

async function scene(limit: bigint | null): Promise<Scene> {
  const { pool, signing } = database
  let now = Temporal.Instant.from('2026-03-01T12:00:00Z')
  const world = signerWorld(signing, { effects: { ...machine, now: () => now } })
  const signer = inProcessSigner(world)
  const home = await addLedger(pool)
  const wallet = await addWallet(pool, signer, home.ledger)
  if (limit !== null) await setLimit(pool, home, limit)
  return {
    ...{ world, home, wallet },
    add: (...units) => addPayouts(pool, home, { wallet: wallet.wallet, units }),
    sign: (payouts, by = signer) =>
      by.sign({ lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: newDraft() }),
    rows: async () => {
      const { rows } = await pool.query(
        `select day, units, day_units, first_signed_at from apportion.signing where ledger = $1 order by day, day_units`,
        [home.ledger],
      )
      return rows.map(({ day, units, day_units: total }) => `${day} ${units} ${total}`)
    },
    at: (instant) => {
      now = Temporal.Instant.from(instant)
    },
  }
}

describe("the day's limit", () => {
  it('lets through what fits to the unit, and refuses one unit more with its figures', async () => {
    const { add, home, sign } = await scene(100n)
    const [fits, over] = [await add(60n, 40n), await add(1n)]
    await sign(fits)
    const refusal = await refusalOf(() => sign(over))
    expect(refusal).toMatchObject({
      code: 'signing_limit_exceeded',
      details: { ledger: home.ledger, asset: ASSET, day: '2026-03-01', limit: '100', signed: '100', asked: '1', left: '0' },
    })
    expect(refusal.message).toContain('100 units')
  })

  it('counts all of a batch or nothing of it', async () => {
    const { add, rows, sign } = await scene(100n)
    const batch = await add(60n, 41n)
    expect((await refusalOf(() => sign(batch))).details).toMatchObject({ signed: '0', asked: '101', left: '100' })
    expect(await rows()).toEqual([])
    await sign(batch.slice(0, 1))
    expect(await rows()).toEqual(['2026-03-01 60 60'])
  })

  it('counts a payout once, however often and in whatever company it is signed', async () => {
    const { add, rows, sign } = await scene(100n)
    const [a, b] = (await add(70n, 30n)) as [TestPayout, TestPayout]
    await sign([a])
    await sign([a])
    await sign([a, b])
    await sign([b, a])
    expect(await rows()).toEqual(['2026-03-01 70 70', '2026-03-01 30 100'])
  })

  it('counts on the UTC day of the first signature, and a payout signed again the next day costs that day nothing', async () => {
    const { add, at, rows, sign } = await scene(100n)
    const [first, next] = [await add(100n), await add(100n)]
    at('2026-03-01T23:59:59.999999Z')
    await sign(first)
    expect((await refusalOf(() => sign(next))).code).toBe('signing_limit_exceeded')
    at('2026-03-02T00:00:00Z')
    await sign(first)
    await sign(next)
    expect(await rows()).toEqual(['2026-03-01 100 100', '2026-03-02 100 100'])
  })

  it('counts what was signed while there was no limit', async () => {
    const { add, home, sign } = await scene(null)
    await sign(await add(90n))
    await setLimit(database.pool, home, 100n)
    expect((await refusalOf(async () => sign(await add(11n)))).details).toMatchObject({ signed: '90', asked: '11', left: '10' })
    await sign(await add(10n))
  })

  it('leaves no room below zero when the owner lowers it', async () => {
    const { add, home, sign } = await scene(100n)
    const signed = await add(90n)
    await sign(signed)
    await setLimit(database.pool, home, 50n)
    expect((await refusalOf(async () => sign(await add(1n)))).details).toMatchObject({ limit: '50', signed: '90', left: '0' })
    // What was counted may be signed anew: it takes nothing more.
    await sign(signed)
  })

  it('counts a payout once, also when a part of it was taken back before it is signed anew', async () => {
    const { add, rows, sign, home } = await scene(100n)
    const signed = await add(90n)
    await sign(signed)
    await database.pool.query('update apportion.payout set units = 60 where payout = $1', [signed[0]?.id])
    await database.pool.query('update apportion.transfer set units = 60 where lane = $1 and number = $2', [home.lane, signed[0]?.transfer])
    await sign(signed)
    expect(await rows()).toEqual(['2026-03-01 90 90'])
  })

  it('belongs to one ledger', async () => {
    const [a, b] = [await scene(100n), await scene(100n)]
    await a.sign(await a.add(100n))
    await b.sign(await b.add(100n))
    expect(await b.rows()).toEqual(['2026-03-01 100 100'])
  })

  it('holds to the unit when two signers with a process-like pool each sign forty batches at once', async () => {
    const { add, rows, sign, world } = await scene(1_000n)
    const payouts = await add(...Array.from({ length: 80 }, () => 25n))
    const pools = [1, 2].map(() => openSignerPool({ url: database.signerUrl, max: 4 }))
    const signers = pools.map((pool) => inProcessSigner({ ...world, pool }))
    const ends = await Promise.allSettled(payouts.map((payout, place) => sign([payout], signers[place % 2])))
    await Promise.all(pools.map((pool) => pool.end()))
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
    expect(refused.every((error) => error instanceof Refusal && error.code === 'signing_limit_exceeded')).toBe(true)
    expect(refused).toHaveLength(40)
    expect(await rows()).toEqual(Array.from({ length: 40 }, (_, place) => `2026-03-01 25 ${25 * (place + 1)}`))
  })

  it('counts a payout once when two signers sign it at once', async () => {
    const { add, rows, sign, world } = await scene(1_000n)
    const payouts = await add(300n, 300n, 300n)
    const pools = [1, 2].map(() => openSignerPool({ url: database.signerUrl, max: 4 }))
    const signers = pools.map((pool) => inProcessSigner({ ...world, pool }))
    const turns = Array.from({ length: 12 }, (_, place) => sign(place % 3 === 0 ? payouts : payouts.toReversed(), signers[place % 2]))
    await Promise.all(turns)
    await Promise.all(pools.map((pool) => pool.end()))
    expect(await rows()).toHaveLength(3)
  })

  it('keeps the count when the draft is refused afterwards: a signature never exists uncounted', async () => {
    const { add, home, rows, wallet, world } = await scene(100n)
    const payouts = await add(10n)
    const signer = inProcessSigner(world)
    const refusal = await refusalOf(() =>
      signer.sign({ lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: {} }),
    )
    expect(refusal.code).toBe('signing_refused')
    expect(await rows()).toEqual(['2026-03-01 10 10'])
  })

  it('gives no signature when the count cannot be committed', async () => {
    const { add, rows, sign, world } = await scene(100n)
    const payouts = await add(10n)
    const pool = openSignerPool({ url: database.signerUrl, max: 1 })
    // The connection is lost between the count and its commit.
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...given: unknown[]) => unknown
      Object.assign(client, {
        query: (...given: unknown[]) => query(...(given[0] === 'commit' ? ['select pg_terminate_backend(pg_backend_pid())'] : given)),
      })
    })
    await expect(sign(payouts, inProcessSigner({ ...world, pool }))).rejects.toThrow()
    await pool.end()
    expect(await rows()).toEqual([])
  })
})
