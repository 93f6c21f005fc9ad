// An event as every door hands it to the engine, and its fingerprint: what makes two events with one reference the same.

import { canonicalJson, sha256 } from './canonical.ts'
import type { Json, JsonObject } from './effects.ts'
import type { AssetName } from './money.ts'
import type { FactSets } from './rules/rule.ts'

export type EventInput = {
  /** The source's own identity of the event, checked by `checkReference`. */
  readonly reference: string
  readonly asset: AssetName
  readonly units: bigint
  /** Ids that the plan's shares may name ("creator"), checked by `checkParty`. */
  readonly parties: Readonly<Record<string, string>>
  /** What its plan's rules ask for besides the units: decimals as text, by the fact's name and its subject. `{}` for most. */
  readonly facts: FactSets
  /** When it happened; null when the source does not say, then the instant of recording. */
  readonly eventAt: Temporal.Instant | null
  /** Units per role as the source worked them out, when it did: they are checked against the plan and kept. */
  readonly claimed: Readonly<Record<string, bigint>> | null
  /** Anything else worth keeping (the gross amount, a note). It changes no share. */
  readonly details: JsonObject | null
}

/** What two events with one reference must have in common to be the same. */
export type Content = Pick<EventInput, 'asset' | 'units' | 'parties' | 'facts'>

/** Raised when the fingerprint's content changes, so that old ones are never compared with new ones by mistake. */
const FINGERPRINT_FORMAT = { plain: '1', withFacts: '2' }

/**
 * SHA-256 over the content that decides the shares: asset, units, parties, and facts where there are any. The instant is left out,
 * because a source that sends an event again (or an SQL default) stamps it anew; the first recorded instant counts.
 */
export function fingerprint({ asset, units, parties, facts }: Content): Uint8Array<ArrayBuffer> {
  const content = `${asset}\n${units}\n${canonicalJson(parties)}\n`
  const plain = Object.keys(facts).length === 0
  return sha256(plain ? `${FINGERPRINT_FORMAT.plain}\n${content}` : `${FINGERPRINT_FORMAT.withFacts}\n${content}${canonicalJson(facts)}\n`)
}

/** What an event was recorded with besides its reference and the content of its fingerprint. Amounts are text, as they are stored. */
export type Recorded = {
  readonly backdated: boolean
  readonly claimed: Json
  readonly details: Json
  readonly door: string
  /** Facts that the ledger kept for the event's instant and its plan asked for; null where it asked for none. */
  readonly standing: Json
  /** Number of the event that it reverses, as text; null for all others. */
  readonly reverses: Json
}

/** Raised when the digest's content changes. */
const RECORD_FORMAT = '1'

/** Most events claim nothing and have no details: then it is one of a few digests. Doors are few, and the map is small. */
const plainDigests = new Map<string, string>()
const MAX_PLAIN_DIGESTS = 64

/** SHA-256 in hex over everything that was recorded with an event and stands in no other field of its line. */
export function recordDigest({ backdated, claimed, details, door, standing, reverses }: Recorded): string {
  if (reverses !== null) return digestOf({ backdated, claimed, details, door, reverses })
  if (standing !== null) return digestOf({ backdated, claimed, details, door, standing })
  if (claimed !== null || details !== null) return digestOf({ backdated, claimed, details, door })
  if (plainDigests.size >= MAX_PLAIN_DIGESTS) plainDigests.clear()
  return plainDigests.getOrInsertComputed(`${backdated} ${door}`, () => digestOf({ backdated, claimed, details, door }))
}

function digestOf(recorded: Omit<Recorded, 'standing' | 'reverses'> & Partial<Recorded>): string {
  return sha256(`${RECORD_FORMAT}\n${canonicalJson(recorded)}\n`).toHex()
}

/** Facts as they are stored: null for none. */
export function factsJson(facts: FactSets): FactSets | null {
  return Object.keys(facts).length === 0 ? null : facts
}

/** Claimed amounts as they are stored and hashed: JSON has no exact integers of this size. */
export function claimedJson(claimed: EventInput['claimed']): JsonObject | null {
  return claimed === null ? null : Object.fromEntries(Object.entries(claimed).map(([role, units]) => [role, units.toString()]))
}

/** The fields in which two events differ, for the refusal that names them. */
export function differingFields(first: Content, second: Content): readonly string[] {
  const roles = new Set([...Object.keys(first.parties), ...Object.keys(second.parties)])
  return [
    ...(first.asset === second.asset ? [] : ['asset']),
    ...(first.units === second.units ? [] : ['units']),
    ...[...roles].filter((role) => first.parties[role] !== second.parties[role]),
    ...(canonicalJson(first.facts) === canonicalJson(second.facts) ? [] : ['facts']),
  ]
}
