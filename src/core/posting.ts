// What posting a batch does, as a pure function: each member is decided in order on the state its predecessors left, and a refused
// member takes nobody down. The store reads the state before and writes the result after, under the lane's lock.

import { accountKey, balanceOf, isInChart, roleOf, type AccountName, type TransferKind } from './account.ts'
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
  readonly shares: readonly Share[] | Refusal | Undivided
}

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
  readonly floor: boolean
  debits: bigint
  credits: bigint
  transfer: bigint
}

type Draft = {
  readonly known: Known
  readonly accounts: Map<string, Working>
  readonly touched: Set<Working>
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
  return legsOf(member).flatMap(({ debit, credit, asset }) => [
    { name: debit, asset },
    { name: credit, asset },
  ])
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
    touched: new Set(),
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
  const touched = [...draft.touched].map(({ name, asset, number: place, debits, credits, transfer }) => {
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
  const { shares, state } = 'shares' in divided ? divided : { shares: divided, state: null }
  const legs = legsOfEvent(member, shares)
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
  const recorded = recordDigest({ backdated, claimed: claimedJson(input.claimed), details, door, standing: factsJson(standing) })
  draft.references.set(digest, { fingerprint, event: number })
  const line: EventLine = { number, digest, fingerprint, eventAt, asset, units, plan, planHash, recorded }
  draft.events.push({ ...line, member, shares, firstTransfer, transfers: legs.length })
  return { state: 'posted', event: number, firstTransfer, transfers: legs.length }
}

function nextTransfer({ transfers }: Draft, head: Head): bigint {
  return head.transfer + BigInt(transfers.length) + 1n
}

/** Members are never changed, and each is asked for its legs when its accounts are read and again when it is decided. */
const legsByShares = new WeakMap<readonly Share[], readonly Leg[]>()

function legsOf(member: Member): readonly Leg[] {
  if (member.type === 'move') return member.legs
  return member.shares instanceof Refusal || isUndivided(member.shares) ? [] : legsOfEvent(member, member.shares)
}

function legsOfEvent({ input: { asset, units } }: EventMember, shares: readonly Share[]): readonly Leg[] {
  return legsByShares.getOrInsertComputed(shares, () => {
    const shared = shares.reduce((all, share) => (share.from === 'received' ? all + share.units : all), 0n)
    assert(shared === units && shares.every((share) => share.units >= 0n), `shares of ${shared} units are posted for ${units}`)
    const received: Leg = { kind: 'received', debit: 'expected', credit: 'received', asset, units, part: null, subject: null }
    return [
      ...(units === 0n ? [] : [received]),
      ...shares
        .filter((share) => share.units > 0n)
        .map(({ part, from, account, units: share }): Leg => ({ kind: 'share', debit: from, credit: account, asset, units: share, part, subject: null })),
    ]
  })
}

type Place = { readonly firstTransfer: bigint; readonly event: bigint | null }

/** How an account stood before the member at hand touched it. */
type Before = Balance & { readonly account: Working; readonly transfer: bigint; readonly isNew: boolean }

/** Applies the legs to the draft, or leaves the draft as it was and says why not. */
function apply(draft: Draft, legs: readonly Leg[], { firstTransfer, event }: Place): Refusal | null {
  const before = new Map<Working, Before>()
  const lastAccount = draft.lastAccount
  const posted = legs.map((leg, index): PostedTransfer => {
    checkChart(leg)
    const number = firstTransfer + BigInt(index)
    const debit = open(draft, before, leg.debit, leg.asset)
    const credit = open(draft, before, leg.credit, leg.asset)
    debit.debits += leg.units
    credit.credits += leg.units
    debit.transfer = credit.transfer = number
    return { ...leg, number, event, debitNumber: debit.number, creditNumber: credit.number }
  })
  for (const account of before.keys()) {
    const refusal = checkAccount(account)
    if (refusal === null) continue
    undo(draft, before, lastAccount)
    return refusal
  }
  for (const account of before.keys()) draft.touched.add(account)
  draft.transfers.push(...posted)
  return null
}

function open(draft: Draft, before: Map<Working, Before>, name: string, asset: AssetName): Working {
  const key = accountKey({ name, asset })
  let account = draft.accounts.get(key)
  const isNew = account === undefined && !draft.known.accounts.has(key)
  if (account === undefined) {
    const found = draft.known.accounts.get(key) ?? { number: (draft.lastAccount += 1), debits: 0n, credits: 0n, transfer: 0n }
    const { number, debits, credits, transfer } = found
    account = { name, asset, number, debits, credits, transfer, floor: roleOf(name).floor }
    draft.accounts.set(key, account)
  }
  const { debits, credits, transfer } = account
  if (!before.has(account)) before.set(account, { account, debits, credits, transfer, isNew })
  return account
}

function undo(draft: Draft, before: ReadonlyMap<Working, Before>, lastAccount: number): void {
  for (const { account, debits, credits, transfer, isNew } of before.values()) {
    Object.assign(account, { debits, credits, transfer })
    if (isNew) draft.accounts.delete(accountKey(account))
  }
  draft.lastAccount = lastAccount
}

function checkChart({ kind, debit, credit, units }: Leg): void {
  assert(isInChart(kind, { debit, credit }), `the chart has no ${kind} from ${debit} to ${credit}`)
  assert(units > 0n, `a transfer moves more than zero units, not ${units}`)
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
