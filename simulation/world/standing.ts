// How payouts stand at the end, looked up once no fault is left: what is still under way, and what waits with which reason.

import type { Pool } from 'pg'

export type Standing = {
  readonly payouts: number
  readonly settled: number
  readonly held: number
  /** What will still move, in words; empty when all is still. */
  readonly moving: readonly string[]
}

/** More than any wallet is given. */
const PAYABLE = 10n ** 15n

type Row = { readonly state: string; readonly reason: string | null; readonly payouts: bigint; readonly payable: bigint; readonly unlocked: bigint; readonly open: bigint }
type Work = { readonly rows: bigint; readonly distributions: bigint; readonly shares: bigint }

/** Reasons that end with money and thawed accounts, both of which are there in the end. */
const PASSING: ReadonlySet<string | null> = new Set(['no_funds', 'frozen', 'no_paying_wallet'])

/** What waits for something else than time is tried again now and then, and waits on: only beyond this has nobody come to try it. */
const TRIED_AGAIN_SECONDS = 30

export type Looking = {
  readonly now: Temporal.Instant
  readonly forgotten: boolean
  /** What the wallets have on the network, which their ledgers must have seen. */
  readonly onChain: readonly { readonly ledger: string; readonly asset: string; readonly units: bigint }[]
}

/**
 * As it stands at an instant. A share that is locked stands still until its day; and where a network forgot its history for good, so does
 * what is unknown of what was sent before, until somebody who knows says what became of it. All else that was sent is looked at again.
 */
export async function readStanding(pool: Pool, { now, forgotten, onChain }: Looking): Promise<Standing> {
  const { rows } = await pool.query<Row>(
    `select state, reason, count(*) as payouts, count(*) filter (where (locked_until is null or locked_until <= $2) and (state <> 'queued' or tries = 0 or changed_at <= $3)) as unlocked,
      count(*) filter (where exists (select from apportion.attempt where attempt.lane = payout.lane and attempt.attempt = payout.live_attempt and attempt.state <> 'unknown')) as open,
      count(*) filter (where units < $1 and (locked_until is null or locked_until <= $2)) as payable
      from apportion.payout group by state, reason order by state, reason`,
    [PAYABLE.toString(), now.toString(), now.subtract({ seconds: TRIED_AGAIN_SECONDS }).toString()],
  )
  const sum = (of: (row: Row) => boolean): number => rows.filter(of).reduce((total, { payouts }) => total + Number(payouts), 0)
  const standing = { payouts: sum(() => true), settled: sum(({ state }) => state === 'settled'), held: sum(({ state }) => state === 'held') }
  const moving = [
    ...rows.flatMap(({ state, unlocked, open }) => ((state === 'queued' || (state === 'reserved' && (!forgotten || open > 0n))) && unlocked > 0n ? [`${unlocked} payouts are ${state}`] : [])),
    ...rows.flatMap(({ state, reason, payable }) => (state === 'held' && PASSING.has(reason) && payable > 0n ? [`${payable} payouts are held for ${reason}`] : [])),
  ]
  // The rest is looked for once payouts stand still: until then it is enough that something moves.
  if (moving.length > 0) return { ...standing, moving }
  const undone = await unfinished(pool)
  return { ...standing, moving: undone.length > 0 || forgotten ? undone : await unseen(pool, onChain) }
}

/** What is still to become payouts. */
async function unfinished(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<Work>(
    `select (select count(*) from apportion.inbox where state = 'queued') as rows,
      (select count(*) from apportion.distribution where state <> 'complete' or payout_transfer < last_transfer) as distributions,
      (select count(*) from apportion.transfer where kind = 'share'
        and number > coalesce((select transfer from apportion.payout_cursor where payout_cursor.lane = transfer.lane), 0)) as shares`,
  )
  return rows.flatMap(({ rows: inbox, distributions, shares }) => [
    ...(inbox > 0n ? [`${inbox} rows are queued`] : []),
    ...(distributions > 0n ? [`${distributions} distributions are not complete, or not yet payouts`] : []),
    ...(shares > 0n ? [`${shares} shares are in no payout`] : []),
  ])
}

async function unseen(pool: Pool, onChain: Looking['onChain']): Promise<readonly string[]> {
  const { rows } = await pool.query<{ ledger: string; asset: string; units: bigint }>(
    `select ledger.name as ledger, account.asset, sum(last.debits - last.credits) as units
      from apportion.ledger join apportion.lane using (ledger) join apportion.account using (lane)
      cross join lateral (select debits, credits from apportion.balance where balance.lane = account.lane and balance.account = account.number order by transfer desc limit 1) last
      where account.name like 'wallet:%' group by 1, 2`,
  )
  const seen = new Map(rows.map(({ ledger, asset, units }) => [`${ledger} ${asset}`, units]))
  return onChain.flatMap(({ ledger, asset, units }) => {
    const known = seen.get(`${ledger} ${asset}`) ?? 0n
    return known === units ? [] : [`${ledger} knows of ${known} ${asset} in its wallet, which has ${units}`]
  })
}
