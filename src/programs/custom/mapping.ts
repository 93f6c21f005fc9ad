// Turns a source's own JSON into an event, as a program's file maps it. Nothing is guessed: what is missing or of another form is refused,
// naming the source's field.

import { z } from 'zod'
import { checkParty } from '../../core/account.ts'
import type { Json, JsonObject } from '../../core/effects.ts'
import type { EventInput } from '../../core/event.ts'
import { detailsProblem, storableInstant } from '../../core/event-words.ts'
import { clip, quote, readUnits, type Asset } from '../../core/money.ts'
import { checkReference } from '../../core/reference.ts'
import { Refusal } from '../../core/refusal.ts'
import type { FactSets } from '../../core/rules/rule.ts'
import type { EventMapping, FactSource } from './form.ts'
import { namesOf, valueAt } from './path.ts'

/** The body of events in the source's words. Refuses `field_malformed`, `reference_malformed`, `amount_*`, `recipient_malformed`, naming the field. */
export function mappedEvent(mapping: EventMapping, asset: Asset): z.ZodType<EventInput> {
  return z.record(z.string(), z.json(), 'must be an object').transform((body) => readEvent(mapping, asset, body as JsonObject))
}

function readEvent(mapping: EventMapping, asset: Asset, body: JsonObject): EventInput {
  const { reference, requires = [], keep = [], claims } = mapping
  if (mapping.others === 'refused') checkOthers(mapping, body)
  for (const { field, is } of requires) checkRequired(body, field, is)
  const parties = partiesOf(mapping, body)
  const amount = typeof mapping.amount === 'string' ? ({ field: mapping.amount, in: 'asset' } as const) : mapping.amount
  const kept = keep.flatMap((path): [string, Json][] => {
    const value = valueAt(body, path)
    return value === undefined ? [] : [[path, value]]
  })
  const details = Object.fromEntries(kept)
  const problem = detailsProblem(details)
  if (problem !== null) throw malformed(keep.join(', '), `${problem}: keep less of the event`)
  return {
    reference: checkReference(idAt(body, reference), reference),
    asset: asset.name,
    units: unitsAt(body, amount, asset),
    parties,
    facts: factsOf(mapping, body, parties),
    eventAt: instantOf(mapping, body),
    claimed: claimedOf(claims ?? {}, body, (field) => unitsAt(body, { ...amount, field }, asset)),
    details: kept.length === 0 ? null : details,
  }
}

function malformed(field: string, problem: string): Refusal {
  return new Refusal('field_malformed', `${field} ${problem}`, { field: clip(field) })
}

function missing(field: string): Refusal {
  return malformed(field, 'is missing')
}

function checkOthers(mapping: EventMapping, body: JsonObject): void {
  const known = new Set(pathsOf(mapping).map((path) => namesOf(path)[0]))
  const other = Object.keys(body).find((name) => !known.has(name))
  if (other !== undefined) throw new Refusal('field_malformed', `${quote(other)} is no field of the event`, { field: clip(other) })
}

/** Every path that a mapping reads. */
export function pathsOf({ reference, amount, parties = {}, facts = {}, claims = {}, event_at: at, keep = [], requires = [] }: EventMapping): readonly string[] {
  const pathOf = (given: string | { readonly field: string }): string => (typeof given === 'string' ? given : given.field)
  const factPaths = Object.values(facts).flatMap((source) => {
    if ('each' in source) return [source.each]
    if ('list' in source) return [source.list]
    return 'subjects' in source ? Object.values(source.subjects) : [source.value]
  })
  return [
    ...[reference, pathOf(amount)],
    ...Object.values(parties).map(pathOf),
    ...factPaths,
    ...Object.values(claims),
    ...(at === undefined ? [] : [pathOf(at)]),
    ...keep,
    ...requires.map(({ field }) => field),
  ]
}

function checkRequired(body: JsonObject, field: string, is: readonly (string | boolean)[]): void {
  const value = valueAt(body, field)
  if (is.some((each) => each === value)) return
  const found = value === undefined ? 'is missing' : `is ${typeof value === 'object' ? 'an object or a list' : quote(String(value))}`
  throw malformed(field, `${found}; this ledger takes events in which it is ${is.map((each) => quote(String(each))).join(' or ')}`)
}

/** Text, or a whole number that JSON cannot have rounded. */
function idAt(body: Json, field: string): string {
  const value = valueAt(body, field)
  if (value === undefined) throw missing(field)
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value.toString()
  throw malformed(field, 'must be text, or a whole number')
}

function unitsAt(body: Json, given: { readonly field: string; readonly in: 'asset' | 'units' }, asset: Asset): bigint {
  const { field } = given
  const value = valueAt(body, field)
  if (value === undefined) throw missing(field)
  if (typeof value === 'string') return readUnits(value, { field, scale: given.in === 'units' ? 0 : asset.scale })
  if (typeof value === 'number' && given.in === 'units' && Number.isSafeInteger(value)) return readUnits(value.toString(), { field, scale: 0 })
  const why = typeof value === 'number' ? 'is a JSON number that may have been rounded' : 'is no text'
  throw new Refusal('amount_malformed', `${field} ${why}: send the amount as text, such as "1.5"`, { field })
}

function partiesOf({ parties = {} }: EventMapping, body: JsonObject): Readonly<Record<string, string>> {
  const found = Object.entries(parties).flatMap(([name, given]): [string, string][] => {
    const field = typeof given === 'string' ? given : given.field
    if (typeof given !== 'string' && valueAt(body, field) === undefined) return []
    return [[name, checkParty(idAt(body, field), field)]]
  })
  return Object.fromEntries(found)
}

function factsOf({ facts = {} }: EventMapping, body: JsonObject, parties: Readonly<Record<string, string>>): FactSets {
  const sets = Object.entries(facts).flatMap(([name, source]): [string, Readonly<Record<string, string>>][] => {
    const set = factSet(source, body, parties)
    return set === null ? [] : [[name, set]]
  })
  return Object.fromEntries(sets)
}

/** A set of facts by subject; null for an optional one that the event has not. */
function factSet(source: FactSource, body: JsonObject, parties: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  if ('subjects' in source) return subjectsOf(source, body)
  if ('of' in source) {
    const party = Object.hasOwn(parties, source.of) ? parties[source.of] : undefined
    if (valueAt(body, source.value) === undefined || party === undefined) return absent(source, source.value)
    return { [party]: factAt(body, source.value) }
  }
  const field = 'each' in source ? source.each : source.list
  const found = valueAt(body, field)
  if (found === undefined) return absent(source, field)
  if ('each' in source) {
    if (typeof found !== 'object' || Array.isArray(found)) throw malformed(field, 'must be an object: subjects, and the fact of each')
    return Object.fromEntries(Object.keys(found as JsonObject).map((subject) => [subject, factText((found as JsonObject)[subject] ?? null, `${field}.${subject}`)]))
  }
  if (!Array.isArray(found)) throw malformed(field, 'must be a list')
  const entries = found.map((item: Json, index): readonly [string, string] => {
    const at = `${field}.${index}`
    return [within(at, () => idAt(item, source.subject)), within(at, () => factAt(item, source.value))]
  })
  const subjects = new Set<string>()
  for (const [subject] of entries) {
    if (subjects.has(subject)) throw malformed(field, `names ${quote(subject)} twice: which fact is meant is not known`)
    subjects.add(subject)
  }
  return Object.fromEntries(entries)
}

function subjectsOf(source: Extract<FactSource, { subjects: unknown }>, body: JsonObject): Readonly<Record<string, string>> | null {
  const entries = Object.entries(source.subjects)
  const gone = entries.find(([, path]) => valueAt(body, path) === undefined)
  if (gone !== undefined) return absent(source, gone[1])
  return Object.fromEntries(entries.map(([subject, path]) => [subject, factAt(body, path)]))
}

function absent({ optional }: Pick<FactSource, 'optional'>, field: string): null {
  if (optional === true) return null
  throw missing(field)
}

/** Names the item of a list before the field in it. */
function within<Result>(at: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(error.code, `${at}: ${error.message}`, { ...error.details, field: at })
    throw error
  }
}

function factAt(body: Json, field: string): string {
  const value = valueAt(body, field)
  if (value === undefined) throw missing(field)
  return factText(value, field)
}

/** A fact is text; a whole number is taken as it is written, yes and no as 1 and 0. */
function factText(value: Json, field: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value.toString()
  throw malformed(field, 'must be text, a whole number, true or false: another number may have been rounded')
}

const MICROSECONDS = { seconds: 1_000_000n, milliseconds: 1000n } as const
const NANOSECONDS = 1000n

/** Null where the event does not say when it happened, and need not. */
function instantOf({ event_at: at }: EventMapping, body: JsonObject): Temporal.Instant | null {
  if (at === undefined) return null
  const { field, in: form = 'iso', optional } = typeof at === 'string' ? { field: at } : at
  if (optional === true && valueAt(body, field) === undefined) return null
  const text = idAt(body, field)
  const instant = form === 'iso' ? fromIso(text, field) : fromCount(text, field, form)
  const kept = instant === null ? 'outside' : storableInstant(instant)
  if (kept === 'outside') throw malformed(field, 'must lie in the years 1 to 9999')
  return kept
}

function fromIso(text: string, field: string): Temporal.Instant {
  const problem = malformed(field, `must be an ISO 8601 instant with offset, such as 2026-01-31T12:00:00Z, not ${quote(text)}`)
  // Temporal also takes names of time zones and calendars, which a source means something by that is not kept.
  if (!/^[0-9-]{10}T[0-9:.,]+(Z|[+-][0-9:]+)$/.test(text)) throw problem
  try {
    return Temporal.Instant.from(text)
  } catch {
    throw problem
  }
}

/** Since 1970; null for a count that no instant has. */
function fromCount(text: string, field: string, unit: keyof typeof MICROSECONDS): Temporal.Instant | null {
  if (!/^-?[0-9]{1,15}$/.test(text)) throw malformed(field, `must be whole ${unit} since 1970, not ${quote(text)}`)
  try {
    return Temporal.Instant.fromEpochNanoseconds(BigInt(text) * MICROSECONDS[unit] * NANOSECONDS)
  } catch {
    return null
  }
}

/** In what the amount itself is in. */
function claimedOf(claims: Readonly<Record<string, string>>, body: JsonObject, unitsOf: (field: string) => bigint): EventInput['claimed'] {
  const claimed = Object.entries(claims).flatMap(([role, field]): [string, bigint][] => {
    return valueAt(body, field) === undefined ? [] : [[role, unitsOf(field)]]
  })
  return claimed.length === 0 ? null : Object.fromEntries(claimed)
}
