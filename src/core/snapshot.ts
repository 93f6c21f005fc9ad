// A snapshot: weights of many recipients frozen under a name and an instant, with a hash. An event that names one is divided by it in
// chunks, outside the event's own posting. What stands here is how a snapshot is written, hashed and named by an event's facts.

import { createHash } from 'node:crypto'
import { checkParty } from './account.ts'
import { instantText } from './canonical.ts'
import { clip, quote } from './money.ts'
import { Refusal } from './refusal.ts'

/** As many as a division keeps below half a gigabyte, and fewer than a step has places (16,777,216). */
export const MAX_RECIPIENTS = 10_000_000

/** Entries kept in one row, read and hashed together: some 40 kB of text. */
export const BLOCK_ENTRIES = 1024

/** A weight has at most so many digits behind its point. */
export const WEIGHT_DECIMALS = 18

/** Raised when the hashed lines change. */
const FORMAT = '1'

export type SnapshotEntry = { readonly recipient: string; readonly weight: string }

const WEIGHT = /^([0-9]{1,38})(?:\.([0-9]{1,18}))?$/

/** A weight in its only form: no leading zero, no trailing one behind the point. Null for what is no plain decimal of 38.18 digits. */
export function parseWeight(given: string): string | null {
  const [, whole, part = ''] = WEIGHT.exec(given) ?? []
  if (whole === undefined) return null
  const integer = whole.length > 1 && whole.startsWith('0') ? whole.replace(/^0+(?=[0-9])/, '') : whole
  const decimals = part.endsWith('0') ? part.replace(/0+$/, '') : part
  return decimals === '' ? integer : `${integer}.${decimals}`
}

/** A weight as an integer of 10^-`decimals`. */
export function scaledWeight(weight: string, decimals: number): bigint {
  const point = weight.indexOf('.')
  if (point === -1) return decimals === 0 ? BigInt(weight) : BigInt(weight) * 10n ** BigInt(decimals)
  return BigInt(weight.slice(0, point) + weight.slice(point + 1).padEnd(decimals, '0'))
}

/** An integer of 10^-`decimals` as a decimal in its only form. */
export function weightText(scaled: bigint, decimals: number): string {
  const digits = scaled.toString().padStart(decimals + 1, '0')
  const [whole, part] = [digits.slice(0, digits.length - decimals), digits.slice(digits.length - decimals).replace(/0+$/, '')]
  return part === '' ? whole : `${whole}.${part}`
}

/** A snapshot's name: it stands in a hash and in people's files. Refuses `field_malformed`. */
export function checkSnapshotName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return name
  throw new Refusal('field_malformed', `the name of a snapshot is 1 to 100 letters, digits, dots, dashes or underscores, not ${quote(name)}`, { field: 'name', value: clip(name) })
}

/** The line of an entry, as it is hashed and kept. */
export function entryLine({ recipient, weight }: SnapshotEntry): string {
  return `${recipient}\t${weight}\n`
}

/** The entries of lines, in order. */
export function entriesOf(lines: string): readonly SnapshotEntry[] {
  return lines.split('\n').slice(0, -1).map((line) => {
    const tab = line.indexOf('\t')
    return { recipient: line.slice(0, tab), weight: line.slice(tab + 1) }
  })
}

export type SnapshotHash = { readonly add: (lines: string) => void; readonly end: () => Uint8Array<ArrayBuffer> }

/**
 * SHA-256 over a first line (`snapshot`, the format, name and record instant, between tabs) and a line an entry (recipient, weight), by
 * recipient in the order of UTF-8 bytes; each line is ended by a line feed. So two snapshots never have one hash.
 */
export function startSnapshotHash({ name, recordAt }: { readonly name: string; readonly recordAt: Temporal.Instant }): SnapshotHash {
  const hash = createHash('sha256').update(`snapshot\t${FORMAT}\t${name}\t${instantText(recordAt)}\n`)
  return { add: (lines) => void hash.update(lines), end: () => new Uint8Array(hash.digest()) }
}

/** No recipient's id begins so: a set of facts with this key is a snapshot's name instead of the facts themselves. */
const HASH = '@snapshot'
const RECIPIENTS = '@recipients'
const WEIGHTS = '@weights'

/** What an event says of the snapshot it is divided by. The door gives the hash; count and sum are filled in from what is kept. */
export type SnapshotFact = { readonly hash: string; readonly recipients: number; readonly weights: string }

/** A set of facts that names a snapshot by its hash, in hex. */
export function namingSnapshot(hash: string): Readonly<Record<string, string>> {
  return { [HASH]: hash }
}

/** The same, filled in. */
export function completeSnapshot({ hash, recipients, weights }: SnapshotFact): Readonly<Record<string, string>> {
  return { [HASH]: hash, [RECIPIENTS]: recipients.toString(), [WEIGHTS]: weights }
}

/** The hash of the snapshot that a set of facts names; null for one that holds facts. */
export function namedSnapshot(set: Readonly<Record<string, string>>): string | null {
  return Object.hasOwn(set, HASH) ? (set[HASH] ?? null) : null
}

/** The snapshot that a filled-in set names; null for one that holds facts. Refuses `snapshot_not_found` for one that is not filled in. */
export function snapshotOf(set: Readonly<Record<string, string>>): SnapshotFact | null {
  const hash = namedSnapshot(set)
  if (hash === null) return null
  const [recipients, weights] = [set[RECIPIENTS] ?? '', set[WEIGHTS] ?? '']
  if (/^[0-9a-f]{64}$/.test(hash) && /^[0-9]{1,8}$/.test(recipients) && parseWeight(weights) === weights && Object.keys(set).length === 3) {
    return { hash, recipients: Number(recipients), weights }
  }
  throw new Refusal('snapshot_not_found', `there is no snapshot with the hash ${quote(hash)}: \`npx apportion snapshot list\` shows those there are`, { field: 'facts', hash: clip(hash) })
}

/** Refuses `recipient_malformed` and `weight_malformed`, naming the line. */
export function checkEntry(given: { readonly recipient: string; readonly weight: string; readonly line: number }): SnapshotEntry {
  const { recipient, weight: text, line } = given
  checkParty(recipient, `line ${line}: the recipient`)
  const weight = parseWeight(text)
  if (weight !== null) return { recipient, weight }
  throw new Refusal('weight_malformed', `line ${line}: the weight of ${recipient} is ${quote(text)}; it must be a decimal such as 39.5, with at most 38 digits before the point and ${WEIGHT_DECIMALS} behind it`, {
    ...{ line, recipient, value: clip(text) },
  })
}
