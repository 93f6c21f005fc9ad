// The slots of lanes that a worker holds on its database: session locks on one connection, which end with it, however it ends. They only keep
// workers from doing the same work twice; what makes work safe is in each step itself, so a lock lost or late does no harm.

import type { Pool, PoolClient } from 'pg'
import { plainArray, rows } from './statement.ts'

/** Any fixed number will do, as long as every version of the program uses the same. */
const NAMESPACE = 1_634_758_770
/** Held together by all workers that want any slot; beyond every slot. */
const WORKERS = 1_000_000

export type LocksSeen = {
  readonly mine: ReadonlySet<number>
  readonly others: ReadonlySet<number>
  /** Those who want any slot, and which of them this one is, in an order that all see. */
  readonly workers: number
  readonly place: number
}

export type LaneLocks = {
  /** Who holds what now. `wantsAny`: whether this worker counts as one. */
  readonly look: (wantsAny: boolean) => Promise<LocksSeen>
  /** Gives slots up and takes others, as far as nobody took them first. Answers those taken. */
  readonly change: (slots: { readonly leave: readonly number[]; readonly take: readonly number[] }) => Promise<readonly number[]>
  /** Gives up everything, and never fails: what cannot be given up ends with the connection. */
  readonly release: () => Promise<void>
}

export function openLaneLocks(pool: Pool): LaneLocks {
  let client: PoolClient | null = null
  const drop = (): void => {
    // The connection ends, and with it every lock, whatever became of it before.
    client?.release(true)
    client = null
  }
  const ask = async <T>(work: (on: PoolClient) => Promise<T>): Promise<T> => {
    try {
      client ??= await connect(pool)
      return await work(client)
    } catch (error) {
      drop()
      throw error
    }
  }
  return {
    look: async (wantsAny) => await ask(async (on) => await look(on, wantsAny)),
    change: async (slots) => await ask(async (on) => await change(on, slots)),
    release: async () => {
      // Said aloud, because the server hears of a closed connection a moment later, and whoever comes next looks once a second.
      await client?.query('select pg_advisory_unlock_all()').catch(() => {})
      drop()
    },
  }
}

/** A machine that vanished without a word would hold its slots for hours: its connection is asked whether it is there. */
async function connect(pool: Pool): Promise<PoolClient> {
  const client = await pool.connect()
  try {
    await client.query('set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3')
    return client
  } catch (error) {
    client.release(true)
    throw error
  }
}

async function look(on: PoolClient, wantsAny: boolean): Promise<LocksSeen> {
  const seen = await rows<{ slot: bigint; pid: number; own: number }>(on, {
    text: `select objid::bigint as slot, pid, pg_backend_pid() as own
      from pg_locks
      where locktype = 'advisory' and classid = $1::bigint::oid and objsubid = 2 and granted
        and database = (select oid from pg_database where datname = current_database())
      order by objid, pid`,
    values: [NAMESPACE],
  })
  const workers = seen.filter(({ slot }) => slot === BigInt(WORKERS))
  const isCounted = workers.some(({ pid, own }) => pid === own)
  if (wantsAny && !isCounted) await rows(on, { text: 'select pg_try_advisory_lock_shared($1, $2)', values: [NAMESPACE, WORKERS] })
  if (!wantsAny && isCounted) await rows(on, { text: 'select pg_advisory_unlock_shared($1, $2)', values: [NAMESPACE, WORKERS] })
  const slotsOf = (isMine: boolean): ReadonlySet<number> =>
    new Set(seen.filter(({ slot, pid, own }) => (pid === own) === isMine && slot !== BigInt(WORKERS)).map(({ slot }) => Number(slot)))
  const others = workers.filter(({ pid, own }) => pid !== own)
  const place = others.filter(({ pid, own }) => pid < own).length
  return { mine: slotsOf(true), others: slotsOf(false), workers: others.length + (wantsAny ? 1 : 0), place }
}

async function change(on: PoolClient, { leave, take }: { readonly leave: readonly number[]; readonly take: readonly number[] }): Promise<readonly number[]> {
  if (leave.length > 0) await rows(on, { text: 'select pg_advisory_unlock($1, slot) from unnest($2::integer[]) as slot', values: [NAMESPACE, plainArray(leave)] })
  if (take.length === 0) return []
  const tried = await rows<{ slot: number; taken: boolean }>(on, {
    text: `select slot, pg_try_advisory_lock($1, slot) as taken from unnest($2::integer[]) as slot`,
    values: [NAMESPACE, plainArray(take)],
  })
  return tried.filter(({ taken }) => taken).map(({ slot }) => slot)
}
