// The journal's events in their recorded order through the model: each must move what the model says, and a reversal take back what it says.
// What comes out are the shares that must be paid, with what was taken from each.

import { partyOf, roleOf } from './balances.ts'
import type { Findings } from './findings.ts'
import { digestOf, type Journal, type JournalEvent, type Lane, type PlanVersion, type Transfer } from './journal.ts'
import { carryOut, isKnown, type Memories } from './plan.ts'
import { SNAPSHOT } from './rules/by-weight.ts'
import { divide } from './rounding.ts'
import { createMemory } from './memory.ts'
import { decimal, weights } from './ratio.ts'
import { beginTakenBack, checkTakenBack, noteTakenBack, type TakenBack } from './taken-back.ts'
import { carriedUnder, giveBack, holdingsOf, reversibleOf, undo, type Counted, type Holding } from './undo.ts'

/** Somebody's share of an event. `taken`: by reversals, and kept back for what they owe. */
export type Share = {
  readonly reference: string
  readonly part: string
  /** Null where only laws were checked. */
  readonly role: string | null
  readonly recipient: string
  readonly asset: string
  readonly units: bigint
  readonly payableFrom: Temporal.Instant | null
  readonly transfer: bigint
  readonly bySnapshot: boolean
  taken: bigint
  /** Of that, what was kept back when its payout was made. */
  keptBack: bigint
}

export type Replayed = {
  readonly shares: readonly Share[]
  readonly byKey: ReadonlyMap<string, Share>
  readonly events: ReadonlyMap<string, JournalEvent>
  /** Shares recomputed to the unit, and those of which laws alone were checked. */
  readonly exact: number
  readonly byLaws: number
}

/** Entries of a snapshot, by its hash; undefined when nobody saw it offered. */
export type Snapshots = ReadonlyMap<string, readonly { readonly recipient: string; readonly weight: string }[]>

/** The keys of the shares that a payout draws on, by the payout's id. */
export type KeysOf = ReadonlyMap<string, readonly string[]>

/** The key of a share by its part in its event. */
export function partKey(reference: string, part: string): string {
  return `${reference}\tpart ${part}`
}

/** The key of the so-manieth payable share of an event, by its part. */
export function shareKey(reference: string, place: number): string {
  return `${reference}\t${place}`
}

/** The key of somebody's share by snapshot. */
export function snapshotKey(reference: string, recipient: string): string {
  return `${reference}\t@${recipient}`
}

/** `given`: all transfers that gave something of the event; the holdings are worked out when somebody reverses it. */
type Past = { readonly event: JournalEvent; readonly shares: Share[]; readonly given: Transfer[]; readonly counted: readonly Counted[]; holdings: readonly Holding[] | null; reversed: bigint }

type Replay = {
  readonly findings: Findings
  readonly plans: readonly PlanVersion[]
  readonly snapshots: Snapshots
  readonly keysOf: KeysOf
  readonly shares: Share[]
  readonly byKey: Map<string, Share>
  readonly events: Map<string, JournalEvent>
  readonly byDigest: Map<string, JournalEvent>
  exact: number
  byLaws: number
}

/** `unsure`: steps whose memory the model has lost, by their keys. */
type OpenLane = { readonly memories: Memories; readonly unsure: Set<string>; readonly past: Map<string, Past>; readonly away: Set<Share>; readonly large: Map<string, Transfer[]>; readonly back: Map<string, TakenBack> }

export function replay(journal: Journal, given: { findings: Findings; snapshots: Snapshots; keysOf: KeysOf }): Replayed {
  const state: Replay = { ...given, plans: journal.plans, shares: [], byKey: new Map(), events: new Map(), byDigest: new Map(), exact: 0, byLaws: 0 }
  for (const lane of journal.lanes) replayLane(state, lane)
  return state
}

function replayLane(state: Replay, { blocks }: Lane): void {
  const { findings } = state
  const lane: OpenLane = { memories: new Map(), unsure: new Set(), past: new Map(), away: new Set(), large: new Map(), back: new Map() }
  for (const { events, transfers } of blocks) {
    for (const event of events) {
      const again = state.events.get(event.recorded.reference)
      state.findings.expect('I8', again === undefined, () => `${event.recorded.reference} was recorded twice`)
      state.events.set(event.recorded.reference, event)
      state.byDigest.set(digestOf(event.recorded.reference), event)
      // What a rule counts by this event, or gives back by it, is this event's own.
      for (const memory of lane.memories.values()) memory.changes = []
      if (event.recorded.reverses === null) replayEvent(state, lane, event)
      else replayReversal(state, lane, event)
    }
    for (const transfer of transfers) if (transfer.event === '') follow(state, lane, transfer)
  }
  for (const [digest, given] of lane.large) checkLarge(state, lane, digest, given)
  for (const taken of lane.back.values()) state.exact += checkTakenBack(findings, taken)
}

/** Movements of payouts: what is away cannot be taken back, and what was kept back is no longer paid. */
function follow(state: Replay, { away, large, past, back }: OpenLane, transfer: Transfer): void {
  const { kind, subject, units, part, credit, asset, number } = transfer
  if (kind === 'distributed') {
    const digest = subject.replaceAll('-', '')
    large.getOrInsertComputed(digest, () => []).push(transfer)
    const reference = state.byDigest.get(digest)?.recorded.reference ?? ''
    const recipient = partyOf(credit)
    const share: Share = { reference, part, role: 'share', recipient, asset, units, payableFrom: null, transfer: number, bySnapshot: true, taken: 0n, keptBack: 0n }
    state.shares.push(share)
    state.byKey.set(snapshotKey(reference, recipient), share)
    state.byKey.set(partKey(reference, part), share)
    const of = past.get(state.byDigest.get(digest)?.number ?? '')
    of?.shares.push(share)
    of?.given.push(transfer)
    return
  }
  if (kind === 'taken_back') {
    const taken = back.get(subject.replaceAll('-', ''))
    state.findings.expect('I8', taken !== undefined, () => `transfer ${number} takes back for ${subject}, which is no reversal that does so`)
    if (taken !== undefined) noteTakenBack(taken, transfer, away)
    return
  }
  const shares = (state.keysOf.get(subject) ?? []).flatMap((key) => state.byKey.get(key) ?? [])
  if (kind === 'reserved' || kind === 'settled') for (const share of shares) away.add(share)
  else if (kind === 'released') for (const share of shares) away.delete(share)
  else if (kind === 'recouped') keepBack(shares, units)
}

/** One transfer keeps back of one share; of a payout's shares from the first on. */
function keepBack(shares: readonly Share[], units: bigint): void {
  const share = shares.find((each) => each.keptBack === 0n && each.units - each.taken >= units)
  if (share === undefined) return
  share.keptBack += units
  share.taken += units
}

function replayEvent(state: Replay, lane: OpenLane, event: JournalEvent): void {
  const { findings } = state
  const { reference, parties, facts, standing } = event.recorded
  const plan = state.plans.find(({ version }) => version === event.plan)?.plan
  const given = event.transfers.filter(({ kind }) => kind === 'share')
  const keys = (plan?.steps ?? []).map(({ name }) => `${name}/${event.asset}`)
  const isExact = plan !== undefined && isKnown(plan) && !keys.some((key) => lane.unsure.has(key))
  if (!isExact) for (const key of keys) lane.unsure.add(key)
  const divisible = { asset: event.asset, units: event.units, parties, facts: { ...facts, ...standing }, at: event.at }
  const moved = isExact ? carryOut(plan, divisible, lane.memories) : []
  const counted = [...lane.memories].flatMap(([step, memory]) => memory.changes.map((change): Counted => ({ memory, step, change })))
  const lines = (list: readonly { from: string; to: string; units: bigint }[]): string => list.map(({ from, to, units }) => `${from} → ${to} ${units}`).join(', ')
  if (isExact) {
    const found = lines(given.map(({ debit, credit, units }) => ({ from: debit, to: credit, units })))
    findings.expect('I8', found === lines(moved), () => `${reference} (${event.units} by plan ${event.plan}) must move ${lines(moved)}; the ledger has ${found}`)
  }
  findings.expect('I8', plan !== undefined, () => `${reference} was divided by plan version ${event.plan}, which there is not`)
  const shares = given.flatMap(({ part, credit, asset, units, number }, place): Share[] => {
    if (roleOf(credit) !== 'payable') return []
    const line = moved[place]
    return [{ reference, part, role: line?.role ?? null, recipient: partyOf(credit), asset, units, payableFrom: line?.payableFrom ?? null, transfer: number, bySnapshot: false, taken: 0n, keptBack: 0n }]
  })
  if (isExact) state.exact += given.length
  else state.byLaws += given.length
  state.shares.push(...shares)
  for (const [place, share] of shares.toSorted((a, b) => Number(a.part) - Number(b.part)).entries()) {
    state.byKey.set(shareKey(reference, place), share)
    state.byKey.set(partKey(reference, share.part), share)
  }
  lane.past.set(event.number, { event, shares, given: [...given], counted, holdings: null, reversed: 0n })
}

function replayReversal(state: Replay, lane: OpenLane, event: JournalEvent): void {
  const { findings } = state
  const { reference, reverses } = event.recorded
  const past = lane.past.get(reverses ?? '')
  findings.expect('I8', past !== undefined, () => `${reference} reverses event ${reverses ?? ''}, which there is not before it`)
  if (past === undefined) return
  const { counted } = past
  const passage = event.transfers.find(({ kind, debit }) => kind === 'reversed' && debit === 'reversing')
  const holdings = (past.holdings ??= holdingsOf(passage === undefined ? past.given : past.given.filter(({ kind }) => kind === 'share')))
  if (passage !== undefined) lane.back.set(digestOf(reference), beginTakenBack(reference, passage.units, { of: past, all: lane.back.values() }))
  const portion = { units: event.units, of: reversibleOf(holdings, past.event.units), before: past.reversed }
  const isPossible = portion.before + portion.units <= portion.of
  findings.expect('I8', isPossible, () => `${reference} reverses ${portion.units}, after ${portion.before} of ${portion.of} were reversed before`)
  if (!isPossible) return
  const wanted = undo(holdings, portion)
  const steps = state.plans.find(({ version }) => version === past.event.plan)?.plan.steps ?? []
  const isSure = !steps.some(({ name }) => lane.unsure.has(`${name}/${event.asset}`))
  const moved = new Map<string, bigint>()
  for (const [place, holding] of holdings.entries()) {
    const due = wanted[place] ?? 0n
    checkHolding(state, { lane, event, past, holding, due, isSure })
    if (roleOf(holding.account) === 'carried') moved.set(holding.account, sumOf(event, holding, 'restored') - sumOf(event, holding, 'reversed'))
    holding.reversed += due
  }
  const legs = event.transfers.filter(({ kind }) => kind === 'reversed' || kind === 'restored').reduce((all, { kind, units }) => all + (kind === 'reversed' ? units : -units), 0n)
  findings.expect('I8', legs === event.units, () => `${reference} takes back ${legs}, not ${event.units}`)
  past.reversed += event.units
  giveBack(counted, portion, moved)
  for (const { name, rule } of steps) if (WALKS.has(rule)) lane.unsure.add(`${name}/${event.asset}`)
}

/** Rules that remember a walk through time: what it would have been without a part of an event the model does not work out. */
const WALKS: ReadonlySet<string> = new Set(['waterfall', 'profit-share'])

/** What a reversal moved of a holding's own account. */
function sumOf({ transfers }: JournalEvent, { part, account }: Holding, kind: string): bigint {
  return transfers.reduce((all, each) => (each.kind === kind && each.part === part && (kind === 'restored' ? each.credit : each.debit) === account ? all + each.units : all), 0n)
}

type Taking = { readonly lane: OpenLane; readonly event: JournalEvent; readonly past: Past; readonly holding: Holding; readonly due: bigint; readonly isSure: boolean }

/** As much as is due, first from what was not paid yet; the rest its recipient owes. */
function checkHolding({ findings }: Replay, { lane, event, past, holding, due, isSure }: Taking): void {
  const { part, account } = holding
  const { reference } = event.recorded
  const given = sumOf(event, holding, 'restored')
  const taken = sumOf(event, account === 'distributing' ? { ...holding, account: 'reversing' } : holding, 'reversed')
  // What somebody owes stands under the part of what they were given, never of what was drawn on.
  const owed = holding.units > 0n ? sumOf(event, { ...holding, account: `owed_by:${partyOf(account)}` }, 'reversed') : 0n
  findings.expect('I8', taken + owed - given === due, () => `${reference} must take ${due} of ${account} (part ${part}); it took ${taken}, ${owed} are owed, ${given} were given back`)
  if (due <= 0n) return
  const share = past.shares.find((each) => each.part === part && account === `payable:${each.recipient}`)
  if (share !== undefined) {
    const unpaid = lane.away.has(share) ? 0n : share.units - share.taken
    findings.expect('I8', taken === (due < unpaid ? due : unpaid), () => `${reference} took ${taken} of ${account} (part ${part}), of which ${unpaid} were not paid`)
    share.taken += taken
  } else if (roleOf(account) === 'carried') {
    // Of steps whose memory the model has lost it knows no more than that nothing is taken twice.
    const left = isSure ? carriedUnder(account, past.counted) : taken
    findings.expect('I8', taken <= due && taken === (due < left ? due : left), () => `${reference} took ${taken} of ${account}, where ${left} of its event stood`)
  } else findings.expect('I8', taken === due, () => `${reference} took ${taken} of ${due} from ${account}, which owes nobody`)
}

/** A distribution by snapshot: each recipient's share by the weights that were frozen. */
function checkLarge(state: Replay, lane: OpenLane, digest: string, given: readonly Transfer[]): void {
  const { findings, snapshots } = state
  const past = lane.past.get(state.byDigest.get(digest)?.number ?? '')
  findings.expect('I8', past !== undefined, () => `shares of ${digest} were given out, which is no event of their lane`)
  if (past === undefined) return
  const { event } = past
  const set = Object.values(event.recorded.facts ?? {}).find((each) => Object.hasOwn(each, SNAPSHOT)) ?? {}
  const entries = snapshots.get(set[SNAPSHOT] ?? '')
  const pool = event.transfers.reduce((all, { credit, units }) => (credit === 'distributing' ? all + units : all), 0n)
  const step = state.plans.find(({ version }) => version === event.plan)?.plan.steps.find(({ rule }) => rule === 'pro-rata')
  const total = given.reduce((all, { units }) => all + units, 0n)
  findings.expect('I1', total <= pool, () => `${event.recorded.reference} gave out ${total} of ${pool} by its snapshot`)
  if (entries === undefined || step === undefined) return void (state.byLaws += given.length)
  const sorted = entries.toSorted((a, b) => (a.recipient < b.recipient ? -1 : 1))
  const by = weights(sorted.map(({ weight }) => decimal(weight)))
  const takers = sorted.map(({ recipient }, place) => ({ key: recipient, role: 'share', to: `payable:${recipient}`, weight: by[place] ?? 0n }))
  const units = divide(pool, takers, { rounding: step.rounding ?? 'largest-remainder', memory: createMemory() })
  const wanted = takers.flatMap(({ to }, place) => ((units[place] ?? 0n) > 0n ? [`${to} ${units[place]}`] : []))
  const found = given.map(({ credit, units: own }) => `${credit} ${own}`)
  state.exact += found.length
  // One that is not complete has given out the first ones.
  findings.expect('I8', found.join() === wanted.slice(0, found.length).join(), () => `${event.recorded.reference} must give ${wanted.slice(0, found.length).join(', ')}; the ledger has ${found.join(', ')}`)
}
