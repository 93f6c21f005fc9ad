// Errors that PostgreSQL may answer to any statement, whatever it says: whoever asks must be able to hear them.

/** By SQLSTATE, in PostgreSQL's words. */
const REFUSALS = {
  '40001': 'could not serialize access due to concurrent update',
  '40P01': 'deadlock detected',
  '53100': 'could not extend file: No space left on device',
  '53200': 'out of memory',
  '55P03': 'canceling statement due to lock timeout',
  '57014': 'canceling statement due to statement timeout',
  '57P01': 'terminating connection due to administrator command',
} as const

export type SqlState = keyof typeof REFUSALS

export function refusalText(code: SqlState): string {
  return REFUSALS[code]
}

/** Whether the server ends the session with it. */
export function isFatal(code: SqlState): boolean {
  return code.startsWith('57P')
}
