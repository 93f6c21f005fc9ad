// Connections to PostgreSQL, with the one set of type parsers. Money never becomes a float here,
// and no connection depends on the server's own time zone or date style.

import type { Duplex } from 'node:stream'
import { Pool, types } from 'pg'

export type PoolOptions = {
  readonly url: string
  /** Most connections at once; callers beyond it wait. */
  readonly max: number
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /**
   * Writes each statement at once instead of waiting for the answer before it. Every statement still fails by itself:
   * inside a transaction check every result, since after a failure COMMIT answers ROLLBACK without an error.
   * Such a pool refuses COPY streams and cursors.
   */
  readonly pipeline?: boolean
  /** Longest that one statement may take, locks included: beyond it something is stuck, and whoever waits should hear of it. */
  readonly statementTimeoutMs?: number
  /** Told when an idle connection breaks; the pool has dropped that connection already. */
  readonly onError?: (error: Error) => void
  /** Makes what connections take in the place of a socket. No timer runs for them: whoever made them decides how long anything takes. */
  readonly stream?: (() => Duplex) | undefined
}

/** Longest wait for a connection, new or from a busy pool: beyond it something is stuck, and the caller should hear of it. */
const CONNECT_TIMEOUT_MS = 30_000

// On Citus, where elsewhere these settings are nobody's: nobody writes on a worker (without a word of it each change of a table that every
// machine has is locked on one of them too, which takes rights there that the server's role does not have), and a transaction has one
// connection to a worker, which sees one moment of it and is in nobody's way.
const CITUS = '-c citus.allow_modifications_from_workers_to_replicated_tables=off -c citus.multi_shard_modify_mode=sequential'
const SESSION = `-c timezone=UTC -c DateStyle=ISO ${CITUS}`

type Parse = (text: string) => unknown

const integer: Parse = (text) => BigInt(text)

// An integer becomes a bigint; what has a point, NaN and Infinity stay text, so that nothing is ever rounded.
const WHOLE = /^-?\d+$/
const numeric: Parse = (text) => (WHOLE.test(text) ? BigInt(text) : text)

const instant: Parse = (text) => Temporal.Instant.from(text)

const asIs: Parse = (text) => text

// pg's types describe another version of this parser.
const arrays = types.arrayParser as unknown as { create(text: string, parse: Parse): { parse(): unknown[] } }

const arrayOf =
  (parse: Parse): Parse =>
  (text) =>
    arrays.create(text, parse).parse()

// By type oid. Everything else (text, boolean, bytea, json, …) is parsed as pg does; records stay text.
const PARSERS: ReadonlyMap<number, Parse> = new Map([
  [20, integer], // int8
  [1016, arrayOf(integer)],
  [1700, numeric],
  [1231, arrayOf(numeric)], // pg itself would make floats
  [1082, asIs], // date
  [1182, arrayOf(asIs)],
  [1184, instant], // timestamptz
  [1185, arrayOf(instant)],
])

// Its type knows only the built-in oids.
const fallback = types.getTypeParser as (oid: number, format: string) => Parse

const getTypeParser = (oid: number, format = 'text'): Parse =>
  (format === 'text' ? PARSERS.get(oid) : undefined) ?? fallback(oid, format)

/**
 * A pool whose rows hold bigint for int8 and whole numeric, Temporal.Instant for timestamptz and text for date.
 * Instants go in as `instant.toString()`. A connection that breaks is dropped and never ends the process:
 * statements on it fail by themselves, the next one gets a new connection.
 */
export function createPool(options: PoolOptions): Pool {
  const { connectionString, session } = withSession(options.url)
  const pool = new Pool({
    connectionString,
    options: options.statementTimeoutMs === undefined ? session : `${session} -c statement_timeout=${options.statementTimeoutMs}`,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: { getTypeParser },
    ...(options.pipeline === true && { pipeline: true }),
    ...(options.stream !== undefined && { stream: options.stream, connectionTimeoutMillis: 0, idleTimeoutMillis: 0 }),
  })
  // The pool keeps the address with its password for new connections: hide it from console and inspect.
  Object.defineProperty(pool.options, 'connectionString', { enumerable: false })
  pool.on('error', options.onError ?? (() => {}))
  // A connection in use has no listener of the pool's: without one of its own, a server that dies ends the process.
  // Its statement fails with the same error, so nothing is swallowed.
  pool.on('connect', (client) => {
    client.on('error', () => {})
  })
  return pool
}

// An `options` in the address would replace the pool's (libpq's rule), so both are joined, ours last.
function withSession(url: string): { connectionString: string; session: string } {
  const given = /[?&]options=([^&]*)/.exec(url)?.[1]
  if (given === undefined) return { connectionString: url, session: SESSION }
  const rest = url.replace(/([?&])options=[^&]*(&|$)/, (_, before: string, after: string) => (after === '&' ? before : ''))
  return { connectionString: rest, session: `${decodeURIComponent(given.replaceAll('+', ' '))} ${SESSION}` }
}
