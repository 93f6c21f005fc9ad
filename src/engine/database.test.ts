// Which errors mean that the database went away: a caller may send the same again. Anything else is a fault and says so.

import { expect, it } from 'vitest'
import { isDatabaseLost } from './database.ts'

const coded = (code: string, message = 'said the database'): Error => Object.assign(new Error(message), { code })

it.each([
  ...['08006', '08P01', '53300', '57P01', '57P03', '58030', '40001', '40P01', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND'].map((code) => coded(code)),
  new Error('Connection terminated unexpectedly'),
  new Error('Connection terminated due to connection timeout'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Client has encountered a connection error and is not queryable'),
  Object.assign(new AggregateError([coded('ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
])('takes %o for a lost database', (error) => {
  expect(isDatabaseLost(error)).toBe(true)
})

it.each([
  ...['23505', '42P01', '22P02', '55P03', '42501', 'ERR_INVALID_ARG_TYPE', 'ENOENT'].map((code) => coded(code)),
  new TypeError(`Cannot read properties of undefined (reading 'units')`),
  new Error('assertion failed: shares of 3 units are posted for 4'),
  new RangeError('Maximum call stack size exceeded'),
  'Connection terminated unexpectedly',
  null,
])('takes %o for a fault', (error) => {
  expect(isDatabaseLost(error)).toBe(false)
})
