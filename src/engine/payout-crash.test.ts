// A process that dies anywhere between share and proof, and the one that comes after it: the network shows each leg once.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accounts, breaks, COIN, mustRecord, onChain, openHouse, payouts, paymentsTo, round, runUntilStill, sale, type Home, type House, type Parts } from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { reverse } from '../../test/reversing.ts'
import { SLOTS_TO_EXPIRY } from '../rails/solana/testbed.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

const CRASH = new Error('the process died here')

type Dying = { readonly parts: Parts; readonly died: () => boolean }

/** Parts of a process that dies at the first place where `dies` says so; from then on nothing of it works any more. */
function dying(dies: (place: string) => boolean): Dying {
  let dead = false
  const pass = (place: string): void => {
    dead ||= dies(place)
    if (dead) throw CRASH
  }
  return {
    died: () => dead,
    parts: {
      store: (store) => watchedStore(store, ({ moment, statement }) => pass(`${moment} ${statement}`)),
      rail: (rail) => ({
        ...rail,
        prepare: async (input) => {
          const prepared = await rail.prepare(input)
          pass('after prepare')
          return prepared
        },
        submit: async (attempt) => {
          pass('before submit')
          const answer = await rail.submit(attempt)
          pass('after submit')
          return answer
        },
        look: async (attempts) => {
          const looks = await rail.look(attempts)
          pass('after look')
          return looks
        },
      }),
    },
  }
}

/** Dies at the nth place with this name. */
function atNth(place: string, nth = 1): Dying {
  let seen = 0
  return dying((found) => found === place && (seen += 1) === nth)
}

/** Dies at the first such place after another one. */
function atFirstAfter(place: string, earlier: string): Dying {
  let armed = false
  return dying((found) => {
    armed ||= found === earlier
    return armed && found === place
  })
}

async function runToDeath(home: Home, { parts, died }: Dying): Promise<void> {
  const process = house.start(parts)
  for (let rounds = 0; rounds < 20 && !died(); rounds += 1) {
    await round(process, home).catch((error: unknown) => {
      if (!died()) throw error
    })
    house.chain.pass(6)
    house.elapse({ milliseconds: 120 })
  }
  expect(died()).toBe(true)
}

async function expectPaidOnce(home: Home): Promise<void> {
  const { ai, dao, lucky, creator } = home.addresses
  expect(await Promise.all([ai, dao, lucky, creator].map((address) => onChain(house, address)))).toEqual([80n, 15n, 3n, 2n].map((coins) => coins * COIN))
  for (const address of [ai, dao, lucky, creator]) expect(await paymentsTo(house, address)).toHaveLength(1)
  expect((await accounts(house, home))[`wallet:${home.wallet.id}`]).toBe(await onChain(house, home.wallet.address))
  expect(await breaks(house, home)).toEqual([])
}

const PLACES: readonly (readonly [string, () => Dying])[] = [
  ['before the payouts are committed', () => atFirstAfter('before commit', 'after select transfer from apportion.payout_cursor where lane = $1 for update')],
  ['after the payouts are committed', () => atFirstAfter('after commit', 'after select transfer from apportion.payout_cursor where lane = $1 for update')],
  ['after a batch is signed, before it is committed', () => atNth('after prepare')],
  ['after the reservation is written, before it is committed', () => atFirstAfter('before commit', 'after reserve-payouts')],
  ['after the attempt is committed, before the answer is read', () => atFirstAfter('after commit', 'after reserve-payouts')],
  ['after the attempt is committed, before it is sent', () => atNth('before submit')],
  ['after it is sent, before the answer is kept', () => atNth('after submit')],
  ['after the first look', () => atNth('after look')],
  ['after the look that shows the proof, before the end is written', () => atNth('before end-attempts')],
  ['after the end is written, before it is committed', () => atFirstAfter('before commit', 'after end-attempts')],
  ['after the end is committed', () => atFirstAfter('after commit', 'after end-attempts')],
]

describe.each(PLACES)('a process that dies %s', (_, die) => {
  it('is followed by one that pays each leg once', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'crash', '100'))
    await runToDeath(home, die())
    await runUntilStill(house, home, house.start())
    await expectPaidOnce(home)
  })
})

describe('a process that dies with what it sent dropped by the network', () => {
  it('is followed by one that waits for the proof of never, and pays each leg once', async () => {
    const home = await house.makeLedger({ funds: 101n })
    house.chain.knobs({ transactionDropRate: 1 })
    await mustRecord(house.main, home, sale(home, 'crash', '100'))
    await runToDeath(home, atNth('after submit'))
    const next = house.start()
    for (let rounds = 0; rounds < 3; rounds += 1) await round(next, home)
    house.chain.pass(SLOTS_TO_EXPIRY)
    await round(next, home)
    house.chain.knobs({ transactionDropRate: 0 })
    await runUntilStill(house, home, next)
    const [first] = await payouts(house, home, 'crash')
    expect(first?.attempts.map(({ state }) => state)).toEqual(['never', 'settled'])
    await expectPaidOnce(home)
  })
})

describe('a process that dies with a batch signed, of which a part is then taken back', () => {
  it('is followed by one that pays the rest', async () => {
    const home = await house.makeLedger({ funds: 101n })
    await mustRecord(house.main, home, sale(home, 'crash', '100'))
    await runToDeath(home, atNth('after prepare'))
    await reverse({ world: house.main.world, ledger: home.ledger }, 'crash', { reference: 'refund', units: 50n * COIN })
    await runUntilStill(house, home, house.start())
    const { ai, dao, lucky, creator } = home.addresses
    expect(await Promise.all([ai, dao, lucky, creator].map((address) => onChain(house, address)))).toEqual([40_000_000_000n, 7_500_000_000n, 1_500_000_000n, 1_000_000_000n])
    expect(await breaks(house, home)).toEqual([])
  })
})
