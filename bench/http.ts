// Posting through HTTP: a server in a process of its own, and callers who keep their connections.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { fileURLToPath } from 'node:url'
import { present } from '../src/core/assert.ts'
import { createKey } from '../src/engine/api-key.ts'
import { runCallers, type Answered } from './callers.ts'
import type { Lane } from './posting.ts'
import { benchBody } from './workload.ts'

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }

export type Client = {
  readonly send: (path: string, body: Buffer) => Promise<Answer>
  readonly close: () => void
}

/** A client that keeps as many connections as it has callers. Rejects when a connection breaks. */
export function openClient({ url, key, callers }: { readonly url: string; readonly key: string; readonly callers: number }): Client {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const send = async (path: string, body: Buffer): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const headers = { 'content-type': 'application/json', 'content-length': body.length, authorization: `Bearer ${key}` }
    const request = httpRequest({ agent, hostname, port, path, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject)
    request.end(body)
    return await promise
  }
  return { send, close: () => agent.destroy() }
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

type Round = { readonly urls: readonly string[]; readonly callers: number; readonly ms: number; readonly nowMs: () => number }

/** Posts one event a call for `ms` by so many callers, to each server in turn. */
export async function postByHttp(lane: Lane, { urls, callers, ms, nowMs }: Round): Promise<Answered> {
  const { effects, store, ledger, pattern } = lane
  const { key } = await createKey({ ...effects, store }, ledger, { name: effects.id(), rights: ['record'] })
  const clients = urls.map((url) => openClient({ url, key, callers }))
  const calls = Array.from({ length: Math.ceil((MOST_A_SECOND * ms) / 1000) }, (_, call) => {
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
