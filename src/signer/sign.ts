// Signing: read the payouts, check them and their approvals, count them against the day's limit, compose and sign. In this order, so that a signature
// never exists before it is counted. Nothing opaque is ever signed: the message is composed here from what was read here.

import type { Pool, PoolClient } from 'pg'
import { assert, present } from '../core/assert.ts'
import { gathered } from '../core/gathered.ts'
import { Refusal } from '../core/refusal.ts'
import type { Signed } from '../rails/rail.ts'
import { checkBatch, type Batch } from './check.ts'
import { openKey, railOf, type OpenedKey } from './keys.ts'
import type { SignerWorld, SignRequest } from './signer.ts'
import { checkApprovals } from './policy.ts'
import { readPolicy } from './policy-store.ts'
import { countPayouts, lockCount, readBatch, type BatchRead, type Count } from './store.ts'

// Payouts read, or counted, by one statement: batches that are asked for together go together.
const MAX_PAYOUTS_TOGETHER = 1_000
const MAX_BATCHES_TOGETHER = 64

/**
 * Signs the message that pays these payouts. A constant number of statements, shared with whoever asks meanwhile: one read, three more where
 * the ledger has settings of its own, and the count when some payout was never counted.
 * Refuses `wallet_not_found`, `signing_refused`, `signing_limit_exceeded`, `master_key_mismatch`, `rail_not_found`.
 */
export function createSigning(world: SignerWorld): (request: SignRequest) => Promise<Signed> {
  const limits = { most: MAX_BATCHES_TOGETHER, heaviest: MAX_PAYOUTS_TOGETHER }
  const read = gathered<SignRequest, BatchRead>(async (requests) => await readTogether(world, requests), { ...limits, weigh: ({ payouts }) => payouts.length })
  const count = gathered<Batch, Counted>(async (batches) => await countTogether(world, batches), { ...limits, weigh: ({ uncounted }) => uncounted.length })
  return async (request) => {
    const { wallet, rows } = await read(request)
    if (wallet === null) {
      throw new Refusal('wallet_not_found', `there is no wallet ${request.wallet}`, { wallet: request.wallet })
    }
    const rail = railOf(world, wallet.rail)
    const batch = checkBatch(request, { wallet, rows, rail })
    if (rows.some(({ policed }) => policed)) {
      checkApprovals(batch, { ...(await readPolicy(world.pool, batch.ledger, request.payouts)), rows, now: world.effects.now() })
    }
    if (batch.uncounted.length > 0) checkCount(await count(batch), batch)
    const key = openKey(world.masterKey, request.wallet, wallet.envelope)
    try {
      checkKey(key, batch, rail.name)
      return await rail.custody.sign({ secret: key.secret, wallet: batch.wallet, payouts: batch.payouts, draft: request.draft })
    } finally {
      key.secret.fill(0)
    }
  }
}

/** One read for all batches of a lane and a wallet. */
async function readTogether({ pool }: SignerWorld, requests: readonly SignRequest[]): Promise<readonly BatchRead[]> {
  const reads = new Map<SignRequest, BatchRead>()
  for (const alike of Map.groupBy(requests, ({ lane, wallet }) => `${lane} ${wallet}`).values()) {
    const { lane, wallet } = present(alike[0], 'a request')
    const read = await readBatch(pool, { lane, wallet, payouts: alike.flatMap(({ payouts }) => payouts) })
    let place = 0
    for (const request of alike) reads.set(request, { wallet: read.wallet, rows: read.rows.slice(place, (place += request.payouts.length)) })
  }
  return requests.map((request) => present(reads.get(request), 'what was read'))
}

/**
 * One count for all batches of a ledger and an asset, if the day's limit has room for all of them; else each is counted by itself, in their
 * order, so that none is refused for want of room that another took and does not need.
 */
async function countTogether(world: SignerWorld, batches: readonly Batch[]): Promise<readonly Counted[]> {
  const counts = new Map<Batch, Counted>()
  for (const alike of Map.groupBy(batches, ({ ledger, asset }) => `${ledger} ${asset}`).values()) {
    const uncounted = alike.flatMap((batch) => batch.uncounted)
    const apart = new Set(uncounted.map(({ id }) => id)).size === uncounted.length
    const all = apart ? await count(world, { ...present(alike[0], 'a batch'), uncounted }) : null
    for (const batch of alike) counts.set(batch, all?.allowed === true || (all !== null && alike.length === 1) ? all : await count(world, batch))
  }
  return batches.map((batch) => present(counts.get(batch), 'what was counted'))
}

/** A key signs only for what it was made for, whatever the wallet's row says today. */
function checkKey(key: OpenedKey, { ledger, wallet }: Batch, rail: string): void {
  if (key.ledger === ledger && key.rail === rail && key.address === wallet.address) return
  throw new Refusal('signing_refused', `not signed: the key of wallet ${wallet.id} was made for another ledger, rail or address than its row says`, {
    reason: 'key_mismatch',
    wallet: wallet.id,
    row_address: wallet.address,
    key_address: key.address,
    row_ledger: ledger,
    key_ledger: key.ledger,
  })
}

/** What the count found, and on which day. */
type Counted = Count & { readonly day: string }

/** Counts under a lock that is taken and given back in one go, without waiting for this process in between. */
async function count({ effects, pool }: SignerWorld, { ledger, asset, uncounted }: Batch): Promise<Counted> {
  const at = effects.now()
  const day = at.toZonedDateTimeISO('UTC').toPlainDate().toString()
  return await onConnection(pool, async (client) => {
    const [, , found, end] = await together([
      client.query('begin'),
      lockCount(client, { ledger, asset }),
      countPayouts(client, { ledger, asset, day, at, payouts: uncounted }),
      client.query('commit'),
    ] as const)
    // After a failure inside, PostgreSQL answers COMMIT with ROLLBACK and no error.
    assert(end.command === 'COMMIT', `the count of a batch ended with ${end.command}`)
    return { ...found, day }
  })
}

function checkCount(counted: Counted, { ledger, asset }: Batch): void {
  if (counted.allowed) return
  const { before, asked, units_per_day: limit, day } = counted
  const left = (limit ?? 0n) - before
  throw new Refusal(
    'signing_limit_exceeded',
    `not signed: ${before} units of ${asset} were signed on ${day} and ${asked} more are asked for; the limit of the day is ${limit}. ` +
      `Wait for the next day (UTC) or have the owner raise the limit.`,
    {
      ledger,
      asset,
      day,
      limit: `${limit}`,
      signed: before.toString(),
      asked: asked.toString(),
      left: (left > 0n ? left : 0n).toString(),
    },
  )
}

async function onConnection<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    return await work(client)
  } catch (error) {
    // Whatever state the connection was left in, the next batch shall not inherit it.
    broken = error instanceof Refusal ? undefined : new Error('a statement of the signer failed')
    throw error
  } finally {
    client.release(broken)
  }
}

/** Waits for all, so that no statement is still under way when its connection goes back; then throws the first failure. */
async function together<T extends readonly Promise<unknown>[]>(statements: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(statements)
  return await Promise.all(statements)
}
