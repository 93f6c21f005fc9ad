// A reversal against the event it reverses: how much was left of it, what had to come back from each of its accounts, and what the
// plan's rules remember afterwards. All of it is worked out anew from the reversed event's transfers.

import { canonicalJson } from '../../core/canonical.ts'
import type { Json } from '../../core/effects.ts'
import { holdingsOf, reversalFingerprint, reversedBy, reversible, statesAfterReversal, strays, undo, type Holding, type Undone } from '../../core/reversal.ts'
import type { ChangedState, Portion } from '../../core/rules/give-back.ts'
import type { EventToVerify } from '../../store/verify.ts'
import type { EventReading, EventTransfer } from './event-reading.ts'
import type { Place } from './findings.ts'

/** The reversed event as the database gives it beside the reversal: units as text, and what came between. */
export type ReversedEvent = {
  readonly digest: string
  readonly plan: number
  readonly asset: string
  readonly units: string
  readonly reverses: string | null
  /** Units that reversals before this one took back. */
  readonly before: string
  readonly shares: readonly { readonly part: number; readonly from: string; readonly account: string; readonly units: string }[] | null
  readonly undone: readonly { readonly part: number; readonly account: string; readonly units: string }[] | null
  readonly changed: readonly ChangedState[] | null
}

export type OpenReversal = {
  readonly reversed: ReversedEvent | null
  readonly undone: Undone[]
  refunded: bigint
}

export function openReversal(row: EventToVerify): OpenReversal | null {
  if (row.reverses === null) return null
  const found = row.reversed as ReversedEvent | null
  return { reversed: found?.digest === undefined ? null : found, undone: [], refunded: 0n }
}

/** The fingerprints that a reversal of these units may have: asked for by units, or as all that was left. */
export function reversalFingerprints({ asset, units }: { asset: string; units: bigint }, { reversed }: OpenReversal): readonly Uint8Array[] {
  const reverses = reversed?.digest ?? ''
  return [reversalFingerprint({ asset, units, reverses }), reversalFingerprint({ asset, units: null, reverses })]
}

/** Notes a transfer of a reversal. False for one that no reversal has. */
export function meetReversalTransfer(reversal: OpenReversal, { kind, part, debit, credit, units }: EventTransfer): boolean {
  if (kind === 'refunded') reversal.refunded += units
  else if (kind === 'reversed' && part !== null) reversal.undone.push({ part, account: debit, units })
  else if (kind === 'restored' && part !== null) reversal.undone.push({ part, account: credit, units: -units })
  else return false
  return true
}

/** After its last transfer: whether it undid what it had to, and no more. */
export function closeReversal(reading: EventReading, { reversed, undone, refunded }: OpenReversal, { where, row, units }: { where: Place; row: EventToVerify; units: bigint }): void {
  const { findings } = reading
  if (reversed === null || reversed.reverses !== null) {
    findings.broken('distribution', where, { expected: 'an event of this lane that is no reversal itself', found: `event ${row.reverses}` })
    return
  }
  if (reversed.plan !== row.plan || reversed.asset !== row.asset) {
    findings.broken('plan_in_force', { ...where, plan_version: row.plan }, { expected: `version ${reversed.plan} and ${reversed.asset}, as the reversed event has`, found: `version ${row.plan} and ${row.asset}` })
  }
  const before = (reversed.undone ?? []).map((each) => ({ ...each, units: BigInt(each.units) }))
  const shares = (reversed.shares ?? []).map((share) => ({ ...share, role: '', recipient: null, units: BigInt(share.units) }))
  const [reversedBefore, reversedNow] = [reversedBy(before), reversedBy(undone)]
  const holdings = holdingsOf(shares).map((holding) => ({ ...holding, reversed: reversedBefore(holding) }))
  const portion = { units, of: reversible(holdings, BigInt(reversed.units)), before: BigInt(reversed.before) }
  findings.looked('conservation')
  const back = undone.reduce((all, each) => all + each.units, 0n)
  if (units <= 0n || units > portion.of - portion.before || back !== units || refunded !== units) {
    const expected = `at most ${portion.of - portion.before} units that were left, ${units} taken back and ${units} refunded`
    findings.broken('conservation', where, { expected, found: `${units} reversed, ${back} taken back and ${refunded} refunded` })
    return
  }
  findings.looked('distribution')
  for (const { part, account, units: moved } of strays(holdings, undone)) {
    findings.broken('distribution', where, { expected: 'units back from what the event gave alone', found: `${moved} from ${account} (part ${part})` })
  }
  // Where earlier reversals were changed by hand they were named, and nobody knows what was left for this one.
  const isKnown = holdings.every(isWithin) && holdings.reduce((all, { reversed: each }) => all + each, 0n) === portion.before
  const dueBack = new Map((isKnown ? undo(holdings, portion) : []).map(({ part, account, units: back }) => [`${part} ${account}`, back]))
  for (const holding of isKnown ? holdings : []) {
    const expected = dueBack.get(`${holding.part} ${holding.account}`) ?? 0n
    const found = reversedNow(holding)
    if (expected === found) continue
    findings.broken('distribution', where, { expected: `${expected} units back from ${holding.account} (part ${holding.part})`, found: `${found}` })
  }
  checkStates(reading, { where, row, undone, changed: reversed.changed ?? [], portion })
}

function isWithin({ units, reversed }: Holding): boolean {
  return units > 0n ? reversed >= 0n && reversed <= units : reversed <= 0n && reversed >= units
}

type Reversed = { readonly where: Place; readonly row: EventToVerify; readonly undone: readonly Undone[]; readonly changed: readonly ChangedState[]; readonly portion: Portion }

function checkStates({ plans, findings, remembered }: EventReading, { where, row, undone, changed, portion }: Reversed): void {
  const version = plans.version(row.plan)
  if (version === undefined) return
  const carried = new Map<string, bigint>()
  for (const { account, units } of undone) if (account.startsWith('carried:')) carried.set(account, (carried.get(account) ?? 0n) - units)
  const state = statesAfterReversal({ plan: version, asset: row.asset, changed }, { now: remembered, portion, carried })
  findings.looked('rule_state')
  const [now, stored] = [canonicalJson(Object.fromEntries(state)), canonicalJson((row.states ?? {}) as Json)]
  if (now !== stored) findings.broken('rule_state', where, { expected: now, found: stored })
  for (const [key, value] of state) remembered.set(key, value)
}
