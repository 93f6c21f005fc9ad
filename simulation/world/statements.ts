// How the statements of processes reach the database: one after the other in turns that the seed chooses, through the faults. Statements
// of an open transaction follow one another without a turn for anybody else, so that no lock is ever waited for.

import type { Pool, PoolClient } from 'pg'
import { assert } from '../../src/core/assert.ts'
import { createPool } from '../../src/store/pool.ts'
import type { Host } from '../database/host.ts'
import { createSessions, type About, type Outside, type Verdict } from '../database/sessions.ts'
import { askedOf, watchPoints, type Point } from '../points.ts'
import type { Random } from '../random.ts'
import type { Faults } from './faults.ts'
import type { Scheduler } from './scheduler.ts'
import type { Owner } from './waiting.ts'
import type { Steps } from './steps.ts'

export type Role = 'owner' | 'app' | 'signer'

export type Statements = {
  /** Connections of a process. None is closed for being idle. */
  readonly openPool: (owner: Owner, of: { readonly role: Role; readonly max: number; readonly pipeline: boolean }) => Pool
  /** Connections that take no turns and meet no faults: for what is there before a history begins, and for looking. */
  readonly quietPool: (role: Role) => Pool
  /** Ends the sessions of a process that is gone, as kill -9 does. */
  readonly end: (owner: Owner) => Promise<void>
  /** Ends all sessions there are: each hears of it at its next statement. */
  readonly restart: () => void
  readonly count: () => number
  /** Whose transaction is open, in words; null for nobody's. Between two turns nobody's may be. */
  readonly open: () => string | null
  readonly close: () => Promise<void>
}

export type StatementParts = {
  readonly host: Host
  readonly outside: Outside
  readonly scheduler: Scheduler
  readonly steps: Steps
  readonly random: Random
  readonly faults: Faults
  /** Points at which whoever comes to them shall end, and who is told of it. */
  readonly points: readonly Point[]
  readonly atPoint: (owner: Owner, point: Point) => void
}

type Asked = { readonly words: string; readonly values: string; readonly points: readonly Point[] }

/** A statement takes up to so long to be heard, and one that is slow. */
const SOON_US = 400
const SLOW_US = 4_000_000
const WORDS = 110
const QUIET = 'quiet'

export function createStatements({ host, outside, scheduler, steps, random, faults, points, atPoint }: StatementParts): Statements {
  const owners = new Map<string, Owner>()
  const asked = new Map<number, Asked[]>()
  const watch = watchPoints(points)
  const transactions = new Map<number, { readonly owner: Owner; readonly words: string }>()
  let newest = 0
  let ended = 0
  let count = 0
  const gate = async (about: About): Promise<Verdict> => {
    newest = Math.max(newest, about.session)
    const owner = owners.get(about.process)
    if (owner === undefined) return 'run'
    const { words, values, points } = asked.get(about.session)?.shift() ?? { words: about.statements.join('; '), values: '', points: [] }
    if (!owner.alive) return await never()
    if (about.inTransaction) steps.note(scheduler.now(), owner.name, words, values)
    else {
      const delay = faults.happens('statement slow') ? SLOW_US : SOON_US
      await scheduler.turn(owner, words, random.below(delay))
      steps.add(values)
    }
    count += 1
    follow(transactions, about, { owner, words })
    if (about.session <= ended) {
      transactions.delete(about.session)
      return { refuse: '57P01' }
    }
    points.filter(({ moment }) => moment === 'before').forEach((point) => atPoint(owner, point))
    if (!owner.alive) return await never()
    const verdict = judge(faults, about)
    if (verdict === 'run') points.filter(({ moment }) => moment === 'after').forEach((point) => atPoint(owner, point))
    else if (typeof verdict === 'string') transactions.delete(about.session)
    if (verdict !== 'run') steps.note(scheduler.now(), owner.name, `  … ${typeof verdict === 'string' ? `the connection breaks (${verdict})` : `is refused with ${verdict.refuse}`}`)
    return verdict
  }
  const sessions = createSessions(host, gate, outside)
  const open = (process: string, role: Role, { max, pipeline }: { readonly max: number; readonly pipeline: boolean }): Pool => {
    const pool = createPool({ url: host.urls[role], max, applicationName: process, pipeline, stream: sessions.streams(process) })
    // The machine's timers have no part in a history.
    Object.assign(pool.options, { idleTimeoutMillis: 0, connectionTimeoutMillis: 0 })
    return pool
  }
  const pools: Pool[] = []
  return {
    openPool: (owner, of) => {
      owners.set(owner.name, owner)
      const pool = open(owner.name, of.role, of)
      pool.on('connect', (client) => listen(client, { watch, asked }))
      return pool
    },
    quietPool: (role) => {
      const pool = open(QUIET, role, { max: 2, pipeline: false })
      pools.push(pool)
      return pool
    },
    end: async ({ name }) => await sessions.kill(name),
    restart: () => {
      ended = newest
    },
    count: () => count,
    open: () => {
      const found = [...transactions.values()].find(({ owner }) => owner.alive)
      return found === undefined ? null : `${found.owner.name} holds a transaction open, in which it said last: ${found.words}`
    },
    close: async () => {
      await Promise.all(pools.map(async (pool) => await pool.end()))
      await sessions.end()
    },
  }
}

const never = async (): Promise<never> => await new Promise<never>(() => {})

function follow(transactions: Map<number, { readonly owner: Owner; readonly words: string }>, { session, statements }: About, said: { readonly owner: Owner; readonly words: string }): void {
  if (statements.some((each) => ENDING.test(each))) transactions.delete(session)
  else if (/^\s*begin\b/i.test(statements[0] ?? '') || transactions.has(session)) transactions.set(session, said)
}

/** Also as a named step of a unit. */
const ENDING = /^\s*(unit )?(commit|rollback)\b/i
const COMMIT = /^\s*(unit )?commit\b/i
const BEGIN = /^\s*(begin|rollback)\b/i

function judge(faults: Faults, { statements, inTransaction }: About): Verdict {
  const [first = ''] = statements
  if (statements.some((each) => COMMIT.test(each))) {
    if (faults.happens('connection lost before commit')) return 'lose-before'
    if (faults.happens('connection lost after commit')) return 'lose-after'
    return faults.happens('serialization failure') ? { refuse: '40001' } : 'run'
  }
  if (faults.happens('connection lost before a statement')) return 'lose-before'
  if (faults.happens('connection lost after a statement')) return 'lose-after'
  if (BEGIN.test(first) || !inTransaction) return 'run'
  if (faults.happens('serialization failure')) return { refuse: '40001' }
  return faults.happens('deadlock') ? { refuse: '40P01' } : 'run'
}

type Query = (...given: readonly unknown[]) => unknown

/** Hears what a client is asked, in its order: the session's number is what the database called it. */
function listen(client: PoolClient, { watch, asked }: { watch: ReturnType<typeof watchPoints>; asked: Map<number, Asked[]> }): void {
  const driver = client as unknown as { query: Query; processID: number }
  const query = driver.query.bind(client)
  const queue: Asked[] = []
  asked.set(driver.processID, queue)
  driver.query = (...given) => {
    const [first, second] = given
    const statement = askedOf(typeof first === 'string' && Array.isArray(second) ? { text: first, values: second as unknown[] } : first)
    assert(statement.labels.length > 0, 'a statement says something')
    const words = statement.labels.join('; ')
    queue.push({
      words: words.length > WORDS ? `${words.slice(0, WORDS)}…` : words,
      values: statement.values.map(textOf).join('\t'),
      points: watch.sql(client, statement),
    })
    return query(...given)
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)
}
