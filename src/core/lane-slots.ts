// How several workers on one database divide the lanes among them, as a pure decision. Lanes fall into slots, which are what a worker holds:
// there may be any number of lanes, and a lock for each would fill the database's table of locks.

/** As many workers at most can share the work of a ledger with enough lanes. */
export const SLOTS = 1024

/** Slots seen free for so many looks in a row are nobody's: whoever sees it takes them, whatever its part. */
const ORPHANED_AFTER = 3
/** A slot that was given up because its work failed here is left to others for so many looks. */
const SHUNNED_FOR = 10

/** Lanes are random numbers, so their remainders are spread evenly. */
export function slotOf(lane: bigint): number {
  return Number(lane % BigInt(SLOTS))
}

export type SlotView = {
  /** The slots of the lanes that this worker can work on. */
  readonly wanted: ReadonlySet<number>
  readonly mine: ReadonlySet<number>
  readonly others: ReadonlySet<number>
  /** Workers that want anything, this one included. */
  readonly workers: number
  /** Slots whose work is failing here. */
  readonly failing: ReadonlySet<number>
}

/** What a worker remembers from look to look: for how many looks a slot was free, and for how many more it is shunned. */
export type SlotMemory = { readonly free: ReadonlyMap<number, number>; readonly shunned: ReadonlyMap<number, number> }

export const NOTHING_REMEMBERED: SlotMemory = { free: new Map(), shunned: new Map() }

export type SlotDecision = { readonly leave: readonly number[]; readonly take: readonly number[]; readonly memory: SlotMemory }

/**
 * What to leave and what to take at a look. Each worker takes its part and leaves what it has beyond it, so that with equal workers every slot
 * soon has one, and a worker that comes gets its part. It gives up what fails here while there are others to try it.
 */
export function decideSlots({ wanted, mine, others, workers, failing }: SlotView, memory: SlotMemory): SlotDecision {
  const part = Math.ceil(wanted.size / Math.max(1, workers))
  const shunned = new Map([...memory.shunned].filter(([, looks]) => looks > 1).map(([slot, looks]) => [slot, looks - 1]))
  if (workers > 1) for (const slot of failing) if (mine.has(slot)) shunned.set(slot, SHUNNED_FOR)
  const kept = [...mine].filter((slot) => wanted.has(slot) && !shunned.has(slot))
  const free = [...wanted].filter((slot) => !mine.has(slot) && !others.has(slot))
  const looks = new Map(free.map((slot) => [slot, (memory.free.get(slot) ?? 0) + 1]))
  const orphans = free.filter((slot) => (looks.get(slot) ?? 0) >= ORPHANED_AFTER)
  // Nobody else is there to try it: shunned still, it would be left again at the next look.
  for (const slot of orphans) shunned.delete(slot)
  const open = free.filter((slot) => !shunned.has(slot) && !orphans.includes(slot))
  const keep = new Set(kept.slice(0, part))
  return {
    leave: [...mine].filter((slot) => !keep.has(slot)),
    take: [...orphans, ...open.slice(0, Math.max(0, part - keep.size))],
    memory: { free: looks, shunned },
  }
}
