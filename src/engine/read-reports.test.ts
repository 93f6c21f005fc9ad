// Reports over all recipients, beside a plain walk over all transfers and payouts, on several lanes and with payouts in every state.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { mustRecord, openHouse, round, sale, type Home, type House } from '../../test/house.ts'
import { walkedTransfers, type Walked } from '../../test/walk.ts'
import { makePayouts } from './make-payouts.ts'
import { recipient } from './read-recipient.ts'
import { ageing, top, totals, type AgeingDocument } from './read-reports.ts'

let house: House
let home: Home
let walked: readonly Walked[] = []

beforeAll(async () => {
  house = await openHouse()
  home = await house.makeLedger({ lanes: 3, funds: 500n, creator: false })
  const tokens = Array.from({ length: 4 }, () => crypto.randomUUID())
  const sell = async (name: string): Promise<void> => {
    for (const [index, token] of tokens.entries()) await mustRecord(house.main, home, sale(home, `${name}-${index}`, `${index + 1}.5`, { token_id: token }))
  }
  // Of the creators nobody knows an address: their payouts are held. The others are paid, or on their way, or not yet payouts.
  await sell('old')
  for (let turn = 0; turn < 4; turn += 1) {
    house.chain.pass(6)
    house.elapse({ milliseconds: 120 })
    await round(house.main, home)
  }
  house.elapse({ hours: 24 * 8 })
  await sell('week')
  for (const lane of home.ledger.lanes) await makePayouts(house.main.world, home.ledger, lane)
  house.elapse({ hours: 24 * 3 })
  await sell('days')
  walked = await walkedTransfers(house, home)
})
afterAll(async () => await house.close())

const reader = () => ({ ...house.main.world, now: house.now })

function netOf(entries: readonly Walked[], isMine: (account: string) => boolean): Readonly<Record<string, bigint>> {
  const sums = new Map<string, bigint>()
  const add = (account: string, units: bigint): void => {
    if (!isMine(account)) return
    const party = account.slice(account.indexOf(':') + 1)
    sums.set(party, (sums.get(party) ?? 0n) + units)
  }
  for (const { debit, credit, units } of entries) {
    add(credit, units)
    add(debit, -units)
  }
  return Object.fromEntries(sums)
}

const ranked = (sums: Readonly<Record<string, bigint>>, sign = 1n): readonly string[] =>
  Object.entries(sums)
    .map(([party, units]) => [party, sign * units] as const)
    .filter(([, units]) => units > 0n)
    .toSorted(([a, one], [b, other]) => (one === other ? (a < b ? -1 : 1) : one > other ? -1 : 1))
    .map(([party, units], index) => `${index + 1} ${party} ${units}`)

it('totals say what stands in each role, now and at a past instant', async () => {
  for (const at of [null, walked[Math.floor(walked.length / 2)]?.at ?? null]) {
    const until = walked.filter((entry) => at === null || Temporal.Instant.compare(entry.at, at) <= 0)
    const found = await totals(reader(), home.ledger, { at: at?.toString() ?? null })
    expect(found.reduce((sum, { debits, credits }) => sum + BigInt(debits) - BigInt(credits), 0n)).toBe(0n)
    const held = [0, 1, 2].flatMap((lane) => Object.values(netOf(until.filter((entry) => entry.lane === lane), (account) => account.startsWith('payable:')))).filter((units) => units !== 0n)
    expect(found.find(({ role }) => role === 'payable')).toMatchObject({ accounts: held.length.toString(), units: held.reduce((all, units) => all + units, 0n).toString() })
  }
})

it('the top is that of what was earned, is payable or was paid, over all lanes', async () => {
  const own = (account: string): boolean => /^(payable|in_flight):/.test(account)
  const middle = walked[Math.floor(walked.length / 2)]?.at ?? house.now()
  const inSpan = (entry: Walked, from: boolean): boolean => !from || Temporal.Instant.compare(entry.at, middle) >= 0
  for (const from of [false, true]) {
    const within = walked.filter((entry) => inSpan(entry, from))
    const ask = async (by: 'earned' | 'paid', limit: number) =>
      (await top(reader(), home.ledger, { by, from: from ? middle.toString() : null, to: null, limit })).map(({ rank, recipient: party, units }) => `${rank} ${party} ${units}`)
    expect(await ask('earned', 100)).toEqual(ranked(netOf(within.filter(({ kind }) => kind === 'share'), own)))
    expect(await ask('paid', 100)).toEqual(ranked(netOf(within.filter(({ kind }) => kind === 'settled'), own), -1n))
    expect(await ask('earned', 2)).toHaveLength(2)
  }
  const payable = async (to: string | null) => (await top(reader(), home.ledger, { by: 'payable', from: null, to, limit: 100 })).map(({ rank, recipient: party, units }) => `${rank} ${party} ${units}`)
  expect(await payable(null)).toEqual(ranked(netOf(walked, (account) => account.startsWith('payable:'))))
  const before = walked.filter(({ at }) => Temporal.Instant.compare(at, middle) < 0)
  expect(await payable(middle.toString())).toEqual(ranked(netOf(before, (account) => account.startsWith('payable:'))))
  await expect(top(reader(), home.ledger, { by: 'payable', from: middle.toString(), to: null, limit: 1 })).rejects.toMatchObject({ code: 'field_malformed' })
})

it('ageing has all that has not arrived, by state, reason and age', async () => {
  const found = await ageing(reader(), home.ledger)
  const shown = ({ state, reason, ages }: AgeingDocument): string => `${state} ${reason ?? '-'} ${ages.map(({ payouts }) => payouts).join(' ')}`
  expect(found.map(shown).toSorted()).toEqual(['held creator_unknown 0 4 4 0', 'payable - 16 0 0 0', 'queued - 0 12 0 0'])
  const open = Object.values(netOf(walked, (account) => /^(payable|in_flight):/.test(account))).reduce((all, units) => all + units, 0n)
  expect(found.flatMap(({ ages }) => ages).reduce((all, { units }) => all + BigInt(units), 0n)).toBe(open)
})

it('a recipient shows what has become of its shares, and since when', async () => {
  const { standing, destination } = await recipient(reader(), home.ledger, 'ai')
  expect(destination).toBe(home.addresses.ai)
  expect(standing.map(({ state, reason, payouts, units }) => [state, reason, payouts, units])).toEqual([
    ['payable', null, '4', '9600000000'],
    ['queued', null, '4', '9600000000'],
    ['settled', null, '4', '9600000000'],
  ])
  const since = standing.map((one) => one.since)
  expect(since.toSorted((a, b) => Temporal.Instant.compare(b, a))).toEqual(since)
  const shares = netOf(walked.filter(({ kind }) => kind === 'share'), (account) => account === 'payable:ai')
  expect(standing.reduce((all, { units }) => all + BigInt(units), 0n)).toBe(shares['ai'])
  await expect(recipient(reader(), home.ledger, 'nobody')).rejects.toMatchObject({ code: 'recipient_not_found' })
})
