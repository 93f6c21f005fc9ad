// The desk: any message gets an answer, only so many are worked on at once, and what goes wrong unexpectedly shows where, never what.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../core/effects.ts'
import { createDesk, refusalFor, REQUESTS_AT_ONCE } from './answer.ts'
import { newDraft, RAIL, signerDatabase, signerWorld, uuid } from './fixture.ts'
import type { Answer } from './protocol.ts'

let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})
afterAll(() => database.drop())

type Desk = { readonly answer: (message: unknown) => Promise<Answer>; readonly lines: JsonObject[] }

function desk(): Desk {
  const lines: JsonObject[] = []
  const log = (level: string, message: string, fields?: JsonObject): void => void lines.push({ level, message, ...fields })
  return { answer: createDesk(signerWorld(database.signing), log), lines }
}

const ask = (id: number): object => ({ type: 'sign', id, lane: '1', wallet: uuid(), payouts: [uuid()], draft: newDraft() })

describe('the desk', () => {
  const create = { type: 'create', id: 7, ledger: uuid(), wallet: uuid(), label: 'main', rail: RAIL }
  const wrong: readonly [string, unknown, number | null][] = [
    ['nothing', undefined, null],
    ['null', null, null],
    ['a text', 'sign', null],
    ['a list', [1, 2], null],
    ['an empty object', {}, null],
    ['a number alone', { id: 7 }, 7],
    ['a verb that does not exist', { ...create, type: 'export' }, 7],
    ['a verb that every object has', { ...create, type: 'constructor' }, 7],
    ['a negative number', { ...create, id: -1 }, null],
    ['a field too many', { ...create, secret: true }, 7],
    ['a wallet that is no UUID', { ...create, wallet: 'main' }, 7],
    ['a wallet in capitals', { ...create, wallet: create.wallet.toUpperCase().replace(/^./, 'A') }, 7],
    ['an import without a key', { ...create, type: 'import' }, 7],
    ['opaque bytes to sign', { ...ask(7), bytes: 'AQAB' }, 7],
    ['a lane that is no number', { ...ask(7), lane: '1; drop table payout' }, 7],
    ['a lane as a float', { ...ask(7), lane: 1e30 }, 7],
    ['payouts that are no list', { ...ask(7), payouts: uuid() }, 7],
    ['no draft', { ...ask(7), draft: null }, 7],
  ]
  it.each(wrong)('refuses %s (field_malformed) and goes on', async (_, message, id) => {
    const { answer } = desk()
    expect(await answer(message)).toMatchObject({ type: 'refused', id, code: 'field_malformed' })
    expect(await answer({ ...create, id: 8, wallet: uuid() })).toMatchObject({ type: 'address', id: 8 })
  })

  it('works on a few requests at once, lets a thousand wait, and refuses the next (queue_exceeded)', async () => {
    const { answer } = desk()
    const owner = await database.pool.connect()
    await owner.query('begin')
    await owner.query('lock table apportion.wallet_key in access exclusive mode')
    const all = REQUESTS_AT_ONCE + 1_000
    const answers = Array.from({ length: all }, (_, place) => answer(ask(place + 1)))
    expect(await answer(ask(all + 1))).toMatchObject({ type: 'refused', id: all + 1, code: 'queue_exceeded', details: { waiting: 1_000 } })
    await owner.query('rollback')
    owner.release()
    const codes = (await Promise.all(answers)).map((given) => (given.type === 'refused' ? `${given.id} ${given.code}` : given.type))
    expect(codes).toEqual(Array.from({ length: all }, (_, place) => `${place + 1} wallet_not_found`))
    expect(await answer(ask(1))).toMatchObject({ code: 'wallet_not_found' })
  })
})

describe('an unexpected error', () => {
  const secret = '5JxSecretSecretSecret'
  const errors: readonly [string, unknown][] = [
    ['an error that repeats the key', new Error(`cannot read ${secret}`)],
    ['an error of several lines', new Error(`cannot read\n    at ${secret}\n${secret}\n    at the end`)],
    ['an error with the key in its fields', Object.assign(new TypeError('no'), { value: secret, code: secret })],
    ['an error caused by another', new Error(secret, { cause: new Error(secret) })],
    ['an error whose stack was lost', Object.assign(new Error(secret), { stack: undefined })],
    ['an error whose message was changed later', Object.assign(new Error(secret), { message: 'other' })],
    ['a thrown text', secret],
    ['a thrown object', { secret }],
  ]
  it.each(errors)('becomes server_failed without its text: %s', (_, error) => {
    const lines: string[] = []
    const refusal = refusalFor(error, (...line) => void lines.push(JSON.stringify(line)))
    expect(refusal.code).toBe('server_failed')
    expect(lines).toHaveLength(1)
    expect(JSON.stringify([lines, refusal]) + refusal.message).not.toContain(secret)
  })

  it('is logged with the place where it happened', () => {
    const lines: string[] = []
    refusalFor(new Error('what it was'), (...line) => void lines.push(JSON.stringify(line)))
    expect(lines[0]).toContain('answer.test.ts')
  })

  it('of the database says that it is away, or that it refuses the role', () => {
    const code = (error: unknown): string => refusalFor(error, () => {}).code
    const sql = (state: string): Error => Object.assign(new Error('x'), { code: state })
    for (const state of ['08006', '53300', '57P01', '57014', 'ECONNREFUSED']) expect(code(sql(state))).toBe('database_unavailable')
    for (const state of ['28P01', '3D000', '42501', '42P01']) expect(code(sql(state))).toBe('database_role_forbidden')
    expect(code(new AggregateError([sql('ECONNREFUSED')]))).toBe('database_unavailable')
    expect(code(new Error('Connection terminated unexpectedly'))).toBe('database_unavailable')
    expect(code(sql('23505'))).toBe('server_failed')
  })
})
