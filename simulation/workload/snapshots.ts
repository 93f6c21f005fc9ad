// Snapshots of holdings, and events that are divided by them. Their hashes are worked out here, so that an event can name one that was
// never kept, or not yet.

import { instantText } from '../../src/core/canonical.ts'
import type { JsonObject } from '../../src/core/effects.ts'
import { entryLine, startSnapshotHash, type SnapshotEntry } from '../../src/core/snapshot.ts'
import { post, type Course, type Planned } from './events.ts'
import type { Tag } from './workload.ts'

/** Events that are divided by them. */
const MOST_EVENTS = 3

/** They are taken back within so many times the time in which they come: giving them out takes some rests of the worker. */
const UNDOING_SPANS = 3

/** Strangers among those who hold something. */
const STRANGERS = 8

export function snapshotSteps(course: Course): readonly Planned[] {
  const { random, business, start, spanMs, everything } = course
  const { snapshots, recipients } = business
  if (snapshots === null || (!everything && !random.chance(0.8))) return []
  const name = `holders-${random.below(1000)}`
  const at = instantText(start.subtract({ hours: 1 + random.below(100) }))
  const holders = random.shuffle([...recipients, ...Array.from({ length: STRANGERS }, (_, place) => `holder-${place}`)]).slice(0, random.between(2, 24))
  const entries = holders.map((recipient) => ({ recipient, weight: random.pick(['0', random.between(1, 1000).toString(), `${random.between(1, 99)}.5`]) }))
  const hash = hashOf(name, at, entries)
  const atMs = random.below(spanMs / 2)
  const send = (tag: Tag, given: readonly JsonObject[], moment: number, expect: 'refused' | 'any'): Planned => {
    const deed = post(course, tag, { path: `snapshots/${name}?record_at=${encodeURIComponent(at)}`, body: given.map((entry) => `${JSON.stringify(entry)}\n`).join(''), expect })
    return { caller: 'keeper', atMs: moment, deed }
  }
  const later = (): number => atMs + random.below(spanMs - atMs)
  const events = Array.from({ length: random.between(1, MOST_EVENTS) }, (_, place): readonly Planned[] => {
    const reference = `by-snapshot-${place}`
    const { body, units } = snapshots(random, { reference, size: random.chance(0.1) ? 'dust' : 'plain', at: null, hash })
    const sent: Planned = { caller: 'sender-1', atMs: random.chance(0.9) ? later() : random.below(atMs + 1), deed: post(course, 'by-snapshot', { path: 'events', body, expect: 'any' }) }
    return everything || random.chance(0.6) ? [sent, ...undoings(course, { reference, units })] : [sent]
  })
  return [
    send('snapshot', entries, atMs, 'any'),
    ...(random.chance(0.3) ? [send('snapshot-again', entries.toReversed(), later(), 'any')] : []),
    ...(random.chance(0.3) ? [send('snapshot-other-content', [...entries, { recipient: 'one-more', weight: '1' }], later(), 'any')] : []),
    ...(random.chance(0.3) ? [send('snapshot-invalid', [...entries, random.pick<JsonObject>([{ recipient: 'x', weight: 'much' }, { recipient: 'no id', weight: '1' }, { recipient: 'x' }, { ...entries[0] }])], later(), 'refused')] : []),
    ...events.flat(),
  ]
}

/** Late, since what is still being given out is taken back by nobody; the next one may come before the one at hand is done, and be refused. */
function undoings(course: Course, { reference, units }: { readonly reference: string; readonly units: bigint }): readonly Planned[] {
  const { random, spanMs } = course
  const undo = (name: string, part: bigint | null): Planned => {
    const body = { reference: `${reference}/${name}`, ...(part !== null && { units: part.toString() }) }
    const deed = post(course, part === null ? 'reversal-whole' : 'reversal-part', { path: `events/${reference}/reversals`, body, expect: 'any', key: random.chance(0.3) ? `key-${body.reference}` : null })
    return { caller: 'keeper', atMs: spanMs + random.below(UNDOING_SPANS * spanMs), deed }
  }
  const parts = Array.from({ length: random.between(1, 3) }, (_, place) => undo(`back-${place}`, random.units(1n, units / 2n + 1n)))
  return [...parts, ...(random.chance(0.4) ? [undo('rest', null)] : [])]
}

function hashOf(name: string, recordAt: string, entries: readonly SnapshotEntry[]): string {
  const hash = startSnapshotHash({ name, recordAt: Temporal.Instant.from(recordAt) })
  // Ids are plain ASCII, where the order of code units is that of bytes.
  for (const entry of entries.toSorted((one, other) => (one.recipient < other.recipient ? -1 : 1))) hash.add(entryLine(entry))
  return hash.end().toHex()
}
