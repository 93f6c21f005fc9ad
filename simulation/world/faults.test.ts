// That seeds differ in their faults as a swarm must, and that what is not yet there is not counted.

import { expect, it } from 'vitest'
import { randomOf } from '../random.ts'
import { createFaults, KINDS, NOT_YET } from './faults.ts'

const ratesOf = (seed: number) => createFaults(randomOf(`swarm ${seed}`), {}).rates
const swarm = Array.from({ length: 400 }, (_, seed) => ratesOf(seed))

it('some seeds have no fault, some one, some all, and each kind comes', () => {
  const counts = new Set(swarm.map((rates) => Object.keys(rates).length))
  expect([...counts]).toEqual(expect.arrayContaining([0, 1, Object.keys(KINDS).length]))
  for (const kind of Object.keys(KINDS)) expect(swarm.some((rates) => (rates[kind] ?? 0) > 0), kind).toBe(true)
})

it('a plan lays rates down, and nothing happens once faults are off', () => {
  const faults = createFaults(randomOf('plan'), { rates: { 'request lost': 1 } })
  expect(faults.happens('request lost')).toBe(true)
  faults.stop()
  expect(faults.happens('request lost')).toBe(false)
})

it('no kind is both there and not yet', () => {
  expect(Object.keys(NOT_YET).filter((kind) => kind in KINDS)).toEqual([])
})
