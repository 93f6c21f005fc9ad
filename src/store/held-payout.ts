// Payouts that wait, and what ends it: their time, money, or company. Those too small for their destination wait as one: one of them keeps
// the time for all, so that however many there are, asking again costs as much as for one.

import { payoutStatesBefore, type PayoutHold } from '../core/payout.ts'
import { lockedNamed, lockedPayouts, OF_LOCKED } from './payout-lock.ts'
import { plainArray, rows, type Queryable } from './statement.ts'

export type Hold = { readonly payout: string; readonly reason: PayoutHold; readonly detail: string; readonly dueAt: Temporal.Instant | null }

/** Held payouts of a lane ($1) whose time to be tried again has come at an instant ($2). */
export const HELD_DUE = `lane = $1 and state = 'held' and due_at <= $2`

/** Whether two rows go to one destination, from one wallet, in one asset. */
function same(one: string, other: string): string {
  return `${one}.wallet = ${other}.wallet and ${one}.asset = ${other}.asset and ${one}.destination = ${other}.destination`
}

/** Whether a row is held because it is too small for its destination. */
function small(one: string): string {
  return `${one}.lane = $1 and ${one}.state = 'held' and ${one}.reason = 'below_minimum'`
}

/**
 * Holds payouts in a state that may be held; others are left alone, and so are those that a person has turned away meanwhile. One that is
 * too small for its destination has no time of its own where another one, held before, keeps the time for it.
 */
export async function holdPayouts(on: Queryable, lane: bigint, holds: readonly Hold[], now: Temporal.Instant): Promise<void> {
  await rows(on, {
    text: `with ${lockedNamed('select * from unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as row (payout, reason, detail, due_at)', `payout.state = any ($7::text[]) and payout.reason is distinct from 'rejected'`)}
      update apportion.payout
      set state = 'held', reason = locked.reason, detail = locked.detail, batch = null, tries = tries + 1, changed_at = $6,
        due_at = case when locked.reason = 'below_minimum' and exists (
          select from apportion.payout keeper
          where ${small('keeper')} and ${same('keeper', 'payout')} and keeper.due_at is not null and keeper.payout <> all ($2::uuid[])
        ) then null else locked.due_at end
      from locked
      where ${OF_LOCKED}`,
    values: [
      lane,
      plainArray(holds.map(({ payout }) => payout)),
      holds.map(({ reason }) => reason),
      holds.map(({ detail }) => detail),
      plainArray(holds.map(({ dueAt }) => dueAt?.toString() ?? null)),
      now.toString(),
      plainArray(payoutStatesBefore('hold')),
    ],
  })
}

/**
 * Queues held payouts whose time to be tried again has come, the longest waiting first; answers how many were looked at. Of those too
 * small for their destination one alone is tried: it shows what the destination wants now. The largest of the others keeps the time for
 * them until `recheckAt`, should nothing else wake them before.
 */
export async function requeueHeld(
  on: Queryable,
  { lane, now, recheckAt, limit }: { lane: bigint; now: Temporal.Instant; recheckAt: Temporal.Instant; limit: number },
): Promise<number> {
  const changed = await rows<{ due: boolean }>(on, {
    text: `with due as materialized (
        select payout, wallet, asset, destination, reason from apportion.payout
        where ${HELD_DUE} and destination is not null
        order by due_at
        limit $4
      ), small as materialized (
        select payout, wallet, asset, destination, row_number() over (partition by wallet, asset, destination order by payout) as place
        from due where reason = 'below_minimum'
      ), keeper as materialized (
        select largest.payout
        from small
        cross join lateral (
          select mate.payout from apportion.payout mate
          where ${small('mate')} and ${same('mate', 'small')} and mate.payout <> small.payout
          order by mate.units desc, mate.payout
          limit 1
        ) largest
        where small.place = 1
      ), ${lockedPayouts(`payout.lane = $1 and payout.state = 'held' and payout.payout = any (array(select payout from due union select payout from keeper))`)}
      update apportion.payout
      set state = case when found.goes then 'queued' else 'held' end,
        reason = case when not found.goes then payout.reason end,
        detail = case when not found.goes then payout.detail end,
        due_at = case when found.goes then $2 when found.keeps then $3::timestamptz end,
        batch = null,
        changed_at = case when found.goes then $2 else payout.changed_at end
      from (
        select locked.payout, coalesce(small.place = 1, keeper.payout is null) as goes, keeper.payout is not null as keeps,
          due.payout is not null as due
        from locked
        left join due on due.payout = locked.payout
        left join small on small.payout = locked.payout
        left join keeper on keeper.payout = locked.payout
      ) found
      where payout.lane = $1 and payout.payout = found.payout
      returning found.due`,
    values: [lane, now.toString(), recheckAt.toString(), limit],
  })
  return changed.filter(({ due }) => due).length
}

/** A payout that is too small by itself, and the units that those of its destination must come to together. */
export type Shortfall = { readonly payout: string; readonly enough: bigint }

/**
 * Queues held payouts that are large enough together, the largest of each destination first and `atMost` of them (as many as can go at
 * once), as one batch each. Where they are not enough, nothing changes.
 */
export async function queueTogether(
  on: Queryable,
  { lane, shortfalls, atMost, now, recheckAt }: { lane: bigint; shortfalls: readonly Shortfall[]; atMost: number; now: Temporal.Instant; recheckAt: Temporal.Instant },
): Promise<void> {
  await rows(on, {
    text: `with destination as materialized (
        select distinct on (one.wallet, one.asset, one.destination) one.payout, one.wallet, one.asset, one.destination, asked.enough
        from unnest($2::uuid[], $3::numeric[]) as asked (payout, enough)
        join apportion.payout one on ${small('one')} and one.payout = asked.payout
        order by one.wallet, one.asset, one.destination, asked.enough desc
      ), member as materialized (
        select mate.payout, destination.payout as batch, destination.enough, mate.place,
          sum(mate.units) filter (where mate.place <= $4) over (partition by destination.payout) as units
        from destination
        cross join lateral (
          select found.payout, found.units, row_number() over (order by found.units desc, found.payout) as place
          from (
            select mate.payout, mate.units from apportion.payout mate
            where ${small('mate')} and ${same('mate', 'destination')}
            order by mate.units desc, mate.payout
            limit $4 + 1
          ) found
        ) mate
      ), ${lockedPayouts(`${small('payout')} and payout.payout = any (array(select payout from member where units >= enough))`)}
      update apportion.payout
      set state = case when member.place <= $4 then 'queued' else 'held' end,
        reason = case when member.place > $4 then payout.reason end,
        detail = case when member.place > $4 then payout.detail end,
        due_at = case when member.place <= $4 then $5 else $6::timestamptz end,
        batch = case when member.place <= $4 then member.batch end,
        changed_at = case when member.place <= $4 then $5 else payout.changed_at end
      from locked join member on member.payout = locked.payout
      where payout.lane = $1 and payout.payout = locked.payout`,
    values: [
      lane,
      plainArray(shortfalls.map(({ payout }) => payout)),
      plainArray(shortfalls.map(({ enough }) => enough)),
      atMost,
      now.toString(),
      recheckAt.toString(),
    ],
  })
}

/** Queues payouts that were too small for a destination where one of these has arrived: it is there now. */
export async function queueNeighbours(
  on: Queryable,
  { lane, settled, now, limit }: { lane: bigint; settled: readonly string[]; now: Temporal.Instant; limit: number },
): Promise<void> {
  await rows(on, {
    text: `with destination as materialized (
        select distinct wallet, asset, destination from apportion.payout
        where lane = $1 and payout = any ($2::uuid[]) and state = 'settled'
          and exists (select from apportion.payout waiting where ${small('waiting')})
      ), neighbour as materialized (
        select mate.payout from destination join apportion.payout mate on ${small('mate')} and ${same('mate', 'destination')} limit $4
      ), ${lockedPayouts(`${small('payout')} and payout.payout = any (array(select payout from neighbour))`)}
      update apportion.payout set state = 'queued', reason = null, detail = null, due_at = $3, batch = null, changed_at = $3
      from locked where payout.lane = $1 and payout.payout = locked.payout`,
    values: [lane, plainArray(settled), now.toString(), limit],
  })
}

/** Makes due what waits for money in a wallet, lane by lane. No clock is read: the earliest instant is due at any time. */
export async function wakeUnfunded(on: Queryable, lanes: readonly bigint[], wallet: string): Promise<void> {
  for (const lane of lanes) {
    await rows(on, {
      text: `with ${lockedPayouts(`payout.lane = $1 and payout.wallet = $2 and payout.state = 'held' and payout.reason = 'no_funds'`)}
        update apportion.payout set due_at = to_timestamp(0) from locked where ${OF_LOCKED}`,
      values: [lane, wallet],
    })
  }
}
