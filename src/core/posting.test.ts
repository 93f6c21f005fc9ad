// Posting a batch, case by case: what is written for each kind of member, and what a refusal leaves behind (nothing).

import { expect, it } from 'vitest'
import { accountKey, type TransferKind } from './account.ts'
import type { Share } from './distribution.ts'
import { recordDigest } from './event.ts'
import { GENESIS_HASH } from './journal.ts'
import { MAX_UNITS } from './money.ts'
import { accountsOf, decideBatch, type AccountState, type EventMember, type Head, type Known, type Leg, type Member } from './posting.ts'
import { referenceDigest } from './reference.ts'
import { Refusal } from './refusal.ts'

const T0 = Temporal.Instant.from('2026-01-31T12:00:00Z')
const T1 = T0.add({ seconds: 1 })
const HEAD: Head = { event: 10n, transfer: 40n, block: 7n, account: 3, plan: 2, hash: GENESIS_HASH, recordedAt: T0 }
const EMPTY: Known = { references: new Map(), accounts: new Map(), states: new Map() }

const account = (name: string, number: number, debits: bigint, credits: bigint): AccountState => {
  return { name, asset: 'SOL/9', number, debits, credits, transfer: 40n }
}
const knownOf = (...accounts: readonly AccountState[]): Known => {
  return { references: new Map(), states: new Map(), accounts: new Map(accounts.map((each) => [accountKey(each), each])) }
}

type Shares = readonly (readonly [recipient: string, units: bigint])[]

const shareOf = (part: number, recipient: string, units: bigint): Share => {
  return { part, role: `r${part}`, from: 'received', account: `payable:${recipient}`, recipient, units }
}

function sale(reference: string, shares: Shares, fingerprint = 1): EventMember {
  const units = shares.reduce((all, [, share]) => all + share, 0n)
  return {
    type: 'event',
    input: { reference, asset: 'SOL/9', units, parties: {}, facts: {}, eventAt: T0, claimed: null, details: null },
    digest: referenceDigest(reference),
    fingerprint: new Uint8Array([fingerprint]),
    plan: 2,
    planHash: 'ab'.repeat(32),
    door: 'api',
    backdated: false,
    standing: {},
    shares: shares.map(([recipient, share], part) => shareOf(part, recipient, share)),
  }
}

const leg = (kind: TransferKind, debit: string, credit: string, units: bigint): Leg => {
  return { kind, debit, credit, asset: 'SOL/9', units, part: null, subject: 'payout-1' }
}
const move = (...legs: readonly Leg[]): Member => ({ type: 'move', legs })
const reserve = (recipient: string, units: bigint): Leg => leg('reserved', `payable:${recipient}`, `in_flight:${recipient}`, units)

it('posts an event: the money received, then a transfer for each share above zero', () => {
  const member = sale('one', [['a', 80n], ['b', 0n], ['c', 20n]])
  const { outcomes, write } = decideBatch(HEAD, EMPTY, [member], T1)
  expect(outcomes).toEqual([{ state: 'posted', event: 11n, firstTransfer: 41n, transfers: 3 }])
  const base = { asset: 'SOL/9', event: 11n, subject: null }
  expect(write?.transfers).toEqual([
    { ...base, number: 41n, kind: 'received', debit: 'expected', debitNumber: 4, credit: 'received', creditNumber: 5, units: 100n, part: null },
    { ...base, number: 42n, kind: 'share', debit: 'received', debitNumber: 5, credit: 'payable:a', creditNumber: 6, units: 80n, part: 0 },
    { ...base, number: 43n, kind: 'share', debit: 'received', debitNumber: 5, credit: 'payable:c', creditNumber: 7, units: 20n, part: 2 },
  ])
  const { digest, fingerprint, planHash } = member
  const recorded = recordDigest({ backdated: false, claimed: null, details: null, door: 'api', standing: null, reverses: null })
  expect(write?.events).toEqual([
    { number: 11n, digest, fingerprint, eventAt: T0, asset: 'SOL/9', units: 100n, plan: 2, planHash, recorded, member, shares: member.shares, reverses: null, firstTransfer: 41n, transfers: 3 },
  ])
  expect(write?.block).toEqual({ firstTransfer: 41n, firstEvent: 11n })
  expect(write?.head).toMatchObject({ event: 11n, transfer: 43n, block: 8n, account: 7, plan: 2, recordedAt: T1 })
  const touched = [
    { name: 'expected', asset: 'SOL/9', number: 4, debits: 100n, credits: 0n, transfer: 41n },
    { name: 'received', asset: 'SOL/9', number: 5, debits: 100n, credits: 100n, transfer: 43n },
    { name: 'payable:a', asset: 'SOL/9', number: 6, debits: 0n, credits: 80n, transfer: 42n },
    { name: 'payable:c', asset: 'SOL/9', number: 7, debits: 0n, credits: 20n, transfer: 43n },
  ]
  expect(write?.touched).toEqual(touched)
  expect(write?.newAccounts).toEqual(touched)
})

it('adds to the accounts that were read, and numbers only the new ones', () => {
  const known = knownOf(account('expected', 1, 500n, 0n), account('received', 2, 500n, 500n), account('payable:b', 3, 0n, 9n))
  const { write } = decideBatch(HEAD, known, [sale('one', [['a', 7n]])], T1)
  expect(write?.touched).toEqual([
    { name: 'expected', asset: 'SOL/9', number: 1, debits: 507n, credits: 0n, transfer: 41n },
    { name: 'received', asset: 'SOL/9', number: 2, debits: 507n, credits: 507n, transfer: 42n },
    { name: 'payable:a', asset: 'SOL/9', number: 4, debits: 0n, credits: 7n, transfer: 42n },
  ])
  expect(write?.newAccounts.map(({ name }) => name)).toEqual(['payable:a'])
})

it('names the accounts that a member may touch', () => {
  const names = (member: Member) => accountsOf(member).map(({ name }) => name)
  expect(names(sale('one', [['a', 1n], ['b', 0n]]))).toEqual(['expected', 'received', 'payable:a'])
  expect(names(move(reserve('a', 5n)))).toEqual(['payable:a', 'in_flight:a'])
  expect(names({ ...sale('one', [['a', 1n]]), shares: new Refusal('event_time_exceeded', 'too late') })).toEqual([])
})

it('answers a known reference with its event: the same content or a conflict, and writes nothing', () => {
  const one = sale('one', [['a', 1n]])
  const references = new Map([[one.digest, { fingerprint: new Uint8Array([1]), event: 4n }]])
  const other = sale('one', [['a', 2n]], 9)
  expect(decideBatch(HEAD, { ...EMPTY, references }, [one, other, one], T1)).toEqual({
    outcomes: [
      { state: 'duplicate', event: 4n },
      { state: 'conflict', event: 4n },
      { state: 'duplicate', event: 4n },
    ],
    write: null,
  })
})

it('looks a reference up before anything else, so that what was refused meanwhile still gets its first answer', () => {
  const refusal = new Refusal('event_backdated_forbidden', 'too old by now')
  const one = { ...sale('one', [['a', 1n]]), shares: refusal }
  const references = new Map([[one.digest, { fingerprint: new Uint8Array([1]), event: 4n }]])
  expect(decideBatch(HEAD, { ...EMPTY, references }, [one], T1).outcomes).toEqual([{ state: 'duplicate', event: 4n }])
  expect(decideBatch(HEAD, EMPTY, [one], T1)).toEqual({ outcomes: [{ state: 'refused', refusal }], write: null })
})

it('sees references of the same batch, those that were posted alone', () => {
  const refused = { ...sale('one', [['a', 1n]], 9), shares: new Refusal('recipient_not_found', 'no creator') }
  const members = [refused, sale('one', [['a', 1n]]), sale('one', [['a', 1n]]), sale('one', [['a', 2n]], 2)]
  const { outcomes, write } = decideBatch(HEAD, EMPTY, members, T1)
  expect(outcomes.map(({ state }) => state)).toEqual(['refused', 'posted', 'duplicate', 'conflict'])
  expect(outcomes.slice(2)).toEqual([
    { state: 'duplicate', event: 11n },
    { state: 'conflict', event: 11n },
  ])
  expect(write?.events).toHaveLength(1)
})

it('refuses what would take an account below its floor, with the figures, and goes on with the others', () => {
  const members = [move(reserve('a', 6n)), move(reserve('a', 4n)), move(reserve('a', 2n)), move(reserve('b', 1n))]
  const { outcomes, write } = decideBatch(HEAD, knownOf(account('payable:a', 2, 0n, 5n)), members, T1)
  expect(outcomes).toEqual([
    { state: 'refused', refusal: expect.any(Refusal) as Refusal },
    { state: 'posted', event: null, firstTransfer: 41n, transfers: 1 },
    { state: 'refused', refusal: expect.any(Refusal) as Refusal },
    { state: 'refused', refusal: expect.any(Refusal) as Refusal },
  ])
  const refusals = outcomes.flatMap((outcome) => (outcome.state === 'refused' ? [outcome.refusal] : []))
  expect(refusals.map(({ code, details, message }) => ({ code, details, message }))).toEqual(
    [
      ['payable:a', '-1'],
      ['payable:a', '-1'],
      ['payable:b', '-1'],
    ].map(([name, balance]) => ({
      code: 'floor_exceeded',
      details: { account: name, asset: 'SOL/9', balance },
      message: `account ${name} would stand at ${balance} units of SOL/9; it may not fall below zero`,
    })),
  )
  expect(write?.touched.map(({ name, debits, credits }) => [name, debits, credits])).toEqual([
    ['payable:a', 4n, 5n],
    ['in_flight:a', 0n, 4n],
  ])
  expect(write?.head.account).toBe(4)
})

it('judges a member by its end: what its legs do in between counts for nothing', () => {
  const settle = leg('settled', 'in_flight:a', 'wallet:w', 5n)
  const { outcomes } = decideBatch(HEAD, knownOf(account('payable:a', 2, 0n, 5n)), [move(settle, reserve('a', 5n))], T1)
  expect(outcomes).toEqual([{ state: 'posted', event: null, firstTransfer: 41n, transfers: 2 }])
})

it('lets facts of the network stand, whatever balance they leave', () => {
  const facts = [
    leg('fee', 'network', 'wallet:w', 5n),
    leg('rent', 'network', 'wallet:w', 5n),
    leg('withdrawn', 'owner', 'wallet:w', 5n),
    leg('funded', 'wallet:w', 'expected', 100n),
  ]
  const { outcomes, write } = decideBatch(HEAD, EMPTY, facts.map((each) => move(each)), T1)
  expect(outcomes.map(({ state }) => state)).toEqual(['posted', 'posted', 'posted', 'posted'])
  expect(write?.touched.map(({ name, debits, credits }) => [name, debits - credits])).toEqual([
    ['network', 10n],
    ['wallet:w', 85n],
    ['owner', 5n],
    ['expected', -100n],
  ])
})

it('refuses the unit that would need 40 digits, on either side, and takes the one before', () => {
  const full = move(leg('funded', 'wallet:w', 'expected', MAX_UNITS))
  const another = move(leg('funded', 'wallet:w', 'expected', 1n))
  const { outcomes, write } = decideBatch(HEAD, EMPTY, [full, another, sale('one', [['a', 3n]])], T1)
  expect(outcomes.map(({ state }) => state)).toEqual(['posted', 'refused', 'posted'])
  expect(outcomes[1]).toEqual({
    state: 'refused',
    refusal: expect.objectContaining({
      code: 'balance_exceeded',
      message: 'account wallet:w would pass 39 digits of SOL/9: use an asset with fewer decimals',
      details: { account: 'wallet:w', asset: 'SOL/9', debits: `1${'0'.repeat(39)}`, credits: '0' },
    }) as Refusal,
  })
  expect(write?.touched.find(({ name }) => name === 'expected')).toMatchObject({ debits: 3n, credits: MAX_UNITS })
  const credits = decideBatch(HEAD, knownOf(account('wallet:w', 1, 0n, MAX_UNITS)), [move(leg('fee', 'network', 'wallet:w', 1n))], T1)
  expect(credits.outcomes).toEqual([{ state: 'refused', refusal: expect.objectContaining({ code: 'balance_exceeded' }) as Refusal }])
})

it('keeps accounts of one name in two assets apart', () => {
  const usdc: Leg = { ...leg('funded', 'wallet:w', 'expected', 7n), asset: 'USDC/6' }
  const { write } = decideBatch(HEAD, EMPTY, [move(leg('funded', 'wallet:w', 'expected', 5n)), move(usdc)], T1)
  expect(write?.touched.map(({ name, asset, number, debits }) => [name, asset, number, debits])).toEqual([
    ['wallet:w', 'SOL/9', 4, 5n],
    ['expected', 'SOL/9', 5, 0n],
    ['wallet:w', 'USDC/6', 6, 7n],
    ['expected', 'USDC/6', 7, 0n],
  ])
})

it.each([
  ['a second later', T1, T1],
  ['at the same instant', T0, T0],
  ['when the clock jumped back', T0.subtract({ hours: 5 }), T0],
])('stamps a block %s so that instants never go back', (_, clock, recordedAt) => {
  const { write } = decideBatch(HEAD, EMPTY, [sale('one', [['a', 1n]])], clock)
  expect(write?.head.recordedAt).toBe(recordedAt)
})

it('writes nothing for no members and for a move without legs', () => {
  expect(decideBatch(HEAD, EMPTY, [], T1)).toEqual({ outcomes: [], write: null })
  expect(decideBatch(HEAD, EMPTY, [move()], T1).write).toBeNull()
})

it('leaves what was read as it was', () => {
  const known = knownOf(account('payable:a', 2, 0n, 5n))
  decideBatch(HEAD, known, [sale('one', [['a', 1n]]), move(reserve('a', 5n))], T1)
  expect(known).toEqual(knownOf(account('payable:a', 2, 0n, 5n)))
})

const SHARE_OF_FOUR = shareOf(0, 'a', 4n)

it.each([
  ['shares that miss a unit', { ...sale('one', [['a', 5n]]), shares: [SHARE_OF_FOUR] }, 'shares of 4 units are posted for 5'],
  ['a share below zero', sale('one', [['a', 6n], ['b', -1n]]), 'shares of 5 units are posted for 5'],
  ['a leg of nothing', move(reserve('a', 0n)), 'a transfer moves more than zero units, not 0'],
  ['a negative leg', move(leg('fee', 'network', 'wallet:w', -1n)), 'a transfer moves more than zero units, not -1'],
  ['a leg the chart has not', move(leg('settled', 'payable:a', 'wallet:w', 1n)), 'the chart has no settled from payable:a to wallet:w'],
  ['a leg the wrong way', move(leg('settled', 'wallet:w', 'in_flight:a', 1n)), 'the chart has no settled from wallet:w to in_flight:a'],
  ['a role that only begins alike', move(leg('reserved', 'payables:a', 'in_flight:a', 1n)), 'payables:a has no role of the chart'],
])('stops at %s', (_, member, message) => {
  expect(() => decideBatch(HEAD, knownOf(account('payable:a', 2, 0n, 5n)), [member], T1)).toThrow(`assertion failed: ${message}`)
})
