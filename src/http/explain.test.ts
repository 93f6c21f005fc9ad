// Explanations at the HTTP door: the same figures as JSON and in words, for every way to ask.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explanationSchema } from '../engine/explain-document.ts'
import { eventSchema } from './contract.ts'
import { problemIn, sale, testbed, type Testbed } from './fixture.ts'

let bed: Testbed

beforeAll(async () => {
  bed = await testbed()
  await bed.get('/events', eventSchema, { body: sale('a/b #1', { sale_amount: '100' }) })
})
afterAll(async () => {
  await bed.drop()
})

const path = (subject: string): string => `/explain/${encodeURIComponent(subject)}`

describe('an explanation', () => {
  it('is the document of the event', async () => {
    const document = await bed.get(path('a/b #1'), explanationSchema)
    expect(document).toMatchObject({ ledger: 'sales', asked: { kind: 'event' }, agrees: true, event: { reference: 'a/b #1', units: '100000000000' } })
    expect(document.shares.map(({ role, units }) => [role, units])).toContainEqual(['lucky', '3000000000'])
  })

  it('is the document of one share', async () => {
    expect(await bed.get(path('a/b #1#dao'), explanationSchema)).toMatchObject({ asked: { kind: 'share', parts: [1] } })
  })

  it.each([
    ['text/plain', true],
    ['text/*;q=0.9, application/json;q=0.5', true],
    ['application/json, text/plain', false],
    ['text/html, */*', false],
    ['*/*', false],
    ['image/png', false],
  ])('comes for %s in words: %s', async (accept, words) => {
    const answer = await bed.send(path('a/b #1'), { headers: { accept } })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe(words ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8')
    if (words) expect(answer.body).toContain('80')
    expect(answer.body.startsWith('{')).toBe(!words)
  })

  it.each([
    ['never', 'event_not_found'],
    ['a/b #1#nobody', 'event_not_found'],
    ['00000000-0000-7000-8000-000000000000', 'payout_not_found'],
  ])('is refused for %s', async (subject, code) => {
    expect(problemIn(await bed.send(path(subject), { headers: { accept: 'text/plain' } }))).toMatchObject({ status: 404, code })
  })
})
