// A ledger in memory, to try plans on without a database: the same members, the same decisions and the same postings as the recorder's, on
// accounts that nobody keeps. It never pays, and nothing in it is approved or given notice of.

import { accountKey, accountName, balanceOf, checkParty, partyOf, type AccountName } from './account.ts'
import { present } from './assert.ts'
import type { AmountFields, Share } from './distribution.ts'
import type { Json } from './effects.ts'
import type { EventInput } from './event.ts'
import { eventMemberOf, orRefusal } from './event-member.ts'
import { parseFactValue, checkFactName, type FactName } from './fact.ts'
import { GENESIS_HASH, type TransferLine } from './journal.ts'
import { clip, quote, type AssetName } from './money.ts'
import { payableFrom } from './part.ts'
import { parsePlan, versionInForce, type PlanVersion } from './plan.ts'
import { accountsOf, decideBatch, stateKeysOf, type AccountState, type EventMember, type Head, type Known } from './posting.ts'
import { checkReference, referenceDigest } from './reference.ts'
import { Refusal } from './refusal.ts'
import type { Undone } from './reversal.ts'
import { NO_WORK, reversalMemberOf, workReversal, type ReversalMember, type ReversalWork } from './reversal-work.ts'
import type { ChangedState } from './rules/give-back.ts'
import type { FactSets } from './rules/rule.ts'
import { nextRun, type Schedule } from './schedule.ts'
import { standingNeedsOf, type StandingNeed } from './standing.ts'

export type TrialTerms = {
  readonly asset: AssetName
  /** The first version of the rules, as data. */
  readonly plan: unknown
  /** When it begins. */
  readonly at: Temporal.Instant
  readonly amountFields: AmountFields
  readonly versionInstant: (event: { readonly eventAt: Temporal.Instant }) => Temporal.Instant
  /** When payouts would be made; left out: at once. */
  readonly schedule?: Schedule | undefined
  /** Whether its events can be reversed: then it keeps each of them. */
  readonly keepsEvents?: boolean
}

export type Tried =
  | {
      readonly state: 'recorded'
      readonly event: bigint
      readonly plan: number
      readonly eventAt: Temporal.Instant
      /** Every share, those of zero units too. */
      readonly shares: readonly Share[]
      readonly transfers: readonly TransferLine[]
    }
  | { readonly state: 'duplicate'; readonly event: bigint }
  | { readonly state: 'refused'; readonly refusal: Refusal }

/** A share that may not be paid before an instant, as it stands in its account. */
export type LockedShare = { readonly account: string; readonly until: Temporal.Instant; readonly units: bigint }

export type TrialReversal = { readonly reference: string; readonly reverses: string; readonly units: bigint | null }

export type Trial = {
  readonly now: () => Temporal.Instant
  /** Lets time pass; an earlier instant changes nothing. */
  readonly passTo: (instant: Temporal.Instant) => void
  /** Records an event; time passes to its instant where that is later. */
  readonly record: (input: EventInput) => Tried
  /** Reverses an event, wholly where `units` is null. Nothing in it was ever paid. */
  readonly reverse: (reversal: TrialReversal) => Tried
  /** A next version of the rules, in force from now on. Refuses `plan_invalid`. */
  readonly addPlan: (data: unknown) => PlanVersion
  /** Keeps a standing fact from an instant on; null: always. Refuses `fact_invalid`. */
  readonly setFact: (fact: FactName & { readonly value: string; readonly from: Temporal.Instant | null }) => void
  /** Puts units into a fund, as if earlier events had. Refuses `recipient_malformed` for what is no fund's name. */
  readonly fill: (fund: string, units: bigint) => void
  /** All accounts that anything ever moved in, by name. */
  readonly accounts: () => readonly (AccountName & { readonly balance: bigint })[]
  /** Shares whose lock has not ended. */
  readonly locked: () => readonly LockedShare[]
  /** Shares of which payouts are made at the next scheduled instant, not before. */
  readonly scheduled: () => readonly LockedShare[]
}

type StandingFact = { readonly value: string; readonly from: Temporal.Instant | null }

/** Changed in place, event after event. */
type Books = {
  readonly terms: TrialTerms
  head: Head
  now: Temporal.Instant
  plans: readonly PlanVersion[]
  readonly accounts: Map<string, AccountState>
  readonly states: Map<string, Json>
  /** By digest: the fingerprint and the event's number, all as flat text of one byte a character. A million of them must fit beside everything else. */
  readonly references: Map<string, string>
  readonly facts: Map<string, Map<string, StandingFact[]>>
  readonly locks: Map<string, LockedShare>
  /** The same for the schedule. */
  readonly waiting: Map<string, LockedShare>
  /** By reference. */
  readonly events: Map<string, KeptEvent>
}

/** An event that can be reversed, and what reversals have done to it. */
type KeptEvent = ReversalMember['original'] & {
  readonly version: PlanVersion
  readonly eventAt: Temporal.Instant
  /** When payouts are made of it; null: at once. */
  readonly run: Temporal.Instant | null
  readonly changed: readonly ChangedState[]
  before: bigint
  readonly undone: Undone[]
  /** What was deducted from each share, by its part. */
  readonly deducted: Map<number, bigint>
}

const FINGERPRINT_BYTES = 32
const NUMBER_BYTES = 8

/** Opens one. Refuses `plan_invalid`. */
export function createTrial(terms: TrialTerms): Trial {
  const first: PlanVersion = { version: 1, effectiveFrom: null, ...parsePlan(terms.plan) }
  const books: Books = {
    terms,
    head: { event: 0n, transfer: 0n, block: 0n, account: 0, plan: 1, hash: GENESIS_HASH, recordedAt: terms.at },
    now: terms.at,
    plans: [first],
    accounts: new Map(),
    states: new Map(),
    references: new Map(),
    facts: new Map(),
    locks: new Map(),
    waiting: new Map(),
    events: new Map(),
  }
  return {
    now: () => books.now,
    passTo: (instant) => passTo(books, instant),
    record: (input) => record(books, input),
    reverse: (reversal) => reverse(books, reversal),
    addPlan: (data) => {
      const version: PlanVersion = { version: books.plans.length + 1, effectiveFrom: books.now, ...parsePlan(data) }
      books.plans = [...books.plans, version]
      return version
    },
    setFact: (fact) => setFact(books, fact),
    fill: (fund, units) => {
      const account = { name: accountName('fund', checkParty(fund, 'funds')), asset: terms.asset }
      const number = books.head.account + 1
      books.head = { ...books.head, account: number }
      books.accounts.set(accountKey(account), { ...account, number, debits: 0n, credits: units, transfer: 0n })
    },
    accounts: () => [...books.accounts.values()].map((account) => ({ name: account.name, asset: account.asset, balance: balanceOf(account.name, account) })),
    locked: () => [...books.locks.values()].filter(({ until }) => isBefore(books.now, until)),
    scheduled: () => [...books.waiting.values()].filter(({ until }) => isBefore(books.now, until)),
  }
}

function isBefore(one: Temporal.Instant, other: Temporal.Instant): boolean {
  return Temporal.Instant.compare(one, other) < 0
}

function passTo(books: Books, instant: Temporal.Instant): void {
  if (isBefore(books.now, instant)) books.now = instant
}

function record(books: Books, input: EventInput): Tried {
  const { terms, plans } = books
  if (input.eventAt !== null) passTo(books, input.eventAt)
  const event = { ...input, eventAt: input.eventAt ?? books.now }
  if (event.asset !== terms.asset) {
    return { state: 'refused', refusal: new Refusal('asset_not_found', `the event is in ${event.asset}, and the ledger in ${terms.asset}`, { field: 'asset', value: event.asset }) }
  }
  const plan = versionInForce(plans, terms.versionInstant(event))
  const member = eventMemberOf(event, plan, { door: 'trial', backdated: false, standing: standingOf(books, event, plan), refused: null, amountFields: terms.amountFields })
  const posted = post(books, member)
  if (posted.state !== 'recorded') return posted
  const { event: number, shares, changed } = posted
  lock(books, plan, { eventAt: event.eventAt, shares })
  const run = terms.schedule === undefined ? null : nextRun(terms.schedule, books.now)
  if (run !== null) wait(books, shares, run)
  if (terms.keepsEvents === true) {
    const kept = { reference: event.reference, asset: event.asset, units: event.units, shares, number, plan: plan.version, planHash: plan.hash }
    books.events.set(event.reference, { ...kept, version: plan, eventAt: event.eventAt, run, changed, before: 0n, undone: [], deducted: new Map() })
  }
  return posted
}

type Posted = Exclude<Tried, { readonly state: 'recorded' }> | (Extract<Tried, { readonly state: 'recorded' }> & { readonly changed: readonly ChangedState[] })

/** Decides one member and writes what was decided. */
function post(books: Books, member: EventMember): Posted {
  const { reference, eventAt } = member.input
  const { outcomes, write } = decideBatch(books.head, knownTo(books, member), [member], books.now)
  const outcome = present(outcomes[0], 'outcome')
  if (outcome.state === 'conflict') {
    const message = `the reference ${reference} was recorded before with other content, as event ${outcome.event}: an event never changes, send a new reference`
    return { state: 'refused', refusal: new Refusal('reference_conflict', message, { field: 'reference', event: outcome.event.toString() }) }
  }
  if (outcome.state !== 'posted') return outcome
  const { events: [posted], transfers, touched, states, head } = present(write, 'write')
  const { number, shares } = present(posted, 'event')
  const changed = states.map(({ key, value }): ChangedState => ({ key, before: books.states.get(key) ?? null, after: value }))
  books.head = head
  for (const account of touched) books.accounts.set(accountKey(account), account)
  for (const { key, value } of states) books.states.set(key, value)
  books.references.set(keyOf(member.digest), takenText(member.fingerprint, number))
  return { state: 'recorded', event: number, plan: member.plan, eventAt, shares, transfers, changed }
}

function reverse(books: Books, { reference, reverses, units }: TrialReversal): Tried {
  const original = books.events.get(reverses)
  if (original === undefined) {
    return { state: 'refused', refusal: new Refusal('event_not_found', `there is no event ${quote(reverses)} to reverse`, { field: 'reverses', reference: clip(reverses) }) }
  }
  const worked = orRefusal(() => {
    const isNew = !books.references.has(keyOf(referenceDigest(checkReference(reference, 'reference'))))
    return isNew ? workOut(books, original, units) : NO_WORK
  })
  if (worked instanceof Refusal) return { state: 'refused', refusal: worked }
  const posted = post(books, reversalMemberOf({ reference, asked: units, details: null, door: 'trial', at: books.now, original, work: worked }))
  if (posted.state !== 'recorded') return posted
  original.before += worked.units
  for (const { part, units: taken } of worked.deductions) original.deducted.set(part, (original.deducted.get(part) ?? 0n) + taken)
  for (const { kind, part, debit, credit, units: moved } of worked.legs) {
    if (part !== null) original.undone.push(kind === 'reversed' ? { part, account: debit, units: moved } : { part, account: credit, units: -moved })
  }
  unlock(books, original, worked)
  return posted
}

function workOut({ accounts, states }: Books, original: KeptEvent, units: bigint | null): ReversalWork {
  const { version, asset, changed, before, undone, deducted } = original
  const remembered = { plan: version, asset, changed }
  return workReversal(original, units, {
    ...{ before, undone, remembered, states },
    unpaidOf: (part) => original.shares.reduce((all, share) => (share.part === part ? all + share.units : all), 0n) - (deducted.get(part) ?? 0n),
    balanceOf: (name) => {
      const account = accounts.get(accountKey({ name, asset }))
      return account === undefined ? 0n : balanceOf(name, account)
    },
  })
}

/** What the recorder would read for a member, and nothing else: a decision copies what it is given. */
function knownTo({ accounts, states, references }: Books, member: EventMember): Known {
  const taken = references.get(keyOf(member.digest))
  const touched = accountsOf(member).flatMap((account) => {
    const key = accountKey(account)
    const found = accounts.get(key)
    return found === undefined ? [] : [[key, found] as const]
  })
  return {
    references: new Map(taken === undefined ? [] : [[member.digest, takenOf(taken)]]),
    accounts: new Map(touched),
    states: new Map(stateKeysOf(member).flatMap((key) => (states.has(key) ? [[key, states.get(key) ?? null] as const] : []))),
  }
}

function keyOf(digest: string): string {
  return Buffer.from(digest.replaceAll('-', ''), 'hex').toString('latin1')
}

function takenText(fingerprint: Uint8Array, event: bigint): string {
  const bytes = Buffer.alloc(FINGERPRINT_BYTES + NUMBER_BYTES)
  bytes.set(fingerprint)
  bytes.writeBigUInt64BE(event, FINGERPRINT_BYTES)
  return bytes.toString('latin1')
}

function takenOf(taken: string): { readonly fingerprint: Uint8Array; readonly event: bigint } {
  const bytes = Buffer.from(taken, 'latin1')
  return { fingerprint: bytes.subarray(0, FINGERPRINT_BYTES), event: bytes.readBigUInt64BE(FINGERPRINT_BYTES) }
}

function lock({ locks }: Books, plan: PlanVersion, { eventAt, shares }: { eventAt: Temporal.Instant; shares: readonly Share[] }): void {
  if (plan.steps.every((step) => step.lock === null)) return
  for (const { part, account, units } of shares) {
    const until = units === 0n || partyOf('payable', account) === null ? null : payableFrom(plan, part, eventAt)
    if (until !== null) add(locks, account, { until, units })
  }
}

function wait({ waiting, now }: Books, shares: readonly Share[], until: Temporal.Instant): void {
  for (const [key, share] of waiting) if (!isBefore(now, share.until)) waiting.delete(key)
  for (const { account, units } of shares) if (units > 0n && partyOf('payable', account) !== null) add(waiting, account, { until, units })
}

function add(held: Map<string, LockedShare>, account: string, { until, units }: Pick<LockedShare, 'until' | 'units'>): void {
  const key = `${account}\t${until.toString()}`
  const sum = units + (held.get(key)?.units ?? 0n)
  if (sum === 0n) held.delete(key)
  else held.set(key, { account, until, units: sum })
}

/** What was taken back of shares is neither locked nor scheduled any more. */
function unlock({ locks, waiting }: Books, { shares, version, number, eventAt, run }: KeptEvent, { deductions }: ReversalWork): void {
  for (const { part, units } of deductions) {
    const share = present(shares.find((each) => each.part === part), `share ${part} of event ${number}`)
    const until = payableFrom(version, part, eventAt)
    if (until !== null) add(locks, share.account, { until, units: -units })
    if (run !== null && waiting.has(`${share.account}\t${run.toString()}`)) add(waiting, share.account, { until: run, units: -units })
  }
}

function setFact({ facts }: Books, { value, from, ...given }: Parameters<Trial['setFact']>[0]): void {
  const { name, subject } = checkFactName(given)
  const values = facts.getOrInsertComputed(name, () => new Map<string, StandingFact[]>()).getOrInsertComputed(subject, () => [])
  values.push({ value: parseFactValue(value), from })
}

/** The facts kept that an event's plan asks for, as they are in force at its instant. */
function standingOf(books: Books, event: EventInput & { readonly eventAt: Temporal.Instant }, plan: PlanVersion): FactSets | Refusal {
  try {
    const sets = standingNeedsOf(event, plan).map((need) => [need.name, factsInForce(books, need, event.eventAt)] as const)
    // A fact that nobody has is missing, which the plan's rules refuse or not.
    return Object.fromEntries(sets.filter(([, set]) => Object.keys(set).length > 0))
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

function factsInForce({ facts }: Books, { name, subjects }: StandingNeed, at: Temporal.Instant): Readonly<Record<string, string>> {
  const kept = facts.get(name)
  if (kept === undefined) return {}
  const entries = (subjects ?? [...kept.keys()]).flatMap((subject) => {
    const value = kept.get(subject)?.findLast(({ from }) => from === null || !isBefore(at, from))?.value
    return value === undefined ? [] : [[subject, value] as const]
  })
  return Object.fromEntries(entries)
}
