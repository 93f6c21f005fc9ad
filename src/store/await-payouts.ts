// Payouts that wait for a person: put there, let go, turned away. Each is one conditional, set-based update, which takes its rows in
// the one order of payouts.

import { payoutStatesBefore } from '../core/payout.ts'
import { lockedPayouts, OF_LOCKED } from './payout-lock.ts'
import { plainArray, rows, type Queryable } from './statement.ts'

/** The payouts named, in a state from which they may go on. */
function named(states: string, more = ''): string {
  return lockedPayouts(`payout.lane = $1 and payout.payout = any ($2::uuid[]) and payout.state = any (${states}::text[])${more}`)
}

type On = { readonly lanes: readonly bigint[]; readonly payouts: readonly string[]; readonly at: Temporal.Instant }

/** The payouts that were moved, lane by lane: where lanes are spread over machines, a statement locks rows of one of them. */
async function ofEachLane(lanes: readonly bigint[], move: (lane: bigint) => Promise<{ payout: string }[]>): Promise<readonly string[]> {
  const moved: string[] = []
  for (const lane of lanes) moved.push(...(await move(lane)).map(({ payout }) => payout))
  return moved
}

/** Lets queued payouts wait for an approval. */
export async function awaitApprovals(on: Queryable, { lanes, payouts, at }: On): Promise<void> {
  for (const lane of lanes) await rows(on, {
    text: `with ${named('$4')}
      update apportion.payout set state = 'awaiting_approval', due_at = null, batch = null, changed_at = $3 from locked where ${OF_LOCKED}`,
    values: [lane, plainArray(payouts), at.toString(), plainArray(payoutStatesBefore('await'))],
  })
}

/** Queues payouts that were approved: those that waited for it, and those that had been rejected. Answers which. */
export async function queueApproved(on: Queryable, { lanes, payouts, at }: On): Promise<readonly string[]> {
  return await ofEachLane(lanes, async (lane) => await rows<{ payout: string }>(on, {
    text: `with ${named('$4', ` and (payout.state <> 'held' or payout.reason = 'rejected')`)}
      update apportion.payout set state = 'queued', reason = null, detail = null, due_at = $3, changed_at = $3
      from locked where ${OF_LOCKED}
      returning payout.payout`,
    values: [lane, plainArray(payouts), at.toString(), plainArray(payoutStatesBefore('approve'))],
  }))
}

/** Holds payouts that a person rejected, until somebody approves them after all: no time and no money wakes them. */
export async function holdRejected(on: Queryable, { lanes, payouts, at, detail }: On & { readonly detail: string }): Promise<readonly string[]> {
  return await ofEachLane(lanes, async (lane) => await rows<{ payout: string }>(on, {
    text: `with ${named('$5')}
      update apportion.payout set state = 'held', reason = 'rejected', detail = $4, due_at = null, changed_at = $3
      from locked where ${OF_LOCKED}
      returning payout.payout`,
    values: [lane, plainArray(payouts), at.toString(), detail, plainArray(payoutStatesBefore('reject'))],
  }))
}

/** Queues what waits for an approval that nobody asks for any more. */
export async function releaseUnasked(
  on: Queryable,
  { lanes, above, at }: { lanes: readonly bigint[]; above: Readonly<Record<string, string>>; at: Temporal.Instant },
): Promise<void> {
  for (const lane of lanes) await rows(on, {
    text: `with ${lockedPayouts(`payout.lane = $1 and payout.state = 'awaiting_approval' and not exists (
          select from unnest($3::text[], $4::numeric[]) as asked (asset, above) where asked.asset = payout.asset and payout.units > asked.above
        )`)}
      update apportion.payout set state = 'queued', due_at = $2, changed_at = $2 from locked where ${OF_LOCKED}`,
    values: [lane, at.toString(), Object.keys(above), plainArray(Object.values(above))],
  })
}

/** Locks payouts until the transaction ends, those of these lanes that exist. */
export async function lockPayouts(on: Queryable, { lanes, payouts }: Omit<On, 'at'>): Promise<void> {
  for (const lane of lanes) await rows(on, {
    text: `select from apportion.payout where lane = $1 and payout = any ($2::uuid[]) order by payout for no key update`,
    values: [lane, plainArray(payouts)],
  })
}
