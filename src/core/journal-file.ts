// Files that hold a journal: the header, and reading the lines back into what was hashed. What is no line of the format is null here.

import { z } from 'zod'
import type { TransferKind } from './account.ts'
import { TRANSFER_KINDS } from './account.ts'
import { canonicalJson, sha256Hex } from './canonical.ts'
import type { JsonObject } from './effects.ts'
import type { EventLine, TransferLine } from './journal.ts'

/** The first line: this name, the file's own format, and the header as JSON, between tabs. */
export const JOURNAL_FILE = { name: 'apportion-journal', format: '1' } as const

const header = z.strictObject({
  asset: z.string(),
  exported_at: z.string(),
  lanes: z.int().positive(),
  ledger: z.string(),
  program: z.string(),
  /** SHA-256 of each field of the file that the program's terms come from, in hex; null where it takes none. */
  program_file: z.record(z.string(), z.string()).nullable().default(null),
  /** Whether what was recorded with the events stands beside them. */
  records: z.boolean(),
  /** Whether these are some blocks of one lane instead of the whole journal. */
  span: z.boolean(),
  /** How many there are in the file. */
  transfers: z.string().regex(/^[0-9]+$/),
})

export type FileHeader = z.infer<typeof header>

const facts = z.record(z.string(), z.record(z.string(), z.string()))

const record = z.strictObject({
  reference: z.string(),
  parties: z.record(z.string(), z.string()),
  claimed: z.record(z.string(), z.string().regex(/^[0-9]{1,40}$/)).nullable(),
  details: z.custom<JsonObject | null>((value) => typeof value === 'object'),
  door: z.string(),
  backdated: z.boolean(),
  facts: facts.nullable(),
  standing: facts.nullable(),
  /** Number and digest of the event that it reverses; null for all others. */
  reverses: z.string().regex(/^[1-9][0-9]{0,17}$/).nullable().default(null),
  reversed: z.string().nullable().default(null),
})

/** What was recorded with an event, of which its line holds digests. */
export type EventRecord = z.infer<typeof record>

export function readHeader(line: string): FileHeader | null {
  const [name, format, json = ''] = line.split('\t')
  if (name !== JOURNAL_FILE.name || format !== JOURNAL_FILE.format) return null
  return header.safeParse(parse(json)).data ?? null
}

/** What of a program's file is compared: the SHA-256 of each field's canonical JSON. Spaces and the place of the schema say nothing of the terms. */
export function fileDigests(text: string): Readonly<Record<string, string>> {
  const { $schema: _, ...fields } = JSON.parse(text) as JsonObject
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, sha256Hex(canonicalJson(value))]))
}

/** The fields in which two files differ, in order. */
export function differentFields(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((field) => one[field] !== other[field]).toSorted()
}

export function readRecord(json: string): EventRecord | null {
  return record.safeParse(parse(json)).data ?? null
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

const NUMBER = /^[1-9][0-9]{0,17}$/
const UNITS = /^(0|[1-9][0-9]{0,38})$/
const PART = /^([0-9]{1,9})?$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const HASH = /^[0-9a-f]{64}$/
const ASSET = /^[A-Z][A-Z0-9]{0,15}\/[0-9]{1,2}$/
const ACCOUNT = /^[a-z_]+(:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/
const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/

export function readNumber(text: string | undefined): bigint | null {
  return text !== undefined && NUMBER.test(text) ? BigInt(text) : null
}

export function readHash(text: string | undefined): Uint8Array<ArrayBuffer> | null {
  return text !== undefined && HASH.test(text) ? Uint8Array.fromHex(text) : null
}

/** An instant as a line has it; null for what is none. */
export function readInstant(text: string | undefined): Temporal.Instant | null {
  if (text === undefined || !INSTANT.test(text)) return null
  try {
    return Temporal.Instant.from(text)
  } catch {
    return null
  }
}

/** Fields after the `E`. */
export function readEvent(fields: readonly string[]): EventLine | null {
  const [number = '', digest = '', print, at, asset = '', units = '', plan = '', planHash = '', recorded = ''] = fields
  const [eventAt, fingerprint] = [readInstant(at), readHash(print)]
  if (fields.length !== 9 || eventAt === null || fingerprint === null || !NUMBER.test(number) || !UUID.test(digest) || !ASSET.test(asset)) return null
  if (!UNITS.test(units) || !/^[1-9][0-9]{0,8}$/.test(plan) || !HASH.test(planHash) || !HASH.test(recorded)) return null
  return { number: BigInt(number), digest, fingerprint, eventAt, asset, units: BigInt(units), plan: Number(plan), planHash, recorded }
}

/** Fields after the `T`. */
export function readTransfer(fields: readonly string[]): TransferLine | null {
  const [number = '', event = '', kind = '', part = '', subject = '', debit = '', credit = '', asset = '', units = ''] = fields
  if (fields.length !== 9 || !NUMBER.test(number) || !Object.hasOwn(TRANSFER_KINDS, kind) || !PART.test(part) || !ASSET.test(asset) || !UNITS.test(units) || units === '0') return null
  if ((event !== '' && !NUMBER.test(event)) || (subject !== '' && !UUID.test(subject)) || !ACCOUNT.test(debit) || !ACCOUNT.test(credit)) return null
  return {
    ...{ number: BigInt(number), event: event === '' ? null : BigInt(event), kind: kind as TransferKind, part: part === '' ? null : Number(part) },
    ...{ subject: subject === '' ? null : subject, debit, credit, asset, units: BigInt(units) },
  }
}
