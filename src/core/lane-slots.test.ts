// Dividing lanes among workers: whoever comes, goes, fails or cannot do everything, each slot soon has exactly one worker.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decideSlots, NOTHING_REMEMBERED, SLOTS, slotOf, slotsOf, type SlotMemory } from './lane-slots.ts'

type Worker = { readonly wanted: ReadonlySet<number>; mine: Set<number>; memory: SlotMemory; failing: ReadonlySet<number> }

const worker = (wanted: Iterable<number>): Worker => ({ wanted: new Set(wanted), mine: new Set(), memory: NOTHING_REMEMBERED, failing: new Set() })

/** One look of a worker. A slot is taken only if nobody has it, as a lock is. */
function look(all: readonly Worker[], one: Worker): void {
  const others = new Set(all.filter((each) => each !== one).flatMap(({ mine }) => [...mine]))
  const counted = all.filter(({ wanted }) => wanted.size > 0)
  const { leave, take, memory } = decideSlots({ ...one, others, workers: counted.length, place: Math.max(0, counted.indexOf(one)) }, one.memory)
  one.memory = memory
  for (const slot of leave) one.mine.delete(slot)
  for (const slot of take) if (!others.has(slot)) one.mine.add(slot)
}

function turn(all: readonly Worker[], rounds: number): void {
  for (let round = 0; round < rounds; round += 1) for (const one of all) look(all, one)
}

const held = (all: readonly Worker[]): readonly number[] => all.flatMap(({ mine }) => [...mine]).toSorted((a, b) => a - b)

it('gives each slot one worker, and equal workers equal parts, whoever comes and goes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 5 }), (slots, crowds) => {
      const wanted = Array.from({ length: slots }, (_, slot) => slot)
      let all: Worker[] = []
      for (const crowd of crowds) {
        // Those who go leave their slots; those who come have none.
        all = [...all.slice(0, crowd), ...Array.from({ length: Math.max(0, crowd - all.length) }, () => worker(wanted))]
        turn(all, 8)
        expect(held(all)).toEqual(wanted)
        for (const { mine } of all) expect(mine.size).toBeLessThanOrEqual(Math.ceil(slots / crowd))
      }
    }),
    { numRuns: 200 },
  )
})

it('spreads the lanes of each ledger over all workers as evenly as they go, and the lanes of all ledgers too', () => {
  // Lanes in slots of their own, so that each is counted with its ledger.
  const ledgersOf = (sizes: readonly number[]) => {
    let last = 0n
    return sizes.map((size, place) => ({ id: `ledger ${place % 3} ${place}`, lanes: Array.from({ length: size }, () => (last += 7n)) }))
  }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }), (sizes, crowds) => {
      const ledgers = ledgersOf(sizes)
      // Each worker finds the ledgers in an order of its own.
      const arrive = (index: number): Worker => worker(slotsOf(index % 2 === 0 ? ledgers : ledgers.toReversed()))
      let all: Worker[] = []
      for (const crowd of crowds) {
        all = [...all.slice(0, crowd), ...Array.from({ length: Math.max(0, crowd - all.length) }, (_, index) => arrive(index))]
        turn(all, 4)
        for (const lanes of [...ledgers.map((ledger) => ledger.lanes), ledgers.flatMap((ledger) => ledger.lanes)]) {
          const parts = all.map(({ mine }) => lanes.filter((lane) => mine.has(slotOf(lane))).length)
          expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1)
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(lanes.length)
        }
      }
    }),
    { numRuns: 200 },
  )
})

it('leaves no slot without a worker for long where workers cannot do the same', () => {
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 10 }), { minLength: 1, maxLength: 4 }), (wants) => {
      const all = wants.map(worker)
      turn(all, 4)
      const reached = new Set<number>()
      for (let round = 0; round < 6; round += 1) {
        turn(all, 1)
        const now = held(all)
        expect(new Set(now).size).toBe(now.length)
        for (const slot of now) reached.add(slot)
      }
      expect([...reached].toSorted((a, b) => a - b)).toEqual([...new Set(wants.flat())].toSorted((a, b) => a - b))
    }),
    { numRuns: 200 },
  )
})

it('hands what fails to another worker, and keeps it where there is none', () => {
  const alone = worker([1, 2])
  turn([alone], 1)
  alone.failing = new Set([1])
  turn([alone], 20)
  expect(held([alone])).toEqual([1, 2])
  const other = worker([1, 2])
  turn([alone, other], 6)
  expect([...other.mine]).toContain(1)
  expect(held([alone, other])).toEqual([1, 2])
})

it('spreads lanes over all slots', () => {
  expect([0n, 1n, 1023n, 1024n, 2n ** 63n - 1n].map(slotOf)).toEqual([0, 1, 1023, 0, SLOTS - 1])
})
