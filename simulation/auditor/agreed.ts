// What had to be agreed to by another person before it counted: payouts above the ledger's limit, plans, and settings that ask for less.
// Limits are bounded from above by what was offered, so that nothing sound is found.

import { createHash, createPublicKey, verify } from 'node:crypto'
import type { Findings } from './findings.ts'
import { canonical, type PlanVersion } from './journal.ts'
import type { Offers, Other } from './offers.ts'
import type { Payout, PlanRow, Records } from './reading.ts'

/** A moment of the doors: of things at one instant, the one that was told first came first. */
type Moment = { readonly at: Temporal.Instant; readonly index: number }

/** The most that may leave unasked, from a moment on (null: from the beginning); null: any amount. */
type Bound = { readonly from: Moment | null; readonly most: bigint | null }

export type Agreeing = {
  readonly findings: Findings
  readonly offers: Offers
  readonly asset: string
  /** What the ledger began with. */
  readonly first: bigint | null
  readonly records: Records
  /** When a transaction was first seen. */
  readonly seenAt: ReadonlyMap<string, Temporal.Instant>
  readonly approvalsOf: (subject: string) => Promise<readonly Approval[]>
}

/** An approval as the API shows it. */
export type Approval = { readonly kind: string; readonly subject: string; readonly hash: string; readonly by: string; readonly statement: string; readonly signature: string; readonly public_key: string }

function isLess(one: bigint | null, other: bigint | null): boolean {
  return one !== null && (other === null || one < other)
}

/** What settings may have allowed at most, as offers and approvals came. What asks for more counts when it was answered; less needs another person, and may count as soon as that one was asked. */
export function boundsOf({ others }: Pick<Offers, 'others'>, asset: string, first: bigint | null): readonly Bound[] {
  const bounds: Bound[] = [{ from: null, most: first }]
  let proposed: bigint | null | undefined
  for (const { rest, offer, verdict, index } of others) {
    if (verdict === 'refused' || offer.request.method !== 'POST') continue
    const most = bounds.at(-1)?.most ?? null
    if (rest === 'settings') {
      const above = ((offer.request.body ?? {}) as { payout_approval_above?: Readonly<Record<string, string | null>> }).payout_approval_above
      const given = above?.[asset]
      if (given === undefined) continue
      const value = given === null ? null : BigInt(given)
      if (isLess(value, most)) {
        if (verdict === 'taken') bounds.push({ from: { at: offer.at, index }, most: value })
      } else if (proposed === undefined || isLess(proposed, value)) proposed = value
    } else if (/^settings\/[^/]+\/approve$/.test(rest) && proposed !== undefined && isLess(most, proposed)) bounds.push({ from: { at: offer.asked, index }, most: proposed })
  }
  return bounds
}

function isEarlier(one: Moment, other: Moment): boolean {
  return (Temporal.Instant.compare(one.at, other.at) || one.index - other.index) < 0
}

/** The most that was allowed unasked at any time from a moment to an instant. */
function mostBetween(bounds: readonly Bound[], from: Moment | null, to: Temporal.Instant): bigint | null {
  const within = bounds.filter((bound, place) => {
    const end = bounds[place + 1]?.from ?? null
    return (bound.from === null || Temporal.Instant.compare(bound.from.at, to) <= 0) && (end === null || from === null || !isEarlier(end, from))
  })
  return within.reduce<bigint | null>((most, bound) => (isLess(most, bound.most) ? bound.most : most), within[0]?.most ?? null)
}

/** What a payout's approval names (decision 9): these units of this asset to this destination, once. */
function payoutHash(ledger: string, { payout, asset, units, destination }: Payout): string {
  return createHash('sha256').update(canonical({ ledger, payout, asset, units, destination: { address: destination } })).digest('hex')
}

/** What stands before the 32 bytes of an Ed25519 key in its standard wrapping (RFC 8410). */
const WRAPPING = '302a300506032b6570032100'

export function isSigned({ statement, signature, public_key: key }: Approval): boolean {
  const bytes = /^[0-9a-f]{64}$/.test(key) ? Buffer.from(key, 'hex') : Buffer.from(key, 'base64')
  const signed = /^[0-9a-f]{128}$/.test(signature) ? Buffer.from(signature, 'hex') : Buffer.from(signature, 'base64')
  if (bytes.length !== 32) return false
  const publicKey = createPublicKey({ key: Buffer.concat([Buffer.from(WRAPPING, 'hex'), bytes]), format: 'der', type: 'spki' })
  return verify(null, Buffer.from(statement), publicKey, signed)
}

/** Whether somebody's approval was taken (or may have been) for a payout that left by an instant. */
function isApproved({ others }: Pick<Offers, 'others'>, payout: string, by: Temporal.Instant): boolean {
  return others.some(({ rest, offer, verdict }) => {
    if (verdict === 'refused' || Temporal.Instant.compare(offer.asked, by) > 0 || offer.request.method !== 'POST') return false
    if (rest === `payouts/${payout}/approve`) return true
    if (rest !== 'payouts/approve') return false
    const { approvals = [] } = (offer.request.body ?? {}) as { approvals?: readonly { payout: string }[] }
    const { results } = (offer.answer?.body ?? {}) as { results?: readonly { payout: string; state: string | null }[] }
    const result = results?.find((each) => each.payout === payout)
    return approvals.some((each) => each.payout === payout) && (results === undefined || (result?.state ?? null) !== null)
  })
}

/** Each payout that left above the limit has an approval of just that, sealed by a person, offered before it left. */
export async function checkPayoutsAgreed({ findings, offers, asset, first, records, seenAt, approvalsOf }: Agreeing): Promise<void> {
  const bounds = boundsOf(offers, asset, first)
  if (bounds.every(({ most }) => most === null)) return
  for (const payout of records.payouts) {
    const identity = payout.attempts.find(({ state }) => state === 'settled')?.identity
    const left = identity === undefined ? undefined : seenAt.get(identity)
    if (left === undefined || payout.asset !== asset) continue
    const offered = momentOf(offers, payout.reference)
    const most = mostBetween(bounds, offered, left)
    if (most === null || BigInt(payout.units) <= most) continue
    const name = `payout ${payout.payout} of ${payout.units} ${asset}, above the limit of ${most},`
    findings.expect('I10', isApproved(offers, payout.payout, left), () => `${name} left, and nobody had approved it`)
    const approvals = (await approvalsOf(payout.payout)).filter(({ statement, hash }) => statement.split('\t')[4] === hash && hash === payoutHash(statement.split('\t')[2] ?? '', payout))
    findings.expect('I10', approvals.some(isSigned), () => `${name} left without an approval that names its units and destination and bears its person's seal`)
  }
}

/** A clock may be off by minutes, never by so much. */
const WRONG_CLOCK_HOURS = 24

/** An approval that was taken is dated when it was given. */
export function checkDates({ findings, offers }: Pick<Agreeing, 'findings' | 'offers'>): void {
  for (const { rest, offer, verdict } of offers.others) {
    if (verdict !== 'taken' || !rest.endsWith('/approve') || rest.startsWith('payouts/approve')) continue
    const { approved_at: at } = (offer.request.body ?? {}) as { approved_at?: string }
    const isNear = at === undefined || Math.abs(offer.asked.since(Temporal.Instant.from(at)).total('hours')) <= WRONG_CLOCK_HOURS
    findings.expect('I10', isNear, () => `an approval of ${rest} dated ${at ?? ''} was taken at ${offer.asked.toString()}`)
  }
}

/** No settings in force ask for less than what was agreed to. */
export function checkSettings({ findings, offers, asset, first, records }: Pick<Agreeing, 'findings' | 'offers' | 'asset' | 'first' | 'records'>): void {
  const most = boundsOf(offers, asset, first).at(-1)?.most ?? null
  const above = records.settings.settings.payout_approval_above[asset]
  const found = above === undefined ? null : BigInt(above)
  findings.expect('I10', !isLess(most, found), () => `payouts up to ${found ?? 'any amount'} leave unasked; nobody else agreed to more than ${most}`)
}

type Planning = { readonly findings: Findings; readonly offers: Offers; readonly plans: readonly PlanRow[] }

const DRAFTS = /^plans(\/add|\/[^/]+\/edit)?$/

/** Every version but the first is a plan that somebody offered, and had as many others agree as the ledger asked for all the time. */
export function checkPlansAgreed({ findings, offers, plans }: Planning, versions: readonly PlanVersion[]): void {
  const drafts = offers.others.filter(({ rest, offer, verdict }) => offer.request.method === 'POST' && DRAFTS.test(rest) && verdict !== 'refused')
  for (const { version, plan } of versions) {
    if (version === 1) continue
    const offered = drafts.filter(({ offer }) => isSamePlan((offer.request.body as { plan?: unknown } | undefined)?.plan, plan))
    findings.expect('I10', offered.length > 0, () => `plan version ${version} is none that anybody offered`)
    const row = plans.find((each) => each.version === version)
    const draft = row?.draft ?? null
    if (draft === null || offered.length === 0) continue
    const known = offered.filter((each) => mayBeOf(draft, each))
    // Of a request that was sent to two servers at once, both may have made a draft and answered with one of them.
    const sources = known.length > 0 ? known : offered
    const agreeing = offers.others.flatMap(({ rest, offer, verdict }) => (rest === `plans/${draft}/approve` && verdict !== 'refused' ? [offer.person] : []))
    // Where it is not known who of several offered this draft, whoever leaves the most to agree.
    const agreed = Math.max(0, ...sources.map(({ offer: { person } }) => new Set(agreeing.filter((each) => each !== person)).size))
    // What a server decided may stand before what was answered sooner, by as long as an answer takes.
    const needed = leastApprovals(offers, offered.map(({ offer }) => offer.asked).reduce(earlier))
    findings.expect('I10', agreed >= needed, () => `plan version ${version} came to be with ${agreed} approvals; the ledger asked for ${needed}`)
  }
}

/** Whether an offer of a plan may have made this draft, or written it anew: two persons may offer the same plan, each as a draft. */
function mayBeOf(draft: string, { rest, offer, verdict }: Other): boolean {
  const [, edited = null] = /^plans\/([^/]+)\/edit$/.exec(rest) ?? []
  if (edited !== null) return edited === draft
  const named = (offer.answer?.body as { draft?: string } | null | undefined)?.draft
  return verdict === 'unknown' || named === undefined || named === draft
}

/** As a plan is kept its steps have a rounding; as it is offered they may have none, and then it is the rule's own. */
function isSamePlan(offered: unknown, kept: PlanVersion['plan']): boolean {
  const { steps = [] } = (offered ?? {}) as { steps?: readonly { rounding?: unknown }[] }
  if (!Array.isArray(steps) || steps.length !== kept.steps.length) return false
  return steps.every((step: { rounding?: unknown }, place) => {
    const { rounding, ...own } = kept.steps[place] ?? { rounding: undefined }
    return canonical({ ...own, rounding: step.rounding ?? rounding }) === canonical({ ...step, rounding: step.rounding ?? rounding })
  })
}

/** When an event was first offered; null where nobody knows of it. */
function momentOf({ byReference }: Offers, reference: string): Moment | null {
  const moments = (byReference.get(reference) ?? []).map(({ asked, index }) => ({ at: asked, index }))
  return moments.length === 0 ? null : moments.reduce((first, next) => (isEarlier(next, first) ? next : first))
}

function earlier(one: Temporal.Instant, other: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(one, other) <= 0 ? one : other
}

/** How many approvals a ledger has asked for at least, ever since an instant. */
function leastApprovals({ others }: Pick<Offers, 'others'>, since: Temporal.Instant): number {
  const settings = others.flatMap(({ rest, offer, verdict }) => {
    const count = rest === 'settings' && verdict !== 'refused' ? (offer.request.body as { plan_approvals?: number } | undefined)?.plan_approvals : undefined
    return count === undefined ? [] : [{ count, isBefore: Temporal.Instant.compare(offer.at, since) <= 0, isSure: verdict === 'taken' }]
  })
  const before = settings.filter(({ isBefore, isSure }) => isBefore && isSure).at(-1)?.count ?? 0
  // A raise that was taken counts at once; anything else may have lowered it.
  return settings.some(({ count, isBefore, isSure }) => count < before && !(isBefore && isSure)) ? 0 : before
}
