// The inbox table as somebody uses it who knows only SQL and may only insert: what is queued, what is refused, and never twice.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DatabaseError, Pool } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saleDatabase, type SaleDatabase, type SaleLedger } from '../../../test/sale-ledger.ts'
import { scenarios, TOKEN, type Scenario } from '../../../test/sale-scenarios.ts'

let sales: SaleDatabase
let ledger: SaleLedger
let user: Pool

beforeAll(async () => {
  sales = await saleDatabase()
  ledger = await sales.makeLedger('main')
  user = await sales.makeUser('insert on profit_events')
})

afterAll(async () => {
  await sales.drop()
})

const COLUMNS = ['token_id', 'sale_amount', 'dao_amount', 'creator_amount', 'lucky_amount', 'reinvestment_amount', 'transaction_hash']

/** A reference that no other test uses. */
function fresh(): string {
  return `TEST_${crypto.randomUUID()}`
}

type Row = Readonly<Record<string, string | null | undefined>>

/** Inserts rows as text, in one statement. */
async function insert(rows: readonly Row[], by: Pick<Pool, 'query'> = user): Promise<void> {
  const values = rows.flatMap((row) => COLUMNS.map((column) => row[column] ?? (column === 'token_id' ? TOKEN : null)))
  const places = rows.map((_, at) => `(${COLUMNS.map((__, column) => `$${at * COLUMNS.length + column + 1}`).join(', ')})`)
  await by.query(`insert into profit_events (${COLUMNS.join(', ')}) values ${places.join(', ')}`, values)
}

async function refusal(work: Promise<unknown>): Promise<DatabaseError> {
  return await work.then(
    () => expect.fail('nothing was refused'),
    (error: DatabaseError) => error,
  )
}

/** Reference and state of everything in the queue's table that these references have. */
async function queueOf(...references: readonly string[]): Promise<readonly (readonly [string, string])[]> {
  const { rows } = await sales.owner.query<{ reference: string; state: string }>(
    'select reference, state from apportion.inbox where reference = any ($1::text[]) order by reference',
    [references],
  )
  return rows.map(({ reference, state }) => [reference, state] as const)
}

type Status = { readonly state: string; readonly code: string | null; readonly reason: string | null; readonly event: bigint | null } & Row

async function statusOf(reference: string): Promise<Status | undefined> {
  const { rows } = await sales.owner.query<Status>(
    `select state, code, reason, event, sale_amount::text, reinvestment_amount::text, dao_amount::text, lucky_amount::text, creator_amount::text
      from profit_events_status where transaction_hash = $1`,
    [reference],
  )
  return rows[0]
}

async function count(table: string): Promise<bigint> {
  const { rows } = await sales.owner.query<{ count: bigint }>(`select count(*) from ${table}`)
  return rows[0]?.count ?? -1n
}

describe('an insert', () => {
  it('queues each row of its statement, and each becomes one event', async () => {
    const references = Array.from({ length: 5 }, fresh).toSorted()
    await insert(references.map((transaction_hash) => ({ transaction_hash, sale_amount: '100' })))
    expect(await queueOf(...references)).toEqual(references.map((reference) => [reference, 'queued']))
    expect(await ledger.take()).toBe(5)
    expect(await queueOf(...references)).toEqual([])
    for (const reference of references) {
      expect(await statusOf(reference)).toMatchObject({ state: 'recorded', sale_amount: '100.000000000', dao_amount: '15.000000000' })
    }
  })

  it('may give id and timestamp, and the event has that instant', async () => {
    const reference = fresh()
    const id = crypto.randomUUID()
    const at = Temporal.Now.instant().subtract({ hours: 3 }).round({ smallestUnit: 'microsecond', roundingMode: 'trunc' })
    await user.query(
      `insert into profit_events (id, token_id, sale_amount, "timestamp", transaction_hash) values ($1, $2, 1.5, $3, $4)`,
      [id, TOKEN, at.toString(), reference],
    )
    await ledger.take()
    const { rows } = await sales.owner.query<{ id: string; event_at: Temporal.Instant }>(
      `select status.id, event.event_at from profit_events_status status join apportion.event on event.reference = transaction_hash
        where transaction_hash = $1`,
      [reference],
    )
    expect(rows).toEqual([{ id, event_at: at }])
  })

  it('queues nothing when its transaction rolls back, and what it asks for again is queued', async () => {
    const reference = fresh()
    const client = await user.connect()
    await client.query('begin')
    await insert([{ transaction_hash: reference, sale_amount: '1' }], client)
    await client.query('rollback')
    client.release()
    expect(await queueOf(reference)).toEqual([])
    await insert([{ transaction_hash: reference, sale_amount: '1' }])
    expect(await queueOf(reference)).toEqual([[reference, 'queued']])
  })

  it('holds nobody up while its transaction stays open', async () => {
    const [open, other] = [fresh(), fresh()]
    const client = await user.connect()
    await client.query('begin')
    await insert([{ transaction_hash: open, sale_amount: '1' }], client)
    await insert([{ transaction_hash: other, sale_amount: '1' }])
    await ledger.take()
    expect((await statusOf(other))?.state).toBe('recorded')
    await client.query('commit')
    client.release()
    await ledger.take()
    expect((await statusOf(open))?.state).toBe('recorded')
  })

  it('with `on conflict do nothing` takes the rows that are new', async () => {
    const [old, added] = [fresh(), fresh()]
    await insert([{ transaction_hash: old, sale_amount: '1' }])
    await ledger.take()
    const { rowCount } = await user.query(
      `insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, 1, $2), ($1, 2, $3) on conflict do nothing`,
      [TOKEN, old, added],
    )
    expect(rowCount).toBe(1)
    expect(await queueOf(old, added)).toEqual([[added, 'queued']])
  })

  it('of no row at all is no error', async () => {
    const none = 'insert into profit_events (token_id, sale_amount, transaction_hash) select null, null, null where false'
    expect((await user.query(none)).rowCount).toBe(0)
  })

  it('of thirty at once with one hash is one row and one event; the others get the unique key’s own error', async () => {
    const reference = fresh()
    const answers = await Promise.allSettled(
      Array.from({ length: 30 }, async () => await insert([{ transaction_hash: reference, sale_amount: '100' }])),
    )
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [(answer.reason as DatabaseError).code] : []))
    expect(refused).toEqual(Array.from({ length: 29 }, () => '23505'))
    expect(await ledger.take()).toBeGreaterThanOrEqual(1)
    const { rows } = await sales.owner.query('select from apportion.event where reference = $1', [reference])
    expect(rows).toHaveLength(1)
  })

  it('leaves nothing else to the role that may insert', async () => {
    const attempts = ['select * from apportion.inbox', 'select * from profit_events', 'select apportion.sale_split_tokens_changed()']
    for (const statement of attempts) expect((await refusal(user.query(statement))).code).toBe('42501')
  })
})

describe('COPY', () => {
  async function copy(lines: readonly string[]): Promise<void> {
    const client = await user.connect()
    try {
      const into = client.query(copyFrom('copy profit_events (token_id, sale_amount, transaction_hash) from stdin'))
      await pipeline(Readable.from(lines), into)
    } finally {
      client.release()
    }
  }

  it('brings in thousands of rows', async () => {
    const references = Array.from({ length: 2500 }, fresh)
    await copy(references.map((reference, index) => `${TOKEN}\t${index + 1}.000000001\t${reference}\n`))
    expect(await queueOf(...references)).toHaveLength(2500)
    await ledger.take()
    const { rows } = await sales.owner.query(
      `select state, count(*), sum(sale_amount)::text as sum,
          sum(dao_amount + creator_amount + lucky_amount + reinvestment_amount)::text as shares
        from profit_events_status where transaction_hash = any ($1::text[]) group by state`,
      [references],
    )
    expect(rows).toEqual([{ state: 'recorded', count: 2500n, sum: '3126250.000002500', shares: '3126250.000002500' }])
  })

  it('brings in nothing when one row is wrong, and names that row', async () => {
    const references = Array.from({ length: 10 }, fresh)
    const lines = references.map((reference, index) => `${TOKEN}\t${index === 6 ? '0.0000000005' : '1'}\t${reference}\n`)
    const error = await refusal(copy(lines))
    expect(error).toMatchObject({ code: '23514', constraint: 'amount_scale_exceeded', column: 'sale_amount' })
    expect(error.message).toContain(references[6])
    expect(await queueOf(...references)).toEqual([])
  })
})

describe('wrong content', () => {
  it.each(scenarios('refused').map((scenario) => [scenario.it, scenario] as const))('%s', async (_, { when, expect: expected }) => {
    const { reference, ...amounts } = when
    const before = await count('profit_events')
    const good = fresh()
    const error = await refusal(
      insert([
        { transaction_hash: good, sale_amount: '1' },
        { ...amounts, transaction_hash: reference ?? fresh() },
      ]),
    )
    if (!('refused' in expected)) return expect.fail('a scenario of refused.json expects a refusal')
    // The same code as through every other door; only the reference has another name here.
    const column = expected.field === 'reference' ? 'transaction_hash' : (expected.field ?? 'sale_amount')
    expect(error).toMatchObject({ code: '23514', constraint: expected.refused, column, table: 'profit_events', schema: 'public' })
    expect(error.hint).toMatch(/\.$/)
    for (const part of [column, ...(expected.says ?? [])]) expect(error.message).toContain(part)
    expect(await count('profit_events')).toBe(before)
    expect(await queueOf(good)).toEqual([])
  })

  it.each<[string, string, string]>([
    ['257 characters', 'x'.repeat(257), 'has 257 characters, the longest is 256'],
    ['1,000 characters', 'x'.repeat(1000), 'has 1000 characters, the longest is 256'],
    ['129 characters of two units each', '🪙'.repeat(129), 'has 258 characters, the longest is 256'],
  ])('refuses a hash of %s', async (_, transaction_hash, says) => {
    const error = await refusal(insert([{ transaction_hash, sale_amount: '1' }]))
    expect(error).toMatchObject({ constraint: 'reference_malformed', column: 'transaction_hash' })
    expect(error.message).toContain(says)
  })

  it('is a hash too long for its index, told by the table itself', async () => {
    const long = Array.from({ length: 400 }, () => crypto.randomUUID()).join('')
    const error = await refusal(insert([{ transaction_hash: long, sale_amount: '1' }]))
    expect(error).toMatchObject({ code: '23514', constraint: 'transaction_hash_has_at_most_256_characters' })
  })

  it.each<[string, string]>([
    ['256 characters', 'x'.repeat(256)],
    ['128 characters of two units each', '🪙'.repeat(128)],
    ['quotes', `'"\`$$`],
    ['SQL in it', "'); drop table profit_events; --"],
    ['other scripts', '販売-продажа'],
    ['a backslash', 'a\\b'],
    ['an inner space', 'a b'],
  ])('is not a hash with %s', async (_, transaction_hash) => {
    await insert([{ transaction_hash, sale_amount: '1' }])
    await ledger.take()
    expect(await statusOf(transaction_hash)).toMatchObject({ state: 'recorded', code: null })
  })

  it.each(['token_id', 'sale_amount', 'transaction_hash'])('is a missing %s', async (column) => {
    const row: Record<string, string | null> = { token_id: TOKEN, sale_amount: '1', transaction_hash: fresh(), [column]: null }
    const values = [row['token_id'], row['sale_amount'], row['transaction_hash']]
    const statement = 'insert into profit_events (token_id, sale_amount, transaction_hash) values ($1, $2, $3)'
    const error = await refusal(user.query(statement, values))
    expect(error).toMatchObject({ code: '23502', column })
  })

  it.each(['infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '10000-01-01 00:00:00+00'])('is the instant %s', async (at) => {
    const statement = `insert into profit_events (token_id, sale_amount, "timestamp", transaction_hash) values ($1, 1, $2, $3)`
    const error = await refusal(user.query(statement, [TOKEN, at, fresh()]))
    expect(error).toMatchObject({ constraint: 'field_malformed', column: 'timestamp' })
  })
})

describe('content that only the plan can judge', () => {
  const judged = scenarios('refused-by-plan').map((scenario) => [scenario.it, scenario] as const)

  it.each(judged)('%s, after the commit', async (_, { when, expect: expected }) => {
    const reference = fresh()
    await insert([{ ...when, transaction_hash: reference }])
    await ledger.take()
    const status = await statusOf(reference)
    if (!('refused' in expected)) return expect.fail('a scenario of refused-by-plan.json expects a refusal')
    expect(status).toMatchObject({ state: 'refused', code: expected.refused, event: null })
    for (const part of expected.says ?? []) expect(status?.reason).toContain(part)
  })

  it('a refused row that its owner deletes frees its hash', async () => {
    const reference = fresh()
    await insert([{ transaction_hash: reference, sale_amount: '100', dao_amount: '16' }])
    await ledger.take()
    expect((await statusOf(reference))?.state).toBe('refused')
    await sales.owner.query('delete from profit_events where transaction_hash = $1', [reference])
    await insert([{ transaction_hash: reference, sale_amount: '100', dao_amount: '15' }])
    expect(await statusOf(reference)).toMatchObject({ state: 'queued', code: null, reason: null })
    await ledger.take()
    expect(await statusOf(reference)).toMatchObject({ state: 'recorded', dao_amount: '15.000000000' })
  })
})

describe('the worked examples', () => {
  const examples: readonly Scenario[] = scenarios('shares')

  it('come out the same by SQL, all in one statement', async () => {
    const references = examples.map(fresh)
    await insert(examples.map(({ when }, index) => ({ ...when, transaction_hash: references[index] ?? null })))
    await ledger.take()
    for (const [index, example] of examples.entries()) {
      expect(await statusOf(references[index] ?? ''), example.it).toMatchObject({ state: 'recorded', ...example.expect })
    }
  })

  it('come out the same by our own door, which writes the row beside the event and queues nothing', async () => {
    for (const { when, expect: expected, it: name } of examples) {
      const reference = fresh()
      expect((await ledger.record({ token_id: TOKEN, ...when, reference })).state, name).toBe('recorded')
      expect(await statusOf(reference), name).toMatchObject({ state: 'recorded', ...expected })
      expect(await queueOf(reference)).toEqual([])
    }
  })
})

describe('two doors', () => {
  it('with the same sale are one event: first by SQL, then by ours', async () => {
    const reference = fresh()
    await insert([{ transaction_hash: reference, sale_amount: '100' }])
    expect((await ledger.record({ reference, token_id: TOKEN, sale_amount: '100' })).state).toBe('recorded')
    await ledger.take()
    expect(await statusOf(reference)).toMatchObject({ state: 'recorded' })
    expect(await queueOf(reference)).toEqual([])
    expect(await refusal(insert([{ transaction_hash: reference, sale_amount: '100' }]))).toMatchObject({ code: '23505' })
  })

  it('with one hash and two amounts are one event and one refused row', async () => {
    const reference = fresh()
    await insert([{ transaction_hash: reference, sale_amount: '200' }])
    expect((await ledger.record({ reference, token_id: TOKEN, sale_amount: '100' })).state).toBe('recorded')
    await ledger.take()
    expect(await statusOf(reference)).toMatchObject({ state: 'refused', code: 'reference_conflict', event: null, sale_amount: '200' })
  })

  it('stay two when somebody else sets the mark of our own', async () => {
    const reference = fresh()
    const client = await user.connect()
    await client.query(`begin; set local apportion.door = 'engine'`)
    await insert([{ transaction_hash: reference, sale_amount: '1' }], client)
    await client.query('commit')
    client.release()
    expect(await queueOf(reference)).toEqual([[reference, 'queued']])
  })
})

it('finds the same characters invisible as the other doors do', async () => {
  const scalars = Array.from({ length: 0x10_ff_ff }, (_, at) => at + 1).filter((code) => code < 0xd8_00 || code > 0xdf_ff)
  // Alone, whatever another character beside it could hide; all others by the hundred, none of which may be found.
  const { alone = [], plain = [] } = Object.groupBy(scalars.map((code) => String.fromCodePoint(code)), (character) => (/\p{Cf}|\p{Cc}|\p{Z}/u.test(character) ? 'alone' : 'plain'))
  const together = Array.from({ length: Math.ceil(plain.length / 100) }, (_, at) => plain.slice(at * 100, at * 100 + 100).join(''))
  const found = await sales.owner.query<{ text: string }>(
    `select text from unnest($1::text[]) with ordinality as given (text, place)
      where apportion.sale_split_reference_problem('a' || text || 'b') = 'holds an invisible character' order by place`,
    [[...alone, ...together]],
  )
  expect(found.rows.map(({ text }) => text)).toEqual(alone.filter((character) => /\p{Cf}/u.test(character)))
  const others = await sales.owner.query(`select from unnest($1::text[]) as text where apportion.sale_split_reference_problem('a' || text || 'b') is not null`, [together])
  expect(others.rowCount).toBe(0)
})
