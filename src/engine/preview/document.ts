// The documents of previews and diffs: a stable JSON form (docs/reference/preview-format.md) with a hash that an approval can name. The
// same plan on the same events gives the same hash, whenever and wherever it is made. Money is text.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson, sha256 } from '../../core/canonical.ts'
import type { Json } from '../../core/effects.ts'
import { FIRST_REFUSALS, type Side } from '../../core/preview.ts'
import { PERCENT_ROUNDING, percentText, type Change, type Diff, type RecipientChange } from '../../core/preview/diff.ts'
import { totalsOf, type RecipientTotal, type Totals } from '../../core/preview/tally.ts'
import { formatRatio } from '../../core/ratio.ts'
import { amountDocument } from '../documents.ts'

/** Recipients, and accounts, that a document lists; the digest covers all of them. */
export const MAX_LISTED = 1000

const digits = z.string().regex(/^[0-9]+$/)
const integer = z.string().regex(/^-?[0-9]+$/)
const hex = z.string().regex(/^[0-9a-f]{64}$/)
const asset = z.string()

const subjectSchema = z.strictObject({
  /** `recorded`: each event by the version that it was recorded with. `content`: a plan that is written down nowhere here. */
  kind: z.enum(['draft', 'version', 'content', 'recorded']),
  draft: z.string().nullable(),
  version: z.int().nullable(),
  /** Of the draft as it stood: what its approval names. */
  hash: hex.nullable(),
  plan_hash: hex.nullable(),
})

export type SubjectDocument = z.infer<typeof subjectSchema>

const sourceSchema = z.strictObject({
  kind: z.enum(['ledger', 'events', 'sample']),
  /** What rules remember where the events begin: as it was `recorded` there, or nothing. */
  state: z.enum(['recorded', 'empty']),
  /** Recorded at or after the one and before the other; null: from the beginning, and up to then. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** After which block and event of each lane it begins, with which it ends, and that block's hash (empty before the first). */
  lanes: z.array(z.strictObject({ lane: z.int(), after_block: digits, after_event: digits, block: digits, event: digits, hash: z.string().regex(/^[0-9a-f]*$/) })),
})

export type SourceDocument = z.infer<typeof sourceSchema>

const refusedSchema = z.strictObject({ reference: z.string().nullable(), line: z.int().nullable(), code: z.string(), message: z.string() })

const runSchema = z.strictObject({
  plan: subjectSchema,
  source: sourceSchema,
  events: digits,
  divided: digits,
  refused: digits,
  refusals: z.array(z.strictObject({ code: z.string(), count: digits })),
  first_refusals: z.array(refusedSchema).max(FIRST_REFUSALS),
  /** Events that came with amounts of their own, and those of them whose amounts are not what the plan gives. */
  claims: z.strictObject({ events: digits, mismatched: digits }),
  /** Reversals in the span, which are passed over: what a plan gives is shown as it was before anything was taken back. */
  reversals: z.array(z.strictObject({ asset, units: digits, amount: z.string(), events: digits })),
  /** Units divided, and of them those carried for recipients. */
  assets: z.array(z.strictObject({ asset, units: digits, amount: z.string(), events: digits, carried: integer, recipients: z.int() })),
  /** SHA-256 over a line for each recipient: asset, recipient, units, carried, with tabs between and a line feed after. */
  recipients_digest: hex,
})

const totalSchema = z.strictObject({ recipient: z.string(), role: z.string().nullable(), asset, units: integer, amount: z.string(), carried: integer, shares: digits })
const accountSchema = z.strictObject({ account: z.string(), asset, units: integer, amount: z.string() })

export const previewSchema = z.strictObject({
  format: z.literal(1),
  kind: z.literal('preview'),
  ledger: z.string(),
  ...runSchema.shape,
  /** The largest first, at most so many as `MAX_LISTED`. */
  recipients: z.array(totalSchema).max(MAX_LISTED),
  accounts: z.array(accountSchema).max(MAX_LISTED),
  sentences: z.array(z.string()),
  hash: hex,
})

const changeSchema = z.strictObject({
  name: z.string(),
  asset,
  before: integer,
  after: integer,
  difference: integer,
  /** The difference over what was before, exact; null where that was nothing. */
  ratio: z.string().nullable(),
  percent: z.string().nullable(),
})

export const diffSchema = z.strictObject({
  format: z.literal(1),
  kind: z.literal('diff'),
  ledger: z.string(),
  before: runSchema,
  after: runSchema,
  counts: z.array(z.strictObject({ asset, recipients: z.int(), less: z.int(), more: z.int(), same: z.int() })),
  /** By asset; then by effect, the largest first. At most so many as `MAX_LISTED`. */
  recipients: z.array(z.strictObject({ ...changeSchema.shape, role: z.string().nullable(), carried_before: integer, carried_after: integer })).max(MAX_LISTED),
  roles: z.array(changeSchema).max(MAX_LISTED),
  accounts: z.array(changeSchema).max(MAX_LISTED),
  percent_rounding: z.literal(PERCENT_ROUNDING),
  sentences: z.array(z.string()),
  hash: hex,
})

type RunDocument = z.infer<typeof runSchema>
export type PreviewDocument = z.infer<typeof previewSchema>
export type DiffDocument = z.infer<typeof diffSchema>

/** One plan's run over its events, ended. */
export type Ran = { readonly plan: SubjectDocument; readonly source: SourceDocument; readonly side: Side; readonly totals: Totals }

export function ranOf({ plan, source, side }: Omit<Ran, 'totals'>): Ran {
  return { plan, source, side, totals: totalsOf(side.tally) }
}

function runDocument({ plan, source, side, totals }: Ran): RunDocument {
  const { events, divided, refusals, first, claims, reversals } = side
  return {
    ...{ plan, source, events: events.toString(), divided: divided.toString(), refused: (events - divided).toString() },
    refusals: [...refusals].toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).map(([code, count]) => ({ code, count: count.toString() })),
    first_refusals: first.map((refused) => ({ ...refused })),
    claims: { events: claims.events.toString(), mismatched: claims.mismatched.toString() },
    reversals: [...reversals].toSorted(([a], [b]) => compare(a, b)).map(([of, sum]) => ({ ...amountDocument(sum.units, of), events: sum.events.toString() })),
    assets: totals.assets.map((total) => ({
      ...amountDocument(total.units, total.asset),
      events: total.events.toString(),
      carried: total.carried.toString(),
      recipients: totals.recipients.filter((each) => each.asset === total.asset).length,
    })),
    recipients_digest: digestOf(totals.recipients),
  }
}

function digestOf(recipients: readonly RecipientTotal[]): string {
  const digest = createHash('sha256')
  for (const { asset: of, recipient, units, carried } of recipients) digest.update(`${of}\t${recipient}\t${units}\t${carried}\n`)
  return digest.digest('hex')
}

export function previewDocument(ledger: string, ran: Ran, sentences: readonly string[]): PreviewDocument {
  const { totals } = ran
  const largest = totals.recipients.toSorted((a, b) => (a.asset === b.asset ? compare(b.units, a.units) : compare(a.asset, b.asset)) || compare(a.recipient, b.recipient))
  return hashed({
    format: 1,
    kind: 'preview',
    ledger,
    ...runDocument(ran),
    recipients: largest.slice(0, MAX_LISTED).map(({ recipient, role, asset: of, units, carried, shares }) => ({
      ...{ recipient, role, ...amountDocument(units, of), carried: carried.toString(), shares: shares.toString() },
    })),
    accounts: totals.accounts.slice(0, MAX_LISTED).map(({ account, asset: of, units }) => ({ account, ...amountDocument(units, of) })),
    sentences: [...sentences],
  })
}

export function diffDocument(ledger: string, { before, after, diff }: { before: Ran; after: Ran; diff: Diff }, sentences: readonly string[]): DiffDocument {
  return hashed({
    format: 1,
    kind: 'diff',
    ledger,
    before: runDocument(before),
    after: runDocument(after),
    counts: diff.counts.map((count) => ({ ...count })),
    recipients: diff.recipients.slice(0, MAX_LISTED).map(recipientDocument),
    roles: diff.roles.slice(0, MAX_LISTED).map(changeDocument),
    accounts: diff.accounts.slice(0, MAX_LISTED).map(changeDocument),
    percent_rounding: PERCENT_ROUNDING,
    sentences: [...sentences],
  })
}

function recipientDocument(change: RecipientChange): DiffDocument['recipients'][number] {
  return { ...changeDocument(change), role: change.role, carried_before: change.carriedBefore.toString(), carried_after: change.carriedAfter.toString() }
}

function changeDocument({ name, asset: of, before, after, difference, ratio }: Change): DiffDocument['accounts'][number] {
  return {
    ...{ name, asset: of, before: before.toString(), after: after.toString(), difference: difference.toString() },
    ratio: ratio === null ? null : formatRatio(ratio),
    percent: ratio === null ? null : percentText(ratio),
  }
}

/** The document with its hash: SHA-256 over its canonical JSON without the hash and the sentences, which say nothing that is not in it. */
function hashed<Content extends { readonly sentences: readonly string[] }>(content: Content): Content & { readonly hash: string } {
  return { ...content, hash: hashOf(content) }
}

/** What the hash of a document must be. */
export function hashOf(document: object): string {
  const { hash: _hash, sentences: _sentences, ...content } = document as Readonly<Record<string, Json>>
  return sha256(canonicalJson(content)).toHex()
}

function compare<Value extends bigint | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0
}
