// The signer's statements, run with the signer's own role: one function a statement. It reads payouts and writes only keys and counts.

import type { Pool, PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { createPool, type PoolOptions } from '../store/pool.ts'
import { maybeRow, oneRow, plainArray, rows, type Queryable } from '../store/statement.ts'
import type { Envelope } from './envelope.ts'

// Planning the check of a batch anew costs 2 ms, each time; its best plan never depends on the values. A statement that waits this
// long has met a lock or a disk that is stuck, and nothing was signed yet.
const SESSION = '-c plan_cache_mode=force_generic_plan -c statement_timeout=20s -c idle_in_transaction_session_timeout=20s'

/** A pool for the signer: its statements are written together, so a batch costs two round trips. */
export function openSignerPool({ url, max, onError, stream }: Pick<PoolOptions, 'url' | 'max' | 'onError' | 'stream'>): Pool {
  const pool = createPool({
    url: withOptions(url, encodeURIComponent(SESSION)),
    max,
    applicationName: 'apportion signer',
    pipeline: true,
    stream,
    ...(onError !== undefined && { onError }),
  })
  // A failure is met by the first statement.
  pool.on('connect', (client) => void client.query(PLANNED_ANEW).catch(() => {}))
  return pool
}

/** Citus plans for the machine that a lane is on, so it has to know the lane. */
const PLANNED_ANEW = `select set_config('plan_cache_mode', 'auto', false) from pg_extension where extname = 'citus'`

function withOptions(url: string, options: string): string {
  if (/[?&]options=/.test(url)) return url.replace(/([?&]options=[^&]*)/, `$1%20${options}`)
  return `${url}${url.includes('?') ? '&' : '?'}options=${options}`
}

type KeyRow = { readonly sealed_key: Buffer; readonly sealed_data_key: Buffer; readonly master_key_id: string }

/** The wallet's envelope, or null where the wallet has no key yet. */
export async function findKey(on: Queryable, wallet: string): Promise<Envelope | null> {
  const row = await maybeRow<KeyRow>(on, {
    name: 'signer-find-key',
    text: `select sealed_key, sealed_data_key, master_key_id from apportion.wallet_key where wallet = $1`,
    values: [wallet],
  })
  return row === null ? null : envelopeOf(row)
}

function envelopeOf({ sealed_key: sealedKey, sealed_data_key: sealedDataKey, master_key_id: masterKeyId }: KeyRow): Envelope {
  return { sealedKey, sealedDataKey, masterKeyId }
}

/** Writes a wallet's envelope; false when the wallet has one already, which stays as it is. */
export async function insertKey(
  on: Queryable,
  { wallet, envelope, at }: { wallet: string; envelope: Envelope; at: Temporal.Instant },
): Promise<boolean> {
  const { sealedKey, sealedDataKey, masterKeyId } = envelope
  const written = await rows(on, {
    name: 'signer-insert-key',
    text: `insert into apportion.wallet_key (wallet, sealed_key, sealed_data_key, master_key_id, created_at)
      values ($1, $2, $3, $4, $5) on conflict (wallet) do nothing returning wallet`,
    values: [wallet, Buffer.from(sealedKey), Buffer.from(sealedDataKey), masterKeyId, at.toString()],
  })
  return written.length === 1
}

/** The master keys under which wallets are sealed, with how many each: more than one only where something went wrong. */
export async function masterKeysInUse(on: Queryable): Promise<{ master_key_id: string; wallets: bigint }[]> {
  return await rows(on, {
    text: `select master_key_id, count(*) as wallets from apportion.wallet_key group by master_key_id order by master_key_id collate "C"`,
    values: [],
  })
}

/** A wallet with its key's envelope (null where it has none), and the ledger of the lane asked for. */
export type WalletRow = {
  readonly wallet_ledger: string
  readonly lane_ledger: string | null
  readonly rail: string
  readonly address: string
  readonly envelope: Envelope | null
}

/** A share of a large distribution counts when all of them are posted. */
const COMPLETE = `select true as is_complete from apportion.distribution
          where lane = $1 and transfer.kind = 'distributed' and digest = transfer.subject and state = 'complete' limit 1`

/** What lies in the lane of payouts ($2), by itself: a lane ($1) may be on another machine than keys, destinations and counts. */
const PAID = `select asked.payout as asked, asked.place, payout.payout, payout.wallet, payout.asset, payout.units, payout.recipient, payout.destination,
    payout.state, payout.live, settlement.settled, share.shares, share.strays, share.share_units
  from unnest($2::uuid[]) with ordinality as asked (payout, place)
  left join lateral (
    select payout, wallet, asset, units, recipient, destination, state, live_attempt is not null as live
    from apportion.payout where lane = $1 and payout.payout = asked.payout limit 1
  ) as payout on true
  left join lateral (
    select true as settled from apportion.settlement where lane = $1 and settlement.payout = asked.payout limit 1
  ) as settlement on true
  cross join lateral (
    select count(*) as shares, coalesce(sum(transfer.units - coalesce(deducted.units, 0)), 0) as share_units,
      count(*) filter (
        where (transfer.kind is distinct from 'share' and not coalesce(complete.is_complete, false))
          or account.name is distinct from 'payable:' || payout.recipient
          or account.asset is distinct from payout.asset
      ) as strays
    from apportion.payout_share
    left join lateral (
      select kind, units, credit, subject from apportion.transfer where lane = $1 and number = payout_share.transfer limit 1
    ) as transfer on true
    left join lateral (${COMPLETE}) as complete on true
    left join lateral (
      select name, asset from apportion.account where lane = $1 and number = transfer.credit limit 1
    ) as account on true
    left join lateral (select sum(units) as units from apportion.deduction where lane = $1 and share = payout_share.transfer) as deducted on true
    where payout_share.lane = $1 and payout_share.payout = asked.payout
  ) as share`

/** A payout with all that is checked about it. Where `found` is false only `payout` means something. */
export type PayoutRow = {
  readonly payout: string
  readonly found: boolean
  readonly wallet: string
  readonly asset: string
  readonly units: bigint
  readonly recipient: string
  readonly destination: JsonObject | null
  readonly state: string
  readonly live: boolean
  readonly settled: boolean
  /** The destination is one that was recorded for this recipient. */
  readonly recorded: boolean
  readonly asset_known: boolean
  readonly token: string | null
  /** Its shares, how many of them are not shares of this recipient in this asset, and their sum. */
  readonly shares: bigint
  readonly strays: bigint
  readonly share_units: bigint
  /**
   * Counted against a day's limit before; `miscounted` when that was elsewhere or with less. With more is right: what nobody sent may be taken
   * back in part, and the rest is paid.
   */
  readonly counted: boolean
  readonly miscounted: boolean
  /** Its ledger has changed its settings at least once, so that they must be asked whether it may go. */
  readonly policed: boolean
}

export type BatchRead = { readonly wallet: WalletRow | null; readonly rows: readonly PayoutRow[] }

type FirstRow = Omit<WalletRow, 'envelope' | 'wallet_ledger'> & { readonly wallet_ledger: string | null } & (KeyRow | { readonly sealed_key: null })

/**
 * The wallet, and the payouts in the order asked. One statement however many there are, and only look-ups by key: a subquery with a
 * limit is never turned into a scan of a whole table, as joins are while a table has grown since it was last analysed. The wallet
 * stands in the first row alone.
 */
export async function readBatch(
  on: Queryable,
  { lane, wallet, payouts }: { lane: bigint; wallet: string; payouts: readonly string[] },
): Promise<BatchRead> {
  const read = await rows<PayoutRow & FirstRow>(on, {
    name: 'signer-read-batch',
    text: `with paid as materialized (
        ${PAID}
      )
      select paid.asked as payout, paid.payout is not null as found,
        paid.wallet, paid.asset, paid.units, paid.recipient, paid.destination, paid.state, paid.live,
        paid.settled is not null as settled,
        destination.recorded is not null as recorded,
        asset.known is not null as asset_known, asset.token,
        paid.shares, paid.strays, paid.share_units,
        exists (select from apportion.settings_change where ledger = home.ledger) as policed,
        signing.payout is not null as counted,
        signing.payout is not null
          and ((signing.ledger, signing.asset) is distinct from (home.ledger, paid.asset) or signing.units < paid.units) as miscounted,
        home.ledger as lane_ledger, keyed.wallet_ledger, keyed.rail, keyed.address,
        keyed.sealed_key, keyed.sealed_data_key, keyed.master_key_id
      from (select (select ledger from apportion.lane where lane = $1) as ledger) as home
      cross join paid
      left join lateral (
        select wallet.ledger as wallet_ledger, wallet.rail, wallet.address, sealed_key, sealed_data_key, master_key_id
        from apportion.wallet left join apportion.wallet_key on wallet_key.wallet = $3
        where wallet.wallet = $3 limit 1
      ) as keyed on paid.place = 1
      left join lateral (
        select true as recorded from apportion.destination
        where ledger = home.ledger and recipient = paid.recipient and destination.destination = paid.destination limit 1
      ) as destination on true
      left join lateral (
        select true as known, token from apportion.asset where ledger = home.ledger and asset.asset = paid.asset limit 1
      ) as asset on true
      left join lateral (
        select payout, ledger, asset, units from apportion.signing where signing.payout = paid.asked limit 1
      ) as signing on true
      order by paid.place`,
    values: [lane, plainArray(payouts), wallet],
  })
  const first = present(read[0], 'the first payout asked for')
  const { wallet_ledger: ledger, lane_ledger: laneLedger, rail, address } = first
  if (ledger === null) return { wallet: null, rows: read }
  const envelope = first.sealed_key === null ? null : envelopeOf(first)
  return { wallet: { wallet_ledger: ledger, lane_ledger: laneLedger, rail, address, envelope }, rows: read }
}

/**
 * Holds other signers off this ledger and asset until the transaction ends; within one statement the count would not see theirs.
 * The commit need not wait for the disk, which doubles its cost: whoever sends the signed bytes commits their attempt first, and the
 * log that makes it durable holds this count before it. A count can only be lost together with every use of its signature.
 */
export async function lockCount(client: PoolClient, { ledger, asset }: { ledger: string; asset: string }): Promise<void> {
  await rows(client, {
    name: 'signer-lock-count',
    text: `select set_config('synchronous_commit', 'off', true),
        pg_advisory_xact_lock(hashtextextended('apportion signing ' || $1::uuid || ' ' || $2::text, 0))`,
    values: [ledger, asset],
  })
}

/** What the count found: units counted on the day before, units asked for now, and the day's limit (null: none). */
export type Count = { readonly before: bigint; readonly asked: bigint; readonly units_per_day: bigint | null; readonly allowed: boolean }

export type CountInput = {
  readonly ledger: string
  readonly asset: string
  /** The UTC day, as 2026-01-31. */
  readonly day: string
  readonly at: Temporal.Instant
  readonly payouts: readonly { readonly id: string; readonly units: bigint }[]
}

/** Counts the payouts that were never counted, all of them or, beyond the limit, none. Runs under `lockCount`. */
export async function countPayouts(client: PoolClient, { ledger, asset, day, at, payouts }: CountInput): Promise<Count> {
  return await oneRow(client, {
    name: 'signer-count-payouts',
    text: `with fresh as (
        select asked.payout, asked.units, sum(asked.units) over (order by asked.place) as running
        from unnest($4::uuid[], $5::numeric[]) with ordinality as asked (payout, units, place)
        left join lateral (select true as counted from apportion.signing where signing.payout = asked.payout limit 1) as earlier on true
        where earlier.counted is null
      ),
      day as (
        select coalesce(max(signing.day_units), 0) as before, coalesce((select sum(units) from fresh), 0) as asked,
          (select units_per_day from apportion.signing_limit where ledger = $1 and asset = $2) as units_per_day
        from apportion.signing
        where ledger = $1 and asset = $2 and day = $3
      ),
      verdict as (
        select *, units_per_day is null or before + asked <= units_per_day as allowed from day
      ),
      counted as (
        insert into apportion.signing (payout, ledger, asset, units, day, day_units, first_signed_at)
        select fresh.payout, $1, $2, fresh.units, $3, verdict.before + fresh.running, $6
        from fresh join verdict on verdict.allowed
      )
      select before, asked, units_per_day, allowed from verdict`,
    values: [ledger, asset, day, plainArray(payouts.map(({ id }) => id)), plainArray(payouts.map(({ units }) => units)), at.toString()],
  })
}
