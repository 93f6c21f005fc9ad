// Standing facts: a row for each announcement. One that was replaced before it counted is marked and stays.

import { maybeRow, rows, type Queryable } from './statement.ts'

export type FactRow = {
  readonly name: string
  readonly subject: string
  readonly number: number
  readonly value: string
  readonly effective_from: Temporal.Instant
  readonly announced_by: string | null
  readonly announced_at: Temporal.Instant
  readonly dropped_at: Temporal.Instant | null
}

const COLUMNS = `fact.name, fact.subject, fact.number, fact.value, fact.effective_from, fact.announced_by, fact.announced_at, fact.dropped_at`

/**
 * The values in force at an instant, one for each subject that has one: of what had been announced by `knownAt` and not been replaced by
 * then, the newest that counted at `at`. One look-up by key for each.
 */
export async function factsInForce(
  on: Queryable,
  { ledger, name, subjects, at, knownAt }: { ledger: string; name: string; subjects: readonly string[]; at: Temporal.Instant; knownAt: Temporal.Instant },
): Promise<ReadonlyMap<string, string>> {
  const found = await rows<{ subject: string; value: string }>(on, {
    name: 'facts-in-force',
    text: `select asked.subject, fact.value
      from unnest($3::text[]) as asked (subject)
      cross join lateral (
        select value from apportion.fact
        where ledger = $1 and name = $2 and fact.subject = asked.subject and effective_from <= $4 and announced_at <= $5
          and (dropped_at is null or dropped_at > $5)
        order by effective_from desc, number desc
        limit 1
      ) fact`,
    values: [ledger, name, subjects, at.toString(), knownAt.toString()],
  })
  return new Map(found.map(({ subject, value }) => [subject, value]))
}

/** The same for everybody who has one, at most so many. */
export async function allFactsInForce(
  on: Queryable,
  { ledger, name, at, knownAt, limit }: { ledger: string; name: string; at: Temporal.Instant; knownAt: Temporal.Instant; limit: number },
): Promise<ReadonlyMap<string, string>> {
  const found = await rows<{ subject: string; value: string }>(on, {
    name: 'all-facts-in-force',
    text: `select distinct on (subject) subject, value from apportion.fact
      where ledger = $1 and name = $2 and effective_from <= $3 and announced_at <= $4 and (dropped_at is null or dropped_at > $4)
      order by subject, effective_from desc, number desc
      limit $5`,
    values: [ledger, name, at.toString(), knownAt.toString(), limit],
  })
  return new Map(found.map(({ subject, value }) => [subject, value]))
}

/** The newest announcement of a fact, dropped or not. */
export async function newestFact(on: Queryable, ledger: string, { name, subject }: { name: string; subject: string }): Promise<FactRow | null> {
  return await maybeRow(on, {
    text: `select ${COLUMNS} from apportion.fact where ledger = $1 and name = $2 and subject = $3 order by number desc limit 1`,
    values: [ledger, name, subject],
  })
}

/** Adds an announcement, and drops those before it that have not counted yet. */
export async function announceFact(
  on: Queryable,
  ledger: string,
  fact: Omit<FactRow, 'dropped_at'>,
): Promise<void> {
  await rows(on, {
    text: `with dropped as (
        update apportion.fact set dropped_at = $7
        where ledger = $1 and name = $2 and subject = $3 and effective_from > $7 and dropped_at is null
      )
      insert into apportion.fact (ledger, name, subject, number, value, effective_from, announced_at, announced_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [ledger, fact.name, fact.subject, fact.number, fact.value, fact.effective_from.toString(), fact.announced_at.toString(), fact.announced_by],
  })
}

const WANTED = `($2::text is null or name = $2) and ($3::text is null or subject = $3)`

/** Announcements by name and subject, newest first of each, from after a place on; with whether each is in force at `at`. */
export async function listFacts(
  on: Queryable,
  { ledger, name, subject, at, after, limit }: {
    ledger: string
    name: string | null
    subject: string | null
    at: Temporal.Instant
    after: { name: string; subject: string; number: number } | null
    limit: number
  },
): Promise<(FactRow & { readonly in_force: boolean })[]> {
  return await rows(on, {
    // First the subjects of the page, in the order of the key, then of each the newest: in two directions at once no index gives a page.
    // Where one name is asked for, the index begins at the subject, and else at the pair.
    text: `with told as (
        select distinct name, subject from (
          select name, subject from apportion.fact
          where ledger = $1 and ${WANTED} and ($4::text is null or (name, subject) > ($4, $5) and ($2::text is null or $2 <> $4 or subject > $5))
          order by name, subject, number
          limit $8
        ) first
      ), page as (
        (select ${COLUMNS} from apportion.fact
          where ledger = $1 and ${WANTED} and name = $4 and subject = $5 and number < $6::integer
          order by number desc
          limit $8)
        union all
        select own.* from told
        cross join lateral (
          select ${COLUMNS} from apportion.fact
          where ledger = $1 and fact.name = told.name and fact.subject = told.subject
          order by number desc
          limit $8
        ) own
        order by name, subject, number desc
        limit $8
      )
      select page.*, coalesce(page.number = newest.number, false) as in_force
      from page
      left join lateral (
        select number from apportion.fact
        where ledger = $1 and fact.name = page.name and fact.subject = page.subject and effective_from <= $7 and dropped_at is null
        order by effective_from desc, number desc limit 1
      ) newest on true
      order by page.name, page.subject, page.number desc`,
    values: [ledger, name, subject, after?.name ?? null, after?.subject ?? null, after?.number ?? null, at.toString(), limit],
  })
}
