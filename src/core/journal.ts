// The journal's canonical lines and the hash chain over its blocks. Server, export and outside verifiers hash the same bytes.
// A line holds no ledger id, no lane id and no setting; accounts stand by name. What was once shown can be proven unchanged.

import { createHash, hash, type Hash } from 'node:crypto'
import type { TransferKind } from './account.ts'
import { instantText } from './canonical.ts'
import type { AssetName } from './money.ts'

/** Written into each block's line, so that a hash can be of one format only. Raised when a line changes. */
export const JOURNAL_FORMAT = '2'

/** An event as the journal chains it: by digests alone, so that nothing personal stands in a hash. */
export type EventLine = {
  readonly number: bigint
  readonly digest: string
  readonly fingerprint: Uint8Array
  readonly eventAt: Temporal.Instant
  readonly asset: AssetName
  readonly units: bigint
  readonly plan: number
  /** Hash of the plan version's content, in hex: the version cannot be rewritten together with its own hash. */
  readonly planHash: string
  /** `recordDigest` of everything else that was recorded with the event. */
  readonly recorded: string
}

export type TransferLine = {
  readonly number: bigint
  /** The event it belongs to; null for movements of payouts and wallets. */
  readonly event: bigint | null
  readonly kind: TransferKind
  /** The share's place in the plan, where it is one. */
  readonly part: number | null
  /** The payout, attempt or wallet movement it belongs to. */
  readonly subject: string | null
  readonly debit: string
  readonly credit: string
  readonly asset: AssetName
  readonly units: bigint
}

export type BlockLines = {
  readonly number: bigint
  readonly recordedAt: Temporal.Instant
  readonly events: readonly EventLine[]
  readonly transfers: readonly TransferLine[]
}

/** The hash before the first block. */
export const GENESIS_HASH: Uint8Array<ArrayBuffer> = new Uint8Array(32)

/**
 * SHA-256 over the previous hash (32 bytes) and the block's lines: one `B`, then an `E` an event, then a `T` a transfer, in order
 * of number, fields separated by tabs, each line ended by a line feed, nothing printed for null.
 */
export function blockHash(previous: Uint8Array, { number, recordedAt, events, transfers }: BlockLines): Uint8Array<ArrayBuffer> {
  const block = startBlock(previous, { number, recordedAt })
  for (const event of events) block.addEvent(event)
  for (const transfer of transfers) block.addTransfer(transfer)
  return block.hash()
}

/** A block's hash in the making. Lines are added in the order in which they are hashed; `hash` ends it. */
export type OpenBlock = {
  readonly addEvent: (line: EventLine) => void
  readonly addTransfer: (line: TransferLine) => void
  readonly hash: () => Uint8Array<ArrayBuffer>
}

// Lines are hashed at once up to this many characters: a block of some hundred events costs one call, a large one is never held whole.
const MAX_HELD = 1 << 16

/** The same hash for whoever cannot hold a whole block: its lines are added one by one. */
export function startBlock(previous: Uint8Array, { number, recordedAt }: Pick<BlockLines, 'number' | 'recordedAt'>): OpenBlock {
  let text = `B\t${JOURNAL_FORMAT}\t${number}\t${instantText(recordedAt)}\n`
  let begun: Hash | null = null
  const add = (line: string): void => {
    text += line
    if (text.length < MAX_HELD) return
    begun ??= createHash('sha256').update(previous)
    begun.update(text, 'utf8')
    text = ''
  }
  return {
    addEvent: (line) => add(eventLine(line)),
    addTransfer: (line) => add(transferLine(line)),
    hash: () => {
      if (begun !== null) return new Uint8Array(begun.update(text, 'utf8').digest())
      const bytes = Buffer.from(text, 'utf8')
      return new Uint8Array(hash('sha256', Buffer.concat([previous, bytes], previous.length + bytes.length), 'buffer'))
    },
  }
}

function eventLine({ number, digest, fingerprint, eventAt, asset, units, plan, planHash, recorded }: EventLine): string {
  const content = `${digest}\t${fingerprint.toHex()}\t${instantText(eventAt)}\t${asset}\t${units}`
  return `E\t${number}\t${content}\t${plan}\t${planHash}\t${recorded}\n`
}

function transferLine({ number, event, kind, part, subject, debit, credit, asset, units }: TransferLine): string {
  return `T\t${number}\t${event ?? ''}\t${kind}\t${part ?? ''}\t${subject ?? ''}\t${debit}\t${credit}\t${asset}\t${units}\n`
}
