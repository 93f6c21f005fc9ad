// Work on a lane: all of it in one transaction under the head's lock, in a number of statements that no batch's size changes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, mustRecord, openHouse, record, sale, type Home, type House, type Process } from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { present } from '../core/assert.ts'
import { decideBatch, type Leg, type MoveMember } from '../core/posting.ts'
import { QUIET_LOOKS } from './lane-cache.ts'
import { runOnLane, type LaneWork } from './posting.ts'
import type { Statement } from './statement.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const ASSET = 'SOL/9'

/** Money seen in the wallet of an id, a leg each. */
function funding(wallet: string, units: readonly bigint[]): MoveMember {
  return { type: 'move', legs: units.map((each): Leg => ({ kind: 'funded', debit: `wallet:${wallet}`, credit: 'expected', asset: ASSET, units: each, part: null, subject: null })) }
}

function post(home: Home, member: MoveMember, own: Partial<LaneWork<string>> = {}): LaneWork<string> {
  return {
    lane: home.lane,
    digests: [],
    states: [],
    accounts: member.legs.flatMap(({ debit, credit, asset }) => [{ name: debit, asset }, { name: credit, asset }]),
    guards: [],
    decide: ({ head, known }) => ({ abort: false, write: decideBatch(head, known, [member], house.now()).write, after: [], result: 'posted' }),
    ...own,
  }
}

const addRecipient = ({ ledger }: Home, recipient: string): Statement => ({
  text: `insert into apportion.recipient (ledger, recipient, created_at) values ($1, $2, now())`,
  values: [ledger.id, recipient],
})

async function recipientsLike(pattern: string): Promise<number> {
  return (await house.database.pool.query('select from apportion.recipient where recipient like $1', [pattern])).rowCount ?? 0
}

async function blocksOf({ lane }: Home): Promise<bigint> {
  const { rows } = await house.database.pool.query<{ block: bigint }>('select block from apportion.head where lane = $1', [lane])
  return present(rows[0], 'head').block
}

describe('work on a lane', () => {
  it('commits guards, write and what comes after together', async () => {
    const home = await house.makeLedger()
    const { store } = house.main.world
    const member = funding('w', [5n, 7n])
    const decide: LaneWork<string>['decide'] = ({ head, known, guarded }) => {
      expect(guarded).toHaveLength(1)
      return { abort: false, write: decideBatch(head, known, [member], house.now()).write, after: [addRecipient(home, 'together-after')], result: 'done' }
    }
    expect(await runOnLane(store, post(home, member, { guards: [addRecipient(home, 'together-guard')], decide }))).toBe('done')
    expect(await recipientsLike('together-%')).toBe(2)
    expect(await blocksOf(home)).toBe(1n)
    expect((await accounts(house, home))['wallet:w']).toBe(12n)
  })

  it('that is aborted leaves nothing, of its guards neither', async () => {
    const home = await house.makeLedger()
    const work = post(home, funding('w', [1n]), { guards: [addRecipient(home, 'aborted')], decide: () => ({ abort: true, result: 'no' }) })
    expect(await runOnLane(house.main.world.store, work)).toBe('no')
    expect(await recipientsLike('aborted')).toBe(0)
    expect(await blocksOf(home)).toBe(0n)
  })

  it.each([
    ['whose decision throws', (home: Home) => ({ guards: [addRecipient(home, 'failed-1')], decide: () => { throw new Error('undecided') } }), 'undecided'],
    ['whose guard fails', (home: Home) => ({ guards: [addRecipient(home, 'failed-2'), { text: 'select 1 / 0', values: [] }] }), 'division by zero'],
    [
      'whose last statement fails',
      (home: Home) => ({
        guards: [addRecipient(home, 'failed-3')],
        decide: (({ head, known }) => {
          return { abort: false, write: decideBatch(head, known, [funding('w', [1n])], house.now()).write, after: [{ text: 'select 1 / 0', values: [] }], result: '' }
        }) satisfies LaneWork<string>['decide'],
      }),
      'division by zero',
    ],
  ])('%s leaves nothing, and the next one finds lane and connection in order', async (_, own, message) => {
    const home = await house.makeLedger()
    const { store } = house.main.world
    await expect(runOnLane(store, post(home, funding('w', [1n]), own(home)))).rejects.toThrow(message)
    expect(await recipientsLike('failed-%')).toBe(0)
    expect(await blocksOf(home)).toBe(0n)
    expect(await runOnLane(store, post(home, funding('w', [3n])))).toBe('posted')
    expect((await accounts(house, home))['wallet:w']).toBe(3n)
    expect(store.hot.waitingCount + store.hot.totalCount - store.hot.idleCount).toBe(0)
  })

  it('takes as many statements for a thousand events of a thousand parties as for one', async () => {
    const home = await house.makeLedger()
    const seen: string[] = []
    const process = house.start({ store: (store) => watchedStore(store, ({ moment, statement }) => void (moment === 'before' && seen.push(statement))) })
    await mustRecord(process, home, sale(home, 'warm', '1'))
    const count = async (length: number): Promise<readonly string[]> => {
      seen.length = 0
      const results = await record(process, home, Array.from({ length }, (_, index) => sale(home, `${length} ${index}`, '1', { token_id: crypto.randomUUID() })))
      expect(results.every(({ state }) => state === 'recorded')).toBe(true)
      return [...seen]
    }
    const one = await count(1)
    expect(await count(1000)).toEqual(one)
    const tables = ['account', 'balance', 'transfer', 'reference', 'event'].map((table) => `copy-${table}`)
    const write = ['move-head', ...tables, 'lock-timeout-first', `inbox-rows-${home.ledger.id}`, 'commit'].join('; ')
    expect(one).toEqual(['begin', 'lock-head', 'read-references', 'read-accounts', write])
    expect(await breaks(house, home)).toEqual([])
  })

  it('reads again what another process has moved, and only then', async () => {
    const home = await house.makeLedger()
    const seen: string[] = []
    const process = house.start({ store: (store) => watchedStore(store, ({ moment, statement }) => void (moment === 'before' && seen.push(statement))) })
    const reads = async (reference: string): Promise<number> => {
      seen.length = 0
      await mustRecord(process, home, sale(home, reference, '1'))
      return seen.filter((statement) => statement === 'read-accounts').length
    }
    expect([await reads('first'), await reads('second')]).toEqual([1, 0])
    await mustRecord(house.main, home, sale(home, 'by another', '1'))
    // Once overtaken, it looks under the lock until it has found the lane as it left it for long enough.
    for (let look = -1; look < QUIET_LOOKS; look += 1) expect([look, await reads(`look ${look}`)]).toEqual([look, 1])
    expect(await reads('last')).toBe(0)
    expect((await accounts(house, home))['payable:ai']).toBe(BigInt(QUIET_LOOKS + 5) * 800_000_000n)
  })

  it('serves ledgers whose schemas have long names that begin alike', async () => {
    const common = 'a_schema_with_a_name_as_long_as_a_name_may_be_and_still'
    const homes = [await house.makeLedger({ schema: `${common}_one` }), await house.makeLedger({ schema: `${common}_two` })]
    for (const home of homes) {
      await mustRecord(house.main, home, sale(home, 'first', '1'))
      await mustRecord(house.main, home, sale(home, 'second', '1'))
      expect(await breaks(house, home)).toEqual([])
    }
  })

  it('holds nobody up while somebody locks the whole inbox table, and tells those who would have to wait', async () => {
    const home = await house.makeLedger()
    await mustRecord(house.main, home, sale(home, 'warm', '1'))
    const client = await house.database.pool.connect()
    try {
      await client.query('begin')
      await client.query(`lock table "${home.ledger.row.inbox_schema}".profit_events in share mode`)
      const [result] = await record(house.main, home, [sale(home, 'locked out', '1')])
      expect(result).toMatchObject({ state: 'refused', refusal: { code: 'reference_locked' } })
      await client.query('rollback')
    } finally {
      client.release()
    }
    await mustRecord(house.main, home, sale(home, 'locked out', '1'))
    expect(await breaks(house, home)).toEqual([])
  })

  it('waits for whoever holds the lane, and holds up no other lane', async () => {
    const [held, free] = [await house.makeLedger(), await house.makeLedger()]
    const client = await house.database.pool.connect()
    let waiting
    try {
      await client.query('begin')
      await client.query('select from apportion.head where lane = $1 for update', [held.lane])
      waiting = mustRecord(house.main, held, sale(held, 'waits', '1'))
      await mustRecord(house.main, free, sale(free, 'goes', '1'))
      expect(await blocksOf(held)).toBe(0n)
      await client.query('commit')
    } finally {
      client.release()
    }
    expect((await waiting).number).toBe(1n)
  })
})

describe('what is remembered of a lane', () => {
  const watching = (): { process: Process; statements: () => readonly string[] } => {
    const seen: string[] = []
    const process = house.start({ store: (store) => watchedStore(store, ({ moment, statement }) => void (moment === 'before' && seen.push(statement))) })
    return { process, statements: () => seen.splice(0) }
  }
  const TABLES = ['balance', 'transfer', 'reference', 'event'].map((table) => `copy-${table}`)
  const FROM_MEMORY = [expect.stringMatching(new RegExp(`^move-head; ${TABLES.join('; ')}; lock-timeout-first; inbox-rows-[^;]+$`))]

  it('posts events of known parties in one round trip, while nobody else posts', async () => {
    const home = await house.makeLedger()
    const { process, statements } = watching()
    await mustRecord(process, home, sale(home, 'first', '1'))
    statements()
    await mustRecord(process, home, sale(home, 'second', '1'))
    expect(statements()).toEqual(FROM_MEMORY)
    await mustRecord(house.main, home, sale(home, 'by another', '1'))
    for (let look = -1; look < QUIET_LOOKS; look += 1) {
      await mustRecord(process, home, sale(home, `look ${look}`, '1'))
      expect(statements()).toContain('lock-head')
    }
    await mustRecord(process, home, sale(home, 'last', '1'))
    expect(statements()).toEqual(FROM_MEMORY)
    expect((await accounts(house, home))['payable:ai']).toBe(BigInt(QUIET_LOOKS + 5) * 800_000_000n)
    expect(await breaks(house, home)).toEqual([])
  })

  it('is left for the lock when a reference is taken, in the lane or in the batch itself', async () => {
    const home = await house.makeLedger()
    const { process } = watching()
    const first = await mustRecord(process, home, sale(home, 'first', '1'))
    const [again, other, fresh, twice] = await record(process, home, [sale(home, 'first', '1'), sale(home, 'first', '2'), sale(home, 'fresh', '1'), sale(home, 'fresh', '1')])
    expect(again).toEqual({ state: 'duplicate', event: first })
    expect(other).toMatchObject({ state: 'refused', refusal: { code: 'reference_conflict' } })
    expect([fresh?.state, twice?.state]).toEqual(['recorded', 'duplicate'])
    expect(await breaks(house, home)).toEqual([])
  })

  it('is left for the lock when one of a batch is refused, and the others are posted', async () => {
    const home = await house.makeLedger()
    const { process } = watching()
    await mustRecord(process, home, sale(home, 'first', '1'))
    const results = await record(process, home, [sale(home, 'fine', '1'), sale(home, 'wrong', '100', { dao_amount: '16' })])
    expect(results.map(({ state }) => state)).toEqual(['recorded', 'refused'])
  })

  it('never stands at a state that others have moved, however many post at once', async () => {
    const home = await house.makeLedger()
    const processes = [house.main, house.start(), house.start(), house.start()]
    for (const [index, process] of processes.entries()) await mustRecord(process, home, sale(home, `warm ${index}`, '1'))
    const callers = Array.from({ length: 24 }, async (_, caller) => {
      for (let turn = 0; turn < 6; turn += 1) {
        const [result] = await record(processes[caller % 4] ?? house.main, home, [sale(home, `${caller} ${turn}`, '1')])
        expect(result?.state).toBe('recorded')
      }
    })
    await Promise.all(callers)
    expect((await accounts(house, home))['payable:ai']).toBe(148n * 800_000_000n)
    expect(await breaks(house, home)).toEqual([])
  })

  it('is given up when a commit is lost, and read anew', async () => {
    const home = await house.makeLedger()
    let lose = false
    const process = house.start({
      store: (store) =>
        watchedStore(store, ({ moment, statement }) => {
          if (!lose || moment !== 'after' || !statement.startsWith('move-head')) return
          lose = false
          throw new Error('Connection terminated unexpectedly')
        }),
    })
    await mustRecord(process, home, sale(home, 'first', '1'))
    lose = true
    await expect(record(process, home, [sale(home, 'lost', '1')])).rejects.toMatchObject({ code: 'database_unavailable' })
    expect((await record(process, home, [sale(home, 'lost', '1')]))[0]?.state).toBe('duplicate')
    await mustRecord(process, home, sale(home, 'next', '1'))
    expect((await accounts(house, home))['payable:ai']).toBe(3n * 800_000_000n)
    expect(await breaks(house, home)).toEqual([])
  })
})
