// How several workers on one database divide the lanes among them, as a pure decision. Lanes fall into slots, which are what a worker holds:
// there may be any number of lanes, and a lock for each would fill the database's table of locks.

/** As many workers at most can share the work of a ledger with enough lanes. */
export const SLOTS = 1024

/** Slots seen free for so many looks in a row are nobody's: whoever sees it takes them, whatever its part. */
const ORPHANED_AFTER = 3
/** A slot that was given up because its work failed here is left to others for so many looks. */
const SHUNNED_FOR = 10
/** What is another's part and was left lying is kept for so many looks: longer than its worker may shun it, and not for ever. */
const ADOPTED_FOR = 12

/** Lanes are random numbers, so their remainders are spread evenly. */
export function slotOf(lane: bigint): number {
  return Number(lane % BigInt(SLOTS))
}

/** Each slot once, ledger by ledger, so that what stands side by side is of one ledger; a slot that two share is the first one's. */
export function slotsOf(ledgers: readonly { readonly id: string; readonly lanes: readonly bigint[] }[]): ReadonlySet<number> {
  const ordered = ledgers.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return new Set(ordered.flatMap(({ lanes }) => lanes.map(slotOf)))
}

export type SlotView = {
  /** The slots of the lanes that this worker can work on, in the order of `slotsOf`, which is the same for all workers. */
  readonly wanted: ReadonlySet<number>
  readonly mine: ReadonlySet<number>
  readonly others: ReadonlySet<number>
  /** Workers that want anything, this one included. */
  readonly workers: number
  /** Which of them this one is, from 0 on: all see the same order. */
  readonly place: number
  /** Slots whose work is failing here. */
  readonly failing: ReadonlySet<number>
}

/**
 * What a worker remembers from look to look: for how many looks a slot was free, for how many more it is shunned, and for how many more one
 * that is another's part is kept.
 */
export type SlotMemory = { readonly free: ReadonlyMap<number, number>; readonly shunned: ReadonlyMap<number, number>; readonly adopted: ReadonlyMap<number, number> }

export const NOTHING_REMEMBERED: SlotMemory = { free: new Map(), shunned: new Map(), adopted: new Map() }

export type SlotDecision = { readonly leave: readonly number[]; readonly take: readonly number[]; readonly memory: SlotMemory }

/**
 * What to leave and what to take at a look. The slots are dealt out to the workers in turn, as cards are: whatever the ledgers, each worker
 * gets as many of each ledger's, and as many of all, as any other, or one more or less. It depends on nothing but who is there, so that all
 * come to the same; when somebody comes or goes, most are dealt anew. A worker gives up what fails here while there are others to try it, and
 * takes for a while what is another's part and is left lying.
 */
export function decideSlots({ wanted, mine, others, workers, place, failing }: SlotView, memory: SlotMemory): SlotDecision {
  const part = new Set([...wanted].filter((_, index) => index % Math.max(1, workers) === place))
  const shunned = onward(memory.shunned)
  if (workers > 1) for (const slot of failing) if (mine.has(slot)) shunned.set(slot, SHUNNED_FOR)
  const adopted = new Map([...onward(memory.adopted)].filter(([slot]) => mine.has(slot)))
  const free = [...wanted].filter((slot) => !mine.has(slot) && !others.has(slot))
  const looks = new Map(free.map((slot) => [slot, (memory.free.get(slot) ?? 0) + 1]))
  const orphans = free.filter((slot) => (looks.get(slot) ?? 0) >= ORPHANED_AFTER)
  // Nobody else is there to try it: shunned still, it would be left again at the next look.
  for (const slot of orphans) shunned.delete(slot)
  for (const slot of orphans) if (!part.has(slot)) adopted.set(slot, ADOPTED_FOR)
  return {
    leave: [...mine].filter((slot) => !wanted.has(slot) || shunned.has(slot) || !(part.has(slot) || adopted.has(slot))),
    take: free.filter((slot) => orphans.includes(slot) || (part.has(slot) && !shunned.has(slot))),
    memory: { free: looks, shunned, adopted },
  }
}

/** A look later. */
function onward(looks: ReadonlyMap<number, number>): Map<number, number> {
  return new Map([...looks].filter(([, left]) => left > 1).map(([slot, left]) => [slot, left - 1]))
}
