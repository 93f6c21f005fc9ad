// Events that name a snapshot: what is kept of it is filled in before they are decided, so that their division needs nothing else.

import { completeSnapshot, namedSnapshot, namingSnapshot } from '../core/snapshot.ts'
import type { FactSets } from '../core/rules/rule.ts'
import { snapshotsHashed, type SnapshotRow } from '../store/snapshot.ts'
import { asking } from '../store/statement.ts'
import type { Ledger } from './ledger.ts'
import type { Offer } from './record-event.ts'
import type { Desk } from './world.ts'

/** Whether any of these events names a snapshot; hardly any does. */
export function nameSnapshots(offers: readonly Offer[]): boolean {
  return offers.some(({ input: { facts } }) => hashesOf(facts).length > 0)
}

function hashesOf(facts: FactSets): readonly string[] {
  return Object.values(facts).flatMap((set) => namedSnapshot(set) ?? [])
}

/** The same events with count and sum of the snapshots that they name; one that is not kept stays as it was given, and is refused for it. */
export async function withSnapshots({ store }: Pick<Desk, 'store'>, ledger: Ledger, offers: readonly Offer[]): Promise<readonly Offer[]> {
  const wanted = new Set(offers.flatMap(({ input: { facts } }) => hashesOf(facts)).filter((hash) => /^[0-9a-f]{64}$/.test(hash)))
  const found = await snapshotsHashed(asking(store.pool), ledger.id, [...wanted])
  const known = new Map(found.map((row) => [row.hash, row]))
  return offers.map((offer) => ({ ...offer, input: { ...offer.input, facts: filledIn(offer.input.facts, known) } }))
}

function filledIn(facts: FactSets, known: ReadonlyMap<string, SnapshotRow>): FactSets {
  return Object.fromEntries(
    Object.entries(facts).map(([name, set]) => {
      const row = known.get(namedSnapshot(set) ?? '')
      // Whoever says more than the hash is not believed.
      const hash = namedSnapshot(set)
      return [name, hash === null ? set : row === undefined ? namingSnapshot(hash) : completeSnapshot(row)]
    }),
  )
}
