// Standing facts over time, in memory: what counted at an instant, of what was known at another. A preview asks it once an event, so that
// no event costs a question of the database.

import { present } from '../assert.ts'
import type { FactSets } from '../rules/rule.ts'
import type { StandingNeed } from '../standing.ts'

export type Announced = {
  readonly name: string
  readonly subject: string
  readonly number: number
  readonly value: string
  readonly effective_from: Temporal.Instant
  readonly announced_at: Temporal.Instant
  readonly dropped_at: Temporal.Instant | null
}

type Entry = { readonly number: number; readonly value: string; readonly from: bigint; readonly announced: bigint; readonly dropped: bigint | null }

type Name = {
  readonly subjects: Map<string, Entry[]>
  /** Instants at which what counts, or what is known, changes; each in order. */
  readonly effects: bigint[]
  readonly news: bigint[]
  /** The whole set as it was last asked for: it changes seldom. */
  last: { readonly place: string; readonly set: Readonly<Record<string, string>> } | null
}

export type Instants = { readonly at: Temporal.Instant; readonly knownAt: Temporal.Instant }

export type Timeline = { readonly factsOf: (needs: readonly StandingNeed[], instants: Instants) => FactSets }

/** The announcements of all facts that may be asked for, in any order. */
export function createTimeline(announced: readonly Announced[]): Timeline {
  const names = new Map<string, Name>()
  for (const { name, subject, number, value, effective_from: effective, announced_at: announcedAt, dropped_at: droppedAt } of announced) {
    const own = names.getOrInsertComputed(name, (): Name => ({ subjects: new Map(), effects: [], news: [], last: null }))
    const entry = { number, value, from: effective.epochNanoseconds, announced: announcedAt.epochNanoseconds, dropped: droppedAt?.epochNanoseconds ?? null }
    own.subjects.getOrInsertComputed(subject, () => []).push(entry)
    own.effects.push(entry.from)
    own.news.push(entry.announced, ...(entry.dropped === null ? [] : [entry.dropped]))
  }
  for (const { effects, news, subjects } of names.values()) {
    effects.sort(compare)
    news.sort(compare)
    // The newest that counts is met first: by the instant from which it counts, at equal ones by number.
    for (const entries of subjects.values()) entries.sort((a, b) => compare(b.from, a.from) || b.number - a.number)
  }
  return { factsOf: (needs, instants) => factsOf(names, needs, instants) }
}

/** A fact that nobody has is left out, as it is when an event is recorded. */
function factsOf(names: ReadonlyMap<string, Name>, needs: readonly StandingNeed[], { at, knownAt }: Instants): FactSets {
  const [instant, known] = [at.epochNanoseconds, knownAt.epochNanoseconds]
  const sets: Record<string, Readonly<Record<string, string>>> = {}
  for (const { name, subjects } of needs) {
    const own = names.get(name)
    const set = own === undefined ? {} : subjects === null ? wholeSet(own, { instant, known }) : setOf(own, subjects, { instant, known })
    if (Object.keys(set).length > 0) sets[name] = set
  }
  return sets
}

type Moment = { readonly instant: bigint; readonly known: bigint }

function wholeSet(own: Name, moment: Moment): Readonly<Record<string, string>> {
  const place = `${upTo(own.effects, moment.instant)} ${upTo(own.news, moment.known)}`
  if (own.last?.place !== place) own.last = { place, set: setOf(own, own.subjects.keys(), moment) }
  return own.last.set
}

function setOf({ subjects }: Name, wanted: Iterable<string>, { instant, known }: Moment): Readonly<Record<string, string>> {
  const set: [string, string][] = []
  for (const subject of wanted) {
    const found = subjects.get(subject)?.find(({ from, announced, dropped }) => from <= instant && announced <= known && (dropped === null || dropped > known))
    if (found !== undefined) set.push([subject, found.value])
  }
  return Object.fromEntries(set)
}

/** How many instants of a sorted list are not after this one. */
function upTo(instants: readonly bigint[], instant: bigint): number {
  let [low, high] = [0, instants.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (present(instants[middle], 'instant') <= instant) low = middle + 1
    else high = middle
  }
  return low
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
