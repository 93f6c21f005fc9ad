// Balances at any past instant and histories of accounts, page by page, compared with a plain walk over all transfers; and what a page
// costs when the history has become fifty times as long.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countingStore } from '../../test/buffers.ts'
import { mustRecord, openHouse, record, round, sale, type Home, type House } from '../../test/house.ts'
import { walkedTransfers, type Walked } from '../../test/walk.ts'
import { balanceOf } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { makePayouts } from './make-payouts.ts'
import { blocks } from './read-blocks.ts'
import { distributions } from './read-distributions.ts'
import { accountHistory, balances, type EntryDocument } from './read-accounts.ts'
import { events, inboxEntries, payouts, recipients } from './read-ledger.ts'
import type { Page, PageRequest } from './page.ts'
import { statement, statementLines } from './read-statement.ts'

let house: House
let home: Home

let walked: readonly Walked[] = []

beforeAll(async () => {
  house = await openHouse()
  home = await house.makeLedger({ lanes: 3, funds: 2000n })
  // The clock stands still for most of the time, so that blocks of all lanes share instants, and several of one lane do.
  for (let index = 0; index < 12; index += 1) {
    if (index % 4 === 0) house.elapse({ milliseconds: 10 })
    await mustRecord(house.main, home, sale(home, `single-${index}`, '1.000000007'))
    if (index % 3 === 0) await record(house.main, home, Array.from({ length: 9 }, (_, place) => sale(home, `batch-${index}-${place}`, `0.00000000${place + 1}`)))
    if (index % 5 === 4) {
      house.chain.pass(6)
      await round(house.main, home)
    }
  }
  for (let turn = 0; turn < 3; turn += 1) {
    house.chain.pass(6)
    house.elapse({ milliseconds: 120 })
    await round(house.main, home)
  }
  walked = await walkedTransfers(house, home)
})
afterAll(async () => await house.close())

const reader = () => ({ ...house.main.world, now: house.now })

async function allPages<T>(read: (page: PageRequest) => Promise<Page<T>>, limit: number): Promise<readonly T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const page: Page<T> = await read({ cursor, limit })
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    cursor = page.next
  } while (cursor !== null)
  return items
}

const balancesAt = async (at: string | null, limit = 1000): Promise<Readonly<Record<string, string>>> => {
  const items = await allPages(async (page) => await balances(reader(), home.ledger, { at, role: null, account: null, ...page }), limit)
  return Object.fromEntries(items.map(({ account, debits, credits }) => [account, `${debits} ${credits}`]))
}

function walkedBalances(upTo: Temporal.Instant): Readonly<Record<string, string>> {
  const sums = new Map<string, { debits: bigint; credits: bigint }>()
  const of = (name: string) => sums.getOrInsertComputed(name, () => ({ debits: 0n, credits: 0n }))
  for (const { at, debit, credit, units } of walked) {
    if (Temporal.Instant.compare(at, upTo) > 0) continue
    of(debit).debits += units
    of(credit).credits += units
  }
  return Object.fromEntries([...sums].map(([name, { debits, credits }]) => [name, `${debits} ${credits}`]))
}

describe('balances', () => {
  it('are those of every instant at which anything was recorded, and of the moment before', async () => {
    const instants = [...new Map(walked.map(({ at }) => [at.toString(), at])).values()]
    expect(instants.length).toBeGreaterThan(5)
    for (const at of instants.flatMap((instant) => [instant.subtract({ microseconds: 1 }), instant])) {
      expect(await balancesAt(at.toString()), at.toString()).toEqual(walkedBalances(at))
    }
    expect(await balancesAt(null)).toEqual(walkedBalances(house.now()))
  })

  it('come page by page, of one role or of one account', async () => {
    expect(await balancesAt(null, 2)).toEqual(await balancesAt(null))
    const early = walked[0]?.at.toString() ?? ''
    expect(await balancesAt(early, 2)).toEqual(await balancesAt(early))
    const names = async (given: { role?: string; account?: string }) => {
      const { items } = await balances(reader(), home.ledger, { at: null, role: null, account: null, cursor: null, limit: 100, ...given })
      return items.map(({ account }) => account)
    }
    expect(await names({ role: 'payable' })).toEqual(['ai', 'dao', 'lucky', home.token].map((party) => `payable:${party}`).toSorted())
    expect(await names({ role: 'received' })).toEqual(['received'])
    expect(await names({ account: 'payable:ai' })).toEqual(['payable:ai'])
    expect(await names({ account: 'payable:a' })).toEqual([])
  })

  it('of an instant ahead are refused, and so is what is no instant or no cursor', async () => {
    const ask = async (at: string | null, cursor: string | null = null) => await balances(reader(), home.ledger, { at, role: null, account: null, cursor, limit: 1 })
    await expect(ask(house.now().add({ hours: 1 }).toString())).rejects.toMatchObject({ code: 'instant_exceeded', details: { field: 'at' } })
    for (const at of ['yesterday', '', '0000-01-01T00:00:00Z', '2027-02-30T00:00:00Z']) await expect(ask(at)).rejects.toMatchObject({ code: 'field_malformed' })
    for (const cursor of ['payable', '/', 'a\0/b']) await expect(ask(null, cursor)).rejects.toMatchObject({ code: 'cursor_malformed' })
  })
})

describe('the history of an account', () => {
  const shown = ({ lane, transfer, side, other, units, balance }: EntryDocument): string => `${lane} ${transfer} ${side} ${other} ${units} ${balance.units}`

  function walkedHistory(account: string): readonly string[] {
    const sums = { debits: 0n, credits: 0n }
    return walked.flatMap(({ lane, transfer, debit, credit, units }) => {
      if (debit !== account && credit !== account) return []
      const side = debit === account ? 'debit' : 'credit'
      sums[`${side}s`] += units
      return [`${lane} ${transfer} ${side} ${side === 'debit' ? credit : debit} ${units} ${balanceOf(account, sums)}`]
    })
  }

  it('has each of its transfers once with the balance after it, from either end and with pages of any length', async () => {
    const accounts = [...new Set(walked.flatMap(({ debit, credit }) => [debit, credit]))]
    expect(accounts.some((name) => name.startsWith('wallet:'))).toBe(true)
    for (const account of accounts) {
      const expected = walkedHistory(account)
      for (const limit of [1, 7, 1000]) {
        if (expected.length > limit * 20) continue
        const read = async (order: 'newest' | 'oldest') =>
          (await allPages(async (page) => await accountHistory(reader(), home.ledger, { account, order, ...page }), limit)).map(shown)
        expect(await read('oldest'), `${account}, oldest first, by ${limit}`).toEqual(expected)
        expect(await read('newest'), `${account}, newest first, by ${limit}`).toEqual(expected.toReversed())
      }
    }
  })

  it('names the event of each entry, or the payout', async () => {
    const { items } = await accountHistory(reader(), home.ledger, { account: 'payable:ai', order: 'oldest', cursor: null, limit: 100 })
    expect(items[0]).toMatchObject({ kind: 'share', side: 'credit', other: 'received', event: '1', reference: expect.any(String), subject: null })
    expect(items.find(({ kind }) => kind === 'reserved')).toMatchObject({ side: 'debit', other: 'in_flight:ai', event: null, reference: null, subject: expect.any(String) })
  })

  it('is refused for an account that there is not, and for a cursor of nowhere', async () => {
    const ask = async (account: string, cursor: string | null) => await accountHistory(reader(), home.ledger, { account, order: 'newest', cursor, limit: 1 })
    for (const account of ['payable:nobody', '', 'a\0b']) await expect(ask(account, null)).rejects.toMatchObject({ code: 'account_not_found' })
    for (const cursor of ['1', '1-3', '999999-0', '0-0']) await expect(ask('received', cursor)).rejects.toMatchObject({ code: 'cursor_malformed' })
  })
})

describe('what a page costs', () => {
  it('does not grow with the history, nor with the number of accounts', async () => {
    const long = await house.makeLedger({ lanes: 2 })
    const { store, taken } = countingStore(house.main.world.store)
    const desk = { ...house.main.world, now: house.now, store }
    const { ledger } = long
    let recorded = 0
    // Half in blocks of one event, half in blocks of many; each batch has a recipient of its own, and the first recipient in all.
    const grow = async (blocksOf: number): Promise<void> => {
      for (let index = 0; index < blocksOf; index += 1) {
        house.elapse({ milliseconds: 1 })
        const own = { token_id: crypto.randomUUID() }
        await record(house.main, long, [sale(long, `lone-${(recorded += 1)}`, '1', own)])
        await record(house.main, long, Array.from({ length: 5 }, () => sale(long, `many-${(recorded += 1)}`, '1', own)))
      }
    }
    await grow(10)
    const at = house.now().toString()
    const { items: [seldom] } = await balances(desk, ledger, { at: null, role: 'payable', account: null, cursor: null, limit: 1 })
    const limit = 10
    const history = (account: string, order: 'newest' | 'oldest') => async (cursor: string | null) => await accountHistory(desk, ledger, { account, order, cursor, limit })
    const pages: Readonly<Record<string, (cursor: string | null) => Promise<Page<unknown>>>> = {
      'the balances at an instant': async (cursor) => await balances(desk, ledger, { at, role: null, account: null, cursor, limit }),
      'the newest of a busy account': history('received', 'newest'),
      'the oldest of a busy account': history('received', 'oldest'),
      'the newest of a recipient': history('payable:ai', 'newest'),
      'the oldest of a recipient': history('payable:ai', 'oldest'),
      'all of a recipient that was paid once': history(seldom?.account ?? '', 'newest'),
      "a recipient's statement": async (cursor) => await statementLines(desk, ledger, { recipient: 'ai', from: null, to: null, by: 'recorded_at', cursor, limit }),
      'the figures of a recipient that was paid once': async () => {
        const figures = await statement(desk, ledger, { recipient: present(seldom?.account.slice('payable:'.length), 'recipient'), from: null, to: null, by: 'recorded_at' })
        return { items: figures.assets, next: null }
      },
      blocks: async (cursor) => await blocks(desk, ledger, { cursor, limit }),
      events: async (cursor) => await events(desk, ledger, { cursor, limit }),
      distributions: async (cursor) => await distributions(desk, ledger, { cursor, limit }),
      payouts: async (cursor) => await payouts(desk, ledger, { state: null, cursor, limit }),
      'payouts on their way': async (cursor) => await payouts(desk, ledger, { state: 'held', cursor, limit }),
      'payouts that arrived': async (cursor) => await payouts(desk, ledger, { state: 'settled', cursor, limit }),
      recipients: async (cursor) => await recipients(desk, ledger, { cursor, limit }),
      'rows of the inbox': async (cursor) => await inboxEntries(desk, ledger, { cursor, limit }),
    }
    const costs = async (): Promise<Readonly<Record<string, number>>> => {
      const found: [string, number][] = []
      for (const [name, read] of Object.entries(pages)) {
        taken()
        // Not only the first page: what a cursor has left behind must cost nothing either.
        let cursor: string | null = null
        for (let turn = 0; turn < 3; turn += 1) {
          ;({ next: cursor } = await read(cursor))
          if (cursor === null) break
        }
        found.push([name, taken()])
      }
      return Object.fromEntries(found)
    }
    for (const lane of ledger.lanes) await makePayouts(house.main.world, ledger, lane)
    const makeAll = async (): Promise<void> => {
      for (const lane of ledger.lanes) await makePayouts(house.main.world, ledger, lane)
      await house.database.pool.query('vacuum analyze')
    }
    await makeAll()
    const small = await costs()
    await grow(490)
    await makeAll()
    const large = await costs()
    // Indexes grow a level or two, and no more. A page that read the history would cost fifty times as much.
    for (const [name, pagesThen] of Object.entries(small)) expect(large[name], name).toBeLessThanOrEqual(pagesThen * 3 + 10)
  })
})
