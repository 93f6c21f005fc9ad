// A house under the eyes of the auditor: doors that tell it every offer with its answer, and all that it may read. What it read can be taken
// down and changed, so that a test shows what it would have found.

import { createHash } from 'node:crypto'
import { createKey, splitKey } from '../src/engine/api-key.ts'
import { exportJournal } from '../src/engine/export-journal.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import { setDestinations } from '../src/engine/set-destinations.ts'
import { createWallet, payingWallet } from '../src/engine/wallet.ts'
import { createApp } from '../src/http/app.ts'
import { present } from '../src/core/assert.ts'
import type { Json, JsonObject } from '../src/core/effects.ts'
import { instantText } from '../src/core/canonical.ts'
import { createAuditor, type Auditor, type AuditorInput } from '../simulation/auditor/auditor.ts'
import { readBooks } from '../simulation/chain.ts'
import type { Answer, Books, ChainTransaction, Offer, Person, Request } from '../simulation/history.ts'
import { COIN, round, type Home, type House } from './house.ts'
import { ROLES } from './template.ts'

/** All that the auditor was given, as plain data. */
export type World = {
  readonly input: Omit<AuditorInput, 'call' | 'books' | 'journal' | 'wallets' | 'now' | 'texts' | 'rows'>
  readonly wallet: string
  readonly now: Temporal.Instant
  offers: Offer[]
  transactions: ChainTransaction[]
  readonly balances: Map<string, bigint>
  journal: string
  /** Answers to its own questions, by path. */
  readonly answers: Map<string, unknown>
  texts: string[]
}

export type Audited = {
  readonly house: House
  readonly home: Home
  readonly call: (person: Person, method: string, path: string, body?: Json) => Promise<Answer>
  /** Somebody writes a row of the inbox table. */
  readonly insert: (row: JsonObject) => Promise<void>
  readonly name: (recipient: string, address: string) => Promise<void>
  /** What a person sends to approve what waits under this subject. */
  readonly approval: (person: Person, subject: string) => Promise<JsonObject>
  readonly work: (rounds: number) => Promise<void>
  /** Everything as it stands now. */
  readonly take: () => Promise<World>
  readonly close: () => Promise<void>
}

const RIGHTS: Readonly<Record<Person, readonly string[]>> = {
  owner: ['read', 'record', 'backdate', 'propose', 'approve', 'administer'],
  first: ['read', 'record', 'propose', 'approve'],
  second: ['read', 'approve'],
}

type Setup = { readonly programFile: string | null; readonly recipients: AuditorInput['recipients']; readonly schema: string | null; readonly coins: bigint }

export async function openAudited(house: House, name: string, { programFile, recipients, schema, coins }: Setup): Promise<Audited> {
  const { main, database, chain } = house
  const program = programFile === null ? 'sale-split' : 'custom'
  await createLedger(
    { ...main.world, owner: database.pool, appRole: ROLES.app },
    { name, program, ...(programFile !== null && { programFile: { text: programFile, name: 'program.json' } }), sandbox: true, railUrl: null, inboxSchema: schema, tokens: {}, lanes: 1 },
  )
  const ledger = await main.ledgers.open(name)
  await createWallet(main.world, ledger, 'main')
  const { address: wallet } = await payingWallet(main.world, ledger)
  if (coins > 0n) chain.fund(wallet, coins * COIN)
  await setDestinations(main.world, ledger, recipients.map(({ recipient, address }) => ({ recipient, label: null, destination: { address } })))
  const keys = new Map<Person, ReturnType<typeof splitKey>>()
  for (const person of Object.keys(RIGHTS) as Person[]) keys.set(person, splitKey((await createKey({ ...main.world, owner: database.pool }, ledger, { name: person, rights: RIGHTS[person] })).key))
  const app = await createApp(main.world, { ledgers: main.ledgers, recorder: main.recorder, faults: () => [] })
  const offers: Offer[] = []
  const keyOf = (person: Person): string => present(keys.get(person), person).bearer
  const ask = async (person: Person, { method, path, body }: Request): Promise<Answer> => {
    const headers = { authorization: `Bearer ${keyOf(person)}`, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const { statusCode: status, body: text } = await app.inject({ method: method as 'GET', url: path, headers, ...(body !== undefined && { payload: JSON.stringify(body) }) })
    return { status, body: JSON.parse(text) as unknown }
  }
  const tell = async (door: Offer['door'], person: Person, request: Request, work: () => Promise<Answer>): Promise<Answer> => {
    const asked = house.now()
    const answer = await work()
    offers.push({ asked, at: house.now(), door, process: 'house', person, request, answer })
    return answer
  }
  const call: Audited['call'] = async (person, method, path, body) => {
    const request = { method, path: `/v1/ledgers/${name}/${path}`, ...(body !== undefined && { body }) }
    return await tell('api', person, request, async () => await ask(person, request))
  }
  const home = { name, ledger, schema } as Home
  const inbox = schema === null ? null : `${schema}.profit_events`
  return {
    ...{ house, home, call },
    insert: async (row) => {
      const columns = Object.keys(row)
      const text = `insert into ${inbox} (${columns.join(', ')}) values (${columns.map((_, place) => `$${place + 1}`).join(', ')})`
      await tell('sql', 'owner', { method: 'INSERT', path: inbox ?? '', body: row }, async () => {
        const failed = await database.pool.query(text, Object.values(row)).then(() => null, (error: Error) => error.message)
        return failed === null ? { status: 201, body: null } : { status: 409, body: { message: failed } }
      })
    },
    name: async (recipient, address) => {
      await tell('api', 'owner', { method: 'NAME', path: `/v1/ledgers/${name}/recipients/${recipient}`, body: { address } }, async () => {
        await setDestinations(main.world, ledger, [{ recipient, label: null, destination: { address } }])
        return { status: 200, body: null }
      })
    },
    approval: async (person, subject) => {
      const waiting = (await ask(person, { method: 'GET', path: `/v1/ledgers/${name}/approvals?limit=200` }))?.body as { items: { subject: string; hash: string; statement: string }[] }
      const { hash, statement } = present(waiting.items.find((one) => one.subject === subject), subject)
      const at = instantText(house.now())
      return { hash, approved_at: at, signature: present(present(keys.get(person), person).seal, 'seal').sign(`${statement}\t-\t${at}`).toBase64() }
    },
    work: async (rounds) => {
      for (let done = 0; done < rounds; done += 1) {
        await round(main, home)
        chain.pass(6)
        house.elapse({ milliseconds: 500 })
      }
    },
    take: async () => {
      const node = { url: 'http://sandbox', fetch: chain.direct }
      const named = offers.flatMap(({ request }) => (request.method === 'NAME' ? [(request.body as { address: string }).address] : []))
      const others = [...recipients.map(({ address }) => address), ...named]
      const books = await readBooks(node, { wallets: [wallet], others })
      const balances = new Map([wallet, ...others].map((address) => [`${address} ${ledger.asset.name}`, books.balance(address, ledger.asset.name)]))
      let journal = ''
      await exportJournal(main.world, ledger, {}, async (text) => void (journal += text))
      const input = { ledger: name, asset: ledger.asset.name, programFile, inbox, recipients, secrets: [keyOf('owner')] }
      const world: World = { input, wallet, now: house.now(), offers: [...offers], transactions: [...books.transactions()], balances, journal, answers: new Map(), texts: [...main.logged] }
      const asking = async (request: Request): Promise<Answer> => {
        const answer = await ask('owner', request)
        world.answers.set(request.path, answer?.body)
        return answer
      }
      await auditorOf(world, asking).end()
      return world
    },
    close: async () => await app.close(),
  }
}

/** An auditor that was told everything, and reads what was taken down (or asks anew). */
export function auditorOf(world: World, ask?: (request: Request) => Promise<Answer>): Auditor {
  const { input, wallet, now, offers, transactions, balances, journal, answers, texts } = world
  const books: Books = { transactions: () => transactions, balance: (address, asset) => balances.get(`${address} ${asset}`) ?? 0n }
  const auditor = createAuditor({
    ...input,
    ...{ books, now: () => now, texts: () => texts, rows: null, wallets: () => [wallet], journal: async () => await Promise.resolve(journal) },
    call: ask ?? (async ({ path }) => await Promise.resolve(answers.has(path) ? { status: 200, body: structuredClone(answers.get(path)) } : null)),
  })
  for (const offer of offers) auditor.offered(offer)
  return auditor
}

/** The same world with other things in it; what is not changed is shared. */
export function otherwise(world: World): World {
  return {
    ...world,
    offers: structuredOffers(world.offers),
    transactions: world.transactions.map((each) => ({ ...each, movements: [...each.movements] })),
    balances: new Map(world.balances),
    answers: new Map([...world.answers].map(([path, body]) => [path, structuredClone(body)])),
    texts: [...world.texts],
  }
}

function structuredOffers(offers: readonly Offer[]): Offer[] {
  return offers.map((offer) => ({ ...offer, request: structuredClone(offer.request), answer: structuredClone(offer.answer) }))
}

/** A journal whose hashes are those of its lines, whatever was done to them. */
export function rehashed(lines: readonly string[]): string {
  let [head, block] = ['0'.repeat(64), [] as string[]]
  const numbers = { B: 0, E: 0, T: 0 }
  const made = lines.map((line) => {
    const [type = '', ...fields] = line.split('\t')
    if (type === 'B' || type === 'E' || type === 'T') {
      numbers[type] += 1
      // Whoever puts a line in or leaves one out counts anew.
      const place = type === 'B' ? 1 : 0
      fields[place] = numbers[type].toString()
      const own = [type, ...fields].join('\t')
      block.push(own)
      return own
    }
    if (type === 'H') {
      head = createHash('sha256').update(Buffer.from(head, 'hex')).update(`${block.join('\n')}\n`).digest('hex')
      block = []
      return `H\t${head}`
    }
    return type === 'Z' ? `Z\t${numbers.B}\t${numbers.E}\t${numbers.T}\t${head}` : line
  })
  return made.join('\n')
}
