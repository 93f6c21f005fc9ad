// Ledgers, their lanes, assets and plan versions: server tables, read often and written when something is installed.

import type { PoolClient, QueryResultRow } from 'pg'
import type { JsonObject } from '../core/effects.ts'
import { maybeRow, plainArray, rows, type Queryable } from './statement.ts'

export type LedgerRow = {
  readonly ledger: string
  readonly name: string
  readonly program: string
  /** The text of the file that its terms come from, where the program takes one. */
  readonly program_file: string | null
  readonly sandbox: boolean
  readonly rail: string
  readonly rail_url: string | null
  readonly inbox_schema: string | null
  readonly settings: JsonObject
  readonly created_at: Temporal.Instant
  /** When the journal of another ledger was copied into it: then it is read and proven, and nothing else. */
  readonly copied_at: Temporal.Instant | null
}

const LEDGER_COLUMNS = `ledger, name, program, program_file, sandbox, rail, rail_url, inbox_schema, settings, created_at, copied_at`

export async function listLedgers(on: Queryable): Promise<LedgerRow[]> {
  return await rows(on, { text: `select ${LEDGER_COLUMNS} from apportion.ledger order by created_at, name`, values: [] })
}

export async function findLedger(on: Queryable, name: string): Promise<LedgerRow | null> {
  return await maybeRow(on, { text: `select ${LEDGER_COLUMNS} from apportion.ledger where name = $1`, values: [name] })
}

/** The lanes of a ledger by position. */
export async function lanesOf(on: Queryable, ledger: string): Promise<bigint[]> {
  const found = await rows<{ lane: bigint }>(on, {
    text: `select lane from apportion.lane where ledger = $1 order by position`,
    values: [ledger],
  })
  return found.map(({ lane }) => lane)
}

export async function assetsOf(on: Queryable, ledger: string): Promise<{ asset: string; token: string | null }[]> {
  return await rows(on, { text: `select asset, token from apportion.asset where ledger = $1 order by asset`, values: [ledger] })
}

export type PlanVersionRow = {
  readonly version: number
  readonly effective_from: Temporal.Instant | null
  readonly content: unknown
  readonly hash: string
  /** Number of the newest change of settings when it came to be. */
  readonly settings: number
  readonly created_at: Temporal.Instant
}

export async function planVersionsOf(on: Queryable, ledger: string): Promise<PlanVersionRow[]> {
  return await rows(on, {
    text: `select version, effective_from, content, hash, settings, created_at from apportion.plan_version where ledger = $1 order by version`,
    values: [ledger],
  })
}

/** Writes a ledger's row; false when there is one of that name, or will be once somebody else commits. */
export async function insertLedger(client: PoolClient, row: LedgerRow): Promise<boolean> {
  const { rowCount } = await client.query({
    text: `insert into apportion.ledger (${LEDGER_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (name) do nothing`,
    values: [
      row.ledger,
      row.name,
      row.program,
      row.program_file,
      row.sandbox,
      row.rail,
      row.rail_url,
      row.inbox_schema,
      JSON.stringify(row.settings),
      row.created_at.toString(),
      row.copied_at?.toString() ?? null,
    ],
  })
  return rowCount === 1
}

/** Makes the lanes of a new ledger, each with its head before the first block and its payout cursor. */
export async function insertLanes(
  client: PoolClient,
  { ledger, lanes, hash, at }: { ledger: string; lanes: readonly bigint[]; hash: Uint8Array; at: Temporal.Instant },
): Promise<void> {
  await client.query({
    text: `with lane as (
        insert into apportion.lane (lane, ledger, position)
        select row.lane, $1, row.place - 1 from unnest($2::bigint[]) with ordinality as row (lane, place)
        returning lane
      ), cursor as (
        insert into apportion.payout_cursor (lane, transfer) select lane, 0 from lane
      )
      insert into apportion.head (lane, event, transfer, block, account, plan, hash, recorded_at)
      select lane, 0, 0, 0, 0, 1, $3, $4 from lane`,
    values: [ledger, plainArray(lanes), Buffer.from(hash), at.toString()],
  })
}

export async function insertAssets(client: PoolClient, ledger: string, assets: readonly { asset: string; token: string | null }[]): Promise<void> {
  await client.query({
    text: `insert into apportion.asset (ledger, asset, token) select $1, * from unnest($2::text[], $3::text[])`,
    values: [ledger, assets.map(({ asset }) => asset), assets.map(({ token }) => token)],
  })
}

export async function insertPlanVersion(
  client: PoolClient,
  { ledger, version, effectiveFrom, content, hash, settings = 0, at }: {
    ledger: string
    version: number
    effectiveFrom: Temporal.Instant | null
    content: unknown
    hash: string
    settings?: number
    at: Temporal.Instant
  },
): Promise<void> {
  await client.query({
    text: `insert into apportion.plan_version (ledger, version, effective_from, content, hash, settings, created_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [ledger, version, effectiveFrom?.toString() ?? null, JSON.stringify(content), hash, settings, at.toString()],
  })
}

/** Locks the heads of all lanes of a ledger, in order, and answers the newest instant at which anything was recorded in them. */
export async function lockHeads(client: PoolClient, ledger: string): Promise<Temporal.Instant> {
  const heads = await onEachHead<{ recorded_at: Temporal.Instant }>(client, ledger, `select recorded_at from apportion.head where lane = $1 for update`)
  return heads.map(({ recorded_at: at }) => at).reduce((latest, at) => (Temporal.Instant.compare(at, latest) > 0 ? at : latest))
}

/** A statement a lane ($1), in the one order of heads: where lanes are spread over machines, one that locks or changes rows is about one of them. */
async function onEachHead<Row extends QueryResultRow>(client: PoolClient, ledger: string, text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  const lanes = (await lanesOf(client, ledger)).toSorted((a, b) => (a < b ? -1 : 1))
  const found: Row[] = []
  for (const lane of lanes) found.push(...(await rows<Row>(client, { text, values: [lane, ...values] })))
  return found
}

/**
 * Tells each lane's head of the newest version and of the instant when it was added: posters who do not know it yet read it before they
 * decide, and nothing is recorded before that instant any more. The heads must be locked.
 */
export async function announcePlanVersion(
  client: PoolClient,
  { ledger, version, at }: { ledger: string; version: number; at: Temporal.Instant },
): Promise<void> {
  await onEachHead(client, ledger, `update apportion.head set plan = $2, recorded_at = $3 where lane = $1`, [version, at.toString()])
}

/** Moves the heads of all lanes, which must be locked, to an instant: nothing is recorded before it any more. */
export async function bumpHeads(client: PoolClient, ledger: string, at: Temporal.Instant): Promise<void> {
  await onEachHead(client, ledger, `update apportion.head set recorded_at = greatest(recorded_at, $2) where lane = $1`, [at.toString()])
}
