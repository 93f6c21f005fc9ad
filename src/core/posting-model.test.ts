// Random batches of events, repeats, conflicts and moves, run through `decideBatch` beside a tiny ledger that knows no batches: a list
// of transfers, every balance added up from it anew.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { accountKey, TRANSFER_KINDS, type TransferKind } from './account.ts'
import { instantText } from './canonical.ts'
import { GENESIS_HASH, type TransferLine } from './journal.ts'
import { MAX_UNITS } from './money.ts'
import { accountsOf, decideBatch, type AccountState, type BatchWrite, type EventMember, type Head, type Known } from './posting.ts'
import type { Leg, Member, Outcome, Undivided } from './posting.ts'
import { referenceDigest } from './reference.ts'
import { Refusal } from './refusal.ts'

const START = Temporal.Instant.from('2026-01-01T00:00:00Z')
const RECIPIENTS = ['a', 'b', 'c']
const ASSETS = ['SOL/9', 'USDC/6']
const REFERENCES = 8

const small = fc.bigInt({ min: 1n, max: 12n })
const large = fc.constantFrom(MAX_UNITS, MAX_UNITS - 5n, MAX_UNITS / 2n)
const units = fc.oneof({ weight: 12, arbitrary: small }, { weight: 1, arbitrary: large })
const asset = fc.oneof({ weight: 4, arbitrary: fc.constant('SOL/9') }, { weight: 1, arbitrary: fc.constant('USDC/6') })

/** What an event says: its asset and what each recipient gets, some of them nothing. */
type Content = { readonly asset: string; readonly shares: readonly bigint[] }
const content: fc.Arbitrary<Content> = fc
  .record({ asset, shares: fc.array(fc.oneof(units, fc.constant(0n)), { minLength: 1, maxLength: 3 }) })
  .filter(({ shares }) => shares.some((share) => share > 0n))

/** References with what their source says, and what a mistaken one says. */
const contents = fc.array(fc.tuple(content, content), { minLength: REFERENCES, maxLength: REFERENCES })

// Reservations and settlements twice, so that payouts get through to their end.
const kind = fc.constantFrom(
  ...(['reserved', 'reserved', 'released', 'released', 'settled', 'settled', 'fee', 'rent', 'funded', 'withdrawn', 'recouped', 'distributed', 'taken_back'] as const),
)
const leg: fc.Arbitrary<Leg> = fc.tuple(kind, fc.constantFrom(...RECIPIENTS), units, asset).map(([each, recipient, moved, name]) => {
  const nameOf = (role: string): string => {
    if (role === 'wallet') return 'wallet:w'
    return role === 'payable' || role === 'in_flight' || role === 'owed_by' ? `${role}:${recipient}` : role
  }
  const { debit: [debit], credit: [credit] } = TRANSFER_KINDS[each]
  return { kind: each, debit: nameOf(debit), credit: nameOf(credit), asset: name, units: moved, part: null, subject: `payout-${recipient}` }
})

type Command =
  | { readonly type: 'event'; readonly reference: number; readonly mistaken: boolean; readonly refused: boolean }
  | { readonly type: 'move'; readonly legs: readonly Leg[] }
  | { readonly type: 'reversal'; readonly reference: number; readonly from: string; readonly units: bigint; readonly restores: boolean }

const rarely = fc.nat(7).map((side) => side === 0)
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant('event' as const), reference: fc.nat(REFERENCES - 1), mistaken: rarely, refused: rarely }),
  fc.record({
    ...{ type: fc.constant('reversal' as const), reference: fc.nat(REFERENCES - 1), units: small, restores: fc.boolean() },
    from: fc.oneof(fc.tuple(fc.constantFrom('payable', 'owed_by'), fc.constantFrom(...RECIPIENTS)).map((names) => names.join(':')), fc.constant('reversing')),
  }),
  fc.record({ type: fc.constant('move' as const), legs: fc.array(leg, { minLength: 1, maxLength: 3 }) }),
)

const script = fc.record({
  contents,
  commands: fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }),
  /** How many members each batch takes, in turn, and by how much the clock moves before it. */
  sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 }),
  clock: fc.array(fc.integer({ min: -3000, max: 5000 }), { minLength: 1, maxLength: 10 }),
})

/** Takes units from one account, gives one of them to a fund where it may, and refunds the rest. */
function reversalOf({ reference: place, from, units: taken, restores }: Extract<Command, { type: 'reversal' }>): Member {
  const reference = `reversal-${place}`
  const restored = restores && taken > 1n ? 1n : 0n
  const base = { asset: 'SOL/9', subject: null, part: 0 }
  const legs: readonly Leg[] = [
    { ...base, kind: 'reversed', debit: from, credit: 'received', units: taken },
    ...(restored === 0n ? [] : [{ ...base, kind: 'restored', debit: 'received', credit: 'fund:promotion', units: restored } as const]),
    { ...base, kind: 'refunded', debit: 'received', credit: 'expected', units: taken - restored, part: null },
  ]
  return {
    type: 'event',
    input: { reference, asset: 'SOL/9', units: taken - restored, parties: {}, facts: {}, eventAt: START, claimed: null, details: null },
    digest: referenceDigest(reference),
    fingerprint: new TextEncoder().encode(`reversal of ${taken} from ${from}, ${restored} restored`),
    ...{ plan: 1, planHash: 'ab'.repeat(32), door: 'api', backdated: false, standing: {} },
    shares: { reverses: BigInt(place + 1), legs, state: new Map() },
  }
}

function memberOf(command: Command, all: readonly (readonly [Content, Content])[]): Member {
  if (command.type === 'move') return command
  if (command.type === 'reversal') return reversalOf(command)
  const pair = all[command.reference] as readonly [Content, Content]
  const said = pair[command.mistaken ? 1 : 0]
  const reference = `sale-${command.reference}`
  const total = said.shares.reduce((sum, share) => sum + share, 0n)
  const text = `${said.asset} ${said.shares.join(' ')}`
  return {
    type: 'event',
    input: { reference, asset: said.asset, units: total, parties: {}, facts: {}, eventAt: START, claimed: null, details: null },
    digest: referenceDigest(reference),
    fingerprint: new TextEncoder().encode(text),
    plan: 1,
    planHash: 'ab'.repeat(32),
    door: 'api',
    backdated: false,
    standing: {},
    shares: command.refused
      ? new Refusal('recipient_not_found', 'the event names no creator')
      : said.shares.map((share, part) => ({
          part,
          role: `r${part}`,
          from: 'received',
          // The third is one that is posted in parts: all of it waits in one account first.
          account: part === 2 ? 'distributing' : `payable:${RECIPIENTS[part] as string}`,
          recipient: part === 2 ? null : (RECIPIENTS[part] as string),
          units: share,
        })),
  }
}

// The other ledger ------------------------------------------------------------------------------------------------------------

type Plain = { readonly transfers: TransferLine[]; readonly events: Map<string, { text: string; number: bigint }> }

function plainLegs(member: Member): readonly Leg[] {
  if (member.type === 'move') return member.legs
  const { asset: name, units: total } = member.input
  const shares = member.shares as Exclude<EventMember['shares'], Refusal | Undivided>
  if ('legs' in shares) return shares.legs
  const base = { asset: name, subject: null }
  return [
    { ...base, kind: 'received', debit: 'expected', credit: 'received', units: total, part: null },
    ...shares
      .filter((share) => share.units !== 0n)
      .map((share): Leg => {
        return { ...base, kind: 'share', debit: 'received', credit: share.account, units: share.units, part: share.part }
      }),
  ]
}

const sumOf = (transfers: readonly TransferLine[], side: 'debit' | 'credit', name: string, of: string): bigint =>
  transfers.reduce((sum, transfer) => (transfer[side] === name && transfer.asset === of ? sum + transfer.units : sum), 0n)

function problemWith(transfers: readonly TransferLine[], touched: readonly Leg[]): string | null {
  for (const { debit, credit, asset: of } of touched) {
    for (const name of [debit, credit]) {
      const [debits, credits] = [sumOf(transfers, 'debit', name, of), sumOf(transfers, 'credit', name, of)]
      if (debits > MAX_UNITS || credits > MAX_UNITS) return 'balance_exceeded'
      if (/^(received|distributing|payable|in_flight)/.test(name) && credits < debits) return 'floor_exceeded'
      if (/^(owed_by|reversing)/.test(name) && debits < credits) return 'floor_exceeded'
    }
  }
  return null
}

/** One member at a time: what happened, in words that outcomes can be compared with. */
function post(plain: Plain, member: Member): string {
  const text = member.type === 'event' ? new TextDecoder().decode(member.fingerprint) : ''
  if (member.type === 'event') {
    const earlier = plain.events.get(member.input.reference)
    const same = earlier?.text === text
    if (earlier !== undefined) return `${same ? 'duplicate' : 'conflict'} of ${earlier.number}`
    if (member.shares instanceof Refusal) return `refused ${member.shares.code}`
  }
  const legs = plainLegs(member)
  const event = member.type === 'event' ? BigInt(plain.events.size + 1) : null
  const first = BigInt(plain.transfers.length + 1)
  const added = legs.map((each, index) => ({ ...each, event, number: first + BigInt(index) }))
  const problem = problemWith([...plain.transfers, ...added], legs)
  if (problem !== null) return `refused ${problem}`
  plain.transfers.push(...added)
  if (member.type === 'event') plain.events.set(member.input.reference, { text, number: event as bigint })
  return `posted ${event ?? 'no event'} from ${first}, ${legs.length} transfers`
}

function said(outcome: Outcome): string {
  if (outcome.state === 'refused') return `refused ${outcome.refusal.code}`
  if (outcome.state === 'posted') return `posted ${outcome.event ?? 'no event'} from ${outcome.firstTransfer}, ${outcome.transfers} transfers`
  return `${outcome.state} of ${outcome.event}`
}

// The ledger under test, with a store that reads only what was asked for --------------------------------------------------------

type Stored = {
  head: Head
  readonly references: Map<string, { fingerprint: Uint8Array; event: bigint }>
  readonly accounts: Map<string, AccountState>
  readonly transfers: TransferLine[]
}

function emptyStore(): Stored {
  const head = { event: 0n, transfer: 0n, block: 0n, account: 0, plan: 1, hash: GENESIS_HASH, recordedAt: START }
  return { head, references: new Map(), accounts: new Map(), transfers: [] }
}

function read({ references, accounts }: Stored, members: readonly Member[]): Known {
  const digests = new Set(members.flatMap((member) => (member.type === 'event' ? [member.digest] : [])))
  const keys = new Set(members.flatMap((member) => accountsOf(member).map(accountKey)))
  return {
    references: new Map([...references].filter(([digest]) => digests.has(digest))),
    accounts: new Map([...accounts].filter(([key]) => keys.has(key))),
    states: new Map(),
  }
}

function write(stored: Stored, { head, events, transfers, newAccounts, touched }: BatchWrite): void {
  stored.head = head
  const numbers = new Map(touched.map((account) => [accountKey(account), account.number]))
  for (const { debitNumber, creditNumber, ...transfer } of transfers) {
    // The numbers under which a transfer is stored are those of the accounts that its line names.
    const { debit, credit, asset } = transfer
    expect([debitNumber, creditNumber]).toEqual([numbers.get(accountKey({ name: debit, asset })), numbers.get(accountKey({ name: credit, asset }))])
    stored.transfers.push(transfer)
  }
  for (const { digest, fingerprint, number } of events) stored.references.set(digest, { fingerprint, event: number })
  for (const account of newAccounts) {
    if (stored.accounts.has(accountKey(account))) throw new Error(`${account.name} was made twice`)
    stored.accounts.set(accountKey(account), account)
  }
  for (const account of touched) {
    if (!stored.accounts.has(accountKey(account))) throw new Error(`${account.name} was touched and never made`)
    stored.accounts.set(accountKey(account), account)
  }
}

/** Cuts a list into pieces of these sizes, taken in turn. */
function pieces<T>(list: readonly T[], sizes: readonly number[]): readonly (readonly T[])[] {
  const cut: (readonly T[])[] = []
  for (let start = 0; start < list.length; ) {
    const size = sizes[cut.length % sizes.length] as number
    cut.push(list.slice(start, start + size))
    start += size
  }
  return cut
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function checkBlock(before: Head, made: BatchWrite, clock: Temporal.Instant): void {
  const { head, block, events, transfers } = made
  expect(head.block).toBe(before.block + 1n)
  expect(block).toEqual({ firstTransfer: before.transfer + 1n, firstEvent: before.event + 1n })
  expect(transfers.map(({ number }) => number)).toEqual(transfers.map((_, index) => before.transfer + 1n + BigInt(index)))
  expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => before.event + 1n + BigInt(index)))
  expect([head.transfer, head.event]).toEqual([before.transfer + BigInt(transfers.length), before.event + BigInt(events.length)])
  expect(head.account).toBe(before.account + made.newAccounts.length)
  const behind = Temporal.Instant.compare(clock, before.recordedAt) < 0
  expect(head.recordedAt.equals(behind ? before.recordedAt : clock)).toBe(true)
  for (const { number, firstTransfer, transfers: count } of events) {
    const mine = transfers.filter(({ event }) => event === number).map((transfer) => transfer.number)
    expect(mine).toEqual(Array.from({ length: count }, (_, index) => firstTransfer + BigInt(index)))
  }
  const names = new Set(transfers.flatMap(({ debit, credit, asset: of }) => [`${debit}\t${of}`, `${credit}\t${of}`]))
  expect(new Set(made.touched.map(accountKey))).toEqual(names)
  expect(made.touched).toHaveLength(names.size)
  const lines = [
    ['B', 2, head.block, instantText(head.recordedAt)],
    ...events.map((e) => ['E', e.number, e.digest, hexOf(e.fingerprint), instantText(e.eventAt), e.asset, e.units, e.plan, e.planHash, e.recorded]),
    ...transfers.map((t) => ['T', t.number, t.event, t.kind, t.part, t.subject, t.debit, t.credit, t.asset, t.units]),
  ]
  const text = lines.map((line) => `${line.map((field) => field ?? '').join('\t')}\n`).join('')
  expect(hexOf(head.hash)).toBe(createHash('sha256').update(before.hash).update(text).digest('hex'))
}

function checkAccounts({ accounts, transfers, head }: Stored): void {
  const inOrder = [...new Set(transfers.flatMap(({ debit, credit, asset: of }) => [`${debit}\t${of}`, `${credit}\t${of}`]))]
  const expected = inOrder.map((key, index) => {
    const [name, of] = key.split('\t') as [string, string]
    const mine = transfers.filter(({ debit, credit, asset: its }) => its === of && (debit === name || credit === name))
    const [debits, credits] = [sumOf(transfers, 'debit', name, of), sumOf(transfers, 'credit', name, of)]
    return { name, asset: of, number: index + 1, debits, credits, transfer: mine.at(-1)?.number }
  })
  expect([...accounts.values()].toSorted((a, b) => a.number - b.number)).toEqual(expected)
  expect(head.account).toBe(expected.length)
  for (const of of ASSETS) {
    const inAsset = expected.filter((account) => account.asset === of)
    expect(inAsset.reduce((sum, { debits, credits }) => sum + debits - credits, 0n)).toBe(0n)
  }
}

type Script = { readonly sizes: readonly number[]; readonly clock: readonly number[] }

/** Runs the members in batches, checking each block; answers what each member was told. */
function run(stored: Stored, members: readonly Member[], { sizes, clock }: Script): readonly string[] {
  let now = START
  return pieces(members, sizes).flatMap((batch, index) => {
    now = now.add({ milliseconds: clock[index % clock.length] as number })
    const before = stored.head
    const { outcomes, write: made } = decideBatch(before, read(stored, batch), batch, now)
    expect(made === null).toBe(!outcomes.some(({ state }) => state === 'posted'))
    if (made !== null) {
      checkBlock(before, made, now)
      write(stored, made)
    }
    return outcomes.map(said)
  })
}

it('posts like a ledger that takes one member at a time, however members are batched', () => {
  const kinds = new Set<TransferKind>()
  const told = new Set<string>()
  const property = fc.property(script, ({ contents: all, commands, sizes, clock }) => {
    const members = commands.map((each) => memberOf(each, all))
    const plain: Plain = { transfers: [], events: new Map() }
    const expected = members.map((member) => post(plain, member))
    const [{ accounts, head }, ...others] = [sizes, [members.length], [1]].map((each) => {
      const stored = emptyStore()
      expect(run(stored, members, { sizes: each, clock })).toEqual(expected)
      checkAccounts(stored)
      expect(stored.transfers).toEqual(plain.transfers)
      return stored
    }) as [Stored, ...Stored[]]
    for (const other of others) {
      expect(other.accounts).toEqual(accounts)
      expect(other.head).toMatchObject({ event: head.event, transfer: head.transfer, account: head.account, plan: head.plan })
    }
    for (const { kind } of plain.transfers) kinds.add(kind)
    for (const outcome of expected) told.add(outcome.split(/ (?=of|from|no|\d)/)[0] as string)
  })
  fc.assert(property, { numRuns: 50 })
  // These scripts are the same each time, and reach everything that scripts are meant to reach.
  fc.assert(property, { numRuns: 200, seed: 3 })
  expect([...kinds].toSorted()).toEqual(Object.keys(TRANSFER_KINDS).toSorted())
  const reached = ['conflict', 'duplicate', 'posted', 'refused balance_exceeded', 'refused floor_exceeded', 'refused recipient_not_found']
  expect([...told].toSorted()).toEqual(reached)
})
