// A plan tried on events, without writing anything: each is divided as recording would divide it, on what the rules remember from the
// events before it, and added up. Pure but for the figures it holds; where the events come from is the caller's affair.

import { accountName, roleNameOf } from './account.ts'
import { present } from './assert.ts'
import { distribute, stateKeysFor, type AmountFields, type Distribution, type Divisible, type Share } from './distribution.ts'
import type { Json } from './effects.ts'
import { clip, type AssetName } from './money.ts'
import type { PlanVersion } from './plan.ts'
import { addShares, createTally, type Tally } from './preview/tally.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import type { FactSets } from './rules/rule.ts'
import { standingNeedsOf, type StandingNeed } from './standing.ts'

type Steps = Pick<PlanVersion, 'steps'>

/** An event on its way through a preview. */
export type PreviewedEvent = Divisible & {
  /** Its lane's place in the ledger: rules remember by lane. */
  readonly lane: number
  readonly reference: string | null
  /** Of a file, counted from 1; null for events that were recorded. */
  readonly line: number | null
  /** The version that it was recorded with; null for one that was not. */
  readonly plan: number | null
  /** The facts that the ledger kept for it, as they were recorded. */
  readonly standing: FactSets
  readonly recordedAt: Temporal.Instant
  /** Whether it undoes an earlier one. */
  readonly isReversal: boolean
}

/** What a lane's rules remember, and what stands in the accounts that they may draw on, by name and asset. */
export type Memory = { readonly states: Map<string, Json>; readonly balances: Map<string, bigint> }

/** A plan as a preview follows it. */
export type PreviewedPlan = {
  readonly stepsOf: (event: PreviewedEvent) => Steps
  /** The standing facts that its steps ask for. */
  readonly standingOf: (event: PreviewedEvent, needs: readonly StandingNeed[]) => FactSets
  readonly amountFields: AmountFields
  /**
   * Whether amounts that came with an event refuse it when the plan gives others. Those of recorded events were worked out for another
   * plan: they are compared, counted, and left aside.
   */
  readonly enforceClaims: boolean
}

export type FirstRefusal = { readonly reference: string | null; readonly line: number | null; readonly code: RefusalCode; readonly message: string }

/** One plan's side of a preview: how far it is. */
export type Side = {
  readonly plan: PreviewedPlan
  readonly lanes: ReadonlyMap<number, Memory>
  readonly tally: Tally
  events: number
  divided: number
  readonly refusals: Map<RefusalCode, number>
  readonly first: FirstRefusal[]
  /** Events that came with amounts of their own, and those of them that the plan would refuse for it. */
  readonly claims: { events: number; mismatched: number }
  /** Reversals met on the way, and their units by asset: they are passed over. */
  readonly reversals: Map<AssetName, { events: number; units: bigint }>
}

/** Refusals told whole: enough to see what is wrong, and the rest is counted. */
export const FIRST_REFUSALS = 10

/** Longest message that is repeated, in characters. */
const MAX_MESSAGE = 500

export function createSide(plan: PreviewedPlan, lanes: ReadonlyMap<number, Memory>): Side {
  return { plan, lanes, tally: createTally(), events: 0, divided: 0, refusals: new Map(), first: [], claims: { events: 0, mismatched: 0 }, reversals: new Map() }
}

/** Divides the next event of its lane and adds it up; a reversal is passed over. A refused one changes nothing but the count of refusals. */
export function previewEvent(side: Side, event: PreviewedEvent): void {
  if (event.isReversal) return passOver(side, event)
  side.events += 1
  try {
    const { asset, units } = event
    const { shares, state } = divide(side, event)
    const memory = memoryOf(side, event)
    move(memory, asset, shares)
    for (const [key, value] of state) memory.states.set(key, value)
    addShares(side.tally, { asset, units }, shares)
    side.divided += 1
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    countRefusal(side, event, error)
  }
}

/**
 * Counts a reversal. It undid shares that another plan gave, perhaps of an event before the span: what a plan gives is shown as it was before
 * anything was taken back.
 */
function passOver({ reversals }: Side, { asset, units }: Pick<PreviewedEvent, 'asset' | 'units'>): void {
  const own = reversals.getOrInsertComputed(asset, () => ({ events: 0, units: 0n }))
  own.events += 1
  own.units += units
}

/** Counts what could not even be read as an event. */
export function previewUnreadable(side: Side, line: number | null, refusal: Refusal): void {
  side.events += 1
  countRefusal(side, { line, reference: null }, refusal)
}

function countRefusal({ refusals, first }: Side, { line, reference }: Pick<PreviewedEvent, 'line' | 'reference'>, { code, message }: Refusal): void {
  refusals.set(code, (refusals.get(code) ?? 0) + 1)
  if (first.length < FIRST_REFUSALS) first.push({ reference: reference === null ? null : clip(reference, MAX_MESSAGE), line, code, message: clip(message, MAX_MESSAGE) })
}

function memoryOf({ lanes }: Side, { lane }: Pick<PreviewedEvent, 'lane'>): Memory {
  return present(lanes.get(lane), `lane ${lane}`)
}

function divide(side: Side, event: PreviewedEvent): Distribution {
  const { plan, claims } = side
  const { amountFields, enforceClaims } = plan
  const steps = plan.stepsOf(event)
  const needs = standingNeedsOf(event, steps)
  const known = needs.length === 0 ? event : { ...event, facts: { ...event.facts, ...plan.standingOf(event, needs) } }
  const state = statesOf(memoryOf(side, event), known, steps)
  if (event.claimed === null) return distribute(known, steps, { state, amountFields })
  claims.events += 1
  try {
    return distribute(known, steps, { state, amountFields })
  } catch (error) {
    if (enforceClaims || !(error instanceof Refusal) || !CLAIM_CODES.has(error.code)) throw error
    claims.mismatched += 1
    return distribute({ ...known, claimed: null }, steps, { state, amountFields })
  }
}

const CLAIM_CODES: ReadonlySet<RefusalCode> = new Set(['event_share_mismatch', 'event_amounts_mismatch'])

const NO_STATE: ReadonlyMap<string, Json> = new Map()

/** Only the keys that the event may ask for: a lane may remember as many as it has recipients. */
function statesOf({ states }: Memory, event: Divisible, steps: Steps): ReadonlyMap<string, Json> {
  const keys = stateKeysFor(event, steps)
  if (keys.length === 0) return NO_STATE
  const found = new Map<string, Json>()
  for (const key of keys) {
    const value = states.get(key)
    if (value !== undefined) found.set(key, value)
  }
  return found
}

/** Roles of accounts that a plan may draw on, whose balance must not fall below zero. */
const DRAWN: ReadonlySet<string> = new Set(['fund', 'carried', 'rounding'])

/** One text for an account's key in a lane's memory. */
export function balanceKey(account: string, asset: string): string {
  return `${account}\t${asset}`
}

/** Moves what the shares move in such accounts. Refuses `floor_exceeded`, as posting does, and then moves nothing. */
function move({ balances }: Memory, asset: string, shares: readonly Share[]): void {
  const changes = new Map<string, bigint>()
  for (const { from, account, units } of shares) {
    // Nearly all shares go from what came in to a recipient, and touch no such account.
    if (from === RECEIVED && account.startsWith(PAYABLE)) continue
    for (const [name, change] of [[from, -units], [account, units]] as const) {
      if (DRAWN.has(roleNameOf(name))) changes.set(name, (changes.get(name) ?? 0n) + change)
    }
  }
  for (const [account, units] of changes) {
    const balance = (balances.get(balanceKey(account, asset)) ?? 0n) + units
    if (balance < 0n) {
      throw new Refusal('floor_exceeded', `account ${account} would stand at ${balance} units of ${asset}; it may not fall below zero`, { account, asset, balance: balance.toString() })
    }
  }
  for (const [account, units] of changes) balances.set(balanceKey(account, asset), (balances.get(balanceKey(account, asset)) ?? 0n) + units)
}

const RECEIVED = accountName('received')
const PAYABLE = accountName('payable', '')
