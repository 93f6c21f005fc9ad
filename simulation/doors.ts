// Thirty callers at three doors: the API, the CLI, and plain SQL by somebody who knows only the table. Each asks again until it has
// an answer that says the event is recorded, as careful callers do.

import { Client, escapeIdentifier } from 'pg'
import { sol } from './arithmetic.ts'
import type { Offered } from './auditor.ts'
import { apportion, pause } from './process.ts'

export type Sale = Offered & { readonly tokenId: string }

export type Counts = { recorded: number; again: number; retried: number }

/** Where the doors are now: the server moves when it is started again. */
export type Doors = {
  readonly dataDirectory: string
  readonly ledger: string
  readonly key: string
  readonly sqlUrl: string
  url: string
}

const RETRY_MS = 100
const LIMIT_MS = 180_000

/** Records a sale by the API; a lost connection or a server that is being started again is tried again. */
export async function byApi(doors: Doors, sale: Sale, counts: Counts): Promise<void> {
  await untilAnswered(counts, async () => {
    const response = await fetch(`${doors.url}/v1/ledgers/${doors.ledger}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${doors.key}` },
      body: JSON.stringify({ reference: sale.reference, token_id: sale.tokenId, sale_amount: sol(sale.lamports) }),
    })
    const text = await response.text()
    if (response.status === 201) counts.recorded += 1
    else if (response.status === 200) counts.again += 1
    else throw new Error(`${response.status} ${text}`)
  })
}

/** Records a sale by the CLI. */
export async function byCli(doors: Doors, sale: Sale, counts: Counts): Promise<void> {
  await untilAnswered(counts, async () => {
    const words = ['event', 'record', `reference=${sale.reference}`, `token_id=${sale.tokenId}`, `sale_amount=${sol(sale.lamports)}`]
    const answer = JSON.parse(await apportion(doors.dataDirectory, [...words, '--json'])) as { state: string }
    if (answer.state === 'recorded') counts.recorded += 1
    else counts.again += 1
  })
}

const UNIQUE_VIOLATION = '23505'

/** Inserts sales in one transaction; one of them that is there already is the unique key's own error, and is left out. */
export async function bySql(doors: Doors, sales: readonly Sale[], counts: Counts): Promise<void> {
  await untilAnswered(counts, async () => {
    const client = new Client({ connectionString: doors.sqlUrl })
    client.on('error', () => {})
    await client.connect()
    try {
      await client.query('begin')
      for (const sale of sales) await insert(client, sale, counts)
      await client.query('commit')
    } finally {
      await client.end().catch(() => {})
    }
  })
}

async function insert(client: Client, { tokenId, lamports, reference }: Sale, counts: Counts): Promise<void> {
  await client.query('savepoint sale')
  try {
    await client.query('insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, $2, $3)', [tokenId, sol(lamports), reference])
    counts.recorded += 1
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error
    await client.query('rollback to savepoint sale')
    counts.again += 1
  }
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
