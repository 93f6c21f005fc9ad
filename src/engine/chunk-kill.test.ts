// kill -9 in the middle of a large distribution, and of one that takes it back, of the server and of PostgreSQL: it is carried on to the end
// that it would have had, and nothing of it counts before.

import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startOwnServer, type OwnServer } from '../../test/database.ts'
import { startDistributingProcess } from '../../test/distributing-process.ts'
import { dollarEvent, dollars, USDC } from '../../test/dollars.ts'
import { until } from '../../test/effects.ts'
import { openGate, type Gate } from '../../test/gate.ts'
import { accounts, breaks, mustRecord, openHouse, type Home, type House } from '../../test/house.ts'
import { byHoldings, linesOf } from '../../test/large-ledger.ts'
import { allocate } from '../core/allocate.ts'
import { present } from '../core/assert.ts'
import { parsePlan } from '../core/plan.ts'
import { namingSnapshot } from '../core/snapshot.ts'
import { createDistributor } from './carry-distributions.ts'
import { createSnapshot } from './create-snapshot.ts'
import { makePayouts } from './make-payouts.ts'
import { reverseEvent } from './reverse-event.ts'

let own: OwnServer
let gate: Gate
let house: House
beforeAll(async () => {
  own = await startOwnServer()
  gate = await openGate(own.url)
  house = await openHouse(gate.through(own.url))
})
afterAll(async () => {
  await house.close()
  await gate.close()
  await own.remove()
})

const RECIPIENTS = 6000
/** Places of a chunk, and entries of a block of the snapshot. */
const CHUNK = 128
const UNITS = 10n ** 12n + 7n
const KILLS = 3

/** Weights that leave remainders everywhere, some of them equal and some of them zero. */
const LINES = Array.from({ length: RECIPIENTS }, (_, index) => `r${index.toString().padStart(6, '0')},${(index * 7919) % 997}`)

/** A ledger that divides by holdings, with a dividend that nobody has begun to divide. */
async function dividend(): Promise<Home> {
  const home = await house.makeLedger({ program: dollars, tokens: { [USDC]: house.chain.mint('USDC', 6) } })
  const plan = parsePlan({ steps: [byHoldings()] })
  await house.database.pool.query('update apportion.plan_version set content = $2, hash = $3 where ledger = $1', [home.ledger.id, plan.data, plan.hash])
  home.ledger.plans = [{ ...present(home.ledger.plans[0], 'plan version'), ...plan }]
  const { snapshot } = await createSnapshot(house.main.world, home.ledger, { name: 'holders', recordAt: null, format: 'csv', source: 'test', lines: linesOf(LINES), sizes: { block: CHUNK, most: RECIPIENTS } })
  await mustRecord(house.main, home, { ...dollarEvent('dividend', UNITS.toString()), facts: { holdings: namingSnapshot(snapshot.hash) } })
  await house.database.pool.query(`update apportion.distribution set chunk = $2 where lane = $1`, [home.lane, CHUNK])
  return home
}

/** Of the newest distribution. */
async function placeOf({ lane }: Home): Promise<number> {
  const { rows } = await house.database.pool.query<{ place: number }>('select next_place as place from apportion.distribution where lane = $1 order by event desc limit 1', [lane])
  return present(rows[0], 'distribution').place
}

/** Who was given how much, or gave back how much, in order. */
async function shares({ lane }: Home, kind: 'distributed' | 'taken_back' = 'distributed'): Promise<readonly string[]> {
  const { rows } = await house.database.pool.query<{ share: string }>(
    `select account.name || ' ' || transfer.units as share from apportion.transfer
      join apportion.account on account.lane = transfer.lane and account.number = case transfer.kind when 'distributed' then transfer.credit else transfer.debit end
      where transfer.lane = $1 and transfer.kind = $2 order by transfer.number`,
    [lane, kind],
  )
  return rows.map(({ share }) => share)
}

/** Nobody is shown or paid anything of it. */
async function expectNothingCounts(home: Home): Promise<void> {
  expect(await makePayouts(house.main.world, home.ledger, home.lane)).toBe(0)
  expect(Object.entries(await accounts(house, home)).filter(([name, units]) => name.startsWith('payable:') && units !== 0n)).toEqual([])
  expect(await breaks(house, home)).toEqual([])
}

/** Carries on what runs until nothing does. */
async function carryOn(home: Home): Promise<void> {
  const distributor = createDistributor(house.main.world)
  while ((await distributor.step(home.ledger, home.lane)) !== null);
}

/** The same as it comes out where nobody is killed. */
async function undisturbed(): Promise<readonly string[]> {
  const home = await dividend()
  await carryOn(home)
  return await shares(home)
}

/** Kills processes that carry it on, and PostgreSQL under them, in turns, each some chunks on; then lets it come to its end. */
async function killOnTheWay(home: Home, expectNothing: () => Promise<void>): Promise<void> {
  let process = startDistributingProcess(house.database.appUrl, home.name)
  for (let kill = 0; kill < KILLS; kill += 1) {
    const enough = (await placeOf(home)) + randomInt(1, 4) * CHUNK
    await until('chunks', async () => ((await placeOf(home)) >= enough ? true : undefined))
    if (kill % 2 === 0) {
      await process.kill()
      expect(await placeOf(home)).toBeLessThan(RECIPIENTS)
      await expectNothing()
      process = startDistributingProcess(house.database.appUrl, home.name)
    } else {
      await own.kill()
      gate.aim((await own.restart()).url)
    }
  }
  await until('the end', async () => ((await placeOf(home)) === RECIPIENTS ? true : undefined))
  await process.kill()
}

it('is carried on from where it stood, and ends as if nobody had been killed', async () => {
  const expected = await undisturbed()
  const home = await dividend()
  await killOnTheWay(home, async () => await expectNothingCounts(home))
  expect(await shares(home)).toEqual(expected)
  const counted = Object.entries(await accounts(house, home)).filter(([name]) => name.startsWith('payable:'))
  expect(counted.length).toBeGreaterThan(0)
  expect(await makePayouts(house.main.world, home.ledger, home.lane)).toBeGreaterThan(0)
  expect(await breaks(house, home)).toEqual([])
})

it('is taken back in three parts, carried on from where it stood, each share by what is left of it', async () => {
  const home = await dividend()
  await carryOn(home)
  const payable = async () => Object.entries(await accounts(house, home)).filter(([name]) => name.startsWith('payable:'))
  const given = (await shares(home)).map((share) => share.split(' '))
  const expected: string[] = []
  let left = given.map(([, units = '']) => BigInt(units))
  for (const [index, units] of [UNITS / 3n, UNITS / 7n, null].entries()) {
    const before = await payable()
    await reverseEvent(house.main.world, home.ledger, { reference: `dividend/back-${index}`, reverses: 'dividend', units, details: null, door: 'test' })
    // Killed in the middle of the second part, which found the first one done.
    if (index === 1) await killOnTheWay(home, async () => expect([await payable(), await breaks(house, home)]).toEqual([before, []]))
    else await carryOn(home)
    const pool = units ?? left.reduce((all, each) => all + each, 0n)
    const back = allocate({ pool, weights: left, rounding: 'largest-remainder' }).units
    left = left.map((each, place) => each - (back[place] ?? 0n))
    for (const [place, [account]] of given.entries()) if ((back[place] ?? 0n) > 0n) expected.push(`${account} ${back[place]}`)
  }
  expect(await shares(home, 'taken_back')).toEqual(expected)
  expect([left.every((each) => each === 0n), (await payable()).filter(([, units]) => units !== 0n)]).toEqual([true, []])
  expect(await breaks(house, home)).toEqual([])
})
