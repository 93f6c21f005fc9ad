// Sending what is due of a lane: while the attempts of one pass are committed and on their way to the network, those of the next are packed
// and signed. The order of the law is that of each attempt: it is sent when it is committed, and not before.

import { commitAttempts, signDue, type SendingLane, type SignedQueue } from './prepare-attempts.ts'
import { submitAttempts, type Pace } from './submit-attempts.ts'
import type { World } from './world.ts'

/** Passes of one step, so that whoever wants the worker to stop, or the lane for itself, waits for a few. */
const MAX_PASSES = 4

/**
 * Prepares and sends. Answers whether there was anything; there may be more. Refuses as `signDue` does. Should a pass fail, those before it are
 * sent all the same; what was committed and not sent is due for a look, which sends it.
 */
export async function sendPayouts(world: World, at: SendingLane, pace: Pace): Promise<boolean> {
  const { lane, rail } = at
  const outcomes: Promise<readonly PromiseSettledResult<unknown>[]>[] = []
  let signed = await signDue(world, at, [])
  const hadAny = signed.length > 0
  for (let pass = 1; signed.length > 0; pass += 1) {
    const committing = commitAttempts(world, lane, signed)
    // The next pass waits for its commit, and not for the network: its blockhash grows old.
    outcomes.push(Promise.allSettled([committing.then(async (attempts) => await submitAttempts(world, rail, { lane, attempts, pace }))]))
    const signing: Promise<readonly SignedQueue[]> = pass < MAX_PASSES ? signDue(world, at, signed) : Promise.resolve([])
    const [committed, found] = await Promise.allSettled([committing, signing])
    if (found.status === 'rejected') outcomes.push(Promise.resolve([found]))
    if (committed.status === 'rejected' || found.status === 'rejected') break
    signed = found.value
  }
  const failed = (await Promise.all(outcomes)).flat().find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return hadAny
}
