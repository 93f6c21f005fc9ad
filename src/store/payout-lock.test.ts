// Every statement that changes several payouts takes them in one order: two of them, from two servers, never end in a deadlock. Held against
// each: while the first of its rows is somebody else's, it has none of the others.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machine, until } from '../../test/effects.ts'
import { openHouse, record, sale, type Home, type House } from '../../test/house.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from '../engine/make-payouts.ts'
import { endAttempts, recordLooks, recordSubmits, reservePayouts, type AttemptEnd, type NewAttempt } from './attempt.ts'
import { awaitApprovals, holdRejected, lockPayouts, queueApproved, releaseUnasked } from './await-payouts.ts'
import { holdPayouts, queueNeighbours, queueTogether, requeueHeld, wakeUnfunded } from './held-payout.ts'
import { listPayouts } from './payout.ts'
import { rows, type Statement } from './statement.ts'
import { insertDestinations } from './wallet.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

/** A lane with payouts to one destination; their ids in order, with attempts to which they belong two by two. */
type Crowd = { readonly home: Home; readonly ids: readonly string[]; readonly attempts: readonly NewAttempt[] }

const SALES = 8

async function crowd(): Promise<Crowd> {
  const home = await house.makeLedger()
  await record(house.main, home, Array.from({ length: SALES }, (_, index) => sale(home, `sale ${index}`, '100')))
  await makePayouts(house.main.world, home.ledger, home.lane)
  const listed = await listPayouts(house.database.pool, { lanes: [home.lane], state: null, before: null, limit: 1000 })
  const ids = listed.filter(({ role }) => role === 'creator').map(({ payout }) => payout).toSorted()
  const attempts = Array.from({ length: SALES / 2 }, (_, index): NewAttempt => {
    const attempt = machine.id()
    return { attempt, wallet: home.wallet.id, asset: 'SOL/9', identity: attempt, bytes: new Uint8Array([1]), data: {}, costs: [], settings: 0, payouts: [present(ids[index], 'id'), present(ids[SALES - 1 - index], 'id')] }
  })
  return { home, ids, attempts }
}

const run = async ({ text, values }: Statement): Promise<unknown> => await rows(house.main.world.store.pool, { text, values })

/** Sets all payouts of the crowd by hand, the last first, so that neither their places in the table nor their times are in the order of their ids. */
async function setAll({ home, ids }: Crowd, change: string): Promise<void> {
  for (const [index, id] of ids.toReversed().entries()) {
    await house.database.pool.query(`update apportion.payout set ${change}, due_at = to_timestamp($3) where lane = $1 and payout = $2`, [home.lane, id, index])
  }
}

const held = (reason: string) => async (given: Crowd): Promise<void> => await setAll(given, `state = 'held', reason = '${reason}'`)

async function reserved({ home, attempts }: Crowd): Promise<void> {
  await run(reservePayouts(home.lane, attempts, house.now()))
}

const on = () => house.main.world.store.pool
const at = () => house.now()
const asked = ({ home, ids }: Crowd) => ({ lanes: [home.lane], payouts: ids.toReversed(), at: at() })
const endOf = ({ attempt, payouts }: NewAttempt): AttemptEnd => ({
  ...{ attempt, state: 'settled', reason: null, proof: {} },
  payouts: payouts.map((payout) => ({ payout, state: 'settled', reason: null, detail: null, dueAt: null, batch: null, tries: 0 })),
})

type Case = readonly [name: string, before: (given: Crowd) => Promise<void>, change: (given: Crowd) => Promise<unknown>]

const CASES: readonly Case[] = [
  ['holding', async () => {}, async ({ home, ids }) => await holdPayouts(on(), home.lane, ids.toReversed().map((payout) => ({ payout, reason: 'no_funds', detail: 'why', dueAt: at() })), at())],
  ['queueing what is due', held('frozen'), async ({ home }) => await requeueHeld(on(), { lane: home.lane, now: at(), recheckAt: at(), limit: 100 })],
  ['asking for one of the small ones', held('below_minimum'), async ({ home }) => await requeueHeld(on(), { lane: home.lane, now: at(), recheckAt: at(), limit: 100 })],
  ['queueing small ones together', held('below_minimum'), async ({ home, ids }) => await queueTogether(on(), { lane: home.lane, shortfalls: [{ payout: present(ids[3], 'id'), enough: 1n }], atMost: 20, now: at(), recheckAt: at() })],
  [
    'queueing neighbours',
    async (given) => {
      await held('below_minimum')(given)
      await house.database.pool.query(`update apportion.payout set state = 'settled' where lane = $1 and role = 'lucky'`, [given.home.lane])
      await house.database.pool.query(`update apportion.payout set destination = (select destination from apportion.payout where lane = $1 and role = 'creator' limit 1) where lane = $1 and role = 'lucky'`, [given.home.lane])
    },
    async ({ home }) => {
      const { rows: lucky } = await house.database.pool.query<{ payout: string }>(`select payout from apportion.payout where lane = $1 and role = 'lucky'`, [home.lane])
      await queueNeighbours(on(), { lane: home.lane, settled: lucky.map(({ payout }) => payout), now: at(), limit: 100 })
    },
  ],
  ['waking what waits for money', held('no_funds'), async ({ home }) => await wakeUnfunded(on(), [home.lane], home.wallet.id)],
  ['waiting for approvals', async () => {}, async (given) => await awaitApprovals(on(), asked(given))],
  ['approving', held('rejected'), async (given) => await queueApproved(on(), asked(given))],
  ['rejecting', async (given) => await setAll(given, `state = 'awaiting_approval'`), async (given) => await holdRejected(on(), { ...asked(given), detail: 'no' })],
  ['locking for a decision', async () => {}, async (given) => await lockPayouts(on(), asked(given))],
  ['asking no more', async (given) => await setAll(given, `state = 'awaiting_approval'`), async ({ home }) => await releaseUnasked(on(), { lanes: [home.lane], above: {}, at: at() })],
  ['ending attempts', reserved, async ({ home, attempts }) => await run(endAttempts(home.lane, attempts.toReversed().map(endOf), at()))],
  [
    'naming a destination',
    async (given) => await setAll(given, `state = 'held', reason = 'no_wallet', destination = null`),
    async ({ home }) => await insertDestinations(on(), { ledger: home.ledger.id, destinations: [{ recipient: home.token, destination: { address: home.addresses.ai } }], at: at() }),
  ],
]

/** Which of these rows nobody has locked. */
async function free(table: 'payout' | 'attempt', lane: bigint, ids: readonly string[]): Promise<readonly string[]> {
  const { rows: found } = await house.database.pool.query<{ id: string }>(
    `select ${table} as id from apportion.${table} where lane = $1 and ${table} = any ($2::uuid[]) order by ${table} for no key update skip locked`,
    [lane, ids],
  )
  return found.map(({ id }) => id)
}

/** Runs `change` while the first of the rows is locked by somebody else. Answers which of the others it has not locked when it waits for that one. */
async function whileFirstIsLocked(table: 'payout' | 'attempt', lane: bigint, ids: readonly string[], change: () => Promise<unknown>): Promise<readonly string[]> {
  const client = await house.database.pool.connect()
  try {
    await client.query('begin')
    await client.query(`select from apportion.${table} where lane = $1 and ${table} = $2 for no key update`, [lane, ids[0]])
    const changed = change()
    await until('it waits', async () => {
      const { rowCount } = await house.database.pool.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
      return rowCount === 1 ? true : undefined
    })
    const others = await free(table, lane, ids.slice(1))
    await client.query('rollback')
    await changed
    return others
  } finally {
    client.release()
  }
}

describe('payouts are taken in the order of their ids', () => {
  it.each(CASES)('by %s', async (_, before, change) => {
    const given = await crowd()
    await before(given)
    // Of the small ones that are due, the one to be tried and the one that keeps the time are changed too: all of them.
    expect(await whileFirstIsLocked('payout', given.home.lane, given.ids, async () => await change(given))).toEqual(given.ids.slice(1))
  })

  it('by reserving too, which waits for nobody and gets fewer', async () => {
    const given = await crowd()
    const client = await house.database.pool.connect()
    try {
      await client.query('begin')
      await client.query('select from apportion.payout where lane = $1 and payout = $2 for no key update', [given.home.lane, given.ids[3]])
      const { text, values } = reservePayouts(given.home.lane, given.attempts, at())
      const { rowCount } = await house.main.world.store.pool.query(text, [...values])
      expect(rowCount).toBe(SALES - 1)
    } finally {
      await client.query('rollback')
      client.release()
    }
  })
})

describe('attempts are taken in the order of their ids', () => {
  const idsOf = ({ attempts }: Crowd): readonly string[] => attempts.map(({ attempt }) => attempt).toSorted()
  const turned = ({ attempts }: Crowd): readonly string[] => idsOf({ attempts } as Crowd).toReversed()

  it.each<readonly [string, (given: Crowd) => Promise<unknown>]>([
    ['keeping what looks said', async (given) => await recordLooks(on(), given.home.lane, turned(given).map((attempt) => ({ attempt, state: 'submitted', reason: null, looks: 1, lookAt: at(), expired: false })))],
    ['keeping what submitting answered', async (given) => await recordSubmits(on(), given.home.lane, turned(given).map((attempt) => ({ attempt, state: 'submitted', reason: 'accepted', lookAt: at(), submitAt: at() })))],
    ['ending them', async ({ home, attempts }) => await run(endAttempts(home.lane, attempts.toReversed().map(endOf), at()))],
  ])('by %s', async (_, change) => {
    const given = await crowd()
    await reserved(given)
    expect(await whileFirstIsLocked('attempt', given.home.lane, idsOf(given), async () => await change(given))).toEqual(idsOf(given).slice(1))
  })
})
