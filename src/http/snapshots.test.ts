// Snapshots over HTTP: a stream of lines, kept whole or refused with the line.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { problemSchema } from './contract.ts'
import { testbed, type Testbed } from './fixture.ts'
import { snapshotPageSchema, snapshotSchema } from './read-contract.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => await bed.drop())

const send = async (name: string, lines: readonly string[], headers: Readonly<Record<string, string>> = { 'content-type': 'application/x-ndjson' }) =>
  await bed.send(`/snapshots/${name}`, { method: 'POST', text: lines.map((line) => `${line}\n`).join(''), headers })
const line = (recipient: string, weight: string): string => JSON.stringify({ recipient, weight })

it('keeps a snapshot, answers it again, lists and shows it', async () => {
  const first = await send('holders?record_at=2026-01-31T00:00:00Z', [line('bo', '2'), line('ana', '1.5')])
  expect(first.statusCode).toBe(201)
  const made = snapshotSchema.parse(first.json())
  expect(made).toMatchObject({ name: 'holders', recipients: '2', weights: '3.5', record_at: '2026-01-31T00:00:00Z', source: 'API' })
  const again = await send('holders', [line('ana', '1.50'), line('bo', '2')])
  expect([again.statusCode, again.json()]).toEqual([200, made])
  expect((await bed.get('/snapshots', snapshotPageSchema)).items).toEqual([made])
  expect(await bed.get('/snapshots/holders', snapshotSchema)).toEqual(made)
})

it.each<[string, number, string, readonly string[], Readonly<Record<string, string>>?]>([
  ['bad', 422, 'snapshot_malformed', [line('ana', '1'), 'no']],
  ['none', 422, 'snapshot_malformed', []],
  ['ahead?record_at=2999-01-01T00:00:00Z', 422, 'instant_exceeded', [line('ana', '1')]],
  ['json', 415, 'content_type_unsupported', [line('ana', '1')], { 'content-type': 'application/json' }],
  ['holders', 409, 'snapshot_conflict', [line('ana', '2')]],
])('refuses %s', async (name, status, code, lines, headers) => {
  const answer = await send(name, lines, headers)
  expect([answer.statusCode, problemSchema.parse(answer.json()).code]).toEqual([status, code])
})

it('reads JSON elsewhere as ever, and no lines there', async () => {
  const answer = await bed.send('/events', { method: 'POST', text: '{}', headers: { 'content-type': 'application/x-ndjson' } })
  expect(answer.statusCode).toBe(415)
})
