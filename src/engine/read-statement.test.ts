// Statements of recipients over spans, compared with a plain walk over all transfers: sums, lines page by page, and the law that they keep.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mustRecord, openHouse, record, round, sale, type Home, type House } from '../../test/house.ts'
import { walkedTransfers, type Walked } from '../../test/walk.ts'
import { accountsOfRecipient } from '../core/account.ts'
import { statement, statementLines, type StatementLineDocument, type StatementOrder } from './read-statement.ts'

let house: House
let home: Home
let walked: readonly Walked[] = []
const RECIPIENTS = ['ai', 'dao', 'lucky'] as const

beforeAll(async () => {
  house = await openHouse()
  home = await house.makeLedger({ lanes: 2, funds: 2000n, creator: false })
  // The second lane, where nothing was posted yet, goes on from the end of an era of its balances: its sales are on both sides of it.
  await house.database.pool.query('update apportion.head set transfer = (1 << 22) - 40 where lane = $1 and transfer = 0', [home.ledger.lanes[1]])
  for (let index = 0; index < 10; index += 1) {
    if (index % 3 === 0) house.elapse({ milliseconds: 10 })
    const ago = house.now().subtract({ minutes: (index * 7) % 10 }).toString()
    await mustRecord(house.main, home, sale(home, `sale-${index}`, '1.000000007', { event_at: ago }))
    await record(house.main, home, Array.from({ length: 3 }, (_, place) => sale(home, `batch-${index}-${place}`, '0.1')))
    if (index % 4 === 3) {
      for (let turn = 0; turn < 2; turn += 1) {
        house.chain.pass(6)
        house.elapse({ milliseconds: 120 })
        await round(house.main, home)
      }
    }
  }
  walked = await walkedTransfers(house, home)
})
afterAll(async () => await house.close())

const reader = () => ({ ...house.main.world, now: house.now })
const LINES: Readonly<Record<string, string>> = { share: 'earned', settled: 'paid', reserved: 'moved', released: 'moved' }

type Asked = { readonly recipient: string; readonly from: string | null; readonly to: string | null; readonly by: StatementOrder }

/** The entries of a recipient in the order asked for, with what is owed after each. */
function walkedLines({ recipient, by }: Pick<Asked, 'recipient' | 'by'>): readonly (Walked & { readonly instant: Temporal.Instant; readonly change: bigint; readonly balance: bigint })[] {
  const own = accountsOfRecipient(recipient)
  const told = walked.filter(({ debit, credit }) => own.includes(debit) || own.includes(credit)).map((entry) => ({ ...entry, instant: by === 'event_at' ? entry.event_at : entry.at }))
  let balance = 0n
  return told
    .toSorted((a, b) => Temporal.Instant.compare(a.instant, b.instant) || a.lane - b.lane || (a.lane === b.lane ? Number(BigInt(a.transfer) - BigInt(b.transfer)) : 0))
    .map((entry) => {
      const change = (own.includes(entry.credit) ? entry.units : 0n) - (own.includes(entry.debit) ? entry.units : 0n)
      balance += change
      return { ...entry, change, balance }
    })
}

async function allLines(asked: Asked, limit: number): Promise<readonly StatementLineDocument[]> {
  const lines: StatementLineDocument[] = []
  for (let cursor: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof statementLines>> = await statementLines(reader(), home.ledger, { ...asked, cursor, limit })
    lines.push(...page.items)
    if (page.next === null) return lines
    cursor = page.next
  }
}

async function check(asked: Asked, limit: number): Promise<void> {
  const inside = ({ instant }: { instant: Temporal.Instant }): boolean =>
    (asked.from === null || Temporal.Instant.compare(instant, asked.from) >= 0) && (asked.to === null || Temporal.Instant.compare(instant, asked.to) < 0)
  const all = walkedLines(asked)
  const within = all.filter(inside)
  const sum = (line: string): bigint => within.filter(({ kind }) => LINES[kind] === line).reduce((sums, { change }) => sums + change, 0n)
  const before = all.filter(({ instant }) => asked.from !== null && Temporal.Instant.compare(instant, asked.from) < 0)
  const opening = before.at(-1)?.balance ?? 0n
  const found = await statement(reader(), home.ledger, asked)
  const [figures] = found.assets
  expect(figures).toMatchObject({
    asset: 'SOL/9',
    opening: { units: opening.toString() },
    earned: { units: sum('earned').toString() },
    adjusted: { units: '0' },
    fees: { units: '0' },
    paid: { units: (-sum('paid')).toString() },
    closing: { units: (opening + sum('earned') + sum('paid')).toString() },
  })
  if (asked.by === 'recorded_at') {
    const standing = figures?.standing.reduce((units, each) => units + BigInt(each.units), 0n)
    expect(standing).toBe(BigInt(figures?.closing.units ?? ''))
  }
  const shown = (await allLines(asked, limit)).map(({ lane, transfer, line, change, balance }) => [lane, transfer, line, change.units, balance.units])
  expect(shown).toEqual(within.map(({ lane, transfer, kind, change, balance }) => [lane, transfer, LINES[kind], change.toString(), balance.toString()]))
}

it('is asked of balances of two eras', async () => {
  const { rows } = await house.database.pool.query<{ eras: number[] }>('select array_agg(distinct era order by era) as eras from apportion.balance where lane = $1', [home.ledger.lanes[1]])
  expect(rows).toEqual([{ eras: [0, 1] }])
})

describe('a statement', () => {
  it('has all that was earned and paid, by the order of recording and by that of events', async () => {
    for (const by of ['recorded_at', 'event_at'] as const) {
      for (const recipient of [...RECIPIENTS, home.token]) await check({ recipient, from: null, to: null, by }, 7)
    }
    const { assets } = await statement(reader(), home.ledger, { recipient: 'ai', from: null, to: null, by: 'recorded_at' })
    expect(BigInt(assets[0]?.paid.units ?? '')).toBeGreaterThan(0n)
    expect(assets[0]?.standing.map(({ account }) => account).toSorted()).toEqual(['in_flight', 'payable'])
  })

  it('holds for any span: opening + earned + adjusted − fees − paid = closing, line by line', async () => {
    const near = walked.flatMap(({ at, event_at: eventAt }) => [at, eventAt]).flatMap((at) => [at, at.add({ microseconds: 1 })])
    const instants = [...new Set(near.toSorted((a, b) => Temporal.Instant.compare(a, b)).map((at) => at.toString()))]
    const by = fc.constantFrom<StatementOrder>('recorded_at', 'event_at')
    const span = fc.tuple(fc.nat(instants.length - 1), fc.nat(instants.length - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...RECIPIENTS), by, span, fc.integer({ min: 1, max: 30 }), async (recipient, order, [from, to], limit) => {
        await check({ recipient, from: instants[from] ?? null, to: instants[to] ?? null, by: order }, limit)
      }),
      { numRuns: 40 },
    )
  })

  it('follows on the one before, and names the heads that it was read from', async () => {
    const middle = walked[Math.floor(walked.length / 2)]?.at.toString() ?? ''
    const ask = async (from: string | null, to: string | null) => await statement(reader(), home.ledger, { recipient: 'dao', from, to, by: 'recorded_at' })
    const [first, second, both] = [await ask(null, middle), await ask(middle, null), await ask(null, null)]
    expect(second.assets[0]?.opening).toEqual(first.assets[0]?.closing)
    expect(second.assets[0]?.closing).toEqual(both.assets[0]?.closing)
    const { rows } = await house.database.pool.query<{ hash: string }>(`select encode(hash, 'hex') as hash from apportion.head where lane = any ($1) order by array_position($1, lane)`, [home.ledger.lanes])
    expect(both.heads.map(({ lane, hash }) => [lane, hash])).toEqual(rows.map(({ hash }, lane) => [lane, hash]))
    const { heads } = await ask(null, '2020-01-01T00:00:00Z')
    expect(heads).toEqual([0, 1].map((lane) => ({ lane, block: '0', hash: null, recorded_at: null })))
  })

  it('of a recipient without a share is empty; of nobody, of an impossible span and of a foreign cursor there is none', async () => {
    const ask = async (given: Partial<Asked & { cursor: string }>) =>
      await statementLines(reader(), home.ledger, { recipient: 'ai', from: null, to: null, by: 'recorded_at', cursor: null, limit: 5, ...given })
    const fresh = await house.makeLedger()
    expect(await statement(reader(), fresh.ledger, { recipient: 'ai', from: null, to: null, by: 'recorded_at' })).toMatchObject({ assets: [] })
    for (const recipient of ['nobody', 'a\0b', '']) await expect(ask({ recipient })).rejects.toMatchObject({ code: 'recipient_not_found' })
    await expect(ask({ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'field_malformed', details: { field: 'from' } })
    await expect(ask({ to: '2999-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'instant_exceeded' })
    for (const by of ['recorded_at', 'event_at'] as const) await expect(ask({ cursor: '99999-0', by })).rejects.toMatchObject({ code: 'cursor_malformed' })
  })

  it('stops instead of showing figures that do not agree', async () => {
    const other = await house.makeLedger()
    await mustRecord(house.main, other, sale(other, 'one', '1'))
    await house.database.pool.query(`update apportion.transfer set units = units + 1 where lane = $1 and number = 2`, [other.lane])
    await expect(statement(reader(), other.ledger, { recipient: 'ai', from: null, to: null, by: 'recorded_at' })).rejects.toThrow('lead from 0 to 800000001 units of SOL/9, and its accounts hold 800000000')
  })
})
