// Thirty callers at three doors: the API, the CLI, and plain SQL by somebody who knows only the table. Each asks again until it has
// an answer that says the event is recorded, as careful callers do.

import { Client, escapeIdentifier } from 'pg'
import type { Answer, Offer, Request } from './history.ts'
import { apportion, pause } from './process.ts'

export type Sale = { readonly reference: string; readonly lamports: bigint; readonly tokenId: string }

export type Counts = { recorded: number; again: number; retried: number }

/** Where the doors are now: the server moves when it is started again. */
export type Doors = {
  readonly dataDirectory: string
  readonly ledger: string
  readonly key: string
  readonly sqlUrl: string
  /** Told of each answer, and of each call that got none. */
  readonly offered: (offer: Offer) => void
  url: string
}

/** The table at the SQL door. */
export const INBOX = 'profit_events'

/** Lamports as SOL with nine decimals. */
function sol(lamports: bigint): string {
  const text = lamports.toString().padStart(10, '0')
  return `${text.slice(0, -9)}.${text.slice(-9)}`
}

/** A sale as the API takes it. */
export function saleRequest(ledger: string, { reference, tokenId, lamports }: Sale): Request {
  return { method: 'POST', path: `/v1/ledgers/${ledger}/events`, body: { reference, token_id: tokenId, sale_amount: sol(lamports) } }
}

/** Calls, and tells what was offered with what came back: nothing, when the call failed. */
async function telling(doors: Doors, request: Request, door: Offer['door'], ask: () => Promise<NonNullable<Answer>>): Promise<void> {
  const asked = Temporal.Now.instant()
  let answer: Answer = null
  try {
    answer = await ask()
  } finally {
    doors.offered({ asked, at: Temporal.Now.instant(), door, process: 'program', person: 'owner', request, answer })
  }
}

const RETRY_MS = 100
const LIMIT_MS = 180_000

/** Records a sale by the API; a lost connection or a server that is being started again is tried again. */
export async function byApi(doors: Doors, sale: Sale, counts: Counts): Promise<void> {
  const request = saleRequest(doors.ledger, sale)
  await untilAnswered(counts, async () => {
    let status = 0
    await telling(doors, request, 'api', async () => {
      const response = await fetch(`${doors.url}${request.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${doors.key}` },
        body: JSON.stringify(request.body),
      })
      status = response.status
      return { status, body: await response.json() }
    })
    if (status === 201) counts.recorded += 1
    else if (status === 200) counts.again += 1
    else throw new Error(`${sale.reference} was answered with ${status}`)
  })
}

/** Records a sale by the CLI. */
export async function byCli(doors: Doors, sale: Sale, counts: Counts): Promise<void> {
  const request = saleRequest(doors.ledger, sale)
  const words = Object.entries(request.body as Readonly<Record<string, string>>).map(([name, value]) => `${name}=${value}`)
  await untilAnswered(counts, async () => {
    await telling(doors, request, 'api', async () => {
      const answer = JSON.parse(await apportion(doors.dataDirectory, ['event', 'record', ...words, '--json'])) as { state: string; event: unknown }
      if (answer.state === 'recorded') counts.recorded += 1
      else counts.again += 1
      return { status: answer.state === 'recorded' ? 201 : 200, body: answer.event }
    })
  })
}

const UNIQUE_VIOLATION = '23505'

/** Inserts a sale; one that is there already is the unique key's own error, and an answer too. */
export async function bySql(doors: Doors, { reference, tokenId, lamports }: Sale, counts: Counts): Promise<void> {
  const row = { token_id: tokenId, sale_amount: sol(lamports), transaction_hash: reference }
  await untilAnswered(counts, async () => {
    await telling(doors, { method: 'INSERT', path: INBOX, body: row }, 'sql', async () => {
      const client = new Client({ connectionString: doors.sqlUrl })
      client.on('error', () => {})
      await client.connect()
      try {
        await client.query(`insert into ${INBOX} (${Object.keys(row).join(', ')}) values ($1, $2, $3)`, Object.values(row))
        counts.recorded += 1
        return { status: 201, body: null }
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error
        counts.again += 1
        return { status: 409, body: null }
      } finally {
        await client.end().catch(() => {})
      }
    })
  })
}

/** A database role that may do nothing but insert sales. */
export async function makeSeller(owner: Client, role: string, password: string): Promise<void> {
  await owner.query(`create role ${escapeIdentifier(role)} login password '${password}'`)
  await owner.query(`grant insert (token_id, sale_amount, transaction_hash) on public.profit_events to ${escapeIdentifier(role)}`)
}

async function untilAnswered(counts: Counts, call: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS
  for (;;) {
    try {
      await call()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      counts.retried += 1
      await pause(RETRY_MS)
    }
  }
}
