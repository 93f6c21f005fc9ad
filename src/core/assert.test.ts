// Assertions stay on in production: what cannot happen stops the work, with a message that says which law was broken.

import { expect, it } from 'vitest'
import { assert, present, unreachable } from './assert.ts'

it('lets what holds pass and stops at what does not', () => {
  expect(() => assert(true, 'one is one')).not.toThrow()
  expect(() => assert(false, 'shares of 4 units were made of 5')).toThrow('assertion failed: shares of 4 units were made of 5')
})

it('prints the figures of a law only when it is broken', () => {
  const printed: string[] = []
  const figures = (text: string) => (): string => (printed.push(text), text)
  assert(true, figures('nobody reads this'))
  expect(() => assert(false, figures('4 units were made of 5'))).toThrow('assertion failed: 4 units were made of 5')
  expect(printed).toEqual(['4 units were made of 5'])
})

it('takes every value but null and undefined for present', () => {
  for (const value of [0, 0n, '', false, Number.NaN, {}]) expect(present(value, 'it')).toBe(value)
  expect(() => present(null, 'the quota')).toThrow('assertion failed: the quota is missing')
  expect(() => present(undefined, 'the quota')).toThrow('assertion failed: the quota is missing')
})

it('shows the value that the types said could not be, units included', () => {
  expect(() => unreachable({ type: 'other', units: 5n } as never)).toThrow('assertion failed: unexpected {"type":"other","units":"5"}')
  expect(() => unreachable(undefined as never)).toThrow('assertion failed: unexpected undefined')
})
