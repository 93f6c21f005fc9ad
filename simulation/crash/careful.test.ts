// That whoever comes back sends first what else waits for, as it is, and then each time another thing of its kind.

import { expect, it } from 'vitest'
import type { Request } from '../history.ts'
import { randomOf } from '../random.ts'
import type { Doors } from '../workload/doors.ts'
import { makeWorkload } from '../workload/make-workload.ts'
import { comeBack } from './careful.ts'

const START = Temporal.Instant.from('2026-01-01T00:00:00Z')

it('sends a snapshot itself before anything is divided by it, and then others', async () => {
  const workload = makeWorkload(randomOf('1'), { start: START, ledgers: 2, leastLedgers: 2, everything: true })
  const asked: Request[] = []
  const answer = { status: 200, body: {} }
  const isOver = (): boolean => asked.some(({ path }) => path.includes('-again-'))
  const doors: Doors = {
    call: async ({ method, path, body = null }) => (asked.push({ method, path, body }), await Promise.resolve(answer)),
    insert: async () => await Promise.resolve(answer),
    upsert: async () => await Promise.resolve(answer),
    name: async () => await Promise.resolve(answer),
    seal: () => '',
    hands: { fund: () => {}, give: () => {}, freeze: () => {} },
    now: () => START,
    sleep: async () => await Promise.resolve(),
  }
  await comeBack(workload, doors, isOver, 0)
  const paths = asked.filter(({ path }) => path.startsWith('/v1/ledgers/ledger-1/')).map(({ path }) => path.split('?')[0] ?? '')
  const first = paths.findIndex((path) => path.includes('/snapshots/'))
  const second = paths.findIndex((path) => path.endsWith('-again-1'))
  const divided = paths.indexOf('/v1/ledgers/ledger-1/events')
  expect(first).toBeLessThan(divided)
  expect(divided).toBeLessThan(second)
  expect(paths[second]).toBe(`${paths[first]}-again-1`)
})
