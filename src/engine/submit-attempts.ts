// Sends committed attempts: the same bytes each time. Whatever the network answers, only a look can end an attempt.

import { present } from '../core/assert.ts'
import type { Rail, RailAttempt, Submission } from '../rails/rail.ts'
import { recordSubmits, type SubmitAnswer } from '../store/attempt.ts'
import type { ReadyAttempt } from './prepare-attempts.ts'
import type { World } from './world.ts'

/** Submissions in flight at once. */
const MAX_CONCURRENT = 32

/** How soon to look after sending and after a look, and to send the same bytes again when nothing is known. Given by the ledger's network. */
export type Pace = { readonly firstLookAfterMs: number; readonly lookAfterMs: number; readonly resendAfterMs: number }

/** Sends attempts of one lane and keeps the answers. Sending again is harmless: the identity and the bytes are the same. */
export async function submitAttempts(
  world: World,
  rail: Rail,
  { lane, attempts, pace }: { lane: bigint; attempts: readonly ReadyAttempt[]; pace: Pace },
): Promise<void> {
  for (let start = 0; start < attempts.length; start += MAX_CONCURRENT) {
    const group = attempts.slice(start, start + MAX_CONCURRENT)
    const answers = await Promise.all(group.map(async (attempt) => await submit(world, rail, attempt)))
    const now = world.now()
    await recordSubmits(
      world.store.pool,
      lane,
      answers.map((answer, index): SubmitAnswer => {
        return {
          attempt: present(group[index], 'attempt').attempt,
          state: answer.state === 'accepted' ? 'submitted' : 'unknown',
          reason: describe(answer),
          lookAt: now.add({ milliseconds: pace.firstLookAfterMs }),
          submitAt: now.add({ milliseconds: pace.resendAfterMs }),
        }
      }),
    )
  }
}

/** What cannot even be sent is unknown by itself, and keeps no other from being sent. */
async function submit({ log }: Pick<World, 'log'>, rail: Rail, attempt: ReadyAttempt): Promise<Submission> {
  try {
    return await rail.submit(railAttempt(attempt))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log('error', 'an attempt could not be sent', { attempt: attempt.attempt, identity: attempt.identity, reason })
    return { state: 'unknown', reason }
  }
}

export function railAttempt({ identity, bytes, data, members }: ReadyAttempt): RailAttempt {
  return { identity, bytes, data, payouts: members }
}

function describe(answer: Submission): string {
  return answer.state === 'accepted' ? 'accepted' : `${answer.state}: ${answer.reason}`
}
