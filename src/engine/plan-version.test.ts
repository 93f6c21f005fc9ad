// Which plan version divides an event: the one in force at its instant, of those that stood when it was recorded, chosen under the
// lane's lock. Whoever was late in learning of a version divides nothing by an older one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { breaks, COIN, legs, mustRecord, onChain, openHouse, record, runUntilStill, sale, type Home, type House, type Process } from '../../test/house.ts'
import { until } from '../../test/effects.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { refreshPlans } from './ledger.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

/** The first plan with other weights for the AI and the DAO. */
function planOf(ai: string, dao: string): unknown {
  return JSON.parse(JSON.stringify(saleSplit.firstPlan).replace('"80"', `"${ai}"`).replace('"15"', `"${dao}"`))
}

async function addVersion({ world, ledgers }: Process, { name }: Home, effectiveFrom: Temporal.Instant | null, ai = '70', dao = '25') {
  return await addPlanVersion(world, await ledgers.open(name), { content: planOf(ai, dao), effectiveFrom })
}

async function versionOf(process: Process, home: Home, reference: string, eventAt?: Temporal.Instant): Promise<number> {
  const own = eventAt === undefined ? {} : { event_at: eventAt.toString() }
  const [result] = await record(process, home, [sale(home, reference, '100', own)], { mayBackdate: true })
  if (result?.state !== 'recorded') throw new Error(result?.state === 'refused' ? result.refusal.message : 'not recorded')
  return result.event.plan
}

/** Does something while somebody holds a lane's head, as a posting in another process does. */
async function whileHeld(lane: bigint, work: () => Promise<void>): Promise<void> {
  const client = await house.database.pool.connect()
  try {
    await client.query('begin')
    await client.query('select from apportion.head where lane = $1 for update', [lane])
    await work()
    await client.query('commit')
  } finally {
    client.release()
  }
}

async function waitersOf(count: number): Promise<void> {
  await until(`${count} waiting for the lane`, async () => {
    const { rows } = await house.database.pool.query<{ waiting: bigint }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return (rows[0]?.waiting ?? 0n) >= BigInt(count) ? true : undefined
  })
}

describe('an event', () => {
  it('keeps the version of its own instant, however late it arrives and whoever records it', async () => {
    const home = await house.makeLedger()
    const start = house.now()
    house.elapse({ minutes: 1 })
    const second = house.now()
    expect(await addVersion(house.main, home, null)).toMatchObject({ version: 2, effectiveFrom: second })
    house.elapse({ minutes: 1 })
    await addVersion(house.main, home, house.now().add({ hours: 1 }), '60', '35')
    house.elapse({ hours: 2 })
    const third = house.now().subtract({ hours: 1 })
    const other = house.start()
    const plans = [
      await versionOf(other, home, 'before all', start),
      await versionOf(other, home, 'just before the second', second.subtract({ microseconds: 1 })),
      await versionOf(house.main, home, 'at the second', second),
      await versionOf(house.main, home, 'just before the third', third.subtract({ microseconds: 1 })),
      await versionOf(other, home, 'at the third', third),
      await versionOf(house.main, home, 'now'),
    ]
    expect(plans).toEqual([1, 1, 2, 2, 3, 3])
    expect(await breaks(house, home)).toEqual([])
  })

  it('is divided by a version that another process added after this one had read the plans', async () => {
    const home = await house.makeLedger()
    await mustRecord(house.main, home, sale(home, 'known', '100'))
    await addVersion(house.start(), home, null)
    house.elapse({ seconds: 1 })
    const event = await mustRecord(house.main, home, sale(home, 'unknown', '100'))
    expect(event).toMatchObject({ plan: 2 })
    expect(event.shares[0]).toMatchObject({ role: 'ai', units: 70_000_000_000n })
  })

  it('is divided by a version that was added while it waited for its lane', async () => {
    const home = await house.makeLedger()
    const waiting: Promise<number>[] = []
    await whileHeld(home.lane, async () => {
      const adding = addVersion(house.start(), home, null)
      await waitersOf(1)
      house.elapse({ seconds: 1 })
      waiting.push(adding.then(() => 2), versionOf(house.main, home, 'waited'))
      await waitersOf(2)
    })
    expect(await Promise.all(waiting)).toEqual([2, 2])
    expect(await breaks(house, home)).toEqual([])
  })

  it('is divided by a version that its own process read while it waited for its lane', async () => {
    const home = await house.makeLedger()
    await addVersion(house.start(), home, null)
    house.elapse({ seconds: 1 })
    const waiting: Promise<number>[] = []
    await whileHeld(home.lane, async () => {
      waiting.push(versionOf(house.main, home, 'waited'))
      await waitersOf(1)
      // Another lane's posting, or a list of events, learns of the new version.
      await refreshPlans(house.main.world, home.ledger)
    })
    expect(await Promise.all(waiting)).toEqual([2])
    expect(await breaks(house, home)).toEqual([])
  })

  it('is divided by a version of which its own process has seen only that there is one', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'first', '100'))
    await addVersion(house.start(), home, null)
    house.elapse({ seconds: 1 })
    // Reserving payouts moves what the process remembers of the lane past the new version.
    await runUntilStill(house, home)
    expect(await versionOf(house.main, home, 'second')).toBe(2)
    expect(await breaks(house, home)).toEqual([])
  })

  it('is paid by a process that had not heard of its version', async () => {
    const home = await house.makeLedger({ funds: 101n })
    const other = house.start()
    await other.ledgers.open(home.name)
    await addVersion(house.main, home, null)
    house.elapse({ seconds: 1 })
    await mustRecord(house.main, home, sale(home, 'new', '100'))
    await runUntilStill(house, home, other)
    expect(await legs(house, home, 'new')).toEqual({ ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' })
    expect(await onChain(house, home.addresses.dao)).toBe(25n * COIN)
  })

  it('older than the version in force now takes the right to backdate, also while a later version is planned', async () => {
    const home = await house.makeLedger()
    const before = house.now()
    house.elapse({ minutes: 1 })
    await addVersion(house.main, home, null)
    house.elapse({ minutes: 1 })
    const old = sale(home, 'old', '100', { event_at: before.toString() })
    expect((await record(house.main, home, [old]))[0]).toMatchObject({ state: 'refused', refusal: { code: 'event_backdated_forbidden' } })
    await addVersion(house.main, home, house.now().add({ hours: 1 }), '60', '35')
    expect((await record(house.main, home, [old]))[0]).toMatchObject({ state: 'refused', refusal: { code: 'event_backdated_forbidden' } })
    expect((await record(house.main, home, [old], { mayBackdate: true }))[0]).toMatchObject({ state: 'recorded', event: { plan: 1, backdated: true } })
  })
})

describe('adding a version', () => {
  it('is never in force before what was recorded without it, although its own clock is behind', async () => {
    const home = await house.makeLedger({ lanes: 2 })
    const recorded = await mustRecord(house.main, home, sale(home, 'recorded', '100'))
    const behind = house.start({ now: () => house.now().subtract({ minutes: 1 }) })
    const added = await addVersion(behind, home, null)
    expect(Temporal.Instant.compare(added.effectiveFrom as Temporal.Instant, recorded.recordedAt)).toBe(1)
    expect(await breaks(house, home)).toEqual([])
    // Whoever has the slow clock goes on with it.
    await record(behind, home, [sale(home, 'slow', '100'), sale(home, 'other', '100'), sale(home, 'third', '100')])
    expect(await breaks(house, home)).toEqual([])
    house.elapse({ seconds: 1 })
    expect(await versionOf(house.main, home, 'after')).toBe(2)
    expect(await breaks(house, home)).toEqual([])
  })

  it('by several people at once numbers them one after the other, or says what is in the way', async () => {
    const home = await house.makeLedger()
    const others = [house.main, house.start(), house.start(), house.start()]
    const settled = await Promise.allSettled(others.map(async (process) => await addVersion(process, home, null)))
    const versions = settled.map((result) => (result.status === 'fulfilled' ? result.value.version : (result.reason as Error).message))
    expect(new Set(versions)).toEqual(new Set([2, 3, 4, 5]))
    expect(await breaks(house, home)).toEqual([])
  })

  it('takes ten minutes of notice where real money is paid', async () => {
    const home = await house.makeLedger({ sandbox: false })
    house.elapse({ seconds: 1 })
    await expect(addVersion(house.main, home, house.now())).rejects.toMatchObject({ code: 'plan_invalid', details: { field: 'effective_from' } })
    const early = house.now().add({ minutes: 10 }).subtract({ microseconds: 1 })
    await expect(addVersion(house.main, home, early)).rejects.toMatchObject({ code: 'plan_invalid', details: { earliest: house.now().add({ minutes: 10 }).toString() } })
    expect(await addVersion(house.main, home, null)).toMatchObject({ version: 2, effectiveFrom: house.now().add({ minutes: 10 }) })
    await expect(addVersion(house.main, home, house.now().add({ minutes: 10 }).subtract({ microseconds: 1 }))).rejects.toMatchObject({ code: 'plan_invalid' })
  })

  it('refuses a plan that is none, and changes nothing', async () => {
    const home = await house.makeLedger()
    await expect(addPlanVersion(house.main.world, home.ledger, { content: { steps: [] }, effectiveFrom: null })).rejects.toMatchObject({ code: 'plan_invalid' })
    expect(await versionOf(house.main, home, 'still the first')).toBe(1)
  })
})
