// The doors as callers find them: a request travels to one of the servers, may get lost, come late or twice, or find nobody; so may its
// answer. Every offer is told with what came back. Nothing here repeats a request: callers do.

import type { Pool } from 'pg'
import { escapeIdentifier } from 'pg'
import { present } from '../../src/core/assert.ts'
import type { Json } from '../../src/core/effects.ts'
import { Refusal } from '../../src/core/refusal.ts'
import type { Seal } from '../../src/core/seal.ts'
import { setDestinations } from '../../src/engine/set-destinations.ts'
import type { Answer, Call, Offer, Person, Request } from '../history.ts'
import type { Random } from '../random.ts'
import type { Doors } from '../workload/doors.ts'
import type { Faults } from './faults.ts'
import type { Network } from './network.ts'
import type { Scheduler } from './scheduler.ts'
import type { Server } from './server.ts'
import { outsider } from './waiting.ts'

/** A key as it is sent, and the seal that stays. */
export type Key = { readonly bearer: string; readonly seal: Seal }

/** A ledger as those who call know it. */
export type Home = { readonly keys: Readonly<Record<Person, Key>>; readonly wallet: string; readonly asset: string }

/** Servers that run, each with a promise that it is gone. */
export type Running = { readonly server: Server; readonly gone: Promise<void> }

export type DoorParts = {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly faults: Faults
  readonly network: Network
  readonly homes: ReadonlyMap<string, Home>
  readonly running: () => readonly Running[]
  /** Connections of people who know only SQL. */
  readonly sql: Pool
  readonly offered: (offer: Offer) => void
  /** Requests whose answer nobody has heard yet, as if there were none: they may be carried out already. */
  readonly underWay: Set<Offer>
}

const TRAVEL_US = 8_000
const LATE_US = 6_000_000
/** After so long a caller takes a request for lost. */
const PATIENCE_US = 2_000_000
/** As long as servers go by what they remember of keys. */
const STALE_US = 5_000_000
const NATIVE = 'SOL/9'

/** As many as a server has: each of those that lie idle may have been ended by a restart of the database, and says so once. */
const CONNECTIONS = 16

/** A request that meets no fault and is told nobody: by somebody who only reads, once faults have ended. */
export function askQuietly({ homes, running }: Pick<DoorParts, 'homes' | 'running'>): Call {
  return async ({ person = 'owner', ...request }) => {
    let answer: Answer = null
    for (let tries = 0; tries < CONNECTIONS && (answer === null || answer.status >= 500); tries += 1) {
      const [first] = running()
      if (first === undefined) break
      answer = await inject(first.server, request, keyOf(homes, person, request.path))
    }
    return answer
  }
}

export function openDoors(parts: DoorParts): Doors {
  const { scheduler, faults, network, homes } = parts
  const callers = outsider('a caller')
  const homeOf = (ledger: string): Home => present(homes.get(ledger), `the ledger ${ledger}`)
  const instant = (): Temporal.Instant => Temporal.Instant.fromEpochNanoseconds(BigInt(scheduler.now()) * 1000n)
  const offer = async (person: Person, request: Request, door: Offer['door'], work: () => Promise<Pick<Offer, 'process' | 'answer' | 'twice'>>): Promise<Answer> => {
    const asked = instant()
    const open: Offer = { asked, at: asked, door, process: 'nobody', person, request, answer: null }
    parts.underWay.add(open)
    const { process, answer, twice = false } = await work()
    parts.underWay.delete(open)
    parts.offered({ asked, at: instant(), door, process, person, request, answer, twice })
    return answer
  }
  const api = apiOf(parts, callers)
  const row = (verb: 'INSERT' | 'UPSERT') => async (table: string, given: { readonly [column: string]: Json }) =>
    await offer('owner', { method: verb, path: table, body: given }, 'sql', async () => {
      await scheduler.turn(callers, `writes a row of ${table}`, parts.random.below(TRAVEL_US))
      return { process: 'database', answer: await writeRow(parts.sql, verb, table, given) }
    })
  return {
    call: async ({ person = 'owner', ...request }) => await offer(person, request, 'api', async () => await api(request, keyOf(homes, person, request.path))),
    insert: row('INSERT'),
    upsert: row('UPSERT'),
    name: async (ledger, recipient, address) =>
      await offer('owner', { method: 'NAME', path: `/v1/ledgers/${ledger}/recipients/${recipient}`, body: { address } }, 'api', async () => {
        await scheduler.turn(callers, `names an address of ${recipient}`, parts.random.below(TRAVEL_US))
        const [first] = parts.random.shuffle(parts.running())
        if (first === undefined) return { process: 'nobody', answer: null }
        const answer = await Promise.race([nameAddress(first.server, ledger, { recipient, address }), first.gone.then(() => null)])
        return { process: first.server.owner.name, answer }
      }),
    seal: (ledger, person, text) => homeOf(ledger).keys[person].seal.sign(text).toBase64(),
    hands: {
      fund: (ledger, asset, units) => give(network, asset, homeOf(ledger).wallet, units),
      give: (_, asset, address, units) => give(network, asset, address, units),
      freeze: (_, asset, owner, frozen) => {
        if (network.hand.freeze(asset, owner, frozen) && frozen) faults.count('recipient frozen')
      },
    },
    now: instant,
    sleep: async (ms) => await scheduler.turn(callers, 'goes on', ms * 1000),
  }
}

function give(network: Network, asset: string, address: string, units: bigint): void {
  if (asset === NATIVE) network.hand.fund(address, units)
  else network.hand.mintTo(asset, address, units)
}

function keyOf(homes: ReadonlyMap<string, Home>, person: Person, path: string): string {
  const ledger = /^\/v1\/ledgers\/([^/?]+)/.exec(path)?.[1] ?? ''
  // A ledger that nobody made is asked with somebody's key.
  return present(homes.get(ledger) ?? [...homes.values()][0], 'a ledger').keys[person].bearer
}

/** Requests after which servers may go by what they knew before. */
const CHANGING = /\/(plans|settings|keys)\b/

function apiOf({ scheduler, random, faults, running }: DoorParts, callers: ReturnType<typeof outsider>) {
  const travel = (kind: 'request late' | 'answer late'): number => random.below(faults.happens(kind) ? LATE_US : TRAVEL_US)
  let changed: { readonly by: Server; readonly at: number } | null = null
  const choose = (): Running | null => {
    const all = running()
    if (all.length === 0) return null
    const others = changed !== null && scheduler.now() - changed.at < STALE_US ? all.filter(({ server }) => server !== changed?.by) : []
    return others.length > 0 && faults.happens('stale server asked') ? random.pick(others) : random.pick(all)
  }
  return async (request: Request, bearer: string): Promise<Pick<Offer, 'process' | 'answer' | 'twice'>> => {
    const words = `${request.method} ${request.path}`
    await scheduler.turn(callers, `sends ${words}`, travel('request late'))
    const found = faults.happens('request lost') ? null : choose()
    if (found === null) {
      await scheduler.turn(callers, `hears nothing of ${words}`, PATIENCE_US)
      return { process: 'nobody', answer: null }
    }
    const { server, gone } = found
    if (CHANGING.test(request.path) && request.method !== 'GET') changed = { by: server, at: scheduler.now() }
    const twice = faults.happens('request twice')
    if (twice) {
      scheduler.spawn(scheduler.turn(callers, `${words} comes again`, random.below(LATE_US)).then(async () => {
        const other = choose()
        if (other !== null) await inject(other.server, request, bearer)
      }))
    }
    const answer = await Promise.race([inject(server, request, bearer), gone.then(() => null)])
    const isLost = answer !== null && faults.happens('answer lost')
    await scheduler.turn(callers, `${answer === null ? 'hears nothing' : `hears ${answer.status}`} of ${words}`, isLost ? PATIENCE_US : travel('answer late'))
    return { process: server.owner.name, answer: isLost ? null : answer, twice }
  }
}

async function inject({ app }: Server, { method, path, body, idempotencyKey }: Request, bearer: string): Promise<Answer> {
  const isText = typeof body === 'string'
  const answer = await (await app()).inject({
    method: method as 'GET',
    url: path,
    headers: {
      authorization: `Bearer ${bearer}`,
      ...(body !== undefined && { 'content-type': isText ? 'application/x-ndjson' : 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(body !== undefined && { payload: isText ? body : JSON.stringify(body) }),
  })
  return { status: answer.statusCode, body: /json/.test(answer.headers['content-type'] ?? '') ? answer.json() : answer.body }
}

export async function writeRow(pool: Pick<Pool, 'query'>, verb: 'INSERT' | 'UPSERT', table: string, row: { readonly [column: string]: Json }): Promise<Answer> {
  const columns = Object.keys(row)
  const names = columns.map(escapeIdentifier)
  const text = `insert into ${table.split('.').map(escapeIdentifier).join('.')} (${names.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`
  const [key = ''] = names
  const changes = verb === 'INSERT' ? '' : ` on conflict (${key}) do update set ${names.slice(1).map((name) => `${name} = excluded.${name}`).join(', ')}`
  try {
    await pool.query(text + changes, columns.map((column) => row[column]))
    return { status: 201, body: null }
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    // Without an SQLSTATE, or with one that ends sessions, nobody knows whether the row is there.
    const isAnswer = code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('57P') && !code.startsWith('08')
    return isAnswer ? { status: 409, body: { code, message } } : null
  }
}

async function nameAddress({ world, ledgers }: Server, ledger: string, { recipient, address }: { readonly recipient: string; readonly address: string }): Promise<Answer> {
  try {
    await setDestinations(world, await ledgers.open(ledger), [{ recipient, label: null, destination: { address } }])
    return { status: 200, body: null }
  } catch (error) {
    if (error instanceof Refusal) return { status: 400, body: { code: error.code, detail: error.message } }
    return null
  }
}
