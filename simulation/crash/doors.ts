// The doors of real servers: HTTP to whichever server serves, the command line, and plain SQL by somebody who knows only the tables. Each
// offer is told with what came back; where nothing came back, nobody knows. Nothing here repeats a request: callers do.

import { Client } from 'pg'
import { present } from '../../src/core/assert.ts'
import type { Answer, Offer, Person, Request } from '../history.ts'
import { rpc, type Node } from '../chain.ts'
import { pause, tryApportion, type Settings } from '../process.ts'
import type { Random } from '../random.ts'
import { writeRow, type Home } from '../world/doors.ts'
import type { Doors } from '../workload/doors.ts'
import { landed } from './hand.ts'

export type RealDoorParts = {
  /** APIs of servers, whether they serve or not. */
  readonly urls: () => readonly string[]
  /** As the owner of the tables. */
  readonly databaseUrl: () => string
  readonly node: Node
  /** For the command line: a folder and settings, asked for each command. */
  readonly dataDirectory: string
  readonly settings: () => Settings
  readonly homes: ReadonlyMap<string, Home>
  /** Addresses of tokens by asset. */
  readonly mints: ReadonlyMap<string, string>
  readonly random: Random
  readonly offered: (offer: Offer) => void
  /** Whether callers come to their end instead of taking their time. */
  readonly hurry: () => boolean
}

/** A server that does not answer within this is given up. */
const PATIENCE_MS = 10_000
/** One of so many sales comes by the command line: a process each, which costs what a hundred requests cost. */
const CLI_SHARE = 40
/** Processes of the command line at once. */
const MAX_COMMANDS = 2
const NATIVE = 'SOL/9'

export function openRealDoors(parts: RealDoorParts): Doors {
  const { homes, random } = parts
  const homeOf = (ledger: string): Home => present(homes.get(ledger), `the ledger ${ledger}`)
  const offer = async (person: Person, request: Request, door: Offer['door'], process: string, work: () => Promise<Answer>): Promise<Answer> => {
    const asked = Temporal.Now.instant()
    const answer = await work()
    parts.offered({ asked, at: Temporal.Now.instant(), door, process, person, request, answer })
    return answer
  }
  const command = commandsOf(parts)
  const row = (verb: 'INSERT' | 'UPSERT') => async (table: string, given: Parameters<Doors['insert']>[1]) =>
    await offer('owner', { method: verb, path: table, body: given }, 'sql', 'database', async () => {
      return await onConnection(parts.databaseUrl(), async (client) => await writeRow(client, verb, table, given))
    })
  return {
    call: async ({ person = 'owner', ...request }) => {
      const words = person === 'owner' && random.below(CLI_SHARE) === 0 ? saleWords(request) : null
      if (words !== null) return await offer(person, request, 'api', 'command line', async () => await command(words))
      const url = random.pick(parts.urls())
      return await offer(person, request, 'api', url, async () => await ask(url, request, keyOf(homes, person, request.path)))
    },
    insert: row('INSERT'),
    upsert: row('UPSERT'),
    name: async (ledger, recipient, address) =>
      await offer('owner', { method: 'NAME', path: `/v1/ledgers/${ledger}/recipients/${recipient}`, body: { address } }, 'api', 'command line', async () => {
        return await command(['recipient', 'set', recipient, address, '--ledger', ledger, '--json'])
      }),
    seal: (ledger, person, text) => homeOf(ledger).keys[person].seal.sign(text).toBase64(),
    hands: {
      fund: (ledger, asset, units) => void give(parts, { asset, address: homeOf(ledger).wallet, units }),
      give: (_, asset, address, units) => void give(parts, { asset, address, units }),
      freeze: (_, asset, owner, frozen) => {
        const mint = parts.mints.get(asset)
        // Nothing happens to an owner without an account of the token.
        void rpc(parts.node, frozen ? 'sandbox_freeze' : 'sandbox_thaw', [{ mint, owner }]).catch(() => {})
      },
    },
    now: () => Temporal.Now.instant().round({ smallestUnit: 'microsecond', roundingMode: 'trunc' }),
    sleep: async (ms) => {
      for (let left = ms; left > 0; left -= HURRY_MS) {
        await pause(Math.min(left, HURRY_MS))
        if (parts.hurry()) return
      }
    },
  }
}

/** When there is nothing left to kill, callers come to their end: whoever sleeps looks so often. */
const HURRY_MS = 50

async function give({ node, mints }: RealDoorParts, { asset, address, units }: { asset: string; address: string; units: bigint }): Promise<void> {
  const mint = asset === NATIVE ? null : present(mints.get(asset), asset)
  await landed(node, { mint, address, units })
}

async function ask(url: string, { method, path, body, idempotencyKey }: Request, bearer: string): Promise<Answer> {
  const isText = typeof body === 'string'
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body !== undefined && { 'content-type': isText ? 'application/x-ndjson' : 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const text = await response.text()
    return { status: response.status, body: /json/.test(response.headers.get('content-type') ?? '') ? (JSON.parse(text) as unknown) : text }
  } catch {
    // Refused, cut off, or too late: nobody knows.
    return null
  }
}

function keyOf(homes: ReadonlyMap<string, Home>, person: Person, path: string): string {
  const ledger = /^\/v1\/ledgers\/([^/?]+)/.exec(path)?.[1] ?? ''
  // A ledger that nobody made is asked with somebody's key.
  return present(homes.get(ledger) ?? [...homes.values()][0], 'a ledger').keys[person].bearer
}

async function onConnection(url: string, work: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: PATIENCE_MS, statement_timeout: PATIENCE_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

/** A sale as words of the command line; null for whatever else is asked. */
function saleWords({ method, path, body, idempotencyKey }: Request): readonly string[] | null {
  const ledger = /^\/v1\/ledgers\/([^/]+)\/events$/.exec(path)?.[1]
  if (method !== 'POST' || ledger === undefined || idempotencyKey !== undefined || typeof body !== 'object' || body === null || Array.isArray(body)) return null
  const words = Object.entries(body).flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${value}`] : []))
  if (words.length < Object.keys(body).length) return null
  return ['event', 'record', ...words, '--ledger', ledger, '--backdate', '--json']
}

/** Runs commands, a few at once, and reads their ends as answers: what it printed, what it refused, or nothing that anybody can read. */
function commandsOf({ dataDirectory, settings }: RealDoorParts): (words: readonly string[]) => Promise<Answer> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (words) => {
    if (running >= MAX_COMMANDS) await new Promise<void>((resolve) => void waiting.push(resolve))
    running += 1
    try {
      const { code, printed, complaints } = await tryApportion(dataDirectory, words, settings())
      if (code === 0) return printedAnswer(JSON.parse(printed))
      const refused = /^ {2}\(([a-z_]+)\)$/m.exec(complaints)?.[1]
      return refused === undefined || refused === 'database_unavailable' ? null : { status: 400, body: { code: refused, detail: complaints } }
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }
}

function printedAnswer(printed: unknown): Answer {
  const { state, event } = printed as { readonly state?: unknown; readonly event?: unknown }
  if (event === undefined) return { status: 200, body: printed }
  return { status: state === 'recorded' ? 201 : 200, body: event }
}
