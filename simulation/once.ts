// `npm run once`: thirty callers record 200 sales through three doors at once, over a faulty network, while the whole program is killed
// twice, once with PostgreSQL. At the end an auditor that reads only the chain and the public records says whether every leg was paid once.

import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { exitCodeOf, hearSignals } from '../src/boot/signals.ts'
import { rails } from '../src/rails/index.ts'
import { endServer, isServing, readPostmaster } from '../src/store/embedded/postmaster.ts'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { machineEffects } from '../src/world.ts'
import { createAuditor, type AuditFigures } from './auditor/auditor.ts'
import { readBooks, rpc, type Node } from './chain.ts'
import { byApi, byCli, bySql, INBOX, makeSeller, saleRequest, type Counts, type Doors, type Sale } from './doors.ts'
import type { Answer, Books, Call, Finding, Offer } from './history.ts'
import { apportion, pause, startProgram, tryApportion, type Started } from './process.ts'

const EVENTS = 200
const CALLERS = 30
const TOKENS = 12
const KILLS = 2
/** One for each role of a sale. */
const LEGS = 4
const CLI_SHARE = 4
const SETTLE_LIMIT_MS = 300_000
const SOL = 1_000_000_000n
const FAULTS = { requestLossRate: 0.1, responseLossRate: 0.15, transactionDropRate: 0.25 }
const CALM = { requestLossRate: 0, responseLossRate: 0, transactionDropRate: 0 }

const effects = machineEffects(() => {})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const began = Date.now()
const seconds = (): string => `${((Date.now() - began) / 1000).toFixed(1)} s`.padStart(8)

type Chain = { readonly url: string; readonly wallet: string }

const asked = hearSignals()
const dataDirectory = mkdtempSync(join(tmpdir(), 'apportion-once-'))
const databaseDirectory = join(dataDirectory, 'postgres')
let program: Started | null = null
/** The start that is under way, and the run: an interrupted run waits for both before it removes anything. */
let starting: Promise<unknown> = Promise.resolve()
try {
  await Promise.race([play(), asked.came])
} catch (error) {
  if (!asked.signal.aborted) throw error
} finally {
  await starting.catch(() => {})
  await (program as Started | null)?.stop()
  await endDatabase()
  rmSync(dataDirectory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
// Callers of an interrupted run still wait for answers that nobody will give.
if (asked.signal.aborted) process.exit(exitCodeOf(await asked.came))

async function play(): Promise<void> {
  await start()
  print(`${seconds()}  the program runs, with its sandbox network and a first sale`)
  process.exitCode = (await run()) ? 0 : 1
}

async function start(): Promise<Started> {
  const begun = startProgram(dataDirectory, { asked: asked.signal })
  starting = begun
  program = await begun
  return program
}

/** Nothing of a run, not even an interrupted one, outlives it. */
async function endDatabase(): Promise<void> {
  const left = readPostmaster(databaseDirectory)
  if (left !== undefined && isServing(left.pid, databaseDirectory)) await endServer(left.pid, 'SIGINT', effects)
}

async function killDatabase(): Promise<void> {
  const found = readPostmaster(databaseDirectory)
  if (found !== undefined) await endServer(found.pid, 'SIGKILL', effects)
}

/** The owner's connection and address, for as long as the work lasts. */
async function withOwner<T>(work: (owner: Client, url: string) => Promise<T>): Promise<T> {
  const embedded = await startEmbedded({ dataDirectory: databaseDirectory, effects })
  const owner = new Client({ connectionString: embedded.url })
  owner.on('error', () => {})
  await owner.connect()
  try {
    return await work(owner, embedded.url)
  } finally {
    await owner.end()
    await embedded.stop()
  }
}

async function run(): Promise<boolean> {
  const { chain, doors, sales } = await withOwner(async (owner, url) => {
    const found = await prepareChain(owner)
    return { chain: found, ...(await prepareDoors(owner, url)) }
  })
  await fund(chain, sales)
  await turnKnobs(chain.url, FAULTS)
  print(`${seconds()}  ${sales.length} sales, ${CALLERS} callers, three doors; the network loses requests, answers and transactions`)
  const counts = await callAndKill(chain, doors, sales)
  print(`${seconds()}  all callers have their answers: ${counts.recorded} first, ${counts.again} told "again", ${counts.retried} calls tried again`)
  await turnKnobs(chain.url, CALM)
  await untilSettled(doors, sales.length + 1)
  print(`${seconds()}  everything is settled; the auditor reads the chain and the public records`)
  return await withOwner(async (owner) => {
    const paidOnce = report(await audit(owner, chain, doors))
    return (await proveHistory(owner, sales)) && paidOnce
  })
}

async function turnKnobs(url: string, knobs: Readonly<Record<string, number>>): Promise<void> {
  await rpc({ url, fetch }, 'sandbox_setKnobs', [knobs])
}

/** The sandbox's address as a person finds it, and the paying wallet. */
async function prepareChain(owner: Client): Promise<Chain> {
  const { rows } = await owner.query<{ address: string }>('select address from apportion.wallet order by created_at limit 1')
  const url = /network +sandbox \S+ (http:\S+)/.exec(program?.output() ?? '')?.[1]
  if (url === undefined || rows[0] === undefined) throw new Error(`the program did not say where its network is:\n${program?.output() ?? ''}`)
  return { url, wallet: rows[0].address }
}

/** The database may be found at another port when it was started again. */
type MovingDoors = Doors & { sqlUrl: string; readonly offers: readonly Offer[]; readonly recipients: readonly Addressed[] }

type Addressed = { readonly recipient: string; readonly address: string }

async function prepareDoors(owner: Client, ownerUrl: string): Promise<{ doors: MovingDoors; sales: readonly Sale[] }> {
  const { rows } = await owner.query<{ name: string }>('select name from apportion.ledger')
  const ledger = rows[0]?.name ?? ''
  const { key } = JSON.parse(await apportion(dataDirectory, ['key', 'create', 'once', '--rights', 'read,record', '--json'])) as { key: string }
  const password = randomBytes(12).toString('hex')
  await makeSeller(owner, 'seller', password)
  const sqlUrl = Object.assign(new URL(ownerUrl), { username: 'seller', password }).href
  const custody = Object.values(rails)[0]?.custody
  if (custody === undefined) throw new Error('there is no rail')
  const tokens = await Promise.all(
    Array.from({ length: TOKENS }, async () => ({ id: randomUUID(), address: (await custody.create(effects.random)).address })),
  )
  await owner.query('insert into tokens (id, creator_wallet_address) select * from unnest($1::uuid[], $2::text[])', [
    tokens.map(({ id }) => id),
    tokens.map(({ address }) => address),
  ])
  const sales = Array.from({ length: EVENTS }, (_, index): Sale => {
    const token = tokens[index % TOKENS] ?? { id: '', address: '' }
    const lamports = SOL / 10n + BigInt(randomBytes(4).readUInt32LE())
    return { reference: `sale-${index}-${randomBytes(8).toString('hex')}`, lamports, tokenId: token.id }
  })
  const offers: Offer[] = []
  const doors = { dataDirectory, ledger, key, sqlUrl, url: program?.url ?? '', offered: (offer: Offer): void => void offers.push(offer) }
  const named = await all<{ recipient: string; destination: string | null }>(doors, 'recipients')
  const recipients = named.flatMap(({ recipient, destination }): Addressed[] => (destination === null ? [] : [{ recipient, address: destination }]))
  // Who could know them first: what was named just now may not be listed yet.
  for (const { id, address } of tokens) if (!recipients.some(({ recipient }) => recipient === id)) recipients.push({ recipient: id, address })
  offers.push(await firstSale(doors))
  return { doors: { ...doors, offers, recipients }, sales }
}

/** Sends enough for all legs to the wallet, and one coin for costs. */
async function fund(chain: Chain, sales: readonly Sale[]): Promise<void> {
  const total = sales.reduce((sum, { lamports }) => sum + lamports, 0n)
  await rails['solana']?.sandbox.fund(effects, chain.url, { address: chain.wallet, units: total + SOL })
}

/** Everybody calls at once; meanwhile the program is killed and started again, twice. */
async function callAndKill(chain: Chain, doors: MovingDoors, sales: readonly Sale[]): Promise<Counts> {
  const counts: Counts = { recorded: 0, again: 0, retried: 0 }
  const calls = Array.from({ length: CALLERS }, async (_, caller) => {
    for (const [index, sale] of sales.entries()) {
      // Every sale comes in by the API and by SQL at least, and each fourth one by the CLI too, from different callers.
      if (caller < 10 && index % 10 === caller) await byApi(doors, sale, counts)
      else if (caller >= 10 && caller < 20 && index % 10 === caller - 10) await bySql(doors, sale, counts)
      else if (caller >= 20 && index % (10 * CLI_SHARE) === (caller - 20) * CLI_SHARE) await byCli(doors, sale, counts)
    }
  })
  const killing = (async () => {
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await pause(1500 + (randomBytes(1)[0] ?? 0) * 4)
      // The first time the database goes too, in the middle of whatever it is writing. While its parent lives to see it end: where nobody
      // does, as in a container without an init process, its number seems taken for a while.
      const whole = kill === 1
      if (whole) await killDatabase()
      await program?.kill()
      print(`${seconds()}  kill -9 number ${kill}: server, signer and network are gone${whole ? ', and PostgreSQL' : ''}`)
      doors.url = (await start()).url
      doors.sqlUrl = Object.assign(new URL(doors.sqlUrl), { port: readPostmaster(databaseDirectory)?.port }).href
      await turnKnobs(chain.url, FAULTS)
    }
  })()
  await Promise.all([...calls, killing])
  return counts
}

async function get<T>(doors: Doors, path: string): Promise<T> {
  const response = await fetch(`${doors.url}/v1/ledgers/${doors.ledger}/${path}`, { headers: { authorization: `Bearer ${doors.key}` } })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

type Page<T> = { readonly items: readonly T[]; readonly next: string | null }

async function all<T>(doors: Doors, path: string): Promise<readonly T[]> {
  const found: T[] = []
  for (let cursor: string | null = null; ; ) {
    const page: Page<T> = await get<Page<T>>(doors, `${path}?limit=100${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
    found.push(...page.items)
    if (page.next === null) return found
    cursor = page.next
  }
}

/** The sale that the program offered itself, when it was first started. */
async function firstSale(doors: Doors): Promise<Offer> {
  const events = await all<{ reference: string; units: string; parties: Record<string, string>; event_at: string }>(doors, 'events')
  const first = events.find(({ reference }) => reference.startsWith('TEST_'))
  if (first === undefined) throw new Error('the first sale is not there')
  const request = saleRequest(doors.ledger, { reference: first.reference, lamports: BigInt(first.units), tokenId: first.parties['creator'] ?? '' })
  const at = Temporal.Instant.from(first.event_at)
  return { asked: at, at, door: 'api', process: 'program', person: 'owner', request, answer: { status: 201, body: first } }
}

async function untilSettled(doors: Doors, events: number): Promise<void> {
  const deadline = Date.now() + SETTLE_LIMIT_MS
  for (;;) {
    const payouts = await all<{ state: string }>(doors, 'payouts')
    const open = payouts.filter(({ state }) => state !== 'settled')
    if (payouts.length === events * LEGS && open.length === 0) return
    if (Date.now() > deadline) throw new Error(`${payouts.length} payouts, ${open.length} of them not settled: ${JSON.stringify(open.slice(0, 3))}`)
    await pause(200)
  }
}

type Audit = { readonly findings: readonly Finding[]; readonly figures: AuditFigures; readonly books: Books }

/** The auditor comes after the history: it is told every offer, and reads the chain, the API and the exported journal. */
async function audit(owner: Client, { url, wallet }: Chain, doors: MovingDoors): Promise<Audit> {
  const node: Node = { url, fetch }
  const books = await readBooks(node, { wallets: [wallet], others: doors.recipients.map(({ address }) => address) })
  const call: Call = async ({ path }): Promise<Answer> => {
    const response = await fetch(`${doors.url}${path}`, { headers: { authorization: `Bearer ${doors.key}` } })
    return { status: response.status, body: await response.json() }
  }
  const { rows } = await owner.query<{ reference: string; state: string }>(`select transaction_hash as reference, state from profit_events_status where state <> 'recorded'`)
  const auditor = createAuditor({
    ...{ ledger: doors.ledger, asset: 'SOL/9', programFile: null, inbox: INBOX, recipients: doors.recipients, call, books },
    wallets: () => [wallet],
    journal: async () => await apportion(dataDirectory, ['export']),
    now: Temporal.Now.instant,
    secrets: [doors.key],
    texts: () => [program?.output() ?? ''],
    rows: async () => new Map(rows.map(({ reference, state }) => [reference, state])),
  })
  for (const offer of doors.offers) auditor.offered(offer)
  return { ...(await auditor.end()), books }
}

/** The ledger's own proof: it is sound, it explains itself, and one transfer changed by hand is named. */
async function proveHistory(owner: Client, sales: readonly Sale[]): Promise<boolean> {
  const sound = await tryApportion(dataDirectory, ['verify'])
  for (const line of sound.printed.trimEnd().split('\n')) print(`          ${line}`)
  const subject = `${sales[0]?.reference ?? ''}#creator`
  print(`          explain ${subject}:`)
  for (const line of (await apportion(dataDirectory, ['explain', subject])).trimEnd().split('\n')) print(`            ${line}`)
  const { rows } = await owner.query<{ number: string }>('select number::text from apportion.transfer order by random() limit 1')
  const number = rows[0]?.number ?? ''
  await owner.query('update apportion.transfer set units = units + 1 where number = $1', [number])
  const broken = await tryApportion(dataDirectory, ['verify'])
  await owner.query('update apportion.transfer set units = units - 1 where number = $1', [number])
  print(`${seconds()}  one unit was added to transfer ${number} by hand; verify ends with ${broken.code}:`)
  for (const line of broken.printed.trimEnd().split('\n').slice(0, 4)) print(`          ${line}`)
  const named = broken.code === 1 && new RegExp(`\\btransfer ${number}\\b`).test(broken.printed)
  if (sound.code !== 0) print('  FAULT   verify found the ledger broken')
  if (!named) print(`  FAULT   verify did not name transfer ${number}`)
  return sound.code === 0 && named
}

function report({ figures: { waiting, ...figures }, findings, books }: Audit): boolean {
  const transactions = books.transactions()
  const paid = transactions.flatMap(({ movements }) => movements)
  const rows: readonly (readonly [string, number | bigint])[] = [
    ...Object.entries(figures),
    ...Object.entries(waiting),
    ['movements on the chain', paid.length],
    ['fees on the chain, lamports', transactions.reduce((all, { fee }) => all + fee, 0n)],
  ]
  for (const [name, value] of rows) print(`          ${name.padEnd(28)} ${value}`)
  for (const { invariant, what } of findings) print(`  FAULT   ${invariant}: ${what}`)
  print(findings.length === 0 ? `${seconds()}  every leg was paid exactly once` : `${seconds()}  ${findings.length} faults`)
  return findings.length === 0
}
