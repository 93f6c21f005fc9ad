// Wallets, recipients, destinations, and the movements of money seen in wallets.

import { assert } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { maybeRow, oneRow, plainArray, rows, type Queryable, type Statement } from './statement.ts'

export type WalletRow = {
  readonly wallet: string
  readonly ledger: string
  readonly label: string
  readonly rail: string
  readonly address: string
  readonly movement_cursor: string | null
  readonly created_at: Temporal.Instant
}

const WALLET_COLUMNS = `wallet, ledger, label, rail, address, movement_cursor, created_at`

/** The wallets of a ledger, oldest first: the first one pays. */
export async function walletsOf(on: Queryable, ledger: string): Promise<WalletRow[]> {
  return await rows(on, {
    text: `select ${WALLET_COLUMNS} from apportion.wallet where ledger = $1 order by created_at, wallet`,
    values: [ledger],
  })
}

export async function findWallet(on: Queryable, ledger: string, label: string): Promise<WalletRow | null> {
  return await maybeRow(on, {
    text: `select ${WALLET_COLUMNS} from apportion.wallet where ledger = $1 and label = $2`,
    values: [ledger, label],
  })
}

/** Writes a wallet's row; false when the ledger has one of that label or address, which stays as it is. */
export async function insertWallet(
  on: Queryable,
  { wallet, ledger, label, rail, address, at }: { wallet: string; ledger: string; label: string; rail: string; address: string; at: Temporal.Instant },
): Promise<boolean> {
  const written = await rows(on, {
    text: `insert into apportion.wallet (wallet, ledger, label, rail, address, created_at) values ($1, $2, $3, $4, $5, $6)
      on conflict do nothing returning wallet`,
    values: [wallet, ledger, label, rail, address, at.toString()],
  })
  return written.length === 1
}

export type RecipientRow = {
  readonly recipient: string
  readonly label: string | null
  readonly destination: JsonObject | null
  readonly effective_from: Temporal.Instant | null
}

/** A recipient's row with its newest destination. */
const SELECT_RECIPIENT = `select recipient.recipient, recipient.label, newest.destination, newest.effective_from
      from apportion.recipient
      left join lateral (
        select destination, effective_from from apportion.destination
        where destination.ledger = recipient.ledger and destination.recipient = recipient.recipient
        order by effective_from desc
        limit 1
      ) newest on true`

/** Recipients with their newest destination, by id. */
export async function listRecipients(
  on: Queryable,
  { ledger, after, limit }: { ledger: string; after: string | null; limit: number },
): Promise<RecipientRow[]> {
  return await rows(on, {
    text: `${SELECT_RECIPIENT}
      where recipient.ledger = $1 and ($2::text is null or recipient.recipient > $2)
      order by recipient.recipient collate "C"
      limit $3`,
    values: [ledger, after, limit],
  })
}

export async function findRecipient(on: Queryable, ledger: string, recipient: string): Promise<RecipientRow | null> {
  return await maybeRow(on, { text: `${SELECT_RECIPIENT} where recipient.ledger = $1 and recipient.recipient = $2`, values: [ledger, recipient] })
}

export async function insertRecipients(
  on: Queryable,
  { ledger, recipients, at }: { ledger: string; recipients: readonly { recipient: string; label: string | null }[]; at: Temporal.Instant },
): Promise<void> {
  await rows(on, {
    text: `insert into apportion.recipient (ledger, recipient, label, created_at)
      select $1, row.recipient, row.label, $4 from unnest($2::text[], $3::text[]) as row (recipient, label)
      on conflict (ledger, recipient) do nothing`,
    values: [ledger, recipients.map(({ recipient }) => recipient), recipients.map(({ label }) => label), at.toString()],
  })
}

/**
 * Adds destinations that count for events from `at` on; one equal to the newest of its recipient is no change and is left out. Whatever
 * clock the newest was named by, the last one named is the newest.
 */
export async function insertDestinations(
  on: Queryable,
  { ledger, destinations, at }: { ledger: string; destinations: readonly { recipient: string; destination: JsonObject }[]; at: Temporal.Instant },
): Promise<void> {
  const statement = {
    text: `with wanted as materialized (
        select row.recipient, greatest($4, newest.effective_from + interval '1 microsecond') as effective_from, row.destination
        from unnest($2::text[], $3::jsonb[]) as row (recipient, destination)
        left join lateral (
          select effective_from, destination from apportion.destination
          where destination.ledger = $1 and destination.recipient = row.recipient
          order by effective_from desc
          limit 1
        ) newest on true
        where row.destination is distinct from newest.destination
      ), inserted as (
        insert into apportion.destination (ledger, recipient, effective_from, destination, created_at)
        select $1, recipient, effective_from, destination, $4 from wanted order by recipient collate "C"
        on conflict do nothing
        returning recipient
      )
      select (select count(*) from wanted) - (select count(*) from inserted) as lost`,
    values: [
      ledger,
      destinations.map(({ recipient }) => recipient),
      destinations.map(({ destination }) => JSON.stringify(destination)),
      at.toString(),
    ],
  }
  // Whoever named the same recipient for the same instant meanwhile was first: the next statement sees it, and comes after it.
  for (let races = 0; (await oneRow<{ lost: bigint }>(on, statement)).lost > 0n; races += 1) assert(races < MAX_RACES, `destinations were named ${MAX_RACES} times meanwhile`)
}

/** More callers than name one recipient at one moment. */
const MAX_RACES = 1000

export type SeenMovement = {
  readonly movement: string
  readonly identity: string
  readonly asset: string
  readonly direction: 'in' | 'out'
  readonly units: bigint
  readonly at: Temporal.Instant | null
  readonly proof: JsonObject
}

/**
 * Writes down movements of a wallet and moves its cursor, if the cursor still stands where they were read from. Answers those that
 * are new: only they are posted.
 */
export function recordMovements(
  { lane, wallet, from, to, seenAt }: { lane: bigint; wallet: string; from: string | null; to: string | null; seenAt: Temporal.Instant },
  movements: readonly SeenMovement[],
): Statement {
  return {
    name: 'record-movements',
    text: `with moved as (
        update apportion.wallet set movement_cursor = $4 where wallet = $2 and movement_cursor is not distinct from $3 returning wallet
      )
      insert into apportion.movement (lane, wallet, identity, asset, movement, direction, units, at, proof, seen_at)
      select $1, moved.wallet, row.identity, row.asset, row.movement, row.direction, row.units, row.at, row.proof, $5
      from moved cross join unnest($6::text[], $7::text[], $8::uuid[], $9::text[], $10::numeric[], $11::timestamptz[], $12::jsonb[])
        as row (identity, asset, movement, direction, units, at, proof)
      on conflict (lane, wallet, identity, asset) do nothing
      returning movement`,
    values: [
      lane,
      wallet,
      from,
      to,
      seenAt.toString(),
      movements.map(({ identity }) => identity),
      movements.map(({ asset }) => asset),
      plainArray(movements.map(({ movement }) => movement)),
      plainArray(movements.map(({ direction }) => direction)),
      plainArray(movements.map(({ units }) => units)),
      plainArray(movements.map(({ at }) => at?.toString() ?? null)),
      movements.map(({ proof }) => JSON.stringify(proof)),
    ],
  }
}
