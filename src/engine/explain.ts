// Explains an event, one of its shares, or a payout: every figure worked out anew from the stored event and plan version, compared with
// what the ledger holds, and followed to where the money is now. It changes nothing.

import type { PoolClient } from 'pg'
import { roleNameOf } from '../core/account.ts'
import { explainDistribution, stateKeysFor, type Divisible, type ExplainedPart } from '../core/distribution.ts'
import { fingerprint } from '../core/event.ts'
import { parsePlan, type PlanVersion } from '../core/plan.ts'
import { present } from '../core/assert.ts'
import { roleOfPart } from '../core/part.ts'
import { referenceDigest } from '../core/reference.ts'
import { Refusal } from '../core/refusal.ts'
import type { RuleState } from '../core/rules/rule.ts'
import type { DistributionRow } from '../store/distribution.ts'
import { eventByDigest, eventsByNumber, type StoredEvent } from '../store/event.ts'
import { proofOfEvent, transfersOfEvent, type EventProof, type NamedTransfer } from '../store/explain.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { findPayout } from '../store/payout.ts'
import { statesBefore, type StateRow } from '../store/rule-state.ts'
import { inSnapshot, rows } from '../store/statement.ts'
import { amountDocument } from './documents.ts'
import { transferDocument, type ExplainedShare, type Explanation, type Standing } from './explain-document.ts'
import { explainLargeShare, largeOf, recipientAsked, recipientOfPart, type ExplainedLargeShare } from './explain-large.ts'
import { undoingsOf, type Undoings } from './explain-reversals.ts'
import { followPayouts, type Followed } from './explain-payouts.ts'
import { laneOf, type Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

/**
 * Explains what a text names, looked for in this order: an event by its source reference; one of its shares as `<reference>#<role>`;
 * a payout by its id. Refuses `event_not_found`, `payout_not_found`.
 */
export async function explain(reader: Pick<Desk, 'store' | 'rails'>, ledger: Ledger, subject: string): Promise<Explanation> {
  return await inSnapshot(reader.store.pool, async (client) => {
    const { event, ...asked } = await resolve(client, ledger, subject)
    const { plan, storedHash } = await readPlan(client, ledger, event)
    const [proof, transfers] = [await proofOfEvent(client, event.lane, event.number), await transfersOfEvent(client, event.lane, event.number)]
    const large = asked.large === null ? null : await explainLargeShare(client, { ledger, plan, ...asked.large })
    const undoings = await undoingsOf(client, event, large)
    const followed = await followPayouts(client, { ledger, event, part: large?.share.part ?? null, describe: reader.rails[ledger.row.rail]?.describe ?? null })
    const state = await stateBefore(client, event, plan)
    return compose({ ledger, event, plan, storedHash, proof: present(proof, 'block of the event'), transfers, followed, undoings, state, asked, large })
  })
}

async function stateBefore(client: PoolClient, event: StoredEvent, plan: PlanVersion): Promise<RuleState> {
  const keys = stateKeysFor(divisible(event), plan)
  if (keys.length === 0) return new Map()
  const found = await rows<StateRow>(client, statesBefore(event.lane, { event: event.number, keys }))
  return new Map(found.map(({ key, value }) => [key, value]))
}

/** The event with all facts that it was divided by. */
function divisible(event: StoredEvent): Divisible {
  return { ...event, facts: { ...event.facts, ...event.standing } }
}

type Asked = {
  readonly kind: Explanation['asked']['kind']
  readonly subject: string
  readonly parts: number[] | null
  /** A share of a large distribution, which is explained by itself. */
  readonly large: { readonly row: DistributionRow; readonly recipient: string } | null
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

async function resolve(client: PoolClient, ledger: Ledger, subject: string): Promise<Asked & { readonly event: StoredEvent }> {
  const whole = await findEvent(client, ledger, subject)
  if (whole !== null && whole.reverses !== null) {
    const [reversed] = await eventsByNumber(client, whole.lane, [whole.reverses])
    return { kind: 'reversal', subject, parts: null, large: null, event: present(reversed, 'reversed event') }
  }
  if (whole !== null) return { kind: 'event', subject, parts: null, large: null, event: whole }
  const cut = subject.lastIndexOf('#')
  const event = cut > 0 ? await findEvent(client, ledger, subject.slice(0, cut)) : null
  if (event !== null) return { kind: 'share', subject, event, ...(await shareAsked(client, ledger, event, subject.slice(cut + 1))) }
  const shown = JSON.stringify(subject.slice(0, 80).toWellFormed())
  if (!UUID.test(subject)) {
    const forms = "give an event's source reference, a share as <reference>#<role>, or a payout's id"
    throw new Refusal('event_not_found', `the ledger ${ledger.name} has no event ${shown}: ${forms}`, { reference: subject.slice(0, 80).toWellFormed() })
  }
  const payout = await findPayout(client, ledger.lanes, subject.toLowerCase())
  const [owner] = payout === null ? [] : await eventsByNumber(client, payout.lane, [payout.event])
  if (payout !== null && owner !== undefined) {
    const row = await largeOf(client, owner)
    const isLarge = row !== null && (await recipientOfPart(client, row, payout.part)) !== null
    return { kind: 'payout', subject, event: owner, parts: [payout.part], large: isLarge ? { row, recipient: payout.recipient } : null }
  }
  throw new Refusal('payout_not_found', `the ledger ${ledger.name} has no payout and no event ${shown}: \`npx apportion payout list\` shows payouts`, { payout: subject })
}

async function findEvent(client: PoolClient, ledger: Ledger, reference: string): Promise<StoredEvent | null> {
  const found = await eventByDigest(client, laneOf(ledger, reference), referenceDigest(reference))
  // Text that is no Unicode has the digest of its replacement.
  return found?.reference === reference ? found : null
}

async function shareAsked(client: PoolClient, ledger: Ledger, event: StoredEvent, asked: string): Promise<Pick<Asked, 'parts' | 'large'>> {
  const row = await largeOf(client, event)
  if (row === null) return { parts: [await partOf(client, ledger, event, asked)], large: null }
  // What the plan itself names comes first; any other name is a recipient's.
  const { plan } = await readPlan(client, ledger, event)
  const isListed = event.shares.some(({ part }) => roleOfPart(plan, part) === asked)
  return isListed ? { parts: [await partOf(client, ledger, event, asked)], large: null } : { parts: null, large: { row, recipient: recipientAsked(asked) } }
}

async function partOf(client: PoolClient, ledger: Ledger, event: StoredEvent, role: string): Promise<number> {
  const { plan } = await readPlan(client, ledger, event)
  const posted = explainDistribution(divisible(event), plan, await stateBefore(client, event, plan)).shares.filter(({ changedBy }) => changedBy === null)
  const found = posted.find((share) => share.role === role || `${share.role}:${share.recipient}` === role)
  if (found !== undefined) return found.part
  const roles = [...new Set(posted.map((share) => share.role))]
  throw new Refusal(
    'event_not_found',
    `the event ${JSON.stringify(event.reference)} has no share ${JSON.stringify(role.slice(0, 80).toWellFormed())}: plan version ${plan.version} gives ${roles.join(', ')}`,
    { reference: event.reference, role: role.slice(0, 80).toWellFormed(), roles },
  )
}

/** The plan version as it is stored: its hash is worked out from the content, and given beside the stored one. */
async function readPlan(client: PoolClient, ledger: Ledger, event: StoredEvent): Promise<{ plan: PlanVersion; storedHash: string }> {
  const rows = await planVersionsOf(client, ledger.id)
  const row = present(rows.find(({ version }) => version === event.plan), `plan version ${event.plan}`)
  return { plan: { version: row.version, effectiveFrom: row.effective_from, ...parsePlan(row.content) }, storedHash: row.hash }
}

type Sources = {
  readonly ledger: Ledger
  readonly event: StoredEvent
  readonly plan: PlanVersion
  readonly storedHash: string
  readonly proof: EventProof
  readonly transfers: readonly NamedTransfer[]
  readonly followed: ReadonlyMap<number, Followed>
  readonly undoings: Undoings
  readonly state: RuleState
  readonly asked: Asked
  readonly large: ExplainedLargeShare | null
}

type Difference = Explanation['differences'][number]

function compose(sources: Sources): Explanation {
  const { ledger, event, plan, proof, transfers, state, asked: { large: _, ...asked }, large } = sources
  const explained = explainDistribution(divisible(event), plan, state)
  const own = large === null ? [] : [shareDocument({ ...sources, transfers: large.transfer === null ? [] : [large.transfer] }, large.share)]
  const shares = [...explained.shares.map((share) => shareDocument(sources, share)), ...own]
  const posted = shares.filter(({ changed_by: changed }) => changed === null)
  const received = transfers.find(({ kind }) => kind === 'received')
  const differences = [...differencesOfEvent(sources, received), ...posted.flatMap((share) => differencesOfShare(sources, share)), ...strays(sources, posted)]
  const print = fingerprint(event).toHex()
  const { reference, parties, facts, standing, door, backdated, details } = event
  const recordedAt = event.recordedAt.toString()
  return {
    format: 2,
    ledger: ledger.name,
    asked: { ...asked, parts: asked.parts ?? (large === null ? posted.map(({ part }) => part) : [large.share.part]) },
    event: {
      ...{ reference, lane: ledger.lanes.indexOf(event.lane), number: event.number.toString(), ...amountDocument(event.units, event.asset) },
      ...{ event_at: event.eventAt.toString(), recorded_at: recordedAt, parties, facts, standing, door, backdated },
      ...{ details: details as Explanation['event']['details'], digest: referenceDigest(reference), fingerprint: print },
    },
    block: { number: proof.block.toString(), hash: proof.hash, recorded_at: recordedAt },
    received: received === undefined ? null : transferDocument(received),
    plan: { version: plan.version, hash: plan.hash, effective_from: explained.plan.effectiveFrom },
    steps: [...explained.steps],
    remembered: Object.fromEntries(state) as Explanation['remembered'],
    shares,
    reversals: sources.undoings.reversals,
    agrees: differences.length === 0,
    differences,
  }
}

function shareDocument({ event, transfers, followed, undoings, large }: Sources, { changedBy, ...share }: ExplainedPart): ExplainedShare {
  const { part, role } = share
  const transfer = changedBy === null ? transfers.find((candidate) => (candidate.kind === 'share' || candidate.kind === 'distributed') && candidate.part === part) : undefined
  const { payout, now } = followed.get(part) ?? { payout: null, now: null }
  const claimed = event.claimed !== null && Object.hasOwn(event.claimed, role) ? event.claimed[role] : undefined
  return {
    ...share,
    ...amountDocument(BigInt(share.units), event.asset),
    inputs: { ...share.inputs },
    deducted: (transfer === undefined ? 0n : (undoings.deducted.get(transfer.number) ?? 0n)).toString(),
    changed_by: changedBy,
    claimed: claimed?.toString() ?? null,
    transfer: transfer === undefined ? null : transferDocument(transfer),
    now: now ?? standingOf(share, { changedBy, transfer, isRunning: large?.share.part === part && !large.isComplete }),
    payout,
  }
}

/** Where a share stands that no payout was made of. */
function standingOf(
  { units, account }: Pick<ExplainedPart, 'units' | 'account'>,
  { changedBy, transfer, isRunning }: { changedBy: string | null; transfer: NamedTransfer | undefined; isRunning: boolean },
): Standing {
  if (changedBy !== null) return { state: 'changed', by: changedBy }
  if (units === '0') return { state: 'zero' }
  if (transfer === undefined) return { state: 'missing' }
  if (isRunning) return { state: 'running' }
  const role = roleNameOf(account)
  return role === 'payable' ? { state: 'payable' } : { state: 'kept', account }
}

function differencesOfEvent({ event, plan, storedHash, proof }: Sources, received: NamedTransfer | undefined): Difference[] {
  const print = fingerprint(event).toHex()
  // Nothing is posted for an event without money, as for a share of nothing.
  const due = event.units === 0n ? 'no transfer' : `${event.units} units of ${event.asset} from expected to received`
  const came = received === undefined ? 'no transfer' : `${received.units} units of ${received.asset} from ${received.debit} to ${received.credit}`
  return [
    difference(`hash of plan version ${plan.version}`, plan.hash, storedHash),
    difference('fingerprint of the event', print, proof.fingerprint ?? 'none'),
    difference('digest of the reference', referenceDigest(event.reference), proof.digest),
    difference('what came in', due, came),
  ].flat()
}

function differencesOfShare({ event }: Sources, { part, role, units, from, account, transfer, payout, deducted, now }: ExplainedShare): Difference[] {
  const due = units === '0' ? 'no transfer' : `${units} units of ${event.asset} from ${from} to ${account}`
  const held = transfer === null ? 'no transfer' : `${transfer.units} units of ${transfer.asset} from ${transfer.debit} to ${transfer.credit}`
  return [
    ...difference(`share ${role}`, due, held),
    ...(payout === null || now.state === 'cancelled' ? [] : difference(`payout of ${role}`, `${BigInt(units) - BigInt(deducted)} units of ${event.asset}`, drawnText({ reference: event.reference, part }, payout))),
  ]
}

/** What a payout draws on of a share: all of it where it has no other. */
function drawnText({ reference, part }: { reference: string; part: number }, { units, asset, shares, draws_on: drawn }: NonNullable<ExplainedShare['payout']>): string {
  const own = shares === 1 ? units : drawn.find((each) => each.reference === reference && each.part === part)?.units
  return `${own ?? 'no'} units of ${asset}`
}

/** Transfers of the event that no part of its plan accounts for. */
function strays({ transfers }: Sources, posted: readonly ExplainedShare[]): Difference[] {
  const parts = new Set(posted.map(({ part }) => part))
  const seen = new Set<number | null>()
  return transfers.flatMap(({ number, kind, part, units, asset, credit }) => {
    const own = kind === 'received' ? null : part
    const fits = (kind === 'received' || (kind === 'share' && part !== null && parts.has(part))) && !seen.has(own)
    seen.add(own)
    return fits ? [] : [{ what: `transfer ${number}`, expected: 'no such transfer', found: `${kind} of ${units} units of ${asset} to ${credit}` }]
  })
}

function difference(what: string, expected: string, found: string): Difference[] {
  return expected === found ? [] : [{ what, expected, found }]
}
