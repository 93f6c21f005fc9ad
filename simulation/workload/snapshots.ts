// Snapshots of holdings, and events that are divided by them. Their hashes are worked out here, so that an event can name one that was
// never kept, or not yet.

import { instantText } from '../../src/core/canonical.ts'
import type { JsonObject } from '../../src/core/effects.ts'
import { entryLine, startSnapshotHash, type SnapshotEntry } from '../../src/core/snapshot.ts'
import { post, type Course, type Planned } from './events.ts'
import type { Tag } from './workload.ts'

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
  const events = Array.from({ length: random.between(1, 2) }, (_, place): Planned => {
    const { body } = snapshots(random, { reference: `by-snapshot-${place}`, size: random.chance(0.2) ? 'dust' : 'plain', at: null, hash })
    return { caller: 'sender-1', atMs: random.chance(0.9) ? later() : random.below(atMs + 1), deed: post(course, 'by-snapshot', { path: 'events', body, expect: 'any' }) }
  })
  return [
    send('snapshot', entries, atMs, 'any'),
    ...(random.chance(0.3) ? [send('snapshot-again', entries.toReversed(), later(), 'any')] : []),
    ...(random.chance(0.3) ? [send('snapshot-other-content', [...entries, { recipient: 'one-more', weight: '1' }], later(), 'any')] : []),
    ...(random.chance(0.3) ? [send('snapshot-invalid', [...entries, random.pick<JsonObject>([{ recipient: 'x', weight: 'much' }, { recipient: 'no id', weight: '1' }, { recipient: 'x' }, { ...entries[0] }])], later(), 'refused')] : []),
    ...events,
  ]
}

function hashOf(name: string, recordAt: string, entries: readonly SnapshotEntry[]): string {
  const hash = startSnapshotHash({ name, recordAt: Temporal.Instant.from(recordAt) })
  // Ids are plain ASCII, where the order of code units is that of bytes.
  for (const entry of entries.toSorted((one, other) => (one.recipient < other.recipient ? -1 : 1))) hash.add(entryLine(entry))
  return hash.end().toHex()
}
