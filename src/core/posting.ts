// What posting a batch does, as a pure function: each member is decided in order on the state its predecessors left, and a refused
// member takes nobody down. The store reads the state before and writes the result after, under the lane's lock.

import { accountKey, accountName, balanceOf, roleOf, TRANSFER_KINDS, type AccountName, type TransferKind } from './account.ts'
import { assert, present } from './assert.ts'
import type { Share } from './distribution.ts'
import type { EventInput } from './event.ts'
import { blockHash, type EventLine, type TransferLine } from './journal.ts'
import { MAX_UNITS, type AssetName } from './money.ts'
import { Refusal } from './refusal.ts'

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
  readonly door: string
  readonly backdated: boolean
  readonly shares: readonly Share[] | Refusal
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
  readonly firstTransfer: bigint
  readonly transfers: number
}

export type BatchWrite = {
  readonly head: Head
  readonly block: { readonly firstTransfer: bigint; readonly firstEvent: bigint }
  readonly events: readonly PostedEvent[]
  readonly transfers: readonly TransferLine[]
  readonly newAccounts: readonly AccountState[]
  /** Each account the block touched, as it stands after the block. */
  readonly touched: readonly AccountState[]
}

export type Decision = { readonly outcomes: readonly Outcome[]; readonly write: BatchWrite | null }

type Draft = {
  readonly accounts: Map<string, AccountState>
  readonly touched: Set<string>
  readonly references: Map<string, { readonly fingerprint: Uint8Array; readonly event: bigint }>
  readonly events: PostedEvent[]
  readonly transfers: TransferLine[]
  lastAccount: number
}

/** The accounts that a member may touch, so that they can be read before it is decided. */
export function accountsOf(member: Member): readonly AccountName[] {
  return legsOf(member).flatMap(({ debit, credit, asset }) => [
    { name: debit, asset },
    { name: credit, asset },
  ])
}

/**
 * Decides a batch. `recordedAt` is the instant of the block; it never falls behind the block before, so that the order of instants
 * is the order of numbers even when the clock jumps back. Without a posted member nothing is written.
 */
export function decideBatch(head: Head, known: Known, members: readonly Member[], recordedAt: Temporal.Instant): Decision {
  const draft: Draft = {
    accounts: new Map(known.accounts),
    touched: new Set(),
    references: new Map(known.references),
    events: [],
    transfers: [],
    lastAccount: head.account,
  }
  const outcomes = members.map((member) => decideMember(draft, head, member))
  if (draft.transfers.length === 0) return { outcomes, write: null }
  const instant = Temporal.Instant.compare(recordedAt, head.recordedAt) < 0 ? head.recordedAt : recordedAt
  const number = head.block + 1n
  const { events, transfers } = draft
  const touched = [...draft.touched].map((key) => present(draft.accounts.get(key), key))
  return {
    outcomes,
    write: {
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
      newAccounts: touched.filter((account) => account.number > head.account),
      touched,
    },
  }
}

function decideMember(draft: Draft, head: Head, member: Member): Outcome {
  if (member.type === 'event') {
    const earlier = draft.references.get(member.digest)
    if (earlier !== undefined) {
      const same = Buffer.compare(earlier.fingerprint, member.fingerprint) === 0
      return { state: same ? 'duplicate' : 'conflict', event: earlier.event }
    }
    if (member.shares instanceof Refusal) return { state: 'refused', refusal: member.shares }
  }
  const legs = legsOf(member)
  const refusal = apply(draft, head, legs)
  if (refusal !== null) return { state: 'refused', refusal }
  const firstTransfer = head.transfer + BigInt(draft.transfers.length) + 1n
  const event = member.type === 'event' ? head.event + BigInt(draft.events.length) + 1n : null
  for (const [index, leg] of legs.entries()) draft.transfers.push({ ...leg, number: firstTransfer + BigInt(index), event })
  if (member.type === 'event') {
    const number = present(event, 'event number')
    const { input, digest, fingerprint, plan } = member
    const { eventAt, asset, units } = input
    draft.references.set(digest, { fingerprint, event: number })
    draft.events.push({ number, digest, fingerprint, eventAt, asset, units, plan, member, firstTransfer, transfers: legs.length })
  }
  return { state: 'posted', event, firstTransfer, transfers: legs.length }
}

function legsOf(member: Member): readonly Leg[] {
  if (member.type === 'move') return member.legs
  if (member.shares instanceof Refusal) return []
  const { asset, units } = member.input
  const shared = member.shares.reduce((all, share) => all + share.units, 0n)
  assert(shared === units && member.shares.every((share) => share.units >= 0n), `shares of ${shared} units are posted for ${units}`)
  return [
    { kind: 'received', debit: 'expected', credit: 'received', asset, units, part: null, subject: null },
    ...member.shares
      .filter((share) => share.units > 0n)
      .map(({ part, recipient, units: share }): Leg => {
        return { kind: 'share', debit: 'received', credit: accountName('payable', recipient), asset, units: share, part, subject: null }
      }),
  ]
}

/** Applies the legs to the draft, or leaves the draft as it was and says why not. */
function apply(draft: Draft, head: Head, legs: readonly Leg[]): Refusal | null {
  const before = new Map<string, AccountState | undefined>()
  const lastAccount = draft.lastAccount
  for (const [index, leg] of legs.entries()) {
    checkChart(leg)
    const number = head.transfer + BigInt(draft.transfers.length + index) + 1n
    move(draft, before, { name: leg.debit, asset: leg.asset }, { debits: leg.units, credits: 0n }, number)
    move(draft, before, { name: leg.credit, asset: leg.asset }, { debits: 0n, credits: leg.units }, number)
  }
  const refusal = [...before.keys()].map((key) => checkAccount(present(draft.accounts.get(key), key))).find((found) => found !== null)
  if (refusal === undefined) {
    for (const key of before.keys()) draft.touched.add(key)
    return null
  }
  for (const [key, account] of before) {
    if (account === undefined) draft.accounts.delete(key)
    else draft.accounts.set(key, account)
  }
  draft.lastAccount = lastAccount
  return refusal
}

function move(draft: Draft, before: Map<string, AccountState | undefined>, account: AccountName, by: Balance, transfer: bigint): void {
  const key = accountKey(account)
  const found = draft.accounts.get(key)
  if (!before.has(key)) before.set(key, found)
  const number = found?.number ?? (draft.lastAccount += 1)
  const debits = (found?.debits ?? 0n) + by.debits
  const credits = (found?.credits ?? 0n) + by.credits
  draft.accounts.set(key, { name: account.name, asset: account.asset, number, debits, credits, transfer })
}

function checkChart({ kind, debit, credit, units }: Leg): void {
  const allowed = TRANSFER_KINDS[kind]
  const matches = (name: string, role: string): boolean => name === role || name.startsWith(`${role}:`)
  assert(matches(debit, allowed.debit) && matches(credit, allowed.credit), `the chart has no ${kind} from ${debit} to ${credit}`)
  assert(units > 0n, `a transfer moves more than zero units, not ${units}`)
}

function checkAccount(account: AccountState): Refusal | null {
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
  if (balance >= 0n || !roleOf(name).floor) return null
  return new Refusal('floor_exceeded', `account ${name} would stand at ${balance} units of ${asset}; it may not fall below zero`, {
    account: name,
    asset,
    balance: balance.toString(),
  })
}
