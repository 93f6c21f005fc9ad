// The chart of accounts: which transfers there are, which side carries a balance, and which names may stand in it.

import { expect, it } from 'vitest'
import { accountKey, accountName, accountsOfRecipient, balanceOf, checkParty, isInChart, partyOf, roleOf, TRANSFER_KINDS, type TransferKind } from './account.ts'

// The chart as the design gives it, written a second time: debit → credit.
const CHART: Readonly<Record<TransferKind, string>> = {
  received: 'expected → received',
  share: 'received | fund | carried | rounding → payable | carried | fund | rounding | distributing',
  distributed: 'distributing → payable',
  taken_back: 'payable | owed_by → reversing',
  reversed: 'payable | owed_by | carried | fund | reversing → received',
  restored: 'received → carried | fund',
  refunded: 'received → expected',
  recouped: 'payable → owed_by',
  reserved: 'payable → in_flight',
  released: 'in_flight → payable',
  settled: 'in_flight → wallet',
  fee: 'network → wallet',
  rent: 'network → wallet',
  funded: 'wallet → expected',
  withdrawn: 'owner → wallet',
}

it('has these transfers and no others', () => {
  const chart = Object.entries(TRANSFER_KINDS).map(([kind, { debit, credit }]) => [kind, `${debit.join(' | ')} → ${credit.join(' | ')}`])
  expect(Object.fromEntries(chart)).toEqual(CHART)
})

it('moves money between roles of the chart', () => {
  for (const { debit, credit } of Object.values(TRANSFER_KINDS)) {
    expect([...debit, ...credit].map((role) => roleOf(role).side)).toHaveLength(debit.length + credit.length)
    expect(new Set(debit).size + new Set(credit).size).toBe(debit.length + credit.length)
  }
})

it('names on a statement every kind by which money comes to a recipient or leaves it, and no other', () => {
  const isOfRecipients = (role: string): boolean => roleOf(role).recipients
  for (const { debit, credit, statement } of Object.values(TRANSFER_KINDS)) {
    const crosses = debit.some((from) => credit.some((to) => isOfRecipients(from) !== isOfRecipients(to)))
    expect([debit, credit, statement !== null]).toEqual([debit, credit, crosses])
  }
  expect(accountsOfRecipient('r')).toEqual(['payable:r', 'carried:r', 'in_flight:r', 'owed_by:r'])
})

it.each([
  ['share', 'received', 'payable:a', true],
  ['share', 'fund:reserve', 'payable:a', true],
  ['share', 'carried:a', 'payable:a', true],
  ['share', 'received', 'rounding:split', true],
  ['share', 'payable:a', 'fund:reserve', false],
  ['reversed', 'payable:a', 'received', true],
  ['reversed', 'in_flight:a', 'received', false],
  ['reversed', 'rounding:split', 'received', false],
  ['recouped', 'payable:a', 'owed_by:a', true],
  ['share', 'receivedx', 'payable:a', false],
  ['settled', 'payable:a', 'wallet:w', false],
] as const)('a %s from %s to %s is in the chart: %s', (kind, debit, credit, allowed) => {
  expect(isInChart(kind, { debit, credit })).toBe(allowed)
})

it('tells the party of an account of one role', () => {
  expect([partyOf('payable', 'payable:a'), partyOf('payable', 'payables:a'), partyOf('payable', 'carried:a'), partyOf('received', 'received')]).toEqual(['a', null, null, null])
})

it.each([
  ['expected', 'debit', false],
  ['wallet', 'debit', false],
  ['network', 'debit', false],
  ['owed_by', 'debit', true],
  ['owner', 'credit', false],
  ['received', 'credit', true],
  ['payable', 'credit', true],
  ['in_flight', 'credit', true],
  ['carried', 'credit', true],
  ['fund', 'credit', true],
  ['rounding', 'credit', true],
])('%s carries its balance on the %s side; a floor at zero: %s', (role, side, floor) => {
  expect(roleOf(role)).toMatchObject({ side, floor })
  expect(roleOf(`${role}:creator-1`)).toEqual(roleOf(role))
  const balance = { debits: 7n, credits: 10n }
  expect(balanceOf(accountName(role, 'p'), balance)).toBe(side === 'debit' ? -3n : 3n)
})

it('makes and reads names of a role and a party', () => {
  expect(accountName('expected')).toBe('expected')
  expect(accountName('payable', 'creator-1')).toBe('payable:creator-1')
  expect(accountKey({ name: 'payable:creator-1', asset: 'SOL/9' })).toBe('payable:creator-1\tSOL/9')
})

it.each(['', 'salary', 'Payable', 'payable ', 'toString', 'constructor', 'hasOwnProperty', '__proto__'])(
  'stops at %j, which is no role of the chart',
  (role) => {
    expect(() => accountName(role, 'p')).toThrow(`assertion failed: ${role} is no role of the chart`)
    expect(() => roleOf(role)).toThrow(`assertion failed: ${role} has no role of the chart`)
    expect(() => roleOf(`${role}:p`)).toThrow('has no role of the chart')
  },
)

it.each(['a', 'A', '7', 'creator-1', 'a.b_c-D', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', 'x'.repeat(100)])('takes the party %j', (party) => {
  expect(checkParty(party, 'creator')).toBe(party)
})

it.each(['', '-a', '.a', '_a', 'a b', 'a:b', 'a/b', 'a\tb', 'a\n', 'é', '+22501020304', '$handle', 'a@b.example', "a'--", 'x'.repeat(101)])(
  'refuses the party %j',
  (party) => {
    expect(() => checkParty(party, 'creator')).toThrow(
      expect.objectContaining({
        code: 'recipient_malformed',
        message: 'creator must be 1 to 100 letters, digits, dots, dashes or underscores',
        details: expect.objectContaining({ field: 'creator' }) as unknown,
      }),
    )
  },
)

it('repeats a refused party short and well-formed', () => {
  const refused = (value: string): unknown => expect.objectContaining({ details: { field: 'creator', value } })
  expect(() => checkParty('é', 'creator')).toThrow(refused('é'))
  expect(() => checkParty('x'.repeat(10_000), 'creator')).toThrow(refused(`${'x'.repeat(60)}… (10000 characters)`))
  expect(() => checkParty('\ud800', 'creator')).toThrow(refused('\ufffd'))
})
