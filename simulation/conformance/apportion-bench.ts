// Our own ledger on the bench: the server's application on a real socket and a real database, a worker whose steps are taken by hand, and a
// network that drops what it is sent when told so.

import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { JsonObject } from '../../src/core/effects.ts'
import { createKey, splitKey } from '../../src/engine/api-key.ts'
import { createApp } from '../../src/http/app.ts'
import { dollars, USDC } from '../../test/dollars.ts'
import { COIN, openHouse, round, runUntilStill, type Home, type House, type LedgerOptions, type Process } from '../../test/house.ts'
import type { Answer, Door, LedgerBench, Sent } from './bench.ts'

export type Benches = {
  /** A new ledger on the server. */
  readonly open: () => Promise<LedgerBench>
  readonly close: () => Promise<void>
}

const FUNDS = 10_000n
const SLOTS_TO_EXPIRY = 200
const MOST_ROUNDS = 20

/** One server and one database for many ledgers. `databaseUrl`: of the server to make the database on; in tests that of the whole run. */
export async function openBenches({ databaseUrl, lanes = 1 }: { readonly databaseUrl?: string; readonly lanes?: number } = {}): Promise<Benches> {
  const house = await openHouse(databaseUrl)
  const servers = [await serve(house.main), await serve(house.start())]
  return {
    open: async () => await openBench(house, servers, lanes),
    close: async () => {
      for (const { close } of servers) await close()
      await house.close()
    },
  }
}

type Server = { readonly url: string; readonly close: () => Promise<void> }

async function serve({ world, ledgers, recorder }: Process): Promise<Server> {
  const app = await createApp(world, { ledgers, recorder, faults: () => [] })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close: async () => await app.close() }
}

async function openBench(house: House, [first, second]: readonly Server[], lanes: number): Promise<LedgerBench> {
  if (first === undefined || second === undefined) throw new Error('there are two servers')
  const home = await house.makeLedger({ lanes, funds: FUNDS })
  const { call, text } = await doorOf(house, first, home)
  const event: LedgerBench['event'] = (reference, units) => ({ reference, token_id: home.token, sale_amount: coins(units) })
  return {
    call,
    currency: 'SOL/9',
    event,
    elsewhere: (await doorOf(house, second, home)).call,
    journal: async () => await text('/journal'),
    tooEarly: (reference, units): JsonObject => ({ ...event(reference, units), event_at: house.now().add({ hours: 24 }).toString() }),
    foreign: async () => await foreignOf(house, first, { program: dollars, inbox: false, lanes }),
    pay: payingOf(house, home),
  }
}

async function foreignOf(house: House, server: Server, options: LedgerOptions) {
  const home = await house.makeLedger({ ...options, tokens: { [USDC]: house.chain.mint('USDC', 6) } })
  const { call } = await doorOf(house, server, home)
  return { call, currency: USDC, event: (reference: string, units: bigint): JsonObject => ({ reference, units: units.toString() }) }
}

/** Requests to a ledger of a server, by somebody who may record and read. */
async function doorOf({ main, database }: House, { url }: Server, { name, ledger }: Home): Promise<{ readonly call: Door; readonly text: (path: string) => Promise<string> }> {
  const owner = { ...main.world, owner: database.pool }
  const { key } = await createKey(owner, ledger, { name: `bench-${crypto.randomUUID()}`, rights: ['read', 'record'] })
  const { bearer } = splitKey(key)
  const ask = async ({ method, path, body, key: idempotencyKey }: Sent): Promise<Response> => {
    return await fetch(`${url}/v1/ledgers/${name}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }
  return {
    call: async (sent): Promise<Answer> => {
      const response = await ask(sent)
      return { status: response.status, body: await response.json() }
    },
    text: async (path) => {
      const response = await ask({ method: 'GET', path })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${path} was answered with ${response.status} ${text}`)
      return text
    },
  }
}

function coins(units: bigint): string {
  return `${units / COIN}.${(units % COIN).toString().padStart(9, '0')}`
}

const counts = z.object({ queued: z.coerce.number(), reserved: z.coerce.number() })

/** The worker's steps, and the network's: it drops what is sent until everything is reserved, and lets it expire. */
function payingOf(house: House, home: Home) {
  const standing = async () => {
    const { rows } = await house.database.pool.query(
      `select count(*) filter (where state = 'queued') as queued, count(*) filter (where state = 'reserved') as reserved from apportion.payout where lane = any ($1)`,
      [home.ledger.lanes],
    )
    return counts.parse(rows[0])
  }
  const roundsUntil = async (done: (found: z.infer<typeof counts>) => boolean): Promise<void> => {
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds += 1) {
      await round(house.main, home)
      if (done(await standing())) return
    }
    throw new Error(`payouts stand at ${JSON.stringify(await standing())} after ${MOST_ROUNDS} rounds`)
  }
  return {
    reserve: async () => {
      house.chain.knobs({ transactionDropRate: 1 })
      await roundsUntil(({ queued, reserved }) => queued === 0 && reserved > 0)
    },
    release: async () => {
      house.chain.pass(SLOTS_TO_EXPIRY)
      house.elapse({ seconds: 60 })
      await roundsUntil(({ queued, reserved }) => reserved === 0 && queued > 0)
    },
    settle: async () => {
      house.chain.knobs({ transactionDropRate: 0 })
      await runUntilStill(house, home)
    },
  }
}
