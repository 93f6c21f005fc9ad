// The real machine's ids: UUID v7 that grow within a process, so that lists by id are lists by age.

import { expect, it } from 'vitest'
import { machineEffects } from './world.ts'

it('makes ids of version 7 that grow and carry the time', () => {
  const { id, now } = machineEffects(() => {})
  const before = now().epochMilliseconds
  const ids = Array.from({ length: 20_000 }, () => id())
  const after = now().epochMilliseconds
  for (const each of ids) expect(each).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  const [first = '', last = ''] = [ids[0], ids.at(-1)]
  const msOf = (each: string): number => Number.parseInt(each.replace('-', '').slice(0, 12), 16)
  expect(msOf(first)).toBeGreaterThanOrEqual(before)
  // 4,096 ids in a millisecond; more borrow from the next.
  expect(msOf(last)).toBeLessThanOrEqual(after + 5)
})

it('makes ids whose last half is chance', () => {
  const { id } = machineEffects(() => {})
  const tails = Array.from({ length: 20_000 }, () => id().slice(19))
  expect(new Set(tails).size).toBe(tails.length)
  const bits = tails.map((tail) => BigInt(`0x${tail.replace('-', '')}`))
  for (let bit = 0n; bit < 62n; bit += 1n) {
    const ones = bits.filter((value) => (value >> bit) & 1n).length
    expect(Math.abs(ones - 10_000)).toBeLessThan(500)
  }
})
