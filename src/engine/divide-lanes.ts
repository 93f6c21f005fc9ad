// Divides the lanes of all ledgers among the workers on one database, so that several processes work in parallel and none does what another is
// doing. It is a matter of economy: each step of the work is safe by itself, and two workers on a lane for a moment do no harm.

import { decideSlots, NOTHING_REMEMBERED, slotOf, slotsOf } from '../core/lane-slots.ts'
import { openLaneLocks } from '../store/lane-locks.ts'
import type { Ledger } from './ledger.ts'
import type { World } from './world.ts'

export type LaneDivision = {
  /** Whether this worker works on a lane now. */
  readonly isMine: (lane: bigint) => boolean
  /** Looks who is there and takes, keeps or leaves lanes. `failing`: those whose work fails here, for others to try. */
  readonly look: (ledgers: readonly Pick<Ledger, 'id' | 'lanes'>[], failing: readonly bigint[]) => Promise<void>
  /** Leaves all lanes to the others. */
  readonly end: () => Promise<void>
}

export function divideLanes({ store }: Pick<World, 'store'>): LaneDivision {
  const locks = openLaneLocks(store.pool)
  let memory = NOTHING_REMEMBERED
  let mine: ReadonlySet<number> = new Set()
  return {
    // While the database is away the last division holds: whatever is done then fails or is safe.
    isMine: (lane) => mine.has(slotOf(lane)),
    look: async (ledgers, failing) => {
      const wanted = slotsOf(ledgers)
      const seen = await locks.look(wanted.size > 0)
      const { leave, take, memory: remembered } = decideSlots({ ...seen, wanted, failing: new Set(failing.map(slotOf)) }, memory)
      memory = remembered
      const left = new Set(leave)
      const kept = [...seen.mine].filter((slot) => !left.has(slot))
      // No step is begun on what is about to be left.
      mine = new Set(kept)
      mine = new Set([...kept, ...(await locks.change({ leave, take }))])
    },
    end: async () => {
      mine = new Set()
      await locks.release()
    },
  }
}
