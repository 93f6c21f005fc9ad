// The recorder as its callers meet it: one answer a reference for ever, however many ask at once and through whichever door, and nobody's
// refusal or lock at another's cost.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, insertSale, mustRecord, openHouse, record, sale, statusOf, type Home, type House } from '../../test/house.ts'
import { until } from '../../test/effects.ts'
import { present } from '../core/assert.ts'
import type { EventInput } from '../core/event.ts'
import { formatUnits, MAX_UNITS } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { event as readEvent, events } from './read-ledger.ts'
import { eventDocument } from './documents.ts'
import type { RecordedEvent, RecordResult } from './recorder.ts'
import { takeInboxRows } from './take-inbox.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const ONE_DAY = { hours: 24 }

function eventIn(result: RecordResult | undefined): RecordedEvent {
  if (result === undefined || result.state === 'refused') throw new Error(`refused: ${result?.refusal.message ?? 'no result'}`)
  return result.event
}

function refusalIn(result: RecordResult | undefined): Refusal {
  if (result?.state !== 'refused') throw new Error(`not refused but ${result?.state ?? 'unanswered'}`)
  return result.refusal
}

async function countEvents({ ledger }: Home): Promise<bigint> {
  const { rows } = await house.database.pool.query<{ count: bigint }>(`select count(*) as count from apportion.event where lane = any ($1)`, [ledger.lanes])
  return present(rows[0], 'a row').count
}

describe('thirty callers with one reference', () => {
  it.each([1, 3])('are one event and get one answer, from %i processes', async (count) => {
    const home = await house.makeLedger()
    const processes = [house.main, ...Array.from({ length: count - 1 }, () => house.start())]
    const callers = Array.from({ length: 30 }, async (_, caller) => {
      return (await record(present(processes[caller % count], 'process'), home, [sale(home, 'same', '100')]))[0]
    })
    const results = await Promise.all(callers)
    expect(results.filter((result) => result?.state === 'recorded')).toHaveLength(1)
    expect(results.filter((result) => result?.state === 'duplicate')).toHaveLength(29)
    const [first, ...others] = results.map(eventIn)
    for (const other of others) expect(other).toEqual(first)
    expect(await readEvent(house.main.world, home.ledger, 'same')).toEqual(eventDocument(present(first, 'event')))
    expect(await countEvents(home)).toBe(1n)
    expect(await breaks(house, home)).toEqual([])
  })

  it('of whom each sends another amount: one is recorded, the others conflict and see what it was', async () => {
    const home = await house.makeLedger()
    const results = await Promise.all(Array.from({ length: 30 }, async (_, caller) => (await record(house.main, home, [sale(home, 'same', `${caller + 1}`)]))[0]))
    const recorded = results.filter((result) => result?.state === 'recorded').map(eventIn)
    expect(recorded).toHaveLength(1)
    const refusals = results.filter((result) => result?.state === 'refused').map(refusalIn)
    expect(refusals).toHaveLength(29)
    for (const { code, details } of refusals) {
      expect(code).toBe('reference_conflict')
      expect(details).toMatchObject({ field: 'sale_amount', recorded: formatUnits(recorded[0]?.units ?? 0n, 9) })
      expect(details['given']).not.toBe(details['recorded'])
    }
  })
})

describe('the same reference again', () => {
  it('gets the first answer for ever, even when the event would not be taken today', async () => {
    const home = await house.makeLedger()
    const first = await mustRecord(house.main, home, sale(home, 'old', '0.000000001'))
    house.elapse({ hours: 24 * 30 })
    const late = sale(home, 'old', '0.000000001', { event_at: first.eventAt.toString() })
    const [again] = await record(house.start(), home, [late])
    expect(again).toEqual({ state: 'duplicate', event: first })
    // A share of zero units is in both answers.
    expect(first.shares.map(({ units }) => units)).toEqual([1n, 0n, 0n, 0n])
  })

  it('with another party conflicts and names the field', async () => {
    const home = await house.makeLedger()
    const { number } = await mustRecord(house.main, home, sale(home, 'party', '5'))
    const [result] = await record(house.main, home, [sale(home, 'party', '5', { token_id: crypto.randomUUID() })])
    const { code, details, message } = refusalIn(result)
    expect(code).toBe('reference_conflict')
    expect(details).toMatchObject({ field: 'token_id', fields: ['token_id'], event: number.toString() })
    expect(message).toContain('party was recorded before with another token_id:')
  })

  it('with amounts that are not those recorded is refused, and with those that are it is the same event', async () => {
    const home = await house.makeLedger()
    const first = await mustRecord(house.main, home, sale(home, 'claims', '100'))
    const results = await record(house.main, home, [
      sale(home, 'claims', '100', { dao_amount: '14' }),
      sale(home, 'claims', '100', { dao_amount: '15', reinvestment_amount: '80' }),
      sale(home, 'claims', '100', { note: 'again' }),
      sale(home, 'both', '1', { dao_amount: '0.15' }),
      sale(home, 'both', '1', { dao_amount: '0.16' }),
    ])
    expect(refusalIn(results[0])).toMatchObject({ code: 'event_share_mismatch', details: { field: 'dao_amount', given: '14.000000000', expected: '15.000000000' } })
    expect(results.slice(1, 3)).toEqual([{ state: 'duplicate', event: first }, { state: 'duplicate', event: first }])
    expect(results[3]?.state).toBe('recorded')
    expect(refusalIn(results[4])).toMatchObject({ code: 'event_share_mismatch', details: { field: 'dao_amount' } })
  })

  it('conflicts also inside one batch, where the first one counts', async () => {
    const home = await house.makeLedger()
    const [first, second, third] = await record(house.main, home, [sale(home, 'twice', '1'), sale(home, 'twice', '2'), sale(home, 'twice', '1')])
    expect(first?.state).toBe('recorded')
    expect(refusalIn(second)).toMatchObject({ code: 'reference_conflict', details: { given: '2.000000000', recorded: '1.000000000', asset: 'SOL/9' } })
    expect(third).toEqual({ state: 'duplicate', event: eventIn(first) })
  })
})

describe('a refusal', () => {
  it('names the party whom the plan gives a share and the event does not', async () => {
    const home = await house.makeLedger()
    const [result] = await record(house.main, home, [{ ...sale(home, 'nobody', '1'), parties: {} }])
    expect(refusalIn(result)).toMatchObject({ code: 'recipient_not_found', details: { field: 'creator' } })
  })

  it('in a batch takes nobody down and spends no reference', async () => {
    const home = await house.makeLedger()
    const wrong = sale(home, 'wrong', '100', { reinvestment_amount: '81' })
    const results = await record(house.main, home, [sale(home, 'before', '1'), wrong, sale(home, 'after', '1')])
    expect(results.map(({ state }) => state)).toEqual(['recorded', 'refused', 'recorded'])
    expect(refusalIn(results[1])).toMatchObject({ code: 'event_share_mismatch', details: { field: 'reinvestment_amount', given: '81.000000000', expected: '80.000000000' } })
    expect(eventIn(results[2]).number).toBe(eventIn(results[0]).number + 1n)
    const [again] = await record(house.main, home, [sale(home, 'wrong', '100', { reinvestment_amount: '80' })])
    expect(again?.state).toBe('recorded')
    expect(await breaks(house, home)).toEqual([])
  })

  it('alone writes nothing, no block and no row', async () => {
    const home = await house.makeLedger()
    const [result] = await record(house.main, home, [sale(home, 'wrong', '100', { dao_amount: '16' })])
    expect(refusalIn(result).code).toBe('event_share_mismatch')
    const { rows } = await house.database.pool.query(`select block from apportion.head where lane = $1`, [home.lane])
    expect(rows).toEqual([{ block: 0n }])
    expect(await statusOf(house, home, 'wrong')).toBeUndefined()
  })

  it('of more than 39 digits leaves the account as it was', async () => {
    const home = await house.makeLedger({ inbox: false })
    const large = (reference: string): EventInput => ({ ...sale(home, reference, '1'), units: MAX_UNITS })
    const results = await record(house.main, home, [large('largest'), large('too much'), sale(home, 'one more', '1')])
    expect(results.map(({ state }) => state)).toEqual(['recorded', 'refused', 'refused'])
    expect(refusalIn(results[1])).toMatchObject({ code: 'balance_exceeded', details: { account: 'expected', debits: (2n * MAX_UNITS).toString() } })
    expect((await accounts(house, home))['expected']).toBe(MAX_UNITS)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('time', () => {
  const at = (by: Temporal.DurationLike): { event_at: string } => ({ event_at: house.now().add(by).toString() })

  it('takes an event of up to five minutes in the future, and refuses a later one with both instants', async () => {
    const home = await house.makeLedger()
    const [near, far] = await record(house.main, home, [sale(home, 'near', '1', at({ minutes: 5 })), sale(home, 'far', '1', at({ minutes: 5, seconds: 1 }))])
    expect(near?.state).toBe('recorded')
    expect(refusalIn(far)).toMatchObject({ code: 'event_time_exceeded', details: { field: 'event_at', now: house.now().toString() } })
    house.elapse({ seconds: 1 })
    expect((await record(house.main, home, [sale(home, 'far', '1', at({ minutes: 5 }))]))[0]?.state).toBe('recorded')
  })

  it('takes an event of more than seven days ago only with the right to backdate, and marks it', async () => {
    const home = await house.makeLedger()
    const old = sale(home, 'old', '1', at({ hours: -7 * 24, seconds: -1 }))
    expect(refusalIn((await record(house.main, home, [old]))[0]).code).toBe('event_backdated_forbidden')
    const [admitted] = await record(house.main, home, [old], { mayBackdate: true })
    expect(eventIn(admitted)).toMatchObject({ backdated: true, eventAt: old.eventAt })
    expect(eventIn((await record(house.main, home, [sale(home, 'young', '1', at({ hours: -7 * 24 }))]))[0]).backdated).toBe(false)
  })

  it('is that of recording where the source says none', async () => {
    const home = await house.makeLedger()
    house.elapse(ONE_DAY)
    expect(await mustRecord(house.main, home, sale(home, 'now', '1'))).toMatchObject({ eventAt: house.now(), recordedAt: house.now() })
  })

  it('of the journal never runs backwards, although a clock does', async () => {
    const home = await house.makeLedger()
    const first = await mustRecord(house.main, home, sale(home, 'first', '1'))
    const behind = house.start({ now: () => house.now().subtract(ONE_DAY) })
    const [second] = await record(behind, home, [sale(home, 'second', '1')])
    expect(eventIn(second).recordedAt).toEqual(first.recordedAt)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('test references', () => {
  it('are refused where real money is paid, and taken in the sandbox', async () => {
    const [sandbox, real] = [await house.makeLedger(), await house.makeLedger({ sandbox: false })]
    expect((await record(house.main, sandbox, [sale(sandbox, 'TEST_1', '1')]))[0]?.state).toBe('recorded')
    const [refused] = await record(house.main, real, [sale(real, 'TEST_1', '1')])
    expect(refusalIn(refused)).toMatchObject({ code: 'reference_test_forbidden', details: { field: 'reference', value: 'TEST_1' } })
    expect((await record(house.main, real, [sale(real, 'test_1', '1')]))[0]?.state).toBe('recorded')
  })
})

describe('several lanes', () => {
  it('hold each reference in one of them, related ones in the same, and add up', async () => {
    const home = await house.makeLedger({ lanes: 4 })
    const references = Array.from({ length: 40 }, (_, index) => [`sale ${index}`, `sale ${index}/refund`]).flat()
    const results = await record(house.main, home, references.map((reference) => sale(home, reference, '1')))
    const lanes = new Map(results.map((result) => [eventIn(result).reference, eventIn(result).lane]))
    expect(new Set(lanes.values()).size).toBe(4)
    for (let index = 0; index < 40; index += 1) expect(lanes.get(`sale ${index}/refund`)).toBe(lanes.get(`sale ${index}`))
    expect((await accounts(house, home))['payable:ai']).toBe(80n * 800_000_000n)
    const duplicates = await record(house.start(), home, references.map((reference) => sale(home, reference, '1')))
    expect(duplicates.map(eventIn)).toEqual(results.map(eventIn))
    expect(await breaks(house, home)).toEqual([])
    const seen: string[] = []
    for (let cursor: string | null = null; ; ) {
      const page: Awaited<ReturnType<typeof events>> = await events(house.main.world, home.ledger, { cursor, limit: 7 })
      seen.push(...page.items.map(({ reference }) => reference))
      cursor = page.next
      if (cursor === null) break
    }
    expect(seen.toSorted()).toEqual(references.toSorted())
  })
})

describe('two processes on one lane in turn', () => {
  it('never see a balance that the other one has moved', async () => {
    const home = await house.makeLedger()
    const [one, other] = [house.start(), house.start()]
    let paid = 0n
    for (let turn = 0; turn < 40; turn += 1) {
      // Sometimes one of them has several turns, and sometimes both want the lane at once.
      const who = turn % 3 === 0 ? [one] : turn % 3 === 1 ? [other] : [one, other]
      const amounts = await Promise.all(
        who.map(async (process, place) => {
          // A new party's accounts must be read, beside those that are remembered.
          const own = turn % 4 === 0 ? { token_id: crypto.randomUUID() } : {}
          return eventIn((await record(process, home, [sale(home, `turn ${turn} ${place}`, `${turn + place + 1}`, own)]))[0]).units
        }),
      )
      paid += amounts.reduce((all, units) => all + units, 0n)
    }
    expect((await accounts(house, home))['expected']).toBe(paid)
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('too many events waiting', () => {
  it('are refused at once with the figures, and what waits is recorded', async () => {
    const home = await house.makeLedger({ inbox: false })
    const many = Array.from({ length: 20_000 }, () => sale(home, 'one', '1'))
    const waiting = record(house.main, home, many)
    const late = record(house.main, home, [sale(home, 'late', '1')])
    await expect(late).rejects.toMatchObject({ code: 'queue_exceeded', details: { given: 1, limit: 20_000 } })
    const results = await waiting
    expect(new Set(results.map(({ state }) => state))).toEqual(new Set(['recorded', 'duplicate']))
    expect((await record(house.main, home, [sale(home, 'late', '1')]))[0]?.state).toBe('recorded')
  })
})

describe("somebody's open transaction with the same reference", () => {
  it('is told to its own caller only, and holds nobody else up', async () => {
    const home = await house.makeLedger()
    const client = await house.database.pool.connect()
    try {
      await client.query('begin')
      await client.query(`insert into ${home.schema}.profit_events (token_id, sale_amount, transaction_hash) values ($1, 100, 'held')`, [home.token])
      const batch = Array.from({ length: 1000 }, (_, index) => sale(home, index === 700 ? 'held' : `free ${index}`, '100'))
      const results = await record(house.main, home, batch)
      expect(refusalIn(results[700])).toMatchObject({ code: 'reference_locked', details: { field: 'reference', value: 'held' } })
      expect(results.filter(({ state }) => state === 'recorded')).toHaveLength(999)
      await client.query('rollback')
    } finally {
      client.release()
    }
    const [again] = await record(house.main, home, [sale(home, 'held', '100')])
    expect(again?.state).toBe('recorded')
    expect(await statusOf(house, home, 'held')).toMatchObject({ state: 'recorded' })
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('the same sale by SQL, API and command line at once', () => {
  it('is one event and one row', async () => {
    const home = await house.makeLedger()
    const [api, cli] = [house.start(), house.start()]
    for (let turn = 0; turn < 8; turn += 1) {
      const reference = `door ${turn}`
      const byDoor = async (process: typeof api, door: string): Promise<RecordResult> => {
        return await until('an answer that is none of a lock', async () => {
          const [result] = await record(process, home, [sale(home, reference, '100')], { door })
          return result?.state === 'refused' && result.refusal.code === 'reference_locked' ? undefined : result
        })
      }
      const bySql = insertSale(house, home, reference, '100').catch((error: unknown) => {
        // The unique key's own error: one of the other doors was first.
        expect(error).toMatchObject({ code: '23505' })
      })
      const take = async (): Promise<number> => await takeInboxRows(house.main.world, house.main.recorder, home.ledger)
      const [first, second] = await Promise.all([byDoor(api, 'api'), byDoor(cli, 'cli'), bySql, take()])
      await take()
      expect(eventIn(first)).toEqual(eventIn(second))
      expect(await statusOf(house, home, reference)).toMatchObject({ state: 'recorded', event: eventIn(first).number })
    }
    expect(await countEvents(home)).toBe(8n)
    const { rows } = await house.database.pool.query(`select count(*) as rows from ${home.schema}.profit_events`)
    expect(rows).toEqual([{ rows: 8n }])
    expect(await breaks(house, home)).toEqual([])
  })
})

describe('a table that does not take a row', () => {
  it('refuses that event alone, in its own words', async () => {
    const home = await house.makeLedger()
    await house.database.pool.query(`alter table ${home.schema}.profit_events add constraint no_small_ones check (sale_amount >= 1)`)
    const results = await record(house.main, home, [sale(home, 'large', '5'), sale(home, 'small', '0.5'), sale(home, 'other', '5')])
    expect(results.map(({ state }) => state)).toEqual(['recorded', 'refused', 'recorded'])
    expect(refusalIn(results[1])).toMatchObject({ code: 'inbox_row_forbidden', details: { reference: 'small', constraint: 'no_small_ones' } })
    await house.database.pool.query(`alter table ${home.schema}.profit_events drop constraint no_small_ones`)
    expect((await record(house.main, home, [sale(home, 'small', '0.5')]))[0]?.state).toBe('recorded')
    expect(await breaks(house, home)).toEqual([])
  })
})
