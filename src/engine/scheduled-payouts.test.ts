// A ledger with a schedule: payouts are made at its instants of the shares recorded before, once, however late and often anybody looks.

import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { expectSound, payoutsBy, reverse } from '../../test/reversing.ts'
import { createWorker } from '../worker/worker.ts'
import { ledgerDetailDocument } from './documents.ts'
import { createLedgers } from './ledger.ts'
import { makePayouts } from './make-payouts.ts'
import { createRecorder } from './recorder.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

type Scheduled = PaperLedger & { readonly at: (now: string) => Promise<number>; readonly recordAt: (now: string, reference: string, units?: bigint) => Promise<unknown> }

/** The paper ledger with payouts each day at nine, at any time that is named. Each look is by a process that knows nothing of earlier ones. */
async function scheduled(name: string): Promise<Scheduled> {
  const opened = await paper.open(name)
  const ledger = { ...opened.ledger, program: { ...opened.ledger.program, schedule: { every: 'day', at: '09:00' } as const } }
  const { pool } = paper.database
  return {
    ...opened,
    ledger,
    at: async (now) => await makePayouts({ ...opened.world, now: () => Temporal.Instant.from(now) }, ledger, opened.lane),
    recordAt: async (now, reference, units = 1000n) => {
      await opened.record([paperEvent(reference, units)])
      // Recorded by the machine's clock; the journal's instants are what the schedule goes by.
      await pool.query(`update apportion.block set recorded_at = $2 where lane = $1 and number = (select max(number) from apportion.block where lane = $1)`, [opened.lane, now])
    },
  }
}

it('makes payouts at each instant of what was recorded before it, and nothing of what came at it or later', async () => {
  const ledger = await scheduled('daily')
  await ledger.recordAt('2026-03-01T10:00:00Z', 'a')
  expect(await ledger.at('2026-03-02T08:59:59.999999Z')).toBe(0)
  expect(await payoutsBy(ledger, 'a')).toEqual({})
  expect(await ledger.at('2026-03-02T09:00:00Z')).toBe(3)
  await ledger.recordAt('2026-03-02T09:00:00Z', 'b')
  expect([await ledger.at('2026-03-02T09:00:01Z'), await ledger.at('2026-03-03T08:00:00Z')]).toEqual([0, 0])
  expect(await payoutsBy(ledger, 'b')).toEqual({})
  expect([await ledger.at('2026-03-03T09:00:00Z'), await ledger.at('2026-03-03T09:00:00Z')]).toEqual([3, 0])
  expect(Object.keys(await payoutsBy(ledger, 'b'))).toHaveLength(3)
})

it('catches up with runs that were missed once, by as many processes as there are, and not with what is not due yet', async () => {
  const ledger = await scheduled('missed')
  await ledger.recordAt('2026-03-01T10:00:00Z', 'a')
  await ledger.recordAt('2026-03-03T10:00:00Z', 'b')
  await ledger.recordAt('2026-03-09T10:00:00Z', 'c')
  const made = await Promise.all([1, 2, 3].map(async () => await ledger.at('2026-03-09T12:00:00Z')))
  expect(made.reduce((all, each) => all + each, 0)).toBe(6)
  expect(await ledger.at('2026-03-09T23:00:00Z')).toBe(0)
  expect(await payoutsBy(ledger, 'c')).toEqual({})
  expect(await ledger.at('2026-03-10T09:00:00Z')).toBe(3)
  const { rows } = await paper.database.pool.query(`select count(*)::integer as payouts, count(distinct (event, part))::integer as shares from apportion.payout where lane = $1`, [ledger.lane])
  expect(rows).toEqual([{ payouts: 9, shares: 9 }])
})

it('takes a reversal out of what waits for its instant', async () => {
  const ledger = await scheduled('reversed')
  await ledger.record([paperEvent('a', 1000n)])
  await reverse(ledger, 'a', { reference: 'refund', units: 500n })
  const tomorrow = ledger.world.now().add({ hours: 24 }).toString()
  expect(await ledger.at(tomorrow)).toBe(3)
  expect(await payoutsBy(ledger, 'a')).toEqual({ house: 'no_wallet 350', fund: 'no_wallet 100', guest: 'guest_unknown 50' })
  await expectSound(ledger, ['a', 'refund'])
})

it('says when payouts were made last and are made next', async () => {
  const ledger = await scheduled('shown')
  expect(ledgerDetailDocument(ledger.ledger, Temporal.Instant.from('2026-03-02T09:00:00Z')).schedule).toEqual({
    payouts: { every: 'day', at: '09:00' },
    last_run_at: '2026-03-02T09:00:00Z',
    next_run_at: '2026-03-03T09:00:00Z',
  })
})

it('is kept by workers: nothing before the instant, all of it then, and one that was stopped meanwhile catches up once', async () => {
  const ledger = await scheduled('worked')
  let [clock, looks] = ['2026-03-01T12:00:00Z', 0]
  const now = (): Temporal.Instant => {
    looks += 1
    return Temporal.Instant.from(clock)
  }
  const world = { ...ledger.world, now, programs: new Map([['paper', ledger.ledger.program]]) }
  const made = async (): Promise<number> => {
    const { rows } = await paper.database.pool.query<{ payouts: number }>(`select count(*)::integer as payouts from apportion.payout where lane = $1`, [ledger.lane])
    return rows[0]?.payouts ?? 0
  }
  const work = async (until: () => Promise<boolean>): Promise<void> => {
    const worker = createWorker(world, { ledgers: createLedgers(world), recorder: createRecorder(world) })
    worker.start()
    try {
      await vi.waitUntil(until, { timeout: 20_000 })
    } finally {
      await worker.stop()
    }
  }
  await ledger.recordAt('2026-03-01T11:00:00Z', 'a')
  await work(async () => await Promise.resolve(looks > 30))
  expect(await made()).toBe(0)
  clock = '2026-03-02T09:00:00Z'
  await work(async () => (await made()) === 3)
  await ledger.recordAt('2026-03-02T10:00:00Z', 'b')
  await ledger.recordAt('2026-03-04T10:00:00Z', 'c')
  await ledger.recordAt('2026-03-06T10:00:00Z', 'd')
  clock = '2026-03-06T12:00:00Z'
  looks = 0
  await work(async () => (await made()) >= 9 && looks > 30)
  expect(await made()).toBe(9)
})
