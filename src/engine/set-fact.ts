// Announces standing facts: at once, or from a date. Where the ledger gives notice of a raise, a raise counts only after it and a lowering
// at once; announcing anew replaces what has not counted yet.

import { checkFactName, compareFactValues, parseFactValue, type FactName } from '../core/fact.ts'
import { Refusal } from '../core/refusal.ts'
import { announceFact, factsInForce, listFacts, newestFact, type FactRow } from '../store/fact.ts'
import { bumpHeads, lockHeads } from '../store/ledger.ts'
import { lockSettings } from '../store/settings.ts'
import { inTransaction } from '../store/statement.ts'
import { namesOfKeys } from './api-key.ts'
import type { Ledger } from './ledger.ts'
import { requireRight, type Person } from './person.ts'
import { malformedCursor, nextCursor, type Page } from './page.ts'
import { readSettings } from './settings.ts'
import type { Desk } from './world.ts'

export type FactDocument = {
  readonly name: string
  readonly subject: string
  readonly number: number
  readonly value: string
  readonly state: 'pending' | 'in_force' | 'superseded' | 'dropped'
  readonly effective_from: string
  readonly announced_by: string
  readonly announced_at: string
  readonly dropped_at: string | null
}

export type Announcement = FactName & { readonly value: string; readonly effectiveFrom: Temporal.Instant | null }

/**
 * Announces a value. `effectiveFrom` null: as soon as the ledger's notice allows. Every lane is locked meanwhile, so that what counts at
 * an instant is the same for everything recorded before and after.
 * Refuses `fact_invalid` for a name, subject or value that is none, or an instant too soon; `permission_missing`.
 */
export async function setFact(desk: Pick<Desk, 'store' | 'now'>, ledger: Ledger, person: Person, given: Announcement): Promise<FactDocument> {
  requireRight(person, 'record')
  const { name, subject } = checkFactName(given)
  const value = parseFactValue(given.value)
  const row = await inTransaction(desk.store.pool, async (client): Promise<FactRow> => {
    await lockSettings(client, ledger.id, 'shared')
    const recorded = await lockHeads(client, ledger.id)
    const last = await newestFact(client, ledger.id, { name, subject })
    const at = latest([desk.now(), recorded.add({ microseconds: 1 }), ...(last === null ? [] : [last.announced_at.add({ microseconds: 1 })])])
    const inForce = (await factsInForce(client, { ledger: ledger.id, name, subjects: [subject], at, knownAt: at })).get(subject) ?? null
    const { settings } = await readSettings(client, ledger, at)
    const effectiveFrom = effectOf({ ...given, value }, { at, inForce, notice: settings.fact_notice_seconds[name] ?? null })
    const fact = { name, subject, number: (last?.number ?? 0) + 1, value, effective_from: effectiveFrom, announced_by: person.key, announced_at: at }
    await announceFact(client, ledger.id, fact)
    await bumpHeads(client, ledger.id, at)
    return { ...fact, dropped_at: null }
  })
  return factDocument(row, { by: person.name, inForce: Temporal.Instant.compare(row.effective_from, row.announced_at) <= 0, now: row.announced_at })
}

/** From when a value counts. */
function effectOf(
  { name, value, effectiveFrom: wanted }: Announcement,
  { at, inForce, notice }: { at: Temporal.Instant; inForce: string | null; notice: number | null },
): Temporal.Instant {
  const isRaise = inForce !== null && compareFactValues(value, inForce) > 0
  const earliest = notice !== null && isRaise ? at.add({ seconds: notice }) : at
  if (wanted === null) return earliest
  if (notice !== null && inForce !== null && !isRaise) {
    throw new Refusal('fact_invalid', `${name} goes from ${inForce} to ${value}, which counts at once: leave effective_from out`, {
      field: 'effective_from',
      value: wanted.toString(),
    })
  }
  if (Temporal.Instant.compare(wanted, earliest) >= 0) return wanted
  const why = notice !== null && isRaise ? `a raise of ${name} from ${inForce} to ${value} takes ${notice} seconds of notice: it` : name
  throw new Refusal('fact_invalid', `${why} counts from ${earliest.toString()} at the earliest, not from ${wanted.toString()}`, {
    field: 'effective_from',
    value: wanted.toString(),
    earliest: earliest.toString(),
  })
}

function latest(instants: readonly Temporal.Instant[]): Temporal.Instant {
  return instants.reduce((one, other) => (Temporal.Instant.compare(one, other) > 0 ? one : other))
}

export type FactQuery = { readonly name: string | null; readonly subject: string | null; readonly cursor: string | null; readonly limit: number }

/** Announcements by name and subject, the newest of each first. Refuses `cursor_malformed`. */
export async function facts({ store, now }: Pick<Desk, 'store' | 'now'>, ledger: Ledger, { name, subject, cursor, limit }: FactQuery): Promise<Page<FactDocument>> {
  const at = now()
  const found = await listFacts(store.pool, { ledger: ledger.id, at, name, subject, after: cursor === null ? null : placeOf(cursor), limit })
  const names = await namesOfKeys(store.pool, ledger)
  const items = found.map(({ in_force: inForce, ...row }) => factDocument(row, { by: names.get(row.announced_by) ?? 'owner', inForce, now: at }))
  return { items, next: nextCursor(found, limit, ({ name: of, subject: whose, number }) => Buffer.from(`${of} ${whose} ${number}`).toString('base64url')) }
}

function factDocument(row: FactRow, { by, inForce, now }: { by: string; inForce: boolean; now: Temporal.Instant }): FactDocument {
  const { name, subject, number, value, effective_from: from, announced_at: announcedAt, dropped_at: droppedAt } = row
  const state = droppedAt !== null ? 'dropped' : inForce ? 'in_force' : Temporal.Instant.compare(from, now) > 0 ? 'pending' : 'superseded'
  return {
    ...{ name, subject, number, value, state },
    effective_from: from.toString(),
    announced_by: by,
    announced_at: announcedAt.toString(),
    dropped_at: droppedAt?.toString() ?? null,
  }
}

function placeOf(cursor: string): { name: string; subject: string; number: number } {
  const [, name = '', subject = '', number = ''] = /^([a-z0-9._-]+) ([A-Za-z0-9._:-]+) ([1-9][0-9]{0,8})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []
  if (number !== '') return { name, subject, number: Number(number) }
  throw malformedCursor(cursor)
}
