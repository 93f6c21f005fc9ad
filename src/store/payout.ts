// Payouts and their shares. Every change of state is one conditional, set-based update: a stale caller changes nothing.

import type { JsonObject } from '../core/effects.ts'
import type { PayoutHold, PayoutState } from '../core/payout.ts'
import { PLACES } from '../core/part.ts'
import { overLanes } from './over-lanes.ts'
import { maybeRow, oneRow, plainArray, rows, type Queryable, type Statement } from './statement.ts'

export type PayoutRow = {
  readonly lane: bigint
  readonly payout: string
  readonly event: bigint
  readonly part: number
  readonly role: string
  readonly recipient: string
  /** Null while the ledger has none to pay from. */
  readonly wallet: string | null
  readonly asset: string
  readonly units: bigint
  readonly destination: JsonObject | null
  readonly state: PayoutState['state']
  readonly reason: string | null
  readonly detail: string | null
  readonly due_at: Temporal.Instant | null
  /** Its plan lets it be paid only from then on. */
  readonly locked_until: Temporal.Instant | null
  readonly tries: number
  readonly live_attempt: string | null
  readonly batch: string | null
  readonly created_at: Temporal.Instant
  readonly changed_at: Temporal.Instant
}

export const PAYOUT_COLUMNS = `payout.lane, payout.payout, payout.event, payout.part, payout.role, payout.recipient, payout.wallet, payout.asset,
  payout.units, payout.destination, payout.state, payout.reason, payout.detail, payout.due_at, payout.locked_until, payout.tries, payout.live_attempt,
  payout.batch, payout.created_at, payout.changed_at`

/**
 * The destination that counts for an event: the one in force at its instant; when there was none, or it had been withdrawn (JSON
 * null), the first that came later: a wallet that is named late still counts for what waited for it.
 */
export function destinationFor(recipient: string, at: string): string {
  return `select later.destination from apportion.destination later
        where later.ledger = $1 and later.recipient = ${recipient} and later.destination <> 'null'
          and later.effective_from >= coalesce((
            select max(earlier.effective_from) from apportion.destination earlier
            where earlier.ledger = $1 and earlier.recipient = ${recipient} and earlier.effective_from <= ${at}
          ), '-infinity')
        order by later.effective_from
        limit 1`
}

/** A share that is no payout yet, with the destination that counts for its event. */
export type NewShare = {
  readonly transfer: bigint
  readonly event: bigint
  readonly part: number
  readonly plan: number
  readonly units: bigint
  /** What reversals took from it already. */
  readonly deducted: bigint
  readonly event_at: Temporal.Instant
  readonly asset: string
  readonly recipient: string
  readonly recipient_known: boolean
  readonly destination: JsonObject | null
}

/**
 * Shares (`share`, of lane tables alone) with the destination that counts for their event. Recipients and their destinations stand where the
 * server connects, a lane perhaps elsewhere: so the shares come first, and then each recipient is looked up.
 */
export const WITH_DESTINATIONS = `select share.*, recipient.recipient is not null as recipient_known, destination.destination
      from share
      left join lateral (
        select recipient from apportion.recipient where recipient.ledger = $1 and recipient.recipient = share.recipient limit 1
      ) recipient on true
      left join lateral (
        ${destinationFor('share.recipient', 'share.event_at')}
      ) destination on true
      order by share.transfer`

/** Whether anything was posted on a lane since its cursor was moved, up to a transfer (null: all). Locks and writes nothing. */
export async function isBeyondCursor(on: Queryable, lane: bigint, upTo: bigint | null): Promise<boolean> {
  const found = await rows<{ beyond: boolean }>(on, {
    text: `select coalesce($2::bigint, head.transfer) > coalesce(payout_cursor.transfer, 0) as beyond
      from apportion.head left join apportion.payout_cursor on payout_cursor.lane = head.lane
      where head.lane = $1`,
    values: [lane, upTo],
  })
  return found[0]?.beyond ?? false
}

/** Locks a lane's cursor and answers how far its shares have become payouts. */
export async function lockPayoutCursor(on: Queryable, lane: bigint): Promise<bigint> {
  const found = await rows<{ transfer: bigint }>(on, {
    text: `select transfer from apportion.payout_cursor where lane = $1 for update`,
    values: [lane],
  })
  return found[0]?.transfer ?? 0n
}

/** How far the shares of a lane have become payouts, as it was a moment ago. */
export async function payoutCursor(on: Queryable, lane: bigint): Promise<bigint> {
  const found = await rows<{ transfer: bigint }>(on, { text: `select transfer from apportion.payout_cursor where lane = $1`, values: [lane] })
  return found[0]?.transfer ?? 0n
}

export function movePayoutCursor(lane: bigint, transfer: bigint): Statement {
  return { text: `update apportion.payout_cursor set transfer = $2 where lane = $1`, values: [lane, transfer] }
}

/** The last transfer of a lane that was recorded before an instant. */
export async function lastTransferBefore(on: Queryable, lane: bigint, at: Temporal.Instant): Promise<bigint> {
  const found = await rows<{ last_transfer: bigint }>(on, {
    text: `select last_transfer from apportion.block where lane = $1 and recorded_at < $2 order by recorded_at desc, number desc limit 1`,
    values: [lane, at.toString()],
  })
  return found[0]?.last_transfer ?? 0n
}

/**
 * The next shares after the cursor and up to a transfer, in order, with the destination that counts for their event. Only look-ups by key:
 * joins are turned into scans of whole tables while these have grown since they were last analysed.
 */
export async function newShares(
  on: Queryable,
  { ledger, lane, after, upTo, limit }: { ledger: string; lane: bigint; after: bigint; upTo: bigint; limit: number },
): Promise<NewShare[]> {
  return await rows(on, {
    text: `with share as materialized (
        select transfer.number as transfer, transfer.event, transfer.part, event.plan, event.event_at, transfer.units, account.asset,
          (select coalesce(sum(units), 0) from apportion.deduction where lane = $2 and share = transfer.number) as deducted,
          substr(account.name, 9) as recipient
        from apportion.transfer
        cross join lateral (select name, asset from apportion.account where account.lane = $2 and account.number = transfer.credit limit 1) account
        cross join lateral (select plan, event_at from apportion.event where event.lane = $2 and event.number = transfer.event limit 1) event
        where transfer.lane = $2 and transfer.number > $3 and transfer.number <= $5 and transfer.kind = 'share' and starts_with(account.name, 'payable:')
        order by transfer.number
        limit $4
      )
      ${WITH_DESTINATIONS}`,
    values: [ledger, lane, after, limit, upTo],
  })
}

/** `transfers`: the shares that it draws on. It stands under the event, part and role of the first. */
export type NewPayout = {
  readonly payout: string
  readonly transfers: readonly bigint[]
  readonly event: bigint
  readonly part: number
  readonly role: string
  readonly recipient: string
  readonly wallet: string | null
  readonly asset: string
  readonly units: bigint
  readonly destination: JsonObject | null
  readonly lockedUntil: Temporal.Instant | null
  readonly state: 'queued' | 'held' | 'cancelled'
  readonly reason: PayoutHold | null
}

export function insertPayouts(lane: bigint, payouts: readonly NewPayout[], at: Temporal.Instant): Statement {
  return {
    text: `with given as (
        select * from unnest($2::uuid[], $4::bigint[], $5::integer[], $6::text[], $7::text[], $8::uuid[], $9::text[],
          $10::numeric[], $11::jsonb[], $12::text[], $13::text[], $15::timestamptz[])
          as row (payout, event, part, role, recipient, wallet, asset, units, destination, state, reason, locked_until)
      ), made as (
        insert into apportion.payout (lane, payout, event, part, role, recipient, wallet, asset, units, destination, state, reason,
          locked_until, due_at, created_at, changed_at)
        select $1, payout, event, part, role, recipient, wallet, asset, units, destination, state, reason, locked_until,
          case when reason = 'no_paying_wallet' or state = 'cancelled' then null else greatest($14::timestamptz, locked_until) end, $14, $14 from given
        returning payout
      )
      insert into apportion.payout_share (lane, transfer, payout) select $1, * from unnest($3::bigint[], $16::uuid[])`,
    values: [
      lane,
      plainArray(payouts.map(({ payout }) => payout)),
      plainArray(payouts.flatMap(({ transfers }) => transfers)),
      plainArray(payouts.map(({ event }) => event)),
      plainArray(payouts.map(({ part }) => part)),
      payouts.map(({ role }) => role),
      payouts.map(({ recipient }) => recipient),
      plainArray(payouts.map(({ wallet }) => wallet)),
      payouts.map(({ asset }) => asset),
      plainArray(payouts.map(({ units }) => units)),
      payouts.map(({ destination }) => (destination === null ? null : JSON.stringify(destination))),
      plainArray(payouts.map(({ state }) => state)),
      payouts.map(({ reason }) => reason),
      at.toString(),
      plainArray(payouts.map(({ lockedUntil }) => lockedUntil?.toString() ?? null)),
      plainArray(payouts.flatMap(({ payout, transfers }) => transfers.map(() => payout))),
    ],
  }
}

/** Nothing leaves of a distribution that is being taken back, chunk by chunk: by a lane ($1) and an event. */
const NOT_TAKEN_BACK = `payout.event <> all (array (select reverses from apportion.distribution where lane = $1 and reverses is not null and state = 'running'))`

/** What a payout is that is to be packed and signed. */
export type DuePayout = Pick<PayoutRow, 'payout' | 'recipient' | 'asset' | 'units' | 'destination' | 'tries' | 'batch'>

/** What is due on a lane: payouts that belong together first by their batch, then by age. */
export async function duePayouts(
  on: Queryable,
  { lane, wallet, asset, now, limit }: { lane: bigint; wallet: string; asset: string; now: Temporal.Instant; limit: number },
): Promise<DuePayout[]> {
  return await rows(on, {
    text: `select payout, recipient, asset, units, destination, tries, batch from apportion.payout
      where lane = $1 and wallet = $2 and asset = $3 and state = 'queued' and due_at <= $4
        and (locked_until is null or locked_until <= $4) and ${NOT_TAKEN_BACK}
      order by due_at, batch, payout
      limit $5`,
    values: [lane, wallet, asset, now.toString(), limit],
  })
}

/** Wallets and assets of a lane ($1) for which anything is due at an instant ($2). */
export const DUE_QUEUES = `from apportion.lane
      join apportion.wallet on wallet.ledger = lane.ledger
      join apportion.asset on asset.ledger = lane.ledger
      where lane.lane = $1 and exists (
        select from apportion.payout
        where payout.lane = $1 and payout.wallet = wallet.wallet and payout.asset = asset.asset
          and payout.state = 'queued' and payout.due_at <= $2
          and (payout.locked_until is null or payout.locked_until <= $2) and ${NOT_TAKEN_BACK}
      )`

/** The wallets and assets of a lane for which anything is due. */
export async function dueQueues(on: Queryable, lane: bigint, now: Temporal.Instant): Promise<{ wallet: string; asset: string }[]> {
  return await rows(on, {
    text: `select wallet.wallet, asset.asset
      ${DUE_QUEUES}
      order by wallet.wallet, asset.asset`,
    values: [lane, now.toString()],
  })
}

/** Gives payouts that were made before there was a wallet the one that pays, and makes due those that waited for nothing else. */
export async function nameWallets(
  on: Queryable,
  { lane, wallet, now, limit }: { lane: bigint; wallet: string; now: Temporal.Instant; limit: number },
): Promise<void> {
  await rows(on, {
    text: `with waiting as (
        select payout from apportion.payout where lane = $1 and wallet is null limit $4 for no key update skip locked
      )
      update apportion.payout
      set wallet = $2, due_at = case when payout.reason = 'no_paying_wallet' then $3 else payout.due_at end, changed_at = $3
      from waiting where payout.lane = $1 and payout.payout = waiting.payout`,
    values: [lane, wallet, now.toString(), limit],
  })
}

/** Payouts of a lane ($1) that wait for a wallet to be paid from, and those that wait for an approval. */
export const WALLETLESS = `lane = $1 and wallet is null`
export const AWAITING = `lane = $1 and state = 'awaiting_approval'`

/** Whether payouts of a lane wait for a wallet to be paid from, and whether any wait for an approval. */
export async function waitingFor(on: Queryable, lane: bigint): Promise<{ readonly wallet: boolean; readonly approval: boolean }> {
  return await oneRow(on, {
    text: `select exists (select from apportion.payout where ${WALLETLESS}) as wallet,
        exists (select from apportion.payout where ${AWAITING}) as approval`,
    values: [lane],
  })
}

/**
 * Queues payouts that waited for a recipient or a wallet which is known now; the others wait on under their true reason until
 * `recheckAt`, or until a destination is added. Rows that somebody's open transaction holds are passed over.
 */
export async function nameDestinations(
  on: Queryable,
  { ledger, lane, now, recheckAt, limit }: { ledger: string; lane: bigint; now: Temporal.Instant; recheckAt: Temporal.Instant; limit: number },
): Promise<void> {
  await rows(on, {
    text: `with waiting as materialized (
        select payout.payout, payout.recipient, event.event_at
        from (
          select payout, recipient, event from apportion.payout
          where lane = $2 and state = 'held' and destination is null and due_at <= $3
          order by due_at
          limit $5
          for no key update skip locked
        ) payout
        join apportion.event on event.lane = $2 and event.number = payout.event
      ), named as materialized (
        select waiting.payout, destination.destination, recipient.recipient is not null as known
        from waiting
        left join apportion.recipient on recipient.ledger = $1 and recipient.recipient = waiting.recipient
        left join lateral (
          ${destinationFor('waiting.recipient', 'waiting.event_at')}
        ) destination on true
      )
      update apportion.payout
      set destination = named.destination,
        state = case when named.destination is null or payout.wallet is null then 'held' else 'queued' end,
        reason = case
          when named.destination is not null then case when payout.wallet is null then 'no_paying_wallet' end
          when named.known then 'no_wallet'
          else payout.reason
        end,
        due_at = case when named.destination is null then $4::timestamptz when payout.wallet is not null then $3 end,
        changed_at = $3
      from named
      where payout.lane = $2 and payout.payout = named.payout`,
    values: [ledger, lane, now.toString(), recheckAt.toString(), limit],
  })
}

export async function findPayout(on: Queryable, lanes: readonly bigint[], payout: string): Promise<PayoutRow | null> {
  return await maybeRow(on, {
    text: `select ${PAYOUT_COLUMNS} from apportion.payout where lane = any ($1::bigint[]) and payout = $2`,
    values: [plainArray(lanes), payout],
  })
}

export async function findPayouts(on: Queryable, lanes: readonly bigint[], payouts: readonly string[]): Promise<PayoutRow[]> {
  if (payouts.length === 0) return []
  return await rows(on, {
    text: `select ${PAYOUT_COLUMNS} from apportion.payout where lane = any ($1::bigint[]) and payout = any ($2::uuid[]) order by payout`,
    values: [plainArray(lanes), plainArray(payouts)],
  })
}

/** Without those of large distributions, which may be millions: they are listed by page, or asked for by recipient. */
export async function payoutsOfEvents(on: Queryable, lane: bigint, events: readonly bigint[]): Promise<PayoutRow[]> {
  return await rows(on, {
    text: `select ${PAYOUT_COLUMNS}
      from unnest($2::bigint[]) as asked (event)
      left join apportion.distribution on distribution.lane = $1 and distribution.event = asked.event
      cross join lateral (
        -- Parts of the distribution's own step are passed over by the index.
        select * from apportion.payout
        where payout.lane = $1 and payout.event = asked.event and (distribution.part is null or payout.part < distribution.part / $3 * $3)
        union all
        select * from apportion.payout
        where payout.lane = $1 and payout.event = asked.event and distribution.part is not null and payout.part >= (distribution.part / $3 + 1) * $3::bigint
      ) payout
      order by payout.event, payout.part`,
    values: [lane, plainArray(events), PLACES],
  })
}

const BEFORE = `found.lane = edge.lane and ($2::uuid is null or found.payout < $2)`
/** Ids of payouts of a lane. */
const NEWEST = {
  all: `select found.payout from apportion.payout found where ${BEFORE}`,
  open: `select found.payout from apportion.payout found where ${BEFORE} and found.state = $4 and found.state <> 'settled'`,
  // No index of payouts holds those that are settled: their settlements do.
  settled: `select found.payout from apportion.settlement found where ${BEFORE}`,
} as const

/** Payouts of these lanes, newest first, from before a payout's id on (ids grow with time). */
export async function listPayouts(
  on: Queryable,
  { lanes, state, before, limit }: { lanes: readonly bigint[]; state: PayoutState['state'] | null; before: string | null; limit: number },
): Promise<PayoutRow[]> {
  const isOpen = state !== null && state !== 'settled'
  return await overLanes(on, {
    edge: ['lane bigint'],
    lanes: lanes.length,
    // Each lane gives its newest in the order of its index.
    part: (edge) => `select ${PAYOUT_COLUMNS}
      from ${edge}
      cross join lateral (${isOpen ? NEWEST.open : NEWEST[state ?? 'all']} order by found.payout desc limit $3) newest
      cross join lateral (select ${PAYOUT_COLUMNS} from apportion.payout where payout.lane = edge.lane and payout.payout = newest.payout limit 1) payout
      order by payout.payout desc
      limit $3`,
    whole: (parts) => `select * from ${parts} order by payout desc limit $3`,
    values: [plainArray(lanes), before, limit, ...(isOpen ? [state] : [])],
  })
}

/** How many payouts of these lanes stand in each state, with their units. */
export async function countPayouts(
  on: Queryable,
  lanes: readonly bigint[],
): Promise<{ state: PayoutState['state']; reason: string | null; asset: string; payouts: bigint; units: bigint }[]> {
  return await rows(on, {
    text: `select state, reason, asset, count(*) as payouts, sum(units) as units from apportion.payout
      where lane = any ($1::bigint[]) group by state, reason, asset order by state, reason, asset`,
    values: [plainArray(lanes)],
  })
}

/** The payout of one part of an event. */
export async function payoutOfPart(on: Queryable, { lane, event, part }: { lane: bigint; event: bigint; part: number }): Promise<PayoutRow | null> {
  return await maybeRow(on, {
    text: `select ${PAYOUT_COLUMNS} from apportion.payout where lane = $1 and event = $2 and part = $3`,
    values: [lane, event, part],
  })
}
