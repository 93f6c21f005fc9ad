// Turns on a lane: together while nobody wants one alone, and everybody in the order in which they asked.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurns } from './turns.ts'

const asked = fc.array(fc.record({ alone: fc.boolean(), steps: fc.nat({ max: 4 }) }), { maxLength: 30 })

describe('turns', () => {
  it('begin in the order asked for, one alone never beside another, and all of them end', async () => {
    await fc.assert(
      fc.asyncProperty(asked, async (turns) => {
        const { alone, together } = createTurns()
        const begun: number[] = []
        const running = new Set<number>()
        await Promise.all(
          turns.map(async (turn, index) => {
            const end = await (turn.alone ? alone() : together())
            begun.push(index)
            const others = [...running].map((each) => turns[each]?.alone)
            expect(turn.alone ? others : others.filter((each) => each === true)).toEqual([])
            running.add(index)
            for (let step = 0; step < turn.steps; step += 1) await Promise.resolve()
            running.delete(index)
            end()
            // Ending twice ends nobody else's.
            end()
          }),
        )
        expect(begun).toEqual(turns.map((_, index) => index))
      }),
    )
  })

  it('together do not wait for each other', async () => {
    const { together, alone } = createTurns()
    const ends = [await together(), await together(), await together()]
    let begun = false
    const last = alone().then((end) => {
      begun = true
      end()
    })
    for (const end of ends) {
      expect(begun).toBe(false)
      end()
    }
    await last
    expect(begun).toBe(true)
  })
})
