// Attempts: committed before the first byte leaves, ended only by a look. At most one live attempt a payout, held by the schema.

import { LIVE_ATTEMPT_STATES, type AttemptState } from '../core/attempt.ts'
import type { JsonObject } from '../core/effects.ts'
import { payoutStatesBefore, type PayoutHold } from '../core/payout.ts'
import { lockedAttempts, lockedNamed, OF_LOCKED } from './payout-lock.ts'
import { plainArray, bytesArray, rows, type Queryable, type Statement } from './statement.ts'

const LIVE = plainArray(LIVE_ATTEMPT_STATES)

/** Takes the attempts of the list $2 that are live. */
function live(states: string): string {
  return lockedAttempts(`attempt.lane = $1 and attempt.attempt = any ($2::uuid[]) and attempt.state = any (${states}::text[])`)
}

export type NewAttempt = {
  readonly attempt: string
  readonly wallet: string
  readonly asset: string
  readonly identity: string
  readonly bytes: Uint8Array
  readonly data: JsonObject
  /** The most that the network may take besides the payouts. */
  readonly costs: readonly { readonly kind: string; readonly asset: string; readonly units: bigint }[]
  /** Number of the newest change of the ledger's settings by which its payouts were let through. */
  readonly settings: number
  readonly payouts: readonly string[]
}

/**
 * Writes attempts and reserves their payouts, which must be queued without a live attempt. Answers the payouts reserved: fewer than
 * given means that somebody else was first or has one of them in hand, and everything must be rolled back. It waits for nobody: the lane
 * is locked meanwhile, and with it everybody who posts.
 */
export function reservePayouts(lane: bigint, attempts: readonly NewAttempt[], now: Temporal.Instant): Statement {
  const members = attempts.flatMap(({ attempt, payouts }) => payouts.map((payout, position) => ({ attempt, payout, position })))
  return {
    name: 'reserve-payouts',
    text: `with ${lockedNamed('select * from unnest($9::uuid[], $10::uuid[]) as row (attempt, payout)', 'payout.state = any ($12::text[]) and payout.live_attempt is null', ' skip locked')},
      attempt as (
        insert into apportion.attempt (lane, attempt, wallet, asset, state, identity, bytes, data, costs, settings, look_at, submit_at,
          prepared_at)
        select $1, row.attempt, row.wallet, row.asset, 'prepared', row.identity, row.bytes, row.data, row.costs, row.settings, $8, $8, $8
        from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::jsonb[], $13::jsonb[], $14::integer[])
          as row (attempt, wallet, asset, identity, bytes, data, costs, settings)
      ), member as (
        insert into apportion.attempt_payout (lane, attempt, payout, position)
        select $1, row.attempt, row.payout, row.position from unnest($9::uuid[], $10::uuid[], $11::smallint[]) as row (attempt, payout, position)
      )
      update apportion.payout
      set state = 'reserved', live_attempt = locked.attempt, batch = null, due_at = null, changed_at = $8
      from locked
      where ${OF_LOCKED}
      returning payout.payout, payout.units`,
    values: [
      lane,
      plainArray(attempts.map(({ attempt }) => attempt)),
      plainArray(attempts.map(({ wallet }) => wallet)),
      attempts.map(({ asset }) => asset),
      attempts.map(({ identity }) => identity),
      bytesArray(attempts.map(({ bytes }) => bytes)),
      attempts.map(({ data }) => JSON.stringify(data)),
      now.toString(),
      plainArray(members.map(({ attempt }) => attempt)),
      plainArray(members.map(({ payout }) => payout)),
      plainArray(members.map(({ position }) => position)),
      plainArray(payoutStatesBefore('reserve')),
      attempts.map(({ costs }) => JSON.stringify(costs.map((cost) => ({ ...cost, units: cost.units.toString() })))),
      plainArray(attempts.map(({ settings }) => settings)),
    ],
  }
}

export type LiveAttempt = {
  readonly lane: bigint
  readonly attempt: string
  readonly wallet: string
  readonly asset: string
  readonly state: AttemptState['state']
  readonly identity: string
  readonly bytes: Uint8Array
  readonly data: JsonObject
  readonly submits: number
  readonly submit_due: boolean
  /** What was last said of it: by a look that proved nothing, or else by the network that it was sent to. */
  readonly reason: string | null
  /** Looks in a row that proved nothing. */
  readonly looks: number
  readonly payouts: readonly {
    readonly payout: string
    readonly recipient: string
    readonly units: string
    readonly destination: JsonObject
    readonly tries: number
  }[]
}

/** Live attempts of a lane ($1) that are due for a look at an instant ($2). */
export const DUE_ATTEMPTS = `lane = $1 and ended_at is null and look_at <= $2`

/** Live attempts of a lane that are due for a look, the longest waiting first, each with its payouts in the order of the message. */
export async function dueAttempts(on: Queryable, lane: bigint, now: Temporal.Instant, limit: number): Promise<LiveAttempt[]> {
  return await rows(on, {
    text: `select attempt.lane, attempt.attempt, attempt.wallet, attempt.asset, attempt.state, attempt.identity, attempt.bytes, attempt.data,
        attempt.submits, coalesce(attempt.submit_at <= $2, false) as submit_due, attempt.reason, attempt.looks, member.payouts
      from (
        select * from apportion.attempt where ${DUE_ATTEMPTS} order by look_at limit $3
      ) attempt
      cross join lateral (
        select jsonb_agg(jsonb_build_object('payout', payout.payout, 'recipient', payout.recipient, 'units', payout.units::text,
          'destination', payout.destination, 'tries', payout.tries) order by attempt_payout.position) as payouts
        from apportion.attempt_payout
        join apportion.payout on payout.lane = attempt_payout.lane and payout.payout = attempt_payout.payout
        where attempt_payout.lane = $1 and attempt_payout.attempt = attempt.attempt
      ) member
      order by attempt.look_at`,
    values: [lane, now.toString(), limit],
  })
}

/** Units that live attempts of a wallet may still take, costs of the network included, over all lanes of its ledger. */
export async function committedOf(on: Queryable, wallet: string): Promise<{ asset: string; units: bigint }[]> {
  return await rows(on, {
    text: `with live as materialized (
        select lane, attempt, asset, costs from apportion.attempt where wallet = $1 and ended_at is null
      ), taken as (
        select live.asset, payout.units from live join apportion.payout on payout.lane = live.lane and payout.live_attempt = live.attempt
        union all
        select cost.asset, cost.units from live cross join lateral jsonb_to_recordset(live.costs) as cost (asset text, units numeric)
      )
      select asset, sum(units) as units from taken group by asset order by asset collate "C"`,
    values: [wallet],
  })
}

export type SubmitAnswer = {
  readonly attempt: string
  readonly state: 'submitted' | 'unknown'
  readonly reason: string
  readonly lookAt: Temporal.Instant
  readonly submitAt: Temporal.Instant
}

/**
 * Keeps what submitting answered. It never ends an attempt, and where the last look proved nothing, that stands: taking bytes again
 * answers nothing of what the look asked.
 */
export async function recordSubmits(on: Queryable, lane: bigint, answers: readonly SubmitAnswer[]): Promise<void> {
  await rows(on, {
    text: `with ${live('$7')}
      update apportion.attempt
      set state = case when looks = 0 then row.state else attempt.state end,
        reason = case when looks = 0 then row.reason else attempt.reason end,
        look_at = case when looks = 0 then row.look_at else attempt.look_at end,
        submits = submits + 1, submit_at = row.submit_at
      from unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[]) as row (attempt, state, reason, look_at, submit_at)
      join locked_attempt on locked_attempt.attempt = row.attempt
      where attempt.lane = $1 and attempt.attempt = row.attempt`,
    values: [
      lane,
      plainArray(answers.map(({ attempt }) => attempt)),
      plainArray(answers.map(({ state }) => state)),
      answers.map(({ reason }) => reason),
      plainArray(answers.map(({ lookAt }) => lookAt.toString())),
      plainArray(answers.map(({ submitAt }) => submitAt.toString())),
      LIVE,
    ],
  })
}

export type OpenLook = {
  readonly attempt: string
  readonly state: AttemptState['state']
  readonly reason: string | null
  readonly looks: number
  readonly lookAt: Temporal.Instant
  /** Known past its validity: it is not sent again. */
  readonly expired: boolean
}

/** Keeps what looks said that ended nothing, and when to look again. */
export async function recordLooks(on: Queryable, lane: bigint, looks: readonly OpenLook[]): Promise<void> {
  await rows(on, {
    text: `with ${live('$8')}
      update apportion.attempt
      set state = row.state, reason = row.reason, looks = row.looks, look_at = row.look_at,
        submit_at = case when row.expired then null else submit_at end
      from unnest($2::uuid[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[], $7::boolean[])
        as row (attempt, state, reason, looks, look_at, expired)
      join locked_attempt on locked_attempt.attempt = row.attempt
      where attempt.lane = $1 and attempt.attempt = row.attempt`,
    values: [
      lane,
      plainArray(looks.map(({ attempt }) => attempt)),
      plainArray(looks.map(({ state }) => state)),
      looks.map(({ reason }) => reason),
      plainArray(looks.map(({ looks: count }) => count)),
      plainArray(looks.map(({ lookAt }) => lookAt.toString())),
      plainArray(looks.map(({ expired }) => expired)),
      LIVE,
    ],
  })
}

export type AttemptEnd = {
  readonly attempt: string
  readonly state: 'settled' | 'failed' | 'never'
  readonly reason: string | null
  readonly proof: JsonObject
  readonly payouts: readonly PayoutEnd[]
}

/** Where a payout goes when its attempt has ended. */
export type PayoutEnd = {
  readonly payout: string
  readonly state: 'settled' | 'queued' | 'held'
  readonly reason: PayoutHold | null
  readonly detail: string | null
  readonly dueAt: Temporal.Instant | null
  readonly batch: string | null
  readonly tries: number
}

/** The payouts of the attempts that end now, and where each of them goes. */
const ENDED_MEMBERS = `select * from unnest($7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::uuid[], $14::integer[])
            as row (attempt, payout, state, reason, detail, due_at, batch, tries)
          where attempt = any (array(select attempt from ended))`

/**
 * Ends live attempts and moves their payouts on, with a settlement for each that was paid. An attempt that has ended already, and a
 * payout whose live attempt is another one, are left alone. Answers the payouts moved, for the ledger's transfers.
 */
export function endAttempts(lane: bigint, ends: readonly AttemptEnd[], now: Temporal.Instant): Statement {
  const members = ends.flatMap(({ attempt, payouts }) => payouts.map((payout) => ({ attempt, ...payout })))
  return {
    name: 'end-attempts',
    text: `with ${lockedAttempts('attempt.lane = $1 and attempt.attempt = any ($3::uuid[]) and attempt.state = any ($15::text[])')}, ended as (
        update apportion.attempt set state = row.state, reason = row.reason, proof = row.proof, ended_at = $2, look_at = null, submit_at = null
        from unnest($3::uuid[], $4::text[], $5::text[], $6::jsonb[]) as row (attempt, state, reason, proof)
        join locked_attempt on locked_attempt.attempt = row.attempt
        where attempt.lane = $1 and attempt.attempt = row.attempt
        returning attempt.attempt
      ), ${lockedNamed(ENDED_MEMBERS, `payout.live_attempt is not distinct from asked.attempt
            and payout.state = any (case asked.state when 'settled' then $16::text[] when 'queued' then $17::text[] else $18::text[] end)`)}, moved as (
        update apportion.payout
        set state = locked.state, live_attempt = null, reason = locked.reason, detail = locked.detail, due_at = locked.due_at,
          batch = locked.batch, tries = locked.tries, changed_at = $2
        from locked
        where ${OF_LOCKED}
        returning payout.payout, payout.state, locked.attempt
      ), settlement as (
        insert into apportion.settlement (lane, payout, attempt, settled_at)
        select $1, payout, attempt, $2 from moved where state = 'settled'
      )
      select attempt, payout from moved
      union all
      select attempt, null from ended where attempt <> all (array(select attempt from moved))`,
    values: [
      lane,
      now.toString(),
      plainArray(ends.map(({ attempt }) => attempt)),
      plainArray(ends.map(({ state }) => state)),
      ends.map(({ reason }) => reason),
      ends.map(({ proof }) => JSON.stringify(proof)),
      plainArray(members.map(({ attempt }) => attempt)),
      plainArray(members.map(({ payout }) => payout)),
      plainArray(members.map(({ state }) => state)),
      members.map(({ reason }) => reason),
      members.map(({ detail }) => detail),
      plainArray(members.map(({ dueAt }) => dueAt?.toString() ?? null)),
      plainArray(members.map(({ batch }) => batch)),
      plainArray(members.map(({ tries }) => tries)),
      LIVE,
      ...(['settle', 'release', 'fail'] as const).map((action) => plainArray(payoutStatesBefore(action))),
    ],
  }
}

/** Which of these identities are attempts of ours. */
export async function ownIdentities(on: Queryable, wallet: string, identities: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await rows<{ identity: string }>(on, {
    text: `select identity from apportion.attempt where wallet = $1 and identity = any ($2::text[])`,
    values: [wallet, identities],
  })
  return new Set(found.map(({ identity }) => identity))
}

export type AttemptRow = {
  readonly attempt: string
  readonly state: AttemptState['state']
  readonly identity: string
  readonly submits: number
  readonly reason: string | null
  readonly proof: JsonObject | null
  readonly prepared_at: Temporal.Instant
  readonly ended_at: Temporal.Instant | null
}

/** All attempts that ever held these payouts, by payout, oldest first. */
export async function attemptsOfPayouts(
  on: Queryable,
  lane: bigint,
  payouts: readonly string[],
): Promise<(AttemptRow & { readonly payout: string })[]> {
  return await rows(on, {
    text: `select attempt_payout.payout, attempt.attempt, attempt.state, attempt.identity, attempt.submits, attempt.reason, attempt.proof,
        attempt.prepared_at, attempt.ended_at
      from apportion.attempt_payout
      join apportion.attempt on attempt.lane = attempt_payout.lane and attempt.attempt = attempt_payout.attempt
      where attempt_payout.lane = $1 and attempt_payout.payout = any ($2::uuid[])
      order by attempt_payout.payout, attempt.prepared_at, attempt.attempt`,
    values: [lane, plainArray(payouts)],
  })
}
