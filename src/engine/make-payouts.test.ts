// How far a lane's shares have become payouts: what was looked at once is not looked at again, however much of it is no share.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function places({ lane }: PaperLedger): Promise<{ cursor: bigint; head: bigint; payouts: bigint; version: string }> {
  const { rows } = await paper.database.pool.query<{ cursor: bigint; head: bigint; payouts: bigint; version: string }>(
    `select payout_cursor.transfer as cursor, payout_cursor.xmin::text || ' ' || payout_cursor.xmax::text as version, head.transfer as head,
      (select count(*) from apportion.payout where payout.lane = $1) as payouts
     from apportion.payout_cursor join apportion.head using (lane) where lane = $1`,
    [lane],
  )
  return rows[0] as Awaited<ReturnType<typeof places>>
}

it('moves past the movements of payouts, so that they are not read at every step for ever', async () => {
  const made = await paper.open('moving')
  await made.record([paperEvent('a', 1000n)])
  await made.nameDrawers(['house', 'fund', 'guest-1'])
  await made.makePayouts()
  await made.send()
  await made.look()
  const { head } = await places(made)
  expect(head).toBeGreaterThan(4n)
  await made.makePayouts()
  expect(await places(made)).toMatchObject({ cursor: head, payouts: 3n })
  await made.record([paperEvent('b', 1000n)])
  await made.makePayouts()
  expect(await places(made)).toMatchObject({ cursor: head + 4n, payouts: 6n })
  expect((await verify(made.world, made.ledger)).breaks).toEqual([])
})

it('writes and locks nothing while nothing was posted', async () => {
  const made = await paper.open('idle')
  await made.record([paperEvent('a', 1000n)])
  await made.makePayouts()
  const before = await places(made)
  await made.makePayouts()
  expect(await places(made)).toEqual(before)
})
