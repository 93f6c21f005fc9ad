// The events of a preview: a span of what the ledger recorded, lane by lane and page by page, or events that somebody gave. And what the
// rules remember, and the plan's accounts hold, where they begin.

import type { PoolClient } from 'pg'
import { present } from '../../core/assert.ts'
import type { EventInput } from '../../core/event.ts'
import { balanceKey, type Memory, type PreviewedEvent } from '../../core/preview.ts'
import { createTimeline, type Timeline } from '../../core/preview/timeline.ts'
import { lanePosition } from '../../core/reference.ts'
import { Refusal } from '../../core/refusal.ts'
import type { FactSets } from '../../core/rules/rule.ts'
import { announcementsOf, blockEnds, blocksBefore, pastEventOf, pastEvents, standingIn, statesOfSteps, type BlockEnd } from '../../store/preview.ts'
import { snapshotOf } from '../../store/verify.ts'
import type { Ledger } from '../ledger.ts'
import { END, pastSpan, type Span } from '../span.ts'
import type { SourceDocument } from './document.ts'
import type { Subject } from './subject.ts'

/** An event that somebody gave, or why it is none; `line` counts from 1 in a file. */
export type GivenEvent = { readonly line: number | null } & ({ readonly input: EventInput } | { readonly refusal: Refusal })

export type SourceChoice =
  /** Recorded at or after `from` and before `to`; left out, from the beginning and up to now. */
  | { readonly kind: 'ledger'; readonly from: string | null; readonly to: string | null }
  /** The same blocks as a preview before, by the block after which each lane begins and the one with which it ends. */
  | { readonly kind: 'blocks'; readonly from: string | null; readonly to: string | null; readonly lanes: readonly { readonly after: bigint; readonly upTo: bigint }[] }
  | (Given & { readonly kind: 'events' })
  | (Given & { readonly kind: 'sample' })

/** `lanes`: the blocks after which it begins; left out, the newest. */
type Given = { readonly events: AsyncIterable<GivenEvent> | Iterable<GivenEvent>; readonly lanes?: readonly { readonly after: bigint; readonly upTo: bigint }[] }

/** What of a lane is read: from after the one block's end up to the other's. */
type LaneSpan = { readonly low: BlockEnd; readonly high: BlockEnd }

export type Source = {
  readonly document: SourceDocument
  /** Of a span of the ledger; null where nobody knows before. */
  readonly events: bigint | null
  readonly lanes: readonly LaneSpan[]
  readonly pages: (options: { readonly recordedAt: boolean }) => AsyncIterable<readonly (PreviewedEvent | Unreadable)[]>
}

export type Unreadable = { readonly line: number | null; readonly refusal: Refusal }

/** Given events that are worked on before whoever waits is heard. */
const GIVEN_PAGE = 1000

/** Refuses `events_missing` for a span without events, and as `pastSpan` does. */
export async function openSource(client: PoolClient, ledger: Ledger, { source, fresh, now }: { source: SourceChoice; fresh: boolean; now: Temporal.Instant }): Promise<Source> {
  const state = fresh ? 'empty' : 'recorded'
  if (source.kind === 'events' || source.kind === 'sample') {
    const ends = await blocksBefore(client, ledger.lanes, END)
    const lanes = source.lanes === undefined ? ends.map((high): LaneSpan => ({ low: high, high })) : await lanesOfBlocks(client, ledger, source.lanes)
    const document = { kind: source.kind, state, from: null, to: null, lanes: lanes.map(laneDocument) } as const
    return { document, events: null, lanes, pages: () => givenPages(ledger, source.events, now) }
  }
  const span = pastSpan(source, now)
  const [from, to] = [source.from === null ? null : span.from.toString(), source.to === null ? null : span.to.toString()]
  const lanes = source.kind === 'ledger' ? await lanesOfSpan(client, ledger, span) : await lanesOfBlocks(client, ledger, source.lanes)
  const events = lanes.reduce((all, { low, high }) => all + high.event - low.event, 0n)
  if (events <= 0n) throw nothingThere(ledger, { from, to })
  return {
    document: { kind: 'ledger', state, from, to, lanes: lanes.map(laneDocument) },
    events,
    lanes,
    pages: ({ recordedAt }) => pastPages(client, lanes, recordedAt),
  }
}

function nothingThere({ name }: Ledger, { from, to }: { from: string | null; to: string | null }): Refusal {
  const span = from === null && to === null ? 'yet' : `from ${from ?? 'the beginning'} to ${to ?? 'now'}`
  return new Refusal('events_missing', `the ledger ${name} has recorded no event ${span}: a preview of nothing shows nothing; choose another span, a file or the sample`, { from, to })
}

async function lanesOfSpan(client: PoolClient, { lanes }: Ledger, { from, to }: Span): Promise<readonly LaneSpan[]> {
  const [lows, highs] = [await blocksBefore(client, lanes, from), await blocksBefore(client, lanes, to)]
  return lows.map((low, place) => ({ low, high: present(highs[place], 'end of a lane') }))
}

async function lanesOfBlocks(client: PoolClient, { lanes }: Ledger, given: readonly { readonly after: bigint; readonly upTo: bigint }[]): Promise<readonly LaneSpan[]> {
  const of = (place: number, block: bigint | undefined) => ({ lane: present(lanes[place], 'lane'), block: block ?? 0n })
  const lows = await blockEnds(client, given.map(({ after }, place) => of(place, after)))
  const highs = await blockEnds(client, given.map(({ upTo }, place) => of(place, upTo)))
  return lows.map((low, place) => ({ low, high: present(highs[place], 'end of a lane') }))
}

function laneDocument({ low, high }: LaneSpan, lane: number): SourceDocument['lanes'][number] {
  return { lane, after_block: low.block.toString(), after_event: low.event.toString(), block: high.block.toString(), event: high.event.toString(), hash: high.hash }
}

const NEVER = Temporal.Instant.fromEpochMilliseconds(0)
const NO_FACTS: FactSets = {}

async function* pastPages(client: PoolClient, lanes: readonly LaneSpan[], recordedAt: boolean): AsyncGenerator<readonly PreviewedEvent[], undefined> {
  const snapshot = snapshotOf(client)
  for (const [lane, { low, high }] of lanes.entries()) {
    const bounds = { after: low.event, upTo: high.event }
    for await (const lines of pastEvents(snapshot, low.lane, { bounds, recordedAt })) yield lines.map((line) => pastEvent(line, lane))
  }
}

function pastEvent(line: string, lane: number): PreviewedEvent {
  const { units, plan, event_at: at, recorded_at: recorded, reversal: isReversal, content } = pastEventOf(line)
  const [asset, reference, parties, claimed, facts, standing] = content
  return {
    ...{ lane, reference, line: null, plan, asset, units, parties, isReversal },
    claimed: claimed === null ? null : Object.fromEntries(Object.entries(claimed).map(([role, amount]) => [role, BigInt(amount)])),
    facts: facts ?? NO_FACTS,
    standing: standing ?? NO_FACTS,
    eventAt: Temporal.Instant.from(at),
    recordedAt: recorded === '' ? NEVER : Temporal.Instant.from(recorded),
  }
}

async function* givenPages(ledger: Ledger, events: AsyncIterable<GivenEvent> | Iterable<GivenEvent>, now: Temporal.Instant): AsyncGenerator<readonly (PreviewedEvent | Unreadable)[], undefined> {
  let page: (PreviewedEvent | Unreadable)[] = []
  for await (const given of events) {
    page.push('refusal' in given ? given : givenEvent(ledger, given, now))
    if (page.length < GIVEN_PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}

function givenEvent({ lanes }: Ledger, { line, input }: { readonly line: number | null; readonly input: EventInput }, now: Temporal.Instant): PreviewedEvent {
  const { reference, asset, units, parties, facts, claimed, eventAt } = input
  const lane = lanePosition(reference, lanes.length)
  return { lane, reference, line, plan: null, asset, units, parties, facts, claimed, standing: NO_FACTS, eventAt: eventAt ?? now, recordedAt: now, isReversal: false }
}

/** What each lane's rules remember, and what stands in the accounts that the plan may draw on, where the events begin. */
export async function memoriesOf(client: PoolClient, { lanes, document }: Source, { steps }: Subject): Promise<ReadonlyMap<number, Memory>> {
  const memories = new Map<number, Memory>()
  const names = [...new Set(steps.map(({ name }) => name))]
  const drawsOn = steps.some(({ rule: { outline }, rounding }) => outline.draws.length > 0 || outline.carries || rounding === 'cumulative')
  for (const [place, { low: { lane, event, transfer } }] of lanes.entries()) {
    const isEmpty = document.state === 'empty' || event === 0n
    const states = isEmpty ? [] : await statesOfSteps(client, { lane, event, steps: names })
    const standing = isEmpty || !drawsOn ? [] : await standingIn(client, { lane, transfer, roles: ['fund', 'carried', 'rounding'] })
    memories.set(place, {
      states: new Map(states.map(({ key, value }) => [key, value])),
      balances: new Map(standing.map(({ name, asset, units }) => [balanceKey(name, asset), units])),
    })
  }
  return memories
}

/** Announcements of facts that a preview holds in memory: some hundred bytes each. */
const MAX_ANNOUNCEMENTS = 200_000

/** The standing facts that a plan asks for, over time; null where it asks for none. Refuses `preview_exceeded`. */
export async function timelineOf(client: PoolClient, ledger: Ledger, { steps, asRecorded }: Subject): Promise<Timeline | null> {
  const names = [...new Set(steps.flatMap(({ rule }) => rule.outline.facts.filter(({ source }) => source === 'standing').map(({ name }) => name)))]
  if (names.length === 0 || asRecorded) return null
  const announced = await announcementsOf(client, { ledger: ledger.id, names, limit: MAX_ANNOUNCEMENTS + 1 })
  if (announced.length <= MAX_ANNOUNCEMENTS) return createTimeline(announced)
  throw new Refusal('preview_exceeded', `the plan asks for ${names.join(', ')}, which were announced more than ${MAX_ANNOUNCEMENTS} times: a preview holds so many and no more`, {
    facts: names,
    limit: MAX_ANNOUNCEMENTS,
  })
}
