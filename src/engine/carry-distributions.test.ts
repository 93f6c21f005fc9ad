// Distributions by snapshot, on a real database: the same shares as a division in memory gives, whatever the chunks and wherever it stops.

import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { byHoldings, openLarge, type Holders, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { allocate } from '../core/allocate.ts'
import { scaledWeight } from '../core/snapshot.ts'
import { standingBetween } from '../store/distribution.ts'
import { openStore, type Store } from '../store/store.ts'
import { createDistributor } from './carry-distributions.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

async function shares({ lane }: LargeLedger): Promise<Readonly<Record<string, string>>> {
  const { rows } = await paper.database.pool.query<{ name: string; units: bigint }>(
    `select account.name, transfer.units from apportion.transfer join apportion.account on account.lane = transfer.lane and account.number = transfer.credit
      where transfer.lane = $1 and transfer.kind = 'distributed' order by transfer.number`,
    [lane],
  )
  return Object.fromEntries(rows.map(({ name, units }) => [name.slice(8), units.toString()]))
}

function inMemory(pool: bigint, holders: Holders, rounding: 'largest-remainder' | 'prefix'): Readonly<Record<string, string>> {
  const names = Object.keys(holders).toSorted()
  const { units } = allocate({ pool, weights: names.map((name) => scaledWeight(holders[name] ?? '', 18)), rounding })
  return Object.fromEntries(names.flatMap((name, place) => (units[place] === 0n ? [] : [[name, String(units[place])]])))
}

it('gives the shares that a division in memory gives, in chunks of any size, stopped and taken up again anywhere', async () => {
  const weight = fc.oneof(fc.integer({ min: 0, max: 30 }).map(String), fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: 1, max: 999 })).map(([whole, part]) => `${whole}.${part}`))
  const holders = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-zA-Z0-9][a-z._-]{0,3}$/), weight), { minLength: 1, maxLength: 23, selector: ([name]) => name })
  const cases = fc.record({ holders, pool: fc.bigInt({ min: 1n, max: 10n ** 20n }), chunk: fc.constantFrom(2, 4, 8, 32), rounding: fc.constantFrom('largest-remainder' as const, 'prefix' as const), forgets: fc.boolean() })
  let run = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ holders: entries, pool, chunk, rounding, forgets }) => {
      const given = Object.fromEntries(entries)
      fc.pre(entries.some(([, text]) => scaledWeight(text.replace(/0+$/, '0'), 18) > 0n))
      const ledger = await openLarge(paper, `any-${(run += 1)}`, [byHoldings(rounding)])
      const { snapshot } = await ledger.snapshot('holders', given)
      expect((await ledger.recordBy('dividend', pool, snapshot.hash, chunk)).state).toBe('recorded')
      // Each step in a new process, or all in one.
      if (forgets) while ((await createDistributor(ledger.world).step(ledger.ledger, ledger.lane)) !== null);
      else await ledger.complete()
      expect(await shares(ledger)).toEqual(inMemory(pool, given, rounding))
    }),
    { numRuns: 12 },
  )
})

it('adds to what recipients have already, with events of others between its chunks, and twice by one snapshot', async () => {
  const ledger = await openLarge(paper, 'again')
  const holders = { ana: '1', bo: '2', cy: '3', dee: '4', eli: '0' }
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('first', 101n, snapshot.hash, 2)
  expect(await ledger.step()).toMatchObject({ place: 2, state: 'running' })
  await ledger.recordBy('second', 50n, snapshot.hash, 2)
  await ledger.complete()
  const { rows } = await paper.database.pool.query<{ name: string; balance: bigint }>(
    `select name, (select credits - debits from apportion.balance where balance.lane = account.lane and balance.account = account.number order by transfer desc limit 1) as balance
      from apportion.account where lane = $1 order by name`,
    [ledger.lane],
  )
  expect(Object.fromEntries(rows.map(({ name, balance }) => [name, Number(balance)]))).toEqual({
    ...{ expected: -151, received: 0, distributing: 0, 'payable:ana': 15, 'payable:bo': 30, 'payable:cy': 45, 'payable:dee': 61 },
  })
})

it('reads the accounts of its own recipients alone where many others stand between them', async () => {
  const ledger = await openLarge(paper, 'between')
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`holder-${index.toString().padStart(2, '0')}`, '1']))
  const few = { 'holder-00': '1', 'holder-19': '3', 'holder-05x': '2' }
  await ledger.recordBy('many', 40n, (await ledger.snapshot('many', many)).snapshot.hash)
  await ledger.complete()
  const read = async (recipients: readonly string[]): Promise<readonly string[]> => {
    const { text, values } = standingBetween(ledger.lane, { asset: ledger.ledger.asset.name, recipients })
    const { rows } = await paper.database.pool.query<{ lines: string | null }>(text, [...values])
    return (rows[0]?.lines ?? '').split('\n').map((line) => line.replace(/\t.*/, '')).toSorted()
  }
  expect(await read(Object.keys(few).toSorted())).toEqual(['holder-00', 'holder-19'])
  expect(await read(['holder-03', 'holder-05'])).toEqual(['holder-03', 'holder-04', 'holder-05'])
  await ledger.recordBy('few', 60n, (await ledger.snapshot('few', few)).snapshot.hash)
  await ledger.complete()
  expect((await verify(ledger.world, ledger.ledger)).ok).toBe(true)
  const { rows } = await paper.database.pool.query<{ balance: bigint }>(
    `select (select credits - debits from apportion.balance where balance.lane = account.lane and balance.account = account.number order by transfer desc limit 1) as balance
      from apportion.account where lane = $1 and substr(name, 9) = any ($2) order by name`,
    [ledger.lane, Object.keys(few)],
  )
  expect(rows.map(({ balance }) => Number(balance))).toEqual([12, 20, 32])
})

it('gives everything to the account that the plan names when nobody has a weight', async () => {
  const ledger = await openLarge(paper, 'zero')
  const { snapshot } = await ledger.snapshot('nobody', { ana: '0', bo: '0.0' })
  const result = await ledger.recordBy('dividend', 100n, snapshot.hash)
  expect(result).toMatchObject({ state: 'recorded', event: { shares: [{ role: 'unshared', account: 'fund:unclaimed', units: 100n }] } })
  expect(await ledger.step()).toBeNull()
})

it('answers the same reference with the same snapshot as before, and refuses another or an unknown one', async () => {
  const ledger = await openLarge(paper, 'once')
  const [one, other] = [await ledger.snapshot('one', { ana: '1' }), await ledger.snapshot('other', { ana: '1' })]
  expect((await ledger.recordBy('dividend', 5n, one.snapshot.hash)).state).toBe('recorded')
  expect((await ledger.recordBy('dividend', 5n, one.snapshot.hash)).state).toBe('duplicate')
  expect(await ledger.recordBy('dividend', 5n, other.snapshot.hash)).toMatchObject({ refusal: { code: 'reference_conflict', details: { field: 'facts' } } })
  expect(await ledger.recordBy('another', 5n, 'f'.repeat(64))).toMatchObject({ refusal: { code: 'snapshot_not_found' } })
  const stranger = await openLarge(paper, 'stranger')
  expect(await stranger.recordBy('dividend', 5n, one.snapshot.hash)).toMatchObject({ refusal: { code: 'snapshot_not_found' } })
})

it.each<[string, readonly object[]]>([
  ['a rounding that remembers recipients', [byHoldings('cumulative')]],
  ['a step that changes its shares', [byHoldings(), { name: 'minimum', from: 'shares:pool', rule: 'minimum', parameters: { minimum: '2' } }]],
])('refuses a snapshot where the plan has %s', async (what, steps) => {
  const ledger = await openLarge(paper, what.replaceAll(' ', '-'), steps)
  const { snapshot } = await ledger.snapshot('holders', { ana: '1', bo: '1' })
  expect(await ledger.recordBy('dividend', 5n, snapshot.hash)).toMatchObject({ refusal: { code: 'snapshot_unsupported' } })
})

it('posts each chunk once, whoever works on it, while others post on the lane', async () => {
  const ledger = await openLarge(paper, 'several')
  const holders = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`h${index}`, `${index % 7}`]))
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('dividend', 12_345n, snapshot.hash, 2)
  const stores = [openStore(paper.database.appUrl, 'one'), openStore(paper.database.appUrl, 'other')]
  const work = async (store: Store): Promise<void> => {
    const distributor = createDistributor({ ...ledger.world, store })
    while ((await distributor.step(ledger.ledger, ledger.lane)) !== null);
  }
  const record = async (): Promise<void> => {
    for (let index = 0; index < 15; index += 1) await ledger.record([paperEvent(`other ${index}`, 7n, { facts: { holdings: { h1: '1', h2: '1' } } })])
  }
  await Promise.all([...stores.map(work), record()])
  await Promise.all(stores.map(async (store) => await store.close()))
  expect(await shares(ledger)).toEqual(inMemory(12_345n, holders, 'largest-remainder'))
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
})

it('leaves nothing of a chunk that could not be committed, and goes on with it', async () => {
  const ledger = await openLarge(paper, 'broken')
  const holders = { ana: '1', bo: '2', cy: '3', dee: '4' }
  const { snapshot } = await ledger.snapshot('holders', holders)
  await ledger.recordBy('dividend', 99n, snapshot.hash, 2)
  await ledger.step()
  const owner = paper.database.pool
  await owner.query(`create function public.stuck() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;
    create trigger stuck before update on apportion.distribution for each row execute function public.stuck()`)
  const standing = async () => (await owner.query('select transfer, block, hash, (select count(*) from apportion.transfer) as transfers, (select count(*) from apportion.distribution_chunk) as chunks from apportion.head where lane = $1', [ledger.lane])).rows
  const before = await standing()
  await expect(ledger.step()).rejects.toThrow('disk full')
  expect(await standing()).toEqual(before)
  await owner.query('drop trigger stuck on apportion.distribution; drop function public.stuck()')
  await ledger.complete()
  expect(await shares(ledger)).toEqual(inMemory(99n, holders, 'largest-remainder'))
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
})
