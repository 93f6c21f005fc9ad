// Snapshots as people ask for them. Reads only.

import { clip, quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import { listSnapshots, snapshotNamed, type SnapshotRow } from '../store/snapshot.ts'
import type { Ledger } from './ledger.ts'
import { malformedCursor, nextCursor, type Page, type PageRequest } from './page.ts'
import type { Desk } from './world.ts'

export type SnapshotDocument = {
  readonly name: string
  /** What an event names it by. */
  readonly hash: string
  readonly record_at: string
  readonly recipients: string
  /** Their sum. */
  readonly weights: string
  readonly source: string
  readonly created_at: string
}

export function snapshotDocument({ name, hash, record_at: recordAt, recipients, weights, source, created_at: createdAt }: SnapshotRow): SnapshotDocument {
  return { name, hash, record_at: recordAt.toString(), recipients: recipients.toString(), weights, source, created_at: createdAt.toString() }
}

/** By name. The cursor is the last name shown. Refuses `cursor_malformed`. */
export async function snapshots({ store }: Pick<Desk, 'store'>, ledger: Ledger, { cursor, limit }: PageRequest): Promise<Page<SnapshotDocument>> {
  if (cursor?.includes('\0') === true) throw malformedCursor(cursor)
  const found = await listSnapshots(store.pool, ledger.id, { after: cursor, limit })
  return { items: found.map(snapshotDocument), next: nextCursor(found, limit, ({ name }) => name) }
}

/** One by its name. Refuses `snapshot_not_found`. */
export async function snapshot({ store }: Pick<Desk, 'store'>, ledger: Ledger, name: string): Promise<SnapshotDocument> {
  const found = name.includes('\0') ? null : await snapshotNamed(store.pool, ledger.id, name)
  if (found !== null) return snapshotDocument(found)
  throw new Refusal('snapshot_not_found', `the ledger ${ledger.name} has no snapshot named ${quote(name)}: \`npx apportion snapshot list\` shows those there are`, { name: clip(name) })
}
