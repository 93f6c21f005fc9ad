// A real server by address, to replay on it what ran in this process: each session is a connection of its own, with its role's login.

import type { Duplex } from 'node:stream'
import { Client, escapeIdentifier, type Pool } from 'pg'
import { present } from '../../src/core/assert.ts'
import { createPool } from '../../src/store/pool.ts'
import type { Batch } from './framing.ts'
import type { DatabaseUrls, Host, Line, Startup } from './host.ts'
import { CODE, splitMessages } from './messages.ts'

/**
 * Opens a database that is migrated and granted. Its owner may make databases: what is kept stands in one beside it, from which every
 * reset makes it anew in some 50 ms.
 */
export async function openServer(urls: DatabaseUrls): Promise<Host> {
  const address = new URL(urls.owner)
  const database = decodeURIComponent(address.pathname.slice(1))
  const [name, kept] = [escapeIdentifier(database), escapeIdentifier(`${database}_kept`)]
  address.pathname = '/postgres'
  const admin = createPool({ url: address.href, max: 4, applicationName: 'simulation' })
  const byUser = new Map(Object.values(urls).map((url) => [decodeURIComponent(new URL(url).username), url]))
  const copy = async (from: string, to: string): Promise<void> => {
    await admin.query(`drop database if exists ${to}`)
    await admin.query(`create database ${to} template ${from} strategy wal_log`)
  }
  let roles = await roleNames(admin)
  await copy(name, kept)
  return {
    urls,
    open: async ({ user, options }) => await openLine(admin, { user: present(byUser.get(user), `address of ${user}`), options }),
    keep: async () => {
      roles = await roleNames(admin)
      await copy(name, kept)
    },
    reset: async () => {
      await copy(kept, name)
      const made = (await roleNames(admin)).difference(roles)
      for (const role of made) await admin.query(`drop role ${escapeIdentifier(role)}`)
    },
    // Sessions of a real server prepare for themselves.
    learn: async () => await copy(kept, name),
    close: async () => {
      await admin.query(`drop database ${kept}`)
      await admin.end()
    },
  }
}

async function roleNames(admin: Pool): Promise<ReadonlySet<string>> {
  const { rows } = await admin.query<{ name: string }>(`select rolname::text as name from pg_roles`)
  return new Set(rows.map(({ name }) => name))
}

/** `user` is an address. The driver says who it is and proves it; then the socket is ours. */
async function openLine(admin: Pool, { user: url, options }: Startup): Promise<Line> {
  const client = new Client({ connectionString: url, options, application_name: 'simulation' })
  // What breaks the connection is told by the batch that was under way.
  client.on('error', () => {})
  await client.connect()
  const { connection, processID } = client as unknown as { readonly connection: { readonly stream: Duplex }; readonly processID: number }
  const { stream } = connection
  stream.removeAllListeners('data')
  const read = reader(stream)
  return {
    run: async ({ messages }: Batch) => {
      const answer = read()
      stream.write(Buffer.concat(messages.map(({ bytes }) => bytes)))
      return await answer
    },
    end: async () => {
      // Waits until the server has rolled back and let go of every lock: the next statement, whoever makes it, sees that it is gone.
      await admin.query('select pg_terminate_backend($1, $2)', [processID, END_LIMIT_MS])
      stream.destroy()
    },
  }
}

/** A session that does nothing else ends at once. */
const END_LIMIT_MS = 30_000

/** Reads a whole answer, up to ReadyForQuery. One at a time. */
function reader(stream: Duplex): () => Promise<Buffer> {
  let chunks: Buffer[] = []
  let rest: Buffer = Buffer.alloc(0)
  let asked: PromiseWithResolvers<Buffer> | null = null
  stream.on('data', (chunk: Buffer) => {
    const split = splitMessages(Buffer.concat([rest, chunk]))
    rest = split.rest
    chunks.push(...split.messages.map(({ bytes }) => bytes))
    if (split.messages.at(-1)?.code !== CODE.ready) return
    const whole = Buffer.concat(chunks)
    chunks = []
    asked?.resolve(whole)
    asked = null
  })
  stream.on('close', () => asked?.reject(new Error('the server ended the connection')))
  return async () => {
    asked = Promise.withResolvers<Buffer>()
    return await asked.promise
  }
}
