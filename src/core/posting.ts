// What posting a batch does, as a pure function: each member is decided in order on the state its predecessors left, and a refused
// member takes nobody down. The store reads the state before and writes the result after, under the lane's lock.

import { accountKey, balanceOf, isBetween, roleNameOf, roleOf, type AccountName, type TransferKind } from './account.ts'
import { assert } from './assert.ts'
import type { Distribution, Share } from './distribution.ts'
import type { Json } from './effects.ts'
import { claimedJson, factsJson, recordDigest, type EventInput } from './event.ts'
import { blockHash, type EventLine, type TransferLine } from './journal.ts'
import { MAX_UNITS, type AssetName } from './money.ts'
import { Refusal } from './refusal.ts'
import type { FactSets, RuleState } from './rules/rule.ts'

/** The head row of a lane: the last numbers given, the chain's last hash, and the newest plan version. */
export type Head = {
  readonly event: bigint
  readonly transfer: bigint
  readonly block: bigint
  readonly account: number
  readonly plan: number
  readonly hash: Uint8Array
  readonly recordedAt: Temporal.Instant
}

export type Balance = { readonly debits: bigint; readonly credits: bigint }

/** An account as the batch finds or makes it. `transfer` is the number of the last transfer that touched it. */
export type AccountState = AccountName & Balance & { readonly number: number; readonly transfer: bigint }

/** What was read under the lock: the references asked for that are taken, and the accounts asked for that exist. */
export type Known = {
  readonly references: ReadonlyMap<string, { readonly fingerprint: Uint8Array; readonly event: bigint }>
  readonly accounts: ReadonlyMap<string, AccountState>
  /** What rules remember, by the keys asked for that there are. */
  readonly states: RuleState
}

export type Leg = {
  readonly kind: TransferKind
  readonly debit: string
  readonly credit: string
  readonly asset: AssetName
  readonly units: bigint
  readonly part: number | null
  readonly subject: string | null
}

/** An event with its reference's digest, its fingerprint and its shares (or why it cannot have any). */
export type EventMember = {
  readonly type: 'event'
  readonly input: EventInput & { readonly eventAt: Temporal.Instant }
  readonly digest: string
  readonly fingerprint: Uint8Array
  readonly plan: number
  /** Of the plan version's content, in hex. */
  readonly planHash: string
  readonly door: string
  readonly backdated: boolean
  /** Facts kept by the ledger that its plan asked for. */
  readonly standing: FactSets
  readonly shares: readonly Share[] | Refusal | Undivided | Reversing
}

/** What reverses an earlier event of the lane: its number, the legs that undo it, and what rules remember from then on. */
export type Reversing = { readonly reverses: bigint; readonly legs: readonly Leg[]; readonly state: RuleState }

/** Shares that depend on what the plan's rules remember: worked out when the events before it have been. */
export type Undivided = {
  /** State keys and accounts that the division may touch. */
  readonly keys: readonly string[]
  readonly accounts: readonly string[]
  readonly divide: (state: RuleState) => Distribution | Refusal
}

/** Movements of payouts and wallets. Their own tables guard them against twice, in the same transaction. */
export type MoveMember = { readonly type: 'move'; readonly legs: readonly Leg[] }

export type Member = EventMember | MoveMember

export type Outcome =
  | { readonly state: 'posted'; readonly event: bigint | null; readonly firstTransfer: bigint; readonly transfers: number }
  /** The same reference with the same content was recorded before as this event. */
  | { readonly state: 'duplicate'; readonly event: bigint }
  /** The same reference with other content was recorded before as this event. */
  | { readonly state: 'conflict'; readonly event: bigint }
  | { readonly state: 'refused'; readonly refusal: Refusal }

export type PostedEvent = EventLine & {
  readonly member: EventMember
  readonly shares: readonly Share[]
  /** The event that it reverses; null for all others. */
  readonly reverses: bigint | null
  readonly firstTransfer: bigint
  readonly transfers: number
}

/** A transfer with the numbers of its accounts in their lane. */
export type PostedTransfer = TransferLine & { readonly debitNumber: number; readonly creditNumber: number }

export type BatchWrite = {
  readonly head: Head
  /** The head on which the batch was decided. */
  readonly before: Head
  readonly block: { readonly firstTransfer: bigint; readonly firstEvent: bigint }
  readonly events: readonly PostedEvent[]
  readonly transfers: readonly PostedTransfer[]
  /** What rules remember from an event on. */
  readonly states: readonly { readonly event: bigint; readonly key: string; readonly value: Json }[]
  readonly newAccounts: readonly AccountState[]
  /** Each account the block touched, as it stands after the block. */
  readonly touched: readonly AccountState[]
}

export type Decision = { readonly outcomes: readonly Outcome[]; readonly write: BatchWrite | null }

/** An account while the batch works on it. Changed in place: a batch touches the same few accounts thousands of times. */
type Working = AccountName & {
  readonly number: number
  readonly role: string
  readonly floor: boolean
  debits: bigint
  credits: bigint
  transfer: bigint
  /** The member that touched it last, and how it stood before that one; so that a refused member leaves nothing behind. */
  member: number
  before: Balance & { readonly transfer: bigint }
  /** The member that made it; 0 for an account that was there. */
  readonly madeBy: number
  /** Whether a member that was posted touched it. */
  isTouched: boolean
}

type Draft = {
  readonly known: Known
  readonly accounts: Map<string, Working>
  readonly touched: Working[]
  /** Members are counted from 1. */
  member: number
  /** Accounts that the member at hand touched. */
  current: Working[]
  readonly references: Map<string, { readonly fingerprint: Uint8Array; readonly event: bigint }>
  readonly states: Map<string, Json>
  readonly events: PostedEvent[]
  readonly transfers: PostedTransfer[]
  readonly changes: BatchWrite['states'][number][]
  lastAccount: number
}

/** The accounts that a member may touch, so that they can be read before it is decided. */
export function accountsOf(member: Member): readonly AccountName[] {
  if (member.type === 'event' && isUndivided(member.shares)) {
    const { asset } = member.input
    return ['expected', ...member.shares.accounts].map((name) => ({ name, asset }))
  }
  if (member.type === 'event') return accountsOfEvent(member)
  return accountsOfLegs(member.legs)
}

function accountsOfLegs(legs: readonly Leg[]): readonly AccountName[] {
  return legs.flatMap(({ debit, credit, asset }) => [
    { name: debit, asset },
    { name: credit, asset },
  ])
}

function accountsOfEvent({ input: { asset, units }, shares }: EventMember): readonly AccountName[] {
  if (shares instanceof Refusal || isUndivided(shares)) return []
  if ('legs' in shares) return accountsOfLegs(shares.legs)
  const names: AccountName[] = units === 0n ? [] : [{ name: 'expected', asset }, { name: 'received', asset }]
  for (const { from, account, units: share } of shares) {
    if (share === 0n) continue
    if (from !== 'received') names.push({ name: from, asset })
    names.push({ name: account, asset })
  }
  return names
}

/** The state keys that must be read before a member is decided. */
export function stateKeysOf(member: Member): readonly string[] {
  return member.type === 'event' && isUndivided(member.shares) ? member.shares.keys : []
}

function isUndivided(shares: EventMember['shares']): shares is Undivided {
  return !(shares instanceof Refusal) && 'divide' in shares
}

/**
 * Decides a batch. `recordedAt` is the instant of the block; it never falls behind the block before, so that the order of instants
 * is the order of numbers even when the clock jumps back. Without a posted member nothing is written.
 */
export function decideBatch(head: Head, known: Known, members: readonly Member[], recordedAt: Temporal.Instant): Decision {
  const draft: Draft = {
    known,
    accounts: new Map(),
    touched: [],
    member: 0,
    current: [],
    references: new Map(known.references),
    states: new Map(known.states),
    events: [],
    transfers: [],
    changes: [],
    lastAccount: head.account,
  }
  const outcomes = members.map((member) => decideMember(draft, head, member))
  // An event of zero units changes what rules remember and moves nothing.
  if (draft.transfers.length === 0 && draft.events.length === 0) return { outcomes, write: null }
  const instant = Temporal.Instant.compare(recordedAt, head.recordedAt) < 0 ? head.recordedAt : recordedAt
  const number = head.block + 1n
  const { events, transfers, changes: states } = draft
  const touched = draft.touched.map(({ name, asset, number: place, debits, credits, transfer }) => {
    return { name, asset, number: place, debits, credits, transfer }
  })
  return {
    outcomes,
    write: {
      before: head,
      head: {
        event: head.event + BigInt(events.length),
        transfer: head.transfer + BigInt(transfers.length),
        block: number,
        account: draft.lastAccount,
        plan: head.plan,
        hash: blockHash(head.hash, { number, recordedAt: instant, events, transfers }),
        recordedAt: instant,
      },
      block: { firstTransfer: head.transfer + 1n, firstEvent: head.event + 1n },
      events,
      transfers,
      states,
      newAccounts: touched.filter((account) => account.number > head.account),
      touched,
    },
  }
}

function decideMember(draft: Draft, head: Head, member: Member): Outcome {
  if (member.type === 'event') return decideEvent(draft, head, member)
  const firstTransfer = nextTransfer(draft, head)
  const refusal = apply(draft, member.legs, { firstTransfer, event: null })
  return refusal === null ? { state: 'posted', event: null, firstTransfer, transfers: member.legs.length } : { state: 'refused', refusal }
}

function decideEvent(draft: Draft, head: Head, member: EventMember): Outcome {
  const earlier = draft.references.get(member.digest)
  if (earlier !== undefined) {
    const same = Buffer.compare(earlier.fingerprint, member.fingerprint) === 0
    return { state: same ? 'duplicate' : 'conflict', event: earlier.event }
  }
  const divided = isUndivided(member.shares) ? member.shares.divide(draft.states) : member.shares
  if (divided instanceof Refusal) return { state: 'refused', refusal: divided }
  const { shares, legs, state, reverses } = workOf(member, divided)
  const number = head.event + BigInt(draft.events.length) + 1n
  const firstTransfer = nextTransfer(draft, head)
  const refusal = apply(draft, legs, { firstTransfer, event: number })
  if (refusal !== null) return { state: 'refused', refusal }
  for (const [key, value] of state ?? []) {
    draft.states.set(key, value)
    draft.changes.push({ event: number, key, value })
  }
  const { input, digest, fingerprint, plan, planHash, door, backdated, standing } = member
  const { eventAt, asset, units, details } = input
  const recorded = recordDigest({ backdated, claimed: claimedJson(input.claimed), details, door, standing: factsJson(standing), reverses: reverses?.toString() ?? null })
  draft.references.set(digest, { fingerprint, event: number })
  const line: EventLine = { number, digest, fingerprint, eventAt, asset, units, plan, planHash, recorded }
  draft.events.push({ ...line, member, shares, reverses, firstTransfer, transfers: legs.length })
  return { state: 'posted', event: number, firstTransfer, transfers: legs.length }
}

type Work = { readonly shares: readonly Share[]; readonly legs: readonly Leg[]; readonly state: RuleState | null; readonly reverses: bigint | null }

function workOf(member: EventMember, divided: readonly Share[] | Distribution | Reversing): Work {
  if ('reverses' in divided) return { ...divided, shares: [] }
  const { shares, state } = 'shares' in divided ? divided : { shares: divided, state: null }
  return { shares, legs: legsOfEvent(member, shares), state, reverses: null }
}

function nextTransfer({ transfers }: Draft, head: Head): bigint {
  return head.transfer + BigInt(transfers.length) + 1n
}

function legsOfEvent({ input: { asset, units } }: EventMember, shares: readonly Share[]): readonly Leg[] {
  const legs: Leg[] = units === 0n ? [] : [{ kind: 'received', debit: 'expected', credit: 'received', asset, units, part: null, subject: null }]
  let shared = 0n
  let isBelowZero = false
  for (const { part, from, account, units: share } of shares) {
    isBelowZero ||= share < 0n
    if (from === 'received') shared += share
    if (share > 0n) legs.push({ kind: 'share', debit: from, credit: account, asset, units: share, part, subject: null })
  }
  assert(shared === units && !isBelowZero, () => `shares of ${shared} units are posted for ${units}`)
  return legs
}

type Place = { readonly firstTransfer: bigint; readonly event: bigint | null }

/** Applies the legs to the draft, or leaves the draft as it was and says why not. */
function apply(draft: Draft, legs: readonly Leg[], { firstTransfer, event }: Place): Refusal | null {
  const [lastAccount, lastPosted] = [draft.lastAccount, draft.transfers.length]
  draft.member += 1
  draft.current = []
  let number = firstTransfer
  for (const { kind, debit, credit, asset, units, part, subject } of legs) {
    const from = open(draft, debit, asset)
    const to = open(draft, credit, asset)
    checkChart(kind, { from, to, units })
    from.debits += units
    to.credits += units
    from.transfer = to.transfer = number
    draft.transfers.push({ kind, debit, credit, asset, units, part, subject, number, event, debitNumber: from.number, creditNumber: to.number })
    number += 1n
  }
  for (const account of draft.current) {
    const refusal = checkAccount(account)
    if (refusal === null) continue
    undo(draft, lastAccount)
    draft.transfers.length = lastPosted
    return refusal
  }
  for (const account of draft.current) {
    if (account.isTouched) continue
    account.isTouched = true
    draft.touched.push(account)
  }
  return null
}

function open(draft: Draft, name: string, asset: AssetName): Working {
  const key = accountKey({ name, asset })
  let account = draft.accounts.get(key)
  if (account === undefined) {
    account = workingOf(draft, { name, asset }, draft.known.accounts.get(key))
    draft.accounts.set(key, account)
  }
  if (account.member !== draft.member) {
    const { debits, credits, transfer } = account
    account.member = draft.member
    account.before = { debits, credits, transfer }
    draft.current.push(account)
  }
  return account
}

function workingOf(draft: Draft, { name, asset }: AccountName, found: AccountState | undefined): Working {
  const balance = found === undefined ? NEW_ACCOUNT : { debits: found.debits, credits: found.credits, transfer: found.transfer }
  const number = found === undefined ? (draft.lastAccount += 1) : found.number
  const madeBy = found === undefined ? draft.member : 0
  return { name, asset, number, role: roleNameOf(name), floor: roleOf(name).floor, ...balance, member: 0, before: balance, madeBy, isTouched: false }
}

const NEW_ACCOUNT = { debits: 0n, credits: 0n, transfer: 0n }

function undo(draft: Draft, lastAccount: number): void {
  for (const account of draft.current) {
    Object.assign(account, account.before)
    if (account.madeBy === draft.member) draft.accounts.delete(accountKey(account))
  }
  draft.lastAccount = lastAccount
}

function checkChart(kind: TransferKind, { from, to, units }: { readonly from: Working; readonly to: Working; readonly units: bigint }): void {
  assert(isBetween(kind, { debit: from.role, credit: to.role }), () => `the chart has no ${kind} from ${from.name} to ${to.name}`)
  assert(units > 0n, () => `a transfer moves more than zero units, not ${units}`)
}

function checkAccount(account: Working): Refusal | null {
  const { name, asset, debits, credits } = account
  if (debits > MAX_UNITS || credits > MAX_UNITS) {
    return new Refusal('balance_exceeded', `account ${name} would pass 39 digits of ${asset}: use an asset with fewer decimals`, {
      account: name,
      asset,
      debits: debits.toString(),
      credits: credits.toString(),
    })
  }
  const balance = balanceOf(name, account)
  if (balance >= 0n || !account.floor) return null
  return new Refusal('floor_exceeded', `account ${name} would stand at ${balance} units of ${asset}; it may not fall below zero`, {
    account: name,
    asset,
    balance: balance.toString(),
  })
}
