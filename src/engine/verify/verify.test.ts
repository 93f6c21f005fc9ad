// The whole of `verify` on ledgers made by the engine: what is sound counts as sound, whatever it went through.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { ASSET, paperDatabase, paperEvent, settled, type PaperDatabase } from '../../../test/paper-ledger.ts'
import { reverse } from '../../../test/reversing.ts'
import { until } from '../../../test/effects.ts'
import { createPool } from '../../store/pool.ts'
import { verificationSchema, verificationSentences, verify, verifyOnward } from '../verify.ts'
import { CHECKS } from './findings.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

it('finds an empty ledger sound', async () => {
  const { world, ledger } = await paper.open('empty')
  const report = await verify(world, ledger)
  expect(report).toMatchObject({ format: 1, ok: true, complete: true, breaks: [], lanes: [{ position: 0, blocks: '0', transfers: '0' }] })
  expect(verificationSchema.parse(report)).toEqual(report)
})

it('finds a ledger sound whose payouts were settled, failed, expired, held and are on their way', async () => {
  const busy = await paper.open('busy', { lanes: 3, inbox: true })
  const { world, ledger, network } = busy
  const breaks = async () => (await verify(world, ledger)).breaks
  await busy.record(Array.from({ length: 20 }, (_, index) => paperEvent(`sale ${index}`, BigInt(index * 37 + 1))))
  expect(await breaks()).toEqual([])
  network.movements.push({ identity: 'in 1', asset: ASSET, units: 1000n, direction: 'in', at: null, proof: { receipt: 'in 1' } })
  network.movements.push({ identity: 'out 1', asset: ASSET, units: 10n, direction: 'out', at: null, proof: { receipt: 'out 1' } })
  await busy.watch()
  await busy.nameDrawers(['house', 'fund'])
  await busy.makePayouts()
  await busy.send()
  expect(await breaks()).toEqual([])
  let looks = 0
  network.look = (identity) => {
    looks += 1
    if (looks % 3 === 0) return { state: 'never', proof: { gone: identity } }
    if (looks % 3 === 1) return settled(identity)
    return { state: 'failed', reason: 'torn', member: null, hold: null, proof: { torn: identity }, costs: [{ kind: 'fee', asset: ASSET, units: 5n }] }
  }
  await busy.look()
  expect(await breaks()).toEqual([])
  await busy.nameDrawers(['guest-1'])
  await reverse(busy, 'sale 7', { reference: 'sale 7/refund', units: 100n })
  await busy.record([paperEvent('late', 12345n), paperEvent('sale 7/next', 1000n)])
  await busy.makePayouts()
  await busy.send()
  await busy.look()
  await verifyOnward(world, ledger)
  const report = await verify(world, ledger)
  expect(report).toMatchObject({ ok: true, complete: true, breaks: [] })
  expect(verificationSchema.parse(report)).toEqual(report)
  expect(report.checks.map(({ name }) => name).toSorted()).toEqual(Object.keys(CHECKS).filter((name) => !['lane', 'snapshot', 'large_distribution'].includes(name)).toSorted())
  expect(report.checks.filter(({ count }) => count === '0')).toEqual([])
  const [said, ...size] = verificationSentences(report)
  expect(said).toMatch(/^The ledger busy is sound: [0-9]+ checks, no break\.$/)
  expect(size.map((line) => line.replace(/[0-9a-f]{64}$/, 'hash'))).toEqual(
    report.lanes.map(({ position, blocks, events, transfers }) => `lane ${position}: ${blocks} blocks, ${events} events, ${transfers} transfers; head hash`),
  )
})

it('works on one instant of the ledger while others go on recording', async () => {
  const lively = await paper.open('lively')
  const { world, ledger } = lively
  await lively.record([paperEvent('first', 100n)])
  const seen: bigint[] = []
  let recorded = Promise.resolve()
  const report = await verify(world, ledger, {
    onProgress: ({ transfers }) => {
      seen.push(transfers)
      recorded = lively.record([paperEvent('meanwhile', 50n)]).then(() => lively.makePayouts())
    },
  })
  await recorded
  expect(report).toMatchObject({ ok: true, lanes: [{ events: '1', transfers: '4' }] })
  expect(seen).toEqual([4n])
  expect(await verify(world, ledger)).toMatchObject({ ok: true, lanes: [{ events: '2', transfers: '8' }] })
})

it('stops when it has found enough, and says so', async () => {
  const made = await paper.open('enough')
  await made.record(Array.from({ length: 5 }, (_, index) => paperEvent(`sale ${index}`, 1000n)))
  await paper.database.pool.query(`update apportion.transfer set units = units + 1 where lane = $1 and kind = 'share'`, [made.lane])
  const report = await verify(made.world, made.ledger, { maxBreaks: 3 })
  expect(report).toMatchObject({ ok: false, complete: false })
  expect(report.breaks.map(({ check, where }) => [check, where.event])).toEqual([
    ['distribution', '1'],
    ['distribution', '1'],
    ['distribution', '1'],
  ])
  expect(verificationSentences(report)[0]).toBe(
    'The ledger enough is broken: 3 breaks, the first in lane 0, block 1, event 1 (sale 0), transfer 2. Nothing after the last of them was looked at.',
  )
  // Its connection is fit for use again.
  expect(await verify(made.world, made.ledger)).toMatchObject({ ok: false, complete: true })
})

it('goes on from its last checkpoint, and from the first block when that is not what was verified', async () => {
  const made = await paper.open('onward', { lanes: 2 })
  const { world, ledger } = made
  const more = async (name: string) => await made.record(Array.from({ length: 8 }, (_, index) => paperEvent(`${name} ${index}`, 1001n)))
  const firsts = async () => (await verifyOnward(world, ledger)).lanes.map(({ from_block: first }) => first)
  expect(await firsts()).toEqual(['1', '1'])
  await more('c')
  expect(await firsts()).toEqual(['1', '1'])
  await more('b')
  expect(await firsts()).toEqual(['2', '2'])
  expect(verificationSentences(await verifyOnward(world, ledger)).at(-1)).toContain(', of which the journal was checked from block 3 on; head ')
  // What was changed before a checkpoint, in no hash or balance that is looked at, is not seen from there on; from the first block it is.
  const owner = paper.database.pool
  await owner.query(`update apportion.event set door = 'other' where lane = $1 and number = 1`, [made.lane])
  expect(await verifyOnward(world, ledger)).toMatchObject({ ok: true })
  expect(await verify(world, ledger, { from: { block: 2n } })).toMatchObject({ ok: true, lanes: [{ from_block: '2' }, { from_block: '2' }] })
  expect(await verify(world, ledger)).toMatchObject({ ok: false, lanes: [{ from_block: '1' }, { from_block: '1' }] })
  await owner.query(`update apportion.event set door = 'test' where lane = $1 and number = 1`, [made.lane])
  await more('a')
  const lastOfTwo = '(select last_transfer from apportion.block where lane = $1 and number = 2)'
  await owner.query(`update apportion.balance set credits = credits + 1 where lane = $1 and transfer = ${lastOfTwo}`, [made.lane])
  const standing = await verifyOnward(world, ledger)
  expect(standing.breaks[0]).toMatchObject({ check: 'checkpoint', where: { lane: 0, block: '2' }, found: expect.stringMatching(/^the digest [0-9a-f]{64}$/) })
  expect(standing.lanes.map(({ from_block: first }) => first)).toEqual(['1', '3'])
  await owner.query(`update apportion.balance set credits = credits - 1 where lane = $1 and transfer = ${lastOfTwo}`, [made.lane])
  await owner.query(`update apportion.checkpoint set hash = sha256('') where lane = $1 and block = 1`, [made.lane])
  for (const report of [await verifyOnward(world, ledger), await verify(world, ledger)]) {
    expect(report.breaks).toMatchObject([{ check: 'checkpoint', where: { lane: 0, block: '1' } }])
  }
  for (const block of [0n, 99n]) await expect(verify(world, ledger, { from: { block } })).rejects.toMatchObject({ code: 'field_malformed' })
})

it('takes as long as its tables are large, whatever other questions may take', async () => {
  const made = await paper.open('patient')
  await made.record([paperEvent('sale', 1000n)])
  const pool = createPool({ url: paper.database.appUrl, max: 2, applicationName: 'patient', statementTimeoutMs: 500 })
  const holder = await paper.database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('lock table apportion.payout in access exclusive mode')
    const verified = verify({ ...made.world, store: { ...made.world.store, pool } }, made.ledger)
    let end: string | undefined
    void verified.then(() => (end = 'done'), () => (end = 'ended'))
    // Until one of its statements has taken longer than that, or has been ended for it.
    const seen = await until('a long statement', async () => {
      const { rows } = await paper.database.pool.query<{ long: boolean }>(
        `select clock_timestamp() - query_start > interval '600 ms' as long from pg_stat_activity where application_name = 'patient' and state = 'active'`,
      )
      return rows.some(({ long }) => long) ? 'long' : end
    })
    expect(seen).toBe('long')
    await holder.query('rollback')
    expect((await verified).breaks).toEqual([])
  } finally {
    await holder.query('rollback')
    holder.release()
    await pool.end()
  }
})
