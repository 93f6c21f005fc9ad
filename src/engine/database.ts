// Whether the database answers, and which errors mean that it does not.

import type { Desk } from './world.ts'

/** Longer than any healthy database takes to answer one row. */
const ANSWER_LIMIT_MS = 2_000

/** True when the database answers within two seconds. */
export async function databaseAnswers({ store, sleep }: Pick<Desk, 'store' | 'sleep'>): Promise<boolean> {
  const waiting = new AbortController()
  try {
    const answer = store.pool.query('select 1').then(
      () => true,
      () => false,
    )
    return await Promise.race([answer, sleep(ANSWER_LIMIT_MS, waiting.signal).then(() => false)])
  } finally {
    waiting.abort()
  }
}

// SQLSTATE classes: connection lost, out of resources, stopped by an operator or a crash, the system itself; serialisation and deadlock.
const LOST_STATE = /^(08|53|57|58)...$|^40001$|^40P01$/
const LOST_NETWORK: ReadonlySet<string> = new Set(
  ['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
)
// The driver's own errors have no code.
const LOST_MESSAGE = /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|timeout expired|Client (has encountered|was closed)|Cannot use a pool)/

/** Whether an error says that the database went away: what was asked of it may or may not have happened. */
export function isDatabaseLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string') return LOST_STATE.test(error.code) || LOST_NETWORK.has(error.code)
  return LOST_MESSAGE.test(error.message)
}
