// kill -9 in the middle of a large distribution, of the server and of PostgreSQL: it is carried on to the end that it would have had, and
// nothing of it counts before.

import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startOwnServer, type OwnServer } from '../../test/database.ts'
import { startDistributingProcess } from '../../test/distributing-process.ts'
import { dollarEvent, dollars, USDC } from '../../test/dollars.ts'
import { until } from '../../test/effects.ts'
import { openGate, type Gate } from '../../test/gate.ts'
import { accounts, breaks, mustRecord, openHouse, type Home, type House } from '../../test/house.ts'
import { byHoldings, linesOf } from '../../test/large-ledger.ts'
import { present } from '../core/assert.ts'
import { parsePlan } from '../core/plan.ts'
import { namingSnapshot } from '../core/snapshot.ts'
import { createDistributor } from './carry-distributions.ts'
import { createSnapshot } from './create-snapshot.ts'
import { makePayouts } from './make-payouts.ts'

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

const RECIPIENTS = 12_000
/** Places of a chunk, and entries of a block of the snapshot. */
const CHUNK = 256
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

async function placeOf({ lane }: Home): Promise<number> {
  const { rows } = await house.database.pool.query<{ place: number }>('select next_place as place from apportion.distribution where lane = $1', [lane])
  return present(rows[0], 'distribution').place
}

/** Who was given how much, in order. */
async function shares({ lane }: Home): Promise<readonly string[]> {
  const { rows } = await house.database.pool.query<{ share: string }>(
    `select account.name || ' ' || transfer.units as share from apportion.transfer
      join apportion.account on account.lane = transfer.lane and account.number = transfer.credit
      where transfer.lane = $1 and transfer.kind = 'distributed' order by transfer.number`,
    [lane],
  )
  return rows.map(({ share }) => share)
}

/** Nobody is shown or paid anything of it. */
async function expectNothingCounts(home: Home): Promise<void> {
  expect(await makePayouts(house.main.world, home.ledger, home.lane)).toBe(0)
  expect(Object.entries(await accounts(house, home)).filter(([name, units]) => name.startsWith('payable:') && units !== 0n)).toEqual([])
  expect(await breaks(house, home)).toEqual([])
}

/** The same as it comes out where nobody is killed. */
async function undisturbed(): Promise<readonly string[]> {
  const home = await dividend()
  const distributor = createDistributor(house.main.world)
  while ((await distributor.step(home.ledger, home.lane)) !== null);
  return await shares(home)
}

it('is carried on from where it stood, and ends as if nobody had been killed', async () => {
  const expected = await undisturbed()
  const home = await dividend()
  let process = startDistributingProcess(house.database.appUrl, home.name)
  for (let kill = 0; kill < KILLS; kill += 1) {
    const enough = (await placeOf(home)) + randomInt(1, 4) * CHUNK
    await until('chunks', async () => ((await placeOf(home)) >= enough ? true : undefined))
    if (kill % 2 === 0) {
      await process.kill()
      expect(await placeOf(home)).toBeLessThan(RECIPIENTS)
      await expectNothingCounts(home)
      process = startDistributingProcess(house.database.appUrl, home.name)
    } else {
      await own.kill()
      gate.aim((await own.restart()).url)
    }
  }
  await until('the end', async () => ((await placeOf(home)) === RECIPIENTS ? true : undefined))
  await process.kill()
  expect(await shares(home)).toEqual(expected)
  const counted = Object.entries(await accounts(house, home)).filter(([name]) => name.startsWith('payable:'))
  expect(counted.length).toBeGreaterThan(0)
  expect(await makePayouts(house.main.world, home.ledger, home.lane)).toBeGreaterThan(0)
  expect(await breaks(house, home)).toEqual([])
})
