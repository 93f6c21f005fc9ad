// Events through all doors: plain, again, with other content, late, in batches, too large, too small, wrong, and undone.

import { present } from '../../src/core/assert.ts'
import type { JsonObject } from '../../src/core/effects.ts'
import { lanePosition } from '../../src/core/reference.ts'
import type { Person } from '../history.ts'
import type { Random } from '../random.ts'
import type { Business, Made, Size } from './business.ts'
import type { Deed, Expect, InsertDeed, Insistence, RequestDeed, Tag } from './workload.ts'

/** Something to be done by one of the callers, at a moment after the beginning. */
export type Planned = { readonly caller: string; readonly atMs: number; readonly deed: Deed }

export type Course = {
  readonly random: Random
  readonly business: Business
  /** When the history begins: everything dated is dated by it. */
  readonly start: Temporal.Instant
  readonly spanMs: number
  /** Whatever can happen in it happens; else each with its chance. */
  readonly everything: boolean
}

/** Callers of one ledger who send events. */
const SENDERS = 3
const DAY_MS = 86_400_000

export function insistence(random: Random): Insistence {
  return { tries: random.between(3, 6), pauseMs: random.between(20, 2000), atOnce: random.chance(0.12) ? 2 : 1 }
}

/** One try, one copy: where a second one would be another thing. */
export const ONCE: Insistence = { tries: 1, pauseMs: 0, atOnce: 1 }

type Post = { readonly path: string; readonly body: JsonObject | string; readonly expect: Expect; readonly person?: Person; readonly key?: string | null; readonly stamp?: string | null }

/** A POST to a ledger. */
export function post({ random, business }: Pick<Course, 'random' | 'business'>, tag: Tag, { path, body, expect, person = 'owner', key = null, stamp = null }: Post): RequestDeed {
  const { name: ledger } = business.setup
  const request = { method: 'POST', path: `/v1/ledgers/${ledger}/${path}`, body, ...(key !== null && { idempotencyKey: key }) }
  return { do: 'request', tag, ledger, expect, person, request, stamp, ...insistence(random) }
}

type Sale = {
  readonly reference: string
  readonly made: Made
  readonly atMs: number
  readonly tag: Tag
  /** Whether a row brings it. */
  readonly isRow: boolean
  /** Whether the same reference also comes with other content, or by the other door: either may be first. */
  readonly contest: 'none' | 'same-door' | 'other-door' | 'other-content'
}

/** So many events, each with what happens to it besides. */
export function eventSteps(course: Course, count: number): readonly Planned[] {
  const sales = Array.from({ length: count }, (_, index) => saleOf(course, index))
  return [...sales.flatMap((sale) => stepsOf(course, sale)), ...batches(course), ...wrongs(course)]
}

const sender = (random: Random): string => `sender-${random.between(1, SENDERS)}`

function saleOf({ random, business, start, spanMs }: Course, index: number): Sale {
  const group = random.chance(0.3) ? `lot-${random.below(3)}/` : ''
  const reference = `${group}${business.setup.name}-${index}`
  const isLate = random.chance(0.15)
  const size: Size = random.chance(0.1) ? 'dust' : random.chance(0.08) ? 'huge' : 'plain'
  const at = isLate ? start.subtract({ milliseconds: random.between(1, 30 * DAY_MS) }) : null
  const made = business.event(random, { reference, size, at })
  const hasInbox = business.inbox !== null
  const contest = random.chance(0.15) ? 'other-content' : !random.chance(0.25) ? 'none' : hasInbox && random.chance(0.3) ? 'other-door' : 'same-door'
  return { reference, made, contest, isRow: hasInbox && random.chance(0.35), atMs: random.below(spanMs), tag: isLate ? 'late' : size }
}

function stepsOf(course: Course, sale: Sale): readonly Planned[] {
  const { random, spanMs, everything } = course
  const { isRow, contest, atMs } = sale
  const after = (): number => atMs + random.below(spanMs - atMs)
  const first = isRow ? rowOf(course, sale) : offerOf(course, sale)
  const steps: Planned[] = [{ caller: sender(random), atMs, deed: first }]
  // Now and then the copy comes before what it is a copy of.
  const copy = (deed: Deed): Planned => ({ caller: sender(random), atMs: random.chance(0.3) ? random.below(atMs + 1) : after(), deed })
  if (contest === 'same-door') steps.push(copy({ ...first, tag: isRow ? 'row-again' : 'duplicate' }))
  if (contest === 'other-door') steps.push(copy(isRow ? { ...offerOf(course, sale), tag: 'duplicate' } : { ...rowOf(course, sale), tag: 'row-again' }))
  if (contest === 'other-content') steps.push(copy(otherContent(course, sale)))
  if (first.do === 'request' && random.chance(0.2)) steps.push(...keyAgain(course, { reference: sale.reference, first, after }))
  if (random.chance(everything ? 0.5 : 0.2)) steps.push(...reversals(course, sale))
  return steps
}

function offerOf(course: Course, { reference, made, tag, contest, isRow }: Sale): RequestDeed {
  const { random, business } = course
  const isLate = tag === 'late'
  // What is older than a plan's beginning is for the owner alone.
  const stamp = !isLate && random.chance(0.3) ? business.fields.at : null
  const person: Person = isLate || stamp !== null || random.chance(0.6) ? 'owner' : 'first'
  // A clock that is wrong may refuse what says when it happened.
  const expect = made.sure && stamp === null && !isRow && (contest === 'none' || contest === 'same-door') ? 'taken' : 'any'
  const key = random.chance(0.4) ? `key-${reference}` : null
  return post(course, stamp === null ? tag : 'in-order-of-its-own', { path: 'events', body: made.body, expect, person, key, stamp })
}

function rowOf(course: Course, { made, contest }: Sale): InsertDeed {
  return insertOf(course, 'row', made.body, contest === 'none' ? 'taken' : 'any')
}

function insertOf({ random, business }: Course, tag: Tag, body: JsonObject, expect: Expect): InsertDeed {
  const { inbox, setup: { name: ledger } } = business
  const { table, at, row: rowFor } = present(inbox, 'inbox table')
  const row = rowFor(body)
  return { do: 'insert', tag, ledger, expect, table, row, stamp: at in row ? null : at, ...insistence(random) }
}

function otherContent(course: Course, { made, isRow }: Sale): Deed {
  const { random, business } = course
  const body = business.other(random, made.body)
  return isRow ? insertOf(course, 'row-other-content', body, 'any') : post(course, 'other-content', { path: 'events', body, expect: 'any' })
}

function keyAgain({ random, business }: Course, { reference, first, after }: { readonly reference: string; readonly first: RequestDeed; readonly after: () => number }): readonly Planned[] {
  const { request } = first
  const idempotencyKey = request.idempotencyKey ?? `key-of-${reference}`
  const again = { ...first, request: { ...request, idempotencyKey } }
  const other = business.event(random, { reference: `${idempotencyKey}-other`, size: 'plain', at: null })
  return [
    { caller: sender(random), atMs: after(), deed: { ...again, tag: 'key-again', expect: 'any', ...insistence(random) } },
    { caller: sender(random), atMs: after(), deed: { ...again, tag: 'key-other-content', expect: 'any', stamp: null, request: { ...again.request, body: other.body } } },
  ]
}

function reversals(course: Course, { reference, made, atMs, contest }: Sale): readonly Planned[] {
  const { random, business, spanMs } = course
  const { lanes } = business.setup
  const [head = ''] = reference.split('/', 1)
  const path = `events/${encodeURIComponent(reference)}/reversals`
  const send = (tag: Tag, body: JsonObject & { readonly reference: string }, expect: Expect = 'any'): Planned => {
    const at = atMs + random.below(spanMs - atMs)
    return { caller: sender(random), atMs: at, deed: post(course, tag, { path, body, expect, key: random.chance(0.3) ? `key-${body.reference}` : null }) }
  }
  const parts = Array.from({ length: random.below(3) }, (_, index) => {
    const units = random.units(1n, made.units).toString()
    return send('reversal-part', { reference: `${head}/part-${index}-of-${reference}`, units })
  })
  const whole = random.chance(0.5) ? [send('reversal-whole', { reference: `${head}/rest-of-${reference}` })] : []
  const more = random.chance(0.3) ? [send('reversal-exceeding', { reference: `${head}/more-of-${reference}`, units: (made.units + 1n).toString() }, contest === 'other-content' ? 'any' : 'refused')] : []
  const again = random.chance(0.2)
    ? [send('reversal-of-reversal', { reference: `${head}/again-${reference}` }, 'refused')].map((planned) => {
        const { request } = planned.deed as RequestDeed
        const ofReversal = request.path.replace(path, `events/${encodeURIComponent(`${head}/rest-of-${reference}`)}/reversals`)
        return { ...planned, deed: { ...planned.deed, request: { ...request, path: ofReversal } } as Deed }
      })
    : []
  const elsewhere = `other-${random.below(1000)}`
  const isElsewhere = lanePosition(elsewhere, lanes) !== lanePosition(reference, lanes)
  const lost = isElsewhere ? [send('reversal-in-other-lane', { reference: elsewhere }, 'refused')] : []
  return [...parts, ...whole, ...more, ...again, ...lost]
}

/** Several at once; in some of them one that is none. */
function batches(course: Course): readonly Planned[] {
  const { random, business, spanMs } = course
  return Array.from({ length: random.below(2) }, (_, number) => {
    const wrongAt = random.chance(0.5) ? random.below(3) : -1
    const events = Array.from({ length: random.between(2, 6) }, (_, index) => {
      const reference = `batch-${number}/${index}`
      if (index === wrongAt) return { body: business.wrong(random, reference), expect: 'refused' as const }
      const { body, sure } = business.event(random, { reference, size: random.chance(0.2) ? 'dust' : 'plain', at: null })
      return { body, expect: sure ? ('taken' as const) : ('any' as const) }
    })
    const deed = post(course, wrongAt < 0 ? 'batch' : 'batch-with-wrong', {
      ...{ path: 'events/batch', body: { events: events.map(({ body }) => body) }, expect: events.map(({ expect }) => expect) },
      key: random.chance(0.5) ? `key-batch-${number}` : null,
    })
    return { caller: sender(random), atMs: random.below(spanMs), deed }
  })
}

/** What must be refused, whatever happened before. */
function wrongs(course: Course): readonly Planned[] {
  const { random, business, start, spanMs } = course
  const { inbox, fields, setup: { name: ledger } } = business
  const good = (reference: string, at: Temporal.Instant | null): JsonObject => business.event(random, { reference, size: 'plain', at }).body
  const event = (tag: Tag, body: JsonObject, person: Person = 'owner'): Planned => {
    return { caller: sender(random), atMs: random.below(spanMs), deed: post(course, tag, { path: 'events', body, expect: 'refused', person, key: random.chance(0.3) ? `key-${tag}` : null }) }
  }
  const row = (): Planned => {
    const wrong = inbox?.wrong(random, 'wrong-row') ?? {}
    return { caller: sender(random), atMs: random.below(spanMs), deed: { do: 'insert', tag: 'row-invalid', ledger, expect: 'refused', table: inbox?.table ?? '', row: wrong, stamp: null, ...insistence(random) } }
  }
  return [
    ...(random.chance(0.8) ? [event('invalid', business.wrong(random, 'wrong-1'))] : []),
    ...(random.chance(0.4) ? [event('invalid', business.wrong(random, 'wrong-2'))] : []),
    ...(random.chance(0.4) ? [event('too-old', { ...good('too-old', null), [fields.at]: start.subtract({ hours: 24 * 8 }).toString() }, 'first')] : []),
    ...(random.chance(0.4) ? [event('in-the-future', { ...good('in-the-future', null), [fields.at]: start.add({ hours: 24 * 3650 }).toString() })] : []),
    ...(random.chance(0.4) ? [event('of-an-approver', good('of-an-approver', null), 'second')] : []),
    ...(inbox !== null && random.chance(0.6) ? [row()] : []),
  ]
}
