// One event against everything that follows from it: its identity, its fingerprint, the plan version of its instant, and the shares
// that version gives. What it must have posted is worked out anew here and met with the transfers as they come.

import { present } from '../../core/assert.ts'
import { canonicalJson, isDeeperThan } from '../../core/canonical.ts'
import { distribute, explainDistribution, type Divisible, type Share } from '../../core/distribution.ts'
import type { Json } from '../../core/effects.ts'
import { fingerprint, recordDigest } from '../../core/event.ts'
import type { EventLine } from '../../core/journal.ts'
import { referenceDigest } from '../../core/reference.ts'
import { Refusal } from '../../core/refusal.ts'
import { strayReferences, type EventToVerify } from '../../store/verify.ts'
import { laneOf } from '../ledger.ts'
import type { Reading } from './books.ts'
import type { EventReading, EventTransfer } from './event-reading.ts'
import type { Place } from './findings.ts'
import { closeReversal, meetReversalTransfer, openReversal, reversalFingerprints, type OpenReversal } from './reversals.ts'
import { claimedUnits, factsOf, instantOf, textsOf, type Texts } from './stored.ts'

/** An event on its way through its block: what it must have posted, and what it has. */
export type OpenEvent = {
  readonly where: Place
  readonly row: EventToVerify
  readonly units: bigint
  /** By part; null when the shares cannot be worked out. */
  readonly shares: ReadonlyMap<number, Share> | null
  readonly line: EventLine
  received: bigint
  shared: bigint
  transfers: number
  /** The transfer that brought it in. */
  receipt: bigint | null
  readonly parts: Set<number>
  /** What it undid, where it is a reversal. */
  readonly reversal: OpenReversal | null
}

export function openEvent(reading: EventReading, row: EventToVerify, block: { readonly number: bigint; readonly recordedAt: Temporal.Instant }): OpenEvent {
  const { findings, position } = reading
  const where = { lane: position, block: block.number, event: row.number, reference: row.reference }
  findings.looked('event')
  if (row.block !== block.number) findings.broken('event', where, { expected: `block ${block.number}`, found: `block ${row.block}` })
  const at = instantOf(row.event_at)
  if (at === null) findings.broken('event', where, { expected: 'an instant', found: row.event_at })
  const eventAt = at ?? block.recordedAt
  const units = typeof row.units === 'bigint' ? row.units : 0n
  checkReference(reading, row, where)
  const parties = textsOf(row.parties)
  const claimed = row.claimed === null ? null : textsOf(row.claimed)
  if (parties === null || (row.claimed !== null && claimed === null)) {
    findings.broken('event', where, { expected: 'parties and claimed amounts by name', found: JSON.stringify([row.parties, row.claimed]) })
  }
  const [facts, standing] = [factsOf(row.facts), factsOf(row.standing)]
  if (facts === null || standing === null) {
    findings.broken('event', where, { expected: 'facts by name and subject', found: JSON.stringify([row.facts, row.standing]) })
  }
  const input = { asset: row.asset, units, parties: parties ?? {}, claimed: claimedUnits(claimed), facts: facts ?? {}, eventAt }
  const reversal = openReversal(row)
  const prints = reversal === null ? [fingerprint(input)] : reversalFingerprints(input, reversal)
  const print = present(prints[0], 'fingerprint')
  findings.looked('fingerprint')
  if (row.fingerprint !== null && prints.every((each) => Buffer.compare(each, row.fingerprint as Uint8Array) !== 0)) {
    const found = `${row.units} units of ${row.asset} for ${partiesText(input.parties)}, whose fingerprint is ${print.toHex()}`
    findings.broken('fingerprint', where, { expected: `content with the fingerprint ${row.fingerprint.toHex()}`, found })
  }
  // A reversal keeps the version of what it reverses.
  if (reversal === null) checkPlanInForce(reading, row, { where, eventAt, recordedAt: block.recordedAt })
  const shares = reversal === null ? sharesOf(reading, { ...input, facts: { ...input.facts, ...standing } }, { where, row }) : NO_SHARES
  const { number, digest, asset, plan } = row
  const line = { number, digest, fingerprint: row.fingerprint ?? print, eventAt, asset, units, plan, planHash: reading.plans.hash(plan), recorded: recordedOf(row) }
  return { where, row, units, line, shares, received: 0n, shared: 0n, transfers: 0, receipt: null, parts: new Set(), reversal }
}

const NO_SHARES: OpenEvent['shares'] = new Map()

/** Levels of objects and lists in what is recorded with an event: what walks them must not run out of stack. */
const MAX_DEPTH = 500

/** What the event was recorded with as its row has it now: the block's hash says whether it was so. */
function recordedOf({ backdated, claimed, details, door, standing, reverses }: EventToVerify): string {
  if (isDeeperThan(MAX_DEPTH, [claimed, details, standing])) return ''
  return recordDigest({ backdated, claimed: claimed as Json, details: details as Json, door, standing: standing as Json, reverses: reverses?.toString() ?? null })
}

/** Meets a transfer of an event with what the event must have posted. */
export function meetTransfer({ findings }: EventReading, event: OpenEvent, transfer: EventTransfer): void {
  const { number, kind, part, units, debit } = transfer
  const { row } = event
  event.transfers += 1
  if (number < row.first_transfer || number >= row.first_transfer + BigInt(row.transfers)) {
    const expected = `transfers ${row.first_transfer} to ${row.first_transfer + BigInt(row.transfers) - 1n} alone`
    findings.broken('event', { ...event.where, transfer: number }, { expected, found: `transfer ${number} as well` })
  }
  if (event.reversal !== null && meetReversalTransfer(event.reversal, transfer)) return
  if (kind === 'received') {
    event.received += units
    event.receipt = number
    return
  }
  if (debit === 'received') event.shared += units
  findings.looked('distribution')
  const share = part === null ? undefined : event.shares?.get(part)
  const again = part !== null && event.parts.has(part)
  if (part !== null) event.parts.add(part)
  if (event.shares === null || (!again && share !== undefined && isShare(transfer, share, row.asset))) return
  const role = share === undefined ? `part ${part ?? 'unknown'}` : `${share.role} (part ${share.part})`
  const given = `${units} units of ${transfer.asset} from ${transfer.debit} to ${transfer.credit}`
  const due = share === undefined || share.units === 0n || again ? `no ${again ? 'second ' : ''}transfer` : dueText(share, row.asset)
  findings.broken('distribution', { ...event.where, transfer: number }, { expected: `${role}: ${due}`, found: `${role}: ${given}` })
}

function isShare({ units, asset, debit, credit }: EventTransfer, share: Share, due: string): boolean {
  return units === share.units && asset === due && debit === share.from && credit === share.account
}

function dueText({ units, from, account }: Share, asset: string): string {
  return `${units} units of ${asset} from ${from} to ${account}`
}

/** After the last transfer of its block: whether all was posted, and as much given out as came in. */
export function closeEvent(reading: EventReading, event: OpenEvent): void {
  const { findings } = reading
  const { where, row, shares, parts } = event
  for (const share of shares?.values() ?? []) {
    if (share.units === 0n || parts.has(share.part)) continue
    const role = `${share.role} (part ${share.part})`
    findings.broken('distribution', where, { expected: `${role}: ${dueText(share, row.asset)}`, found: `${role}: no transfer` })
  }
  if (event.transfers !== row.transfers) {
    findings.broken('event', where, { expected: `${row.transfers} transfers`, found: `${event.transfers}` })
  }
  if (event.reversal !== null) return closeReversal(reading, event.reversal, event)
  findings.looked('conservation')
  if (event.received === event.units && event.shared === event.units) return
  findings.broken('conservation', event.received === event.units ? where : { ...where, transfer: event.receipt }, {
    expected: `${row.units} units of ${row.asset} received and ${row.units} shared`,
    found: `${event.received} received and ${event.shared} shared`,
  })
}

function checkReference({ ledger, lane, findings }: EventReading, row: EventToVerify, where: Place): void {
  findings.looked('reference')
  const digest = referenceDigest(row.reference)
  if (digest !== row.digest) {
    findings.broken('reference', where, { expected: `the digest ${digest} of ${JSON.stringify(row.reference)}`, found: `the digest ${row.digest}` })
  } else if (laneOf(ledger, row.reference) !== lane) {
    const expected = `lane ${ledger.lanes.indexOf(laneOf(ledger, row.reference))}, where its reference belongs`
    findings.broken('reference', where, { expected, found: `lane ${String(where.lane)}` })
  }
  if (row.reference_event === null) {
    findings.broken('reference', where, { expected: `a row of the digest ${row.digest} that points to event ${row.number}`, found: 'no such row' })
  } else if (row.reference_event !== row.number) {
    findings.broken('reference', where, { expected: `event ${row.number}`, found: `event ${row.reference_event} for the digest ${row.digest}` })
  }
}

/** References that no event answers to. */
export async function checkStrayReferences({ lane, position, snapshot, findings }: Reading): Promise<void> {
  for (const { digest, event: number } of await strayReferences(snapshot, lane, findings.room())) {
    findings.broken('reference', { lane: position, event: number }, { expected: `an event ${number} with the digest ${digest}`, found: 'none' })
  }
}

function checkPlanInForce(
  { ledger, plans, findings }: EventReading,
  row: EventToVerify,
  { where, eventAt, recordedAt }: { readonly where: Place; readonly eventAt: Temporal.Instant; readonly recordedAt: Temporal.Instant },
): void {
  findings.looked('plan_in_force')
  const instant = ledger.program.versionInstant({ eventAt })
  const version = plans.inForce(instant, recordedAt)
  if (version?.version === row.plan) return
  const expected = version === undefined ? 'a version in force' : `version ${version.version}, in force at ${instant.toString()}`
  findings.broken('plan_in_force', { ...where, plan_version: row.plan }, { expected, found: `version ${row.plan}` })
}

/** The shares that the event's plan version gives, worked out twice: as the division does it and as its explanation does. */
function sharesOf(reading: EventReading, input: Divisible, { where, row: { plan, states } }: { where: Place; row: EventToVerify }): OpenEvent['shares'] {
  const { plans, findings, remembered } = reading
  const version = plans.version(plan)
  if (version === undefined) {
    findings.broken('distribution', { ...where, plan_version: plan }, { expected: `plan version ${plan}`, found: 'no such version that can be read' })
    return null
  }
  try {
    const { shares, state } = distribute(input, version, { state: remembered })
    findings.looked('explanation')
    const explained = explainDistribution(input, version, remembered).shares.filter(({ changedBy }) => changedBy === null)
    const [given, told] = [shares.map(shareText), explained.map(shareText)]
    if (given.join() !== told.join()) findings.broken('explanation', where, { expected: given.join(', '), found: told.join(', ') })
    findings.looked('rule_state')
    const [now, stored] = [canonicalJson(Object.fromEntries(state)), canonicalJson((states ?? {}) as Json)]
    if (now !== stored) findings.broken('rule_state', where, { expected: now, found: stored })
    for (const [key, value] of state) remembered.set(key, value)
    return new Map(shares.map((share) => [share.part, share]))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    findings.broken('distribution', where, { expected: 'an event that can be divided', found: error.message })
    return null
  }
}

function shareText({ units, from, account }: { readonly units: bigint | string; readonly from: string; readonly account: string }): string {
  return `${units} from ${from} to ${account}`
}

function partiesText(parties: Texts): string {
  const all = Object.entries(parties).map(([role, party]) => `${role} ${party}`)
  return all.length === 0 ? 'nobody by name' : all.join(', ')
}
