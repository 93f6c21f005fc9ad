// A server for tests of the HTTP door: a real database with a sale-split ledger, its keys, and the application, whose answers are all
// compared with the contract.

import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { expect } from 'vitest'
import type { z } from 'zod'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { machine } from '../../test/effects.ts'
import { ROLES } from '../../test/template.ts'
import type { Log } from '../core/effects.ts'
import { RIGHTS, type Right, type RoleName } from '../core/right.ts'
import type { Seal } from '../core/seal.ts'
import { createKey, splitKey } from '../engine/api-key.ts'
import { createLedger } from '../engine/create-ledger.ts'
import { createLedgers, type Ledger, type Ledgers } from '../engine/ledger.ts'
import { createRecorder } from '../engine/recorder.ts'
import type { Desk } from '../engine/world.ts'
import { programMigrations, programs } from '../programs/index.ts'
import { rails } from '../rails/index.ts'
import { migrate } from '../store/migrate.ts'
import { openStore } from '../store/store.ts'
import { createApp, type AppOptions } from './app.ts'
import { problemSchema } from './contract.ts'
import type { Problem } from './errors.ts'

export const TOKEN = '5a1e0001-0000-4000-8000-000000000001'

/** What callers send: a body, or text as it stands. */
export type Sent = {
  readonly method?: string
  readonly key?: string | null
  readonly body?: unknown
  readonly text?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export type Testbed = {
  readonly database: TestDatabase
  readonly desk: Desk
  readonly ledgers: Ledgers
  readonly ledger: Ledger
  /** With all rights on the ledger `sales`. */
  readonly key: string
  readonly app: FastifyInstance
  /** Lines that were logged, with their fields. */
  readonly logged: readonly string[]
  /** Moves the server's clock. */
  readonly moveClock: (by: Temporal.DurationLike) => void
  /** Another application on the same database, as a second server is. */
  readonly serve: (options?: Partial<AppOptions>, desk?: Partial<Desk>) => Promise<FastifyInstance>
  readonly makeLedger: (name: string, options?: { readonly lanes?: number; readonly sandbox?: boolean }) => Promise<Ledger>
  /** A person who may approve: the key as it is sent, and the seal that stays. */
  readonly makePerson: (role: RoleName, ledger?: Ledger) => Promise<{ readonly key: string; readonly name: string; readonly seal: Seal | null }>
  readonly makeKey: (rights: readonly Right[], ledger?: Ledger) => Promise<string>
  /** The request as it is answered; the path begins after /v1/ledgers/sales, or at the root with two slashes. */
  readonly send: (path: string, sent?: Sent, app?: FastifyInstance) => Promise<LightMyRequestResponse>
  /** The document of an answer that must have this status and fit this schema. */
  readonly get: <Schema extends z.ZodType>(path: string, schema: Schema, sent?: Sent) => Promise<z.infer<Schema>>
  /** The heads of all lanes: the same before and after is nothing recorded. */
  readonly heads: () => Promise<readonly string[]>
  readonly drop: () => Promise<void>
}

export async function testbed(): Promise<Testbed> {
  const database = await testDatabase()
  await migrate(database.pool, { programs: programMigrations })
  const store = openStore(database.appUrl, 'test')
  const logged: string[] = []
  const log: Log = (level, message, fields) => void (level === 'debug' || logged.push(`${level} ${message} ${JSON.stringify(fields)}`))
  let offset = Temporal.Duration.from({ seconds: 0 })
  const desk: Desk = { ...machine, now: () => machine.now().add(offset), log, store, programs, rails }
  const ledgers = createLedgers(desk)
  const makeLedger: Testbed['makeLedger'] = async (name, { lanes = 1, sandbox = true } = {}) => {
    const railUrl = sandbox ? null : 'http://127.0.0.1:1'
    const given = { name, program: 'sale-split', sandbox, railUrl, inboxSchema: name.replaceAll('-', '_'), tokens: {}, lanes }
    await createLedger({ ...desk, owner: database.pool, appRole: ROLES.app }, given)
    return await ledgers.open(name)
  }
  const ledger = await makeLedger('sales')
  let keys = 0
  const makeKey: Testbed['makeKey'] = async (rights, of = ledger) => {
    return splitKey((await createKey({ ...desk, owner: database.pool }, of, { name: `key-${(keys += 1)}`, rights })).key).bearer
  }
  const makePerson: Testbed['makePerson'] = async (role, of = ledger) => {
    const { key: whole, name } = await createKey({ ...desk, owner: database.pool }, of, { name: `${role}-${(keys += 1)}`, role })
    const { bearer, seal } = splitKey(whole)
    return { key: bearer, name, seal }
  }
  const key = await makeKey(RIGHTS)
  const apps: FastifyInstance[] = []
  const serve: Testbed['serve'] = async (options = {}, other = {}) => {
    const own = { ...desk, ...other }
    const made = await createApp(own, { ledgers: createLedgers(own), recorder: createRecorder(own), faults: () => [], ...options })
    apps.push(made)
    return made
  }
  const app = await serve()
  const send: Testbed['send'] = async (path, { method, key: given = key, body, text, headers } = {}, on = app) => {
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body))
    return await on.inject({
      method: (method ?? (payload === undefined ? 'GET' : 'POST')) as 'GET',
      url: path.startsWith('//') ? path.slice(1) : `/v1/ledgers/sales${path}`,
      headers: {
        ...(given !== null && { authorization: `Bearer ${given}` }),
        ...(payload !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload !== undefined && { payload }),
    })
  }
  return {
    ...{ database, desk, ledgers, ledger, key, app, logged, serve, makeLedger, makeKey, makePerson, send },
    moveClock: (by) => {
      offset = offset.add(by)
    },
    get: async (path, schema, sent) => {
      const answer = await send(path, sent)
      if (answer.statusCode >= 300) throw new Error(`${path} was answered with ${answer.statusCode} ${answer.body}`)
      return schema.parse(answer.json())
    },
    heads: async () => {
      const found = await database.pool.query<{ head: string }>(`select head::text from apportion.head order by lane`)
      return found.rows.map(({ head }) => head)
    },
    drop: async () => {
      for (const each of apps) await each.close()
      await store.close()
      await database.drop()
    },
  }
}

/** The problem of an answer, which must be one in form: media type, status, code in its type, request's id. */
export function problemIn(answer: LightMyRequestResponse): Problem {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  const problem = problemSchema.parse(answer.json())
  expect(problem.status).toBe(answer.statusCode)
  expect(problem.type).toBe(`urn:apportion:problem:${problem.code}`)
  expect(problem.detail.length).toBeGreaterThan(10)
  return problem
}

/** A sale as callers send it. */
export function sale(reference: string, fields: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { reference, token_id: TOKEN, sale_amount: '100', ...fields }
}
