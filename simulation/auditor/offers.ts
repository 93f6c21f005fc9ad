// What was offered at the doors, and what the answers say of it: each event with all contents that came under its reference, and whether it
// was taken, refused, or nobody can know. Answers must agree with each other at any time.

import type { Answer, Offer } from '../history.ts'
import type { Findings } from './findings.ts'
import type { Content, Json } from './intake.ts'
import { canonical } from './journal.ts'

/** `refused`: it changed nothing. `unknown`: it may have happened or not. */
export type Verdict = 'taken' | 'refused' | 'unknown'

/** An event as the API answers it, as far as it is looked at. */
export type EventAnswer = {
  readonly reference: string
  readonly event: string
  readonly units: string
  readonly asset: string
  readonly parties: Readonly<Record<string, string>>
  readonly plan_version: number
  readonly reverses: string | null
  readonly shares: readonly { readonly role: string; readonly account: string; readonly units: string }[]
}

/** One offer of an event; of a reversal with what it reverses and how much (null: all that is left). */
export type Offered = {
  readonly verdict: Verdict
  readonly code: string | null
  readonly door: 'api' | 'sql'
  /** How many offers there were with it. */
  readonly index: number
  readonly asked: Temporal.Instant
  readonly at: Temporal.Instant
  readonly content: Content | null
  readonly reversal: { readonly of: string; readonly units: bigint | null } | null
}

export type Offers = {
  readonly byReference: Map<string, Offered[]>
  /** The first answer that showed an event. */
  readonly answered: Map<string, EventAnswer>
  /** Everything else that was asked for and may count, by what it is. */
  readonly others: Other[]
  /** Hashes of blocks that were shown, by lane and block with a space between. */
  readonly heads: Map<string, string>
  count: number
}

/** An offer that is no event: of a plan, a setting, a fact, a snapshot, an approval, an address. `rest`: its path within the ledger. */
export type Other = { readonly index: number; readonly rest: string; readonly offer: Offer; readonly verdict: Verdict }

export type Reader = { readonly ledger: string; readonly read: (body: Json) => Content | null; readonly scale: number; readonly inbox: string | null; readonly findings: Findings }

export function createOffers(): Offers {
  return { byReference: new Map(), answered: new Map(), others: [], heads: new Map(), count: 0 }
}

/** With those that have no answer yet. */
export function withOpen(offers: Offers, open: Offers): Offers {
  const byReference = new Map(offers.byReference)
  for (const [reference, offered] of open.byReference) byReference.set(reference, [...(byReference.get(reference) ?? []), ...offered])
  return { ...offers, byReference, others: [...offers.others, ...open.others] }
}

const UNSURE: ReadonlySet<unknown> = new Set(['database_unavailable', 'server_failed'])

/** A request that was refused changed nothing; of one without an answer, or with one that leaves it open, nobody knows. */
export function verdictOf(answer: Answer): Verdict {
  if (answer === null) return 'unknown'
  if (answer.status < 300) return 'taken'
  const code = codeOf(answer.body)
  return answer.status >= 500 && (code === null || UNSURE.has(code)) ? 'unknown' : 'refused'
}

export function codeOf(body: unknown): string | null {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : null
  return typeof code === 'string' ? code : null
}

/** Takes an offer in. One of another ledger says nothing of this one. */
export function take(offers: Offers, offer: Offer, reader: Reader): void {
  takeOnce(offers, offer, reader)
  // The copy gets an answer that nobody hears.
  if (offer.twice === true) takeOnce(offers, { ...offer, answer: null }, reader)
}

function takeOnce(offers: Offers, offer: Offer, reader: Reader): void {
  offers.count += 1
  const { request, answer } = offer
  if (offer.door === 'sql' && request.path === reader.inbox) return takeEvent(offers, offer, reader, { body: request.body ?? null, verdict: verdictOf(answer), answer: null })
  const rest = restOf(request.path, reader.ledger)
  if (rest === null) return
  const body = answer?.body ?? null
  if (request.method === 'POST' && rest === 'events') return takeEvent(offers, offer, reader, { body: request.body ?? null, verdict: verdictOf(answer), answer: body })
  if (request.method === 'POST' && rest === 'events/batch') return takeBatch(offers, offer, reader)
  const [, reversed] = /^events\/([^/]+)\/reversals$/.exec(rest) ?? []
  if (request.method === 'POST' && reversed !== undefined) return takeReversal(offers, offer, reader, decodeURIComponent(reversed))
  if (request.method === 'GET') return observe(offers, body, reader)
  offers.others.push({ index: offers.count, rest, offer, verdict: verdictOf(answer) })
}

/** The path within the ledger; null for that of another. What stands in no ledger's path belongs to all. */
function restOf(path: string, ledger: string): string | null {
  const [, name, rest = ''] = /^(?:\/?v1)?\/?ledgers\/([^/?]+)\/?([^?]*)/.exec(path) ?? []
  if (name === undefined) return path
  return decodeURIComponent(name) === ledger ? rest : null
}

type Taken = { readonly body: Json; readonly verdict: Verdict; readonly answer: unknown }

function takeEvent(offers: Offers, { door, asked, at }: Offer, reader: Reader, { body, verdict, answer }: Taken): void {
  const content = reader.read(body)
  reader.findings.expect('I8', content !== null || verdict !== 'taken' || door === 'sql', () => `an event was taken that nobody can read: ${JSON.stringify(body)}`)
  if (content !== null) remember(offers, content.reference, { verdict, code: codeOf(answer), door, index: offers.count, asked, at, content, reversal: null })
  if (verdict === 'taken' && answer !== null) show(offers, answer as EventAnswer, reader)
}

function takeBatch(offers: Offers, offer: Offer, reader: Reader): void {
  const { events = [] } = (offer.request.body ?? {}) as { events?: readonly Json[] }
  const verdict = verdictOf(offer.answer)
  const { results = [] } = (offer.answer?.body ?? {}) as { results?: readonly { state: string; event?: unknown; problem?: unknown }[] }
  for (const [place, body] of events.entries()) {
    const result = verdict === 'taken' ? results[place] : undefined
    const refusedOpen = result?.problem !== undefined && UNSURE.has(codeOf(result.problem))
    const own: Verdict = result === undefined ? verdict : result.state !== 'refused' ? 'taken' : refusedOpen ? 'unknown' : 'refused'
    takeEvent(offers, offer, reader, { body, verdict: own, answer: result?.event ?? result?.problem ?? null })
  }
}

function takeReversal(offers: Offers, { door, asked, at, request, answer }: Offer, reader: Reader, of: string): void {
  const body = (request.body ?? {}) as { reference?: string; units?: string; amount?: string }
  const verdict = verdictOf(answer)
  const units = body.units !== undefined ? BigInt(body.units) : body.amount !== undefined ? decimalUnits(body.amount, reader.scale) : null
  if (typeof body.reference === 'string') remember(offers, body.reference, { verdict, code: codeOf(answer?.body), door, index: offers.count, asked, at, content: null, reversal: { of, units } })
  if (verdict === 'taken' && answer !== null) show(offers, answer.body as EventAnswer, reader)
}

function decimalUnits(amount: string, scale: number): bigint {
  const [whole = '0', fraction = ''] = amount.split('.')
  return /^[0-9.]+$/.test(amount) ? BigInt(whole + fraction.padEnd(scale, '0').slice(0, scale)) : -1n
}

function remember({ byReference }: Offers, reference: string, offered: Offered): void {
  byReference.getOrInsertComputed(reference, () => []).push(offered)
}

/** What an answer shows of an event must be what every answer before showed of it. */
function show({ answered }: Offers, event: EventAnswer, { findings }: Reader): void {
  const known = answered.get(event.reference)
  if (known === undefined) answered.set(event.reference, event)
  else findings.expect('I8', wordsOf(known) === wordsOf(event), () => `${event.reference} was answered as ${wordsOf(known)}, and then as ${wordsOf(event)}`)
}

/** Shares of nothing are left out: lists may show them or not. */
function wordsOf({ event, units, asset, parties, plan_version: plan, reverses, shares }: EventAnswer): string {
  return canonical({ event, units, asset, parties, plan, reverses, shares: shares.filter((share) => share.units !== '0').map(({ role, account, units: own }) => [role, account, own]) })
}

/** What anybody read: events, hashes of blocks, balances. */
function observe(offers: Offers, body: unknown, reader: Reader): void {
  const { items = [body], heads = [] } = (body ?? {}) as { items?: readonly unknown[]; heads?: readonly unknown[] }
  for (const each of [...items, ...heads]) {
    if (isEvent(each)) show(offers, each, reader)
    else if (isHead(each)) showHead(offers, each, reader)
    else if (isBalance(each)) reader.findings.expect('I3', !FLOORED.test(each.account) || !each.units.startsWith('-'), () => `${each.account} was shown at ${each.units}`)
  }
}

const FLOORED = /^(received|payable|carried|fund|rounding|in_flight|distributing|reversing|owed_by)(:|$)/

type Head = { readonly lane: number; readonly block: string; readonly hash: string }

/** A block keeps the hash that it was once shown with. */
function showHead({ heads }: Offers, { lane, block, hash }: Head, { findings }: Reader): void {
  const before = heads.get(`${lane} ${block}`)
  if (before === undefined) heads.set(`${lane} ${block}`, hash)
  else findings.expect('I7', before === hash, () => `block ${block} of lane ${lane} was shown with the hash ${before}, and then with ${hash}`)
}

function isHead(value: unknown): value is Head {
  return typeof value === 'object' && value !== null && 'lane' in value && 'block' in value && 'hash' in value && typeof value.hash === 'string'
}

function isBalance(value: unknown): value is { readonly account: string; readonly units: string } {
  return typeof value === 'object' && value !== null && 'account' in value && 'debits' in value && 'units' in value
}

function isEvent(value: unknown): value is EventAnswer {
  return typeof value === 'object' && value !== null && 'plan_version' in value && 'shares' in value && 'reference' in value && 'parties' in value
}
