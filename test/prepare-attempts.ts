// One pass of payouts up to its commit, for tests that look at what was committed before it is sent.

import type { Ledger } from '../src/engine/ledger.ts'
import { commitAttempts, signDue, type ReadyAttempt } from '../src/engine/prepare-attempts.ts'
import type { World } from '../src/engine/world.ts'
import type { Rail } from '../src/rails/rail.ts'

/** Prepares what is due on a lane. Answers the attempts committed; an empty list when nothing was due or nothing could go. Refuses as `signDue` does. */
export async function prepareAttempts(world: World, ledger: Ledger, lane: bigint, rail: Rail): Promise<readonly ReadyAttempt[]> {
  return await commitAttempts(world, lane, await signDue(world, { ledger, lane, rail }, []))
}
