// Reversing an event, whole or in part: what is taken back from each account that its distribution gave to. Plans are not run again, so
// that a reversal undoes what was, whatever the plan says today. Pure; parts add up to the whole, to the unit.

import { accountName, partyOf } from './account.ts'
import { allocate } from './allocate.ts'
import { assert, present } from './assert.ts'
import { canonicalJson, sha256 } from './canonical.ts'
import { prefixOf, type Share } from './distribution.ts'
import type { Json } from './effects.ts'
import type { AssetName } from './money.ts'
import type { PlanVersion } from './plan.ts'
import { countOf, type ChangedState, type Portion } from './rules/give-back.ts'
import type { RuleState } from './rules/rule.ts'
import type { Step } from './step.ts'

/** What a distribution left in an account, net, and how much of that earlier reversals of the same event undid. Both in units. */
export type Holding = {
  readonly part: number
  readonly account: string
  /** Below zero where it took more from the account than it gave: a fund it drew on, or what was carried. */
  readonly units: bigint
  readonly reversed: bigint
}

/** `units` below zero are given back to the account, above zero taken from it. */
export type Undone = { readonly part: number; readonly account: string; readonly units: bigint }

/**
 * The holdings of a distribution: each recipient's share by itself, every other account once, by its first part. What was given out in
 * chunks is one holding, unless its shares are among these. What rounding keeps is none: it stands for running entitlements of the recipients, which a reversal leaves as they are.
 */
export function holdingsOf(shares: readonly Share[]): readonly Omit<Holding, 'reversed'>[] {
  const own = shares.filter(({ account, units }) => units > 0n && isShare(account))
  const others = new Map<string, { part: number; units: bigint }>()
  const add = (account: string, part: number, units: bigint): void => {
    if (account === 'received' || account.startsWith('rounding:') || isShare(account)) return
    others.getOrInsertComputed(account, () => ({ part, units: 0n })).units += units
  }
  for (const { part, from, account, units } of shares) {
    add(from, part, -units)
    add(account, part, units)
  }
  return [
    ...own.map(({ part, account, units }) => ({ part, account, units })),
    ...[...others].filter(([, { units }]) => units !== 0n).map(([account, { part, units }]) => ({ part, account, units })),
  ].toSorted((a, b) => a.part - b.part)
}

/** What an event passed on to be given out in chunks, and what a reversal passed on to be taken back so. */
export const DISTRIBUTING = 'distributing'
export const REVERSING = 'reversing'

function isShare(account: string): boolean {
  return account.startsWith('payable:')
}

/**
 * How many units of an event can be reversed in all: what it brought in, less what of it stands in a rounding's account. A rounding that
 * had kept units of earlier events and gave them out with this one makes it no more than the event's own.
 */
export function reversible(holdings: readonly Pick<Holding, 'units'>[], units: bigint): bigint {
  const held = holdings.reduce((all, holding) => all + holding.units, 0n)
  return held < units ? held : units
}

/**
 * Divides what is reversed of an event among its holdings: what is left of each is its weight, and units that do not divide go by
 * largest remainder, ties by part. Accounts that it had taken from are given back in proportion to all that is reversed by now, rounded
 * down, so that reversing all of it gives back all. No more is ever taken of a holding than it had.
 *
 * Worked: 100 as 80 / 15 / 3 / 2, reversed by 50, 30 and 20 → 40 / 8 / 1 / 1, then 24 / 4 / 1 / 1, then 16 / 3 / 1 / 0.
 */
export function undo(holdings: readonly Holding[], { units, of, before }: Portion): readonly Undone[] {
  assert(units > 0n && units <= of - before, `${units} units cannot be reversed of ${of} with ${before} reversed before`)
  const back = holdings.map((holding) => (holding.units >= 0n ? 0n : (-holding.units * (before + units)) / of + holding.reversed))
  const left = holdings.map((holding) => (holding.units > 0n ? holding.units - holding.reversed : 0n))
  assert(left.every((each) => each >= 0n), 'no more was reversed of a holding than it had')
  const taken = allocate({ pool: units + back.reduce((all, each) => all + each, 0n), weights: left, rounding: 'largest-remainder' }).units
  return holdings.flatMap(({ part, account }, index) => {
    const moved = present(taken[index], 'part') - present(back[index], 'part')
    return moved === 0n ? [] : [{ part, account, units: moved }]
  })
}

/** Raised when the content changes. It differs from the formats of other events, so that a reversal is never taken for one. */
const FINGERPRINT_FORMAT = '3'

/** SHA-256 over what makes two reversals with one reference the same: asset, units (null: all that is left), and the reversed event's digest. */
export function reversalFingerprint({ asset, units, reverses }: { asset: AssetName; units: bigint | null; reverses: string }): Uint8Array<ArrayBuffer> {
  return sha256(`${FINGERPRINT_FORMAT}\n${asset}\n${units ?? 'rest'}\n${canonicalJson({ reverses })}\n`)
}

/** What reversals undid of each holding: of a recipient's share by its part, whatever it was taken from; of other accounts by name. */
export function reversedBy(undone: readonly Undone[]): (holding: Omit<Holding, 'reversed'>) => bigint {
  const [byPart, byAccount] = [new Map<string, bigint>(), new Map<string, bigint>()]
  for (const { part, account, units } of undone) {
    byPart.set(`${part} ${account}`, (byPart.get(`${part} ${account}`) ?? 0n) + units)
    byAccount.set(account, (byAccount.get(account) ?? 0n) + units)
  }
  return (holding) => {
    const own = isShare(holding.account) ? byPart.get(`${holding.part} ${holding.account}`) : byAccount.get(holding.account)
    const debt = debtOf(holding)
    return (own ?? 0n) + (debt === null ? 0n : (byPart.get(debt) ?? 0n))
  }
}

/** What was undone of no holding. */
export function strays(holdings: readonly Omit<Holding, 'reversed'>[], undone: readonly Undone[]): readonly Undone[] {
  const known = new Set(holdings.flatMap((holding) => [isShare(holding.account) ? `${holding.part} ${holding.account}` : holding.account, debtOf(holding)]))
  return undone.filter(({ part, account }) => !known.has(`${part} ${account}`) && (isShare(account) || !known.has(account)))
}

/** What stands for the part of a holding that its recipient owes, or that is taken back chunk by chunk; null where nothing does. */
function debtOf({ part, account, units }: Omit<Holding, 'reversed'>): string | null {
  if (account === DISTRIBUTING) return `${part} ${REVERSING}`
  const party = units < 0n ? null : (partyOf('payable', account) ?? partyOf('carried', account))
  return party === null ? null : `${part} ${accountName('owed_by', party)}`
}

/** What an event changed of what its plan's rules remember, with the plan and the asset that the keys are read by. */
export type Remembered = { readonly plan: Pick<PlanVersion, 'steps'>; readonly asset: AssetName; readonly changed: readonly ChangedState[] }

/**
 * What rules remember once a reversal is recorded: each gives its part back as its own file says, and what is carried follows its account
 * (`carried`: units that the reversal moved into it, below zero out of it). Changed keys alone.
 */
export function statesAfterReversal(
  remembered: Remembered,
  { now, portion, carried }: { now: RuleState; portion: Portion; carried: ReadonlyMap<string, bigint> },
): RuleState {
  const states = new Map<string, Json>()
  const left = new Map(carried)
  for (const { key } of remembered.changed) {
    const account = carriedAccount(remembered, key)
    if (account === null) continue
    const count = countOf(now.get(key) ?? null)
    states.set(key, (count + takeCarried(left, account, count)).toString())
  }
  for (const step of remembered.plan.steps) for (const [key, value] of givenBackBy(step, remembered, { now, portion })) states.set(key, value)
  return new Map([...states].filter(([key, value]) => canonicalJson(value) !== canonicalJson(now.get(key) ?? null)))
}

/** What a step remembers afterwards, by the ledger's keys. */
function givenBackBy(step: Step, { asset, changed }: Remembered, { now, portion }: { now: RuleState; portion: Portion }): RuleState {
  const prefix = prefixOf({ asset }, step)
  const own = changed.flatMap((each) => (each.key.startsWith(prefix) ? [{ ...each, key: each.key.slice(prefix.length) }] : []))
  if (own.length === 0) return new Map()
  const remembered = new Map(own.flatMap(({ key }) => (now.has(`${prefix}${key}`) ? [[key, now.get(`${prefix}${key}`) ?? null] as const] : [])))
  const given = step.rule.giveBack({ step: step.name, changed: own, now: remembered, portion })
  return new Map([...given].map(([key, value]) => [`${prefix}${key}`, value]))
}

/** All that comes back goes to the first step that carries for the recipient; what is taken, from one after the other as far as it has. */
function takeCarried(left: Map<string, bigint>, account: string, count: bigint): bigint {
  const moved = left.get(account) ?? 0n
  const delta = moved < -count ? -count : moved
  left.set(account, moved - delta)
  return delta
}

/** What of an account of carried units is remembered under the keys that the event changed: no more can be taken from it. */
export function carriedUnder(account: string, remembered: Remembered, now: RuleState): bigint {
  return remembered.changed.reduce((all, { key }) => (carriedAccount(remembered, key) === account ? all + countOf(now.get(key) ?? null) : all), 0n)
}

/** Of a key under which a step remembers what it carries of a recipient: the account in which that stands. */
function carriedAccount({ plan: { steps }, asset }: Remembered, key: string): string | null {
  for (const step of steps) {
    const prefix = `${prefixOf({ asset }, step)}${CARRIED}`
    if (step.rule.outline.carries && key.startsWith(prefix)) return accountName('carried', key.slice(prefix.length))
  }
  return null
}

/** Beginning of a step's keys under which it remembers what it carries of a recipient. */
const CARRIED = 'carried/'
