// Posting through HTTP: a server in a process of its own, and callers who keep their connections.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { present } from '../src/core/assert.ts'
import { createKey } from '../src/engine/api-key.ts'
import { runCallers, type Answered } from './callers.ts'
import type { Lane } from './posting.ts'
import { benchBody } from './workload.ts'

export type Answer = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly text: string }

export type Client = {
  readonly send: (path: string, body: Buffer) => Promise<Answer>
  readonly close: () => void
}

/**
 * A client that keeps as many connections as it has callers. It writes requests that are ready and reads no more of an answer than it needs:
 * it shares the processors with the server, and node's own client would take half as much of them as the server does. Rejects when a
 * connection breaks.
 */
export function openClient({ url, key }: { readonly url: string; readonly key: string }): Client {
  const { hostname, port, host } = new URL(url)
  const idle: Connection[] = []
  const all = new Set<Connection>()
  const connectionOf = (): Connection => {
    const made = idle.pop() ?? openConnection({ hostname, port: Number(port) })
    all.add(made)
    return made
  }
  const send = async (path: string, body: Buffer): Promise<Answer> => {
    const connection = connectionOf()
    const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const answer = await connection.send(Buffer.concat([Buffer.from(head), body]))
    if (answer.headers['connection'] === 'close') all.delete(connection)
    else idle.push(connection)
    return answer
  }
  return { send, close: () => all.forEach(({ end }) => end()) }
}

type Connection = { readonly send: (request: Buffer) => Promise<Answer>; readonly end: () => void }

/** One connection, on which one request at a time is under way. */
function openConnection({ hostname, port }: { readonly hostname: string; readonly port: number }): Connection {
  const socket = connect({ host: hostname, port, noDelay: true })
  let waiting: PromiseWithResolvers<Answer> | null = null
  let received: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    received = received.length === 0 ? data : Buffer.concat([received, data])
    const answer = answerIn(received)
    if (answer === null || waiting === null) return
    const { resolve } = waiting
    waiting = null
    received = Buffer.alloc(0)
    resolve(answer)
  })
  socket.on('error', (error) => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the server closed a connection')))
  return {
    send: async (request) => {
      waiting = Promise.withResolvers<Answer>()
      socket.write(request)
      return await waiting.promise
    },
    end: () => socket.destroy(),
  }
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** An answer when it is there as a whole; the server says of each how long it is. */
function answerIn(received: Buffer): Answer | null {
  const end = received.indexOf(HEAD_END)
  if (end === -1) return null
  const [status = '', ...lines] = received.toString('latin1', 0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  const length = headers['content-length']
  if (length === undefined) throw new Error(`the server did not say how long its answer is: ${status}`)
  const from = end + HEAD_END.length
  if (received.length < from + Number(length)) return null
  return { status: Number(status.split(' ')[1]), headers, text: received.toString('utf8', from, from + Number(length)) }
}

/** Serves the bench's ledgers while the work lasts. */
export async function withServer<T>(appUrl: string, work: (url: string) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./http-server.ts', import.meta.url)), [appUrl], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  try {
    const [url] = (await Promise.race([once(child, 'message'), ended.then(() => Promise.reject(new Error('the server of the bench did not start')))])) as [string]
    return await work(url)
  } finally {
    if (child.connected) child.disconnect()
    await ended
  }
}

/** Most requests a second that any machine is expected to answer: so many are made ready for each second. */
const MOST_A_SECOND = 30_000

type Round = { readonly urls: readonly string[]; readonly callers: number; readonly ms: number; readonly calls?: number; readonly nowMs: () => number }

/** Posts one event a call for `ms`, or so many calls, by so many callers, to each server in turn. */
export async function postByHttp(lane: Lane, { urls, callers, ms, calls: count, nowMs }: Round): Promise<Answered> {
  const { effects, store, ledger, pattern } = lane
  const { key } = await createKey({ ...effects, store }, ledger, { name: effects.id(), rights: ['record'] })
  const clients = urls.map((url) => openClient({ url, key }))
  const calls = Array.from({ length: count ?? Math.ceil((MOST_A_SECOND * ms) / 1000) }, (_, call) => {
    return { client: present(clients[call % clients.length], 'client'), body: Buffer.from(JSON.stringify(benchBody(pattern, lane.next++))) }
  })
  try {
    return await runCallers({ callers, ms, calls, nowMs }, async ({ client, body }) => {
      const { status, text } = await client.send(`/v1/ledgers/${ledger.name}/events`, body)
      if (status !== 201) throw new Error(`an event of the bench was answered ${status}: ${text}`)
    })
  } finally {
    for (const client of clients) client.close()
  }
}
