// A database with sale-split in it, for tests of its doors: real ledgers made by the engine, and somebody who knows only SQL.

import { escapeIdentifier, type Pool } from 'pg'
import { createLedger } from '../src/engine/create-ledger.ts'
import { createLedgers } from '../src/engine/ledger.ts'
import { createRecorder, type RecordResult } from '../src/engine/recorder.ts'
import { takeInboxRows } from '../src/engine/take-inbox.ts'
import type { Desk } from '../src/engine/world.ts'
import { programMigrations, programs } from '../src/programs/index.ts'
import { rails } from '../src/rails/index.ts'
import { saleSplit } from '../src/programs/sale-split/program.ts'
import { migrate } from '../src/store/migrate.ts'
import { createPool } from '../src/store/pool.ts'
import { openStore } from '../src/store/store.ts'
import { testDatabase, type TestDatabase } from './database.ts'
import { machine } from './effects.ts'
import { addressOf, ROLES } from './template.ts'

export type SaleDatabase = {
  readonly database: TestDatabase
  /** The owner's pool. */
  readonly owner: Pool
  /** A ledger with its tables in this schema. */
  readonly makeLedger: (name: string, options?: { readonly schema?: string; readonly lanes?: number }) => Promise<SaleLedger>
  /** A login role of its own with nothing but these grants ("insert on profit_events"); dropped with the database. */
  readonly makeUser: (...grants: readonly string[]) => Promise<Pool>
  readonly drop: () => Promise<void>
}

export type SaleLedger = {
  readonly id: string
  readonly name: string
  /** Records through the event API's schema, as our own doors do. */
  readonly record: (body: Readonly<Record<string, unknown>>) => Promise<RecordResult>
  /** Turns everything queued into events; answers how many rows were taken. */
  readonly take: () => Promise<number>
}

export async function saleDatabase(): Promise<SaleDatabase> {
  const database = await testDatabase()
  await migrate(database.pool, { programs: programMigrations })
  const store = openStore(database.appUrl, 'test')
  const desk: Desk = { ...machine, store, programs, rails: {} }
  const ledgers = createLedgers(desk)
  const recorder = createRecorder(desk)
  const users: { role: string; pool: Pool }[] = []
  return {
    database,
    owner: database.pool,
    makeLedger: async (name, { schema = 'public', lanes = 1 } = {}) => {
      const world = { ...desk, rails, owner: database.pool, appRole: ROLES.app }
      await createLedger(world, { name, program: saleSplit.name, sandbox: true, railUrl: null, inboxSchema: schema, tokens: {}, lanes })
      const ledger = await ledgers.open(name)
      return {
        id: ledger.id,
        name,
        record: async (body) => {
          const [result] = await recorder.record(ledger, [{ input: saleSplit.event.parse(body), door: 'api', mayBackdate: false }])
          return result as RecordResult
        },
        take: async () => {
          let taken = 0
          for (let more = 1; more > 0; taken += more) more = await takeInboxRows(desk, recorder, ledger)
          return taken
        },
      }
    },
    makeUser: async (...grants) => {
      const role = `user_${crypto.randomUUID().replaceAll('-', '')}`
      await database.pool.query(`create role ${role} login password '${role}'`)
      for (const grant of grants) await database.pool.query(`grant ${grant} to ${role}`)
      const pool = createPool({ url: addressOf(database.url, { database: database.name, role }), max: 32, applicationName: 'test user' })
      users.push({ role, pool })
      return pool
    },
    drop: async () => {
      await store.close()
      for (const { role, pool } of users) {
        await pool.end()
        await database.pool.query(`drop owned by ${escapeIdentifier(role)}; drop role ${escapeIdentifier(role)}`)
      }
      await database.drop()
    },
  }
}
