// Doors to a real database and the application without the simulator: for tests of the workload. One process, a clock that callers move
// by waiting, and a network that passes whenever the worker's tasks are carried out.

import { escapeIdentifier, type Pool } from 'pg'
import { present } from '../src/core/assert.ts'
import type { Json, JsonObject } from '../src/core/effects.ts'
import { Refusal } from '../src/core/refusal.ts'
import type { Seal } from '../src/core/seal.ts'
import { createKey, splitKey } from '../src/engine/api-key.ts'
import { createDistributor } from '../src/engine/carry-distributions.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import type { Ledger } from '../src/engine/ledger.ts'
import { setDestinations } from '../src/engine/set-destinations.ts'
import { verify } from '../src/engine/verify.ts'
import { createWallet, payingWallet } from '../src/engine/wallet.ts'
import { createApp } from '../src/http/app.ts'
import { createPool } from '../src/store/pool.ts'
import { openHouse, round, type Home, type House } from './house.ts'
import { addressOf, ROLES } from './template.ts'
import type { Answer, Offer, Person, Request } from '../simulation/history.ts'
import { PERSON_RIGHTS, type Doors } from '../simulation/workload/doors.ts'
import type { LedgerSetup, Workload } from '../simulation/workload/workload.ts'

export type Stage = {
  readonly house: House
  readonly doors: Doors
  readonly offers: readonly Offer[]
  /** The worker's tasks of every ledger, once. */
  readonly work: () => Promise<void>
  /** What `verify` finds broken. */
  readonly breaks: () => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

type Set = { readonly setup: LedgerSetup; readonly ledger: Ledger; readonly wallet: string; readonly tokens: Readonly<Record<string, string>>; readonly keys: ReadonlyMap<Person, { readonly bearer: string; readonly seal: Seal | null }> }

const SLOTS = 6
const ROUND_MS = 120

export async function openStage({ ledgers }: Pick<Workload, 'ledgers'>): Promise<Stage> {
  const house = await openHouse()
  const { main, database, chain } = house
  const seller = `seller_${database.name.replace(/\W/g, '_')}`
  await database.pool.query(`create role ${seller} login password '${seller}'`)
  // One token of a name, in whichever ledger.
  const tokens = new Map<string, string>()
  for (const [asset, decimals] of ledgers.flatMap((setup) => Object.entries(setup.tokens))) if (!tokens.has(asset)) tokens.set(asset, chain.mint(asset, decimals))
  const sets = new Map<string, Set>()
  for (const setup of ledgers) sets.set(setup.name, await makeSet(house, setup, { seller, tokens }))
  const app = await createApp(main.world, { ledgers: main.ledgers, recorder: main.recorder, faults: () => [] })
  const selling = createPool({ url: addressOf(database.url, { database: database.name, role: seller }), max: 4, applicationName: 'seller' })
  const distributor = createDistributor(main.world)
  const offers: Offer[] = []
  const setOf = (ledger: string): Set => present(sets.get(ledger), ledger)

  const told = async (door: Offer['door'], person: Person, request: Request, ask: () => Promise<Answer>): Promise<Answer> => {
    const asked = house.now()
    const answer = await ask()
    offers.push({ asked, at: house.now(), door, process: door === 'sql' ? 'database' : 'stage', person, request, answer })
    return answer
  }
  const call: Doors['call'] = async ({ person = 'owner', ...request }) =>
    await told('api', person, request, async () => {
      const { method, path, body, idempotencyKey } = request
      const ledger = setOf(/^\/v1\/ledgers\/([^/]+)/.exec(path)?.[1] ?? '')
      const response = await app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          authorization: `Bearer ${present(ledger.keys.get(person), person).bearer}`,
          ...(body !== undefined && { 'content-type': typeof body === 'string' ? 'application/x-ndjson' : 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      return { status: response.statusCode, body: response.json() }
    })
  const write = (verb: 'insert' | 'upsert'): Doors['insert'] => async (table, row) =>
    await told('sql', 'owner', { method: 'INSERT', path: table, body: row }, async () => await writeRow(selling, { verb, table, row }))
  const doors: Doors = {
    ...{ call, insert: write('insert'), upsert: write('upsert'), now: house.now },
    name: async (ledger, recipient, address) =>
      await answerOf(async () => await setDestinations(main.world, setOf(ledger).ledger, [{ recipient, label: null, destination: { address } }]), 200),
    seal: (ledger, person, text) => present(present(setOf(ledger).keys.get(person), person).seal, 'seal').sign(text).toBase64(),
    hands: handsOf(house, setOf),
    sleep: async (ms) => {
      await Promise.resolve()
      house.elapse({ milliseconds: Math.max(1, ms) })
    },
  }
  return {
    ...{ house, doors, offers },
    work: async () => {
      for (const { ledger } of sets.values()) {
        await round(main, { name: ledger.name } as Home)
        for (const lane of ledger.lanes) await distributor.step(ledger, lane)
      }
      chain.pass(SLOTS)
      house.elapse({ milliseconds: ROUND_MS })
    },
    breaks: async () => {
      const found: string[] = []
      for (const { ledger } of sets.values()) found.push(...(await verify(main.world, ledger)).breaks.map((each) => JSON.stringify(each)))
      return found
    },
    close: async () => {
      await app.close()
      await selling.end()
      await database.pool.query(`drop owned by ${seller}; drop role ${seller}`)
      await house.close()
    },
  }
}

async function writeRow(pool: Pool, { verb, table, row }: { readonly verb: 'insert' | 'upsert'; readonly table: string; readonly row: JsonObject }): Promise<Answer> {
  const columns = Object.keys(row)
  const [key = '', ...others] = columns.map((column) => escapeIdentifier(column))
  const conflict = verb === 'insert' ? '' : ` on conflict (${key}) do update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
  const text = `insert into ${table} (${[key, ...others].join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})${conflict}`
  return await answerOf(async () => void (await pool.query(text, Object.values(row))), 201)
}

/** A refusal of ours by its status, one of the database's own as 409. */
async function answerOf(work: () => Promise<void>, status: number): Promise<Answer> {
  try {
    await work()
    return { status, body: null }
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, body: { code: error.code, detail: error.message, status: error.status } }
    const { code, constraint, message } = error as { code?: string; constraint?: string; message: string }
    if (code === undefined) throw error
    return { status: 409, body: { code, constraint: constraint ?? null, message } satisfies Json }
  }
}

async function makeSet({ main, database, chain }: House, setup: LedgerSetup, { seller, tokens: known }: { readonly seller: string; readonly tokens: ReadonlyMap<string, string> }): Promise<Set> {
  const { name, program, programFile, schema, lanes } = setup
  const tokens = Object.fromEntries(Object.keys(setup.tokens).map((asset) => [asset, present(known.get(asset), asset)]))
  await createLedger(
    { ...main.world, owner: database.pool, appRole: ROLES.app },
    { name, program, ...(programFile !== null && { programFile: { text: programFile, name: 'program.json' } }), sandbox: true, railUrl: null, inboxSchema: schema, tokens, lanes },
  )
  const ledger = await main.ledgers.open(name)
  await createWallet(main.world, ledger, 'main')
  const { address: wallet } = await payingWallet(main.world, ledger)
  await setDestinations(main.world, ledger, setup.recipients.map(({ recipient, address }) => ({ recipient, label: null, destination: { address } })))
  const keys = new Map<Person, { bearer: string; seal: Seal | null }>()
  for (const person of Object.keys(PERSON_RIGHTS) as Person[]) {
    const { key } = await createKey({ ...main.world, owner: database.pool }, ledger, { name: person, rights: PERSON_RIGHTS[person] })
    keys.set(person, splitKey(key))
  }
  if (schema !== null) {
    await database.pool.query(`grant usage on schema ${schema} to ${seller}`)
    await database.pool.query(`grant insert on ${schema}.profit_events to ${seller}`)
    await database.pool.query(`grant select, insert, update on ${schema}.tokens to ${seller}`)
  }
  const made = { setup, ledger, wallet, tokens, keys }
  for (const [asset, units] of Object.entries(setup.funds)) moneyTo({ chain }, made, { asset, address: wallet, units: BigInt(units) })
  return made
}

function moneyTo({ chain }: Pick<House, 'chain'>, { tokens }: Pick<Set, 'tokens'>, { asset, address, units }: { asset: string; address: string; units: bigint }): void {
  const token = tokens[asset]
  if (token === undefined) chain.fund(address, units)
  else chain.mintTo(token, address, units)
}

function handsOf({ chain }: House, setOf: (ledger: string) => Set): Doors['hands'] {
  return {
    fund: (ledger, asset, units) => moneyTo({ chain }, setOf(ledger), { asset, address: setOf(ledger).wallet, units }),
    give: (ledger, asset, address, units) => moneyTo({ chain }, setOf(ledger), { asset, address, units }),
    freeze: (ledger, asset, owner, frozen) => {
      const { tokens } = setOf(ledger)
      // An account that is not there cannot be frozen; one unit makes it.
      if (frozen) moneyTo({ chain }, { tokens }, { asset, address: owner, units: 1n })
      chain.freeze(present(tokens[asset], asset), owner, frozen)
    },
  }
}

