// Reads an event in its program's words, by the program's own page: what it is, who takes part, how much. What it cannot read is nothing
// that a door may have taken.

import type { Request } from '../history.ts'
import { decimal, multiply, ratio } from './ratio.ts'

/** What a body may hold. */
export type Json = Exclude<Request['body'], undefined>

/** What an event is, for all that follows from it. `at` null: the instant of recording. */
export type Content = {
  readonly reference: string
  readonly units: bigint
  readonly parties: Readonly<Record<string, string>>
  readonly facts: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly at: Temporal.Instant | null
}

type Reader = (body: Json) => Content | null

type Path = string
type FactSource =
  | { readonly each: Path }
  | { readonly list: Path; readonly subject: Path; readonly value: Path }
  | { readonly subjects: Readonly<Record<string, Path>> }
  | { readonly of: string; readonly value: Path }

/** The part of a program's file that says how events are read (docs/reference/program-file.md). */
export type Mapping = {
  readonly reference: Path
  readonly amount: Path | { readonly field: Path; readonly in: 'asset' | 'units' }
  readonly parties?: Readonly<Record<string, Path | { readonly field: Path }>>
  readonly facts?: Readonly<Record<string, FactSource>>
  readonly event_at?: Path | { readonly field: Path; readonly in?: 'iso' | 'seconds' | 'milliseconds' }
}

/** An amount as a decimal of an asset of so many decimals; null for what is no whole number of units. */
export function unitsOf(text: unknown, scale: number): bigint | null {
  if (typeof text !== 'string' || !/^[0-9]+(\.[0-9]+)?$/.test(text)) return null
  const { over, under } = multiply(decimal(text), ratio(10n ** BigInt(scale)))
  return under === 1n ? over : null
}

const SOL_DECIMALS = 9

/** A sale by the API, the CLI or a file, or as a row of the inbox table. */
export const readSale: Reader = (body) => {
  const sale = (body ?? {}) as Readonly<Record<string, Json>>
  const reference = textOf(sale['reference'] ?? sale['transaction_hash'])
  const creator = textOf(sale['token_id'])?.toLowerCase()
  const units = unitsOf(sale['sale_amount'], SOL_DECIMALS)
  const at = instantOf(sale['event_at'] ?? sale['timestamp'], 'iso')
  if (reference === undefined || creator === undefined || units === null || at === 'none') return null
  return { reference, units, parties: { creator }, facts: {}, at }
}

/** Events of a program that is one file. */
export function mappedReader(mapping: Mapping, asset: string): Reader {
  const scale = Number(asset.split('/')[1])
  const amount = typeof mapping.amount === 'string' ? { field: mapping.amount, in: 'asset' } : mapping.amount
  return (body) => {
    const reference = textOf(at(body, mapping.reference))
    const written = at(body, amount.field)
    const units = unitsOf(typeof written === 'number' ? written.toString() : written, amount.in === 'units' ? 0 : scale)
    const parties = fields(mapping.parties ?? {}, (path) => textOf(at(body, typeof path === 'string' ? path : path.field)))
    const facts = fields(mapping.facts ?? {}, (source) => factsOf(body, source, parties))
    const when = typeof mapping.event_at === 'object' ? mapping.event_at : { field: mapping.event_at ?? '', in: undefined }
    const instant = when.field === '' ? null : instantOf(at(body, when.field), when.in ?? 'iso')
    if (reference === undefined || units === null || instant === 'none') return null
    return { reference, units, parties, facts, at: instant }
  }
}

/** What stands at a path: names with dots between them, or a JSON pointer. */
function at(body: Json | undefined, path: Path): Json | undefined {
  const names = path.startsWith('/') ? path.slice(1).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~')) : path.split('.')
  let found: Json | undefined = body
  for (const name of names) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Readonly<Record<string, Json>>)[name]
  }
  return found ?? undefined
}

function fields<In, Out>(from: Readonly<Record<string, In>>, read: (value: In) => Out | undefined): Readonly<Record<string, Out>> {
  return Object.fromEntries(Object.entries(from).flatMap(([name, value]): [string, Out][] => {
    const found = read(value)
    return found === undefined ? [] : [[name, found]]
  }))
}

function factsOf(body: Json, source: FactSource, parties: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  if ('subjects' in source) return fields(source.subjects, (path) => factText(at(body, path)))
  if ('of' in source) {
    const [party, value] = [parties[source.of], factText(at(body, source.value))]
    return party === undefined || value === undefined ? undefined : { [party]: value }
  }
  const found = at(body, 'each' in source ? source.each : source.list)
  if (found === undefined || typeof found !== 'object' || found === null) return undefined
  if ('each' in source) return fields(found as Readonly<Record<string, Json>>, factText)
  const entries = (found as readonly Json[]).map((item) => [textOf(at(item, source.subject)) ?? '', factText(at(item, source.value)) ?? ''] as const)
  return Object.fromEntries(entries)
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? value.toString() : undefined
}

function factText(value: Json | undefined): string | undefined {
  return typeof value === 'boolean' ? (value ? '1' : '0') : textOf(value)
}

/** `none`: it is no instant. Null where nothing is said. */
function instantOf(value: Json | undefined, form: 'iso' | 'seconds' | 'milliseconds'): Temporal.Instant | null | 'none' {
  if (value === undefined || value === null) return null
  const text = textOf(value) ?? ''
  try {
    const instant = form === 'iso' ? Temporal.Instant.from(text) : Temporal.Instant.fromEpochMilliseconds(Number(text) * (form === 'seconds' ? 1000 : 1))
    return instant.round({ smallestUnit: 'microsecond', roundingMode: 'trunc' })
  } catch {
    return 'none'
  }
}
