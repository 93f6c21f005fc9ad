// The sandbox network behind HTTP on 127.0.0.1, and the same behind a fetch function for hosts that need no socket.
// Carries out what the node decides: waits, broken connections, death. Never listens on another address.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { assert } from '../../../core/assert.ts'
import type { Effects } from '../../../core/effects.ts'
import { MAX_BODY_BYTES, answer, travelMs, type Node, type Reply } from './node.ts'

export type Hosting = {
  readonly node: Node
  readonly sleep: Effects['sleep']
  /** Ends the node: a process kills itself; a simulator opens the network again and puts it into `node.network`. */
  readonly onCrash: () => void
}

export type Server = { readonly url: string; readonly port: number; readonly close: () => Promise<void> }

const KEEP_ALIVE_MS = 120_000

/** Listens on 127.0.0.1 (port 0: a free one). */
export async function serve(hosting: Hosting, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    handle(hosting, request, response).catch((error: unknown) => {
      // A caller that hangs up in the middle of its body is no error of ours.
      if (!request.errored) hosting.node.host.report(error)
      request.socket.destroy()
    })
  })
  // Node's five seconds would race with clients that reuse a connection; the only broken ones here shall be the knobs'.
  server.keepAliveTimeout = KEEP_ALIVE_MS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  const address = server.address()
  assert(address !== null && typeof address === 'object', 'a listening server has a port')
  const close = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, close }
}

/**
 * A `fetch` that reaches the node in this process, with the failures of a real one: a lost answer rejects with a
 * TypeError.
 */
export function sandboxFetch(hosting: Hosting): typeof fetch {
  return async (input, init) => {
    const body = typeof init?.body === 'string' ? init.body : await new Request(input, init).text()
    if (body.length > MAX_BODY_BYTES) return new Response('Payload too large', { status: 413 })
    await travel(hosting, body)
    const reply = answer(hosting.node, body)
    if (reply.kind !== 'crash' && reply.delayMs > 0) await hosting.sleep(reply.delayMs)
    if (reply.kind === 'answer') return new Response(reply.body, { status: reply.status, headers: headersOf(reply) })
    if (reply.kind === 'crash') hosting.onCrash()
    throw new TypeError('fetch failed', { cause: new Error('the connection was lost') })
  }
}

async function travel({ node, sleep }: Hosting, body: string): Promise<void> {
  const delayMs = travelMs(node, body)
  if (delayMs > 0) await sleep(delayMs)
}

async function handle(hosting: Hosting, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET' && request.url === '/health') {
    response.end('ok')
    return
  }
  if (request.method !== 'POST') {
    response.writeHead(405, { allow: 'POST' }).end('Used HTTP Method is not allowed. POST is required')
    return
  }
  const body = await readBody(request)
  if (body === null) {
    // The rest of the body is not read: the connection can't be used again.
    response.writeHead(413, { connection: 'close' }).end('Payload too large')
    return
  }
  await travel(hosting, body)
  const reply = answer(hosting.node, body)
  if (reply.kind === 'crash') {
    hosting.onCrash()
    request.socket.destroy()
    return
  }
  if (reply.delayMs > 0) await hosting.sleep(reply.delayMs)
  if (reply.kind === 'lost') request.socket.destroy()
  else response.writeHead(reply.status, headersOf(reply)).end(reply.body)
}

function headersOf(reply: Extract<Reply, { kind: 'answer' }>): Record<string, string> {
  const json = { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(reply.body)) }
  return reply.status === 429 ? { ...json, 'retry-after': '1' } : json
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > MAX_BODY_BYTES) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
