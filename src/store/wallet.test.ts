// Wallets, recipients and movements in the database: nothing is written down twice, and nothing that did not change is written at all.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machine } from '../../test/effects.ts'
import { openHouse, type Home, type House } from '../../test/house.ts'
import { findWallet, insertDestinations, insertRecipients, listRecipients, recordMovements, walletsOf, type SeenMovement } from './wallet.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

function seen(identity: string, own: Partial<SeenMovement> = {}): SeenMovement {
  return { movement: machine.id(), identity, asset: 'SOL/9', direction: 'in', units: 5n, at: null, proof: { identity }, ...own }
}

async function writeDown(home: Home, { from, to }: { from: string | null; to: string | null }, movements: readonly SeenMovement[]): Promise<number> {
  const { text, values } = recordMovements({ lane: home.lane, wallet: home.wallet.id, from, to, seenAt: house.now() }, movements)
  return (await house.database.pool.query(text, [...values])).rowCount ?? 0
}

const cursorOf = async ({ ledger }: Home): Promise<string | null | undefined> => (await walletsOf(house.database.pool, ledger.id))[0]?.movement_cursor

describe('movements', () => {
  it('move the cursor and are written down once', async () => {
    const home = await house.makeLedger()
    expect(await writeDown(home, { from: null, to: 'one' }, [seen('a'), seen('b')])).toBe(2)
    expect(await cursorOf(home)).toBe('one')
    expect(await writeDown(home, { from: 'one', to: 'two' }, [seen('b'), seen('c')])).toBe(1)
    expect(await cursorOf(home)).toBe('two')
  })

  it('that were read from an old cursor change nothing', async () => {
    const home = await house.makeLedger()
    await writeDown(home, { from: null, to: 'one' }, [])
    expect(await writeDown(home, { from: null, to: 'other' }, [seen('a')])).toBe(0)
    expect(await cursorOf(home)).toBe('one')
  })

  it('of one transaction may be of several assets', async () => {
    const home = await house.makeLedger()
    expect(await writeDown(home, { from: null, to: 'one' }, [seen('a'), seen('a', { asset: 'USDC/6', direction: 'out' })])).toBe(2)
  })

  it('that two workers read at once are written down by one of them', async () => {
    const home = await house.makeLedger()
    const counts = await Promise.all([1, 2, 3].map(async () => await writeDown(home, { from: null, to: 'one' }, [seen('a'), seen('b')])))
    expect(counts.toSorted((one, other) => one - other)).toEqual([0, 0, 2])
  })
})

describe('destinations', () => {
  const histories = async ({ ledger }: Home, recipient: string): Promise<readonly unknown[]> => {
    const { rows } = await house.database.pool.query<{ destination: unknown }>(
      'select destination from apportion.destination where ledger = $1 and recipient = $2 order by effective_from',
      [ledger.id, recipient],
    )
    return rows.map(({ destination }) => destination)
  }

  it('are added when they differ from the newest, and the page of recipients shows that one', async () => {
    const home = await house.makeLedger()
    const { pool } = house.database
    const ledger = home.ledger.id
    await insertRecipients(pool, { ledger, recipients: [{ recipient: 'who', label: 'somebody' }], at: house.now() })
    await insertRecipients(pool, { ledger, recipients: [{ recipient: 'who', label: 'somebody else' }], at: house.now() })
    for (const address of ['a', 'a', 'b', 'a']) {
      house.elapse({ seconds: 1 })
      await insertDestinations(pool, { ledger, destinations: [{ recipient: 'who', destination: { address } }], at: house.now() })
    }
    expect(await histories(home, 'who')).toEqual([{ address: 'a' }, { address: 'b' }, { address: 'a' }])
    const [found] = await listRecipients(pool, { ledger, after: 'lucky', limit: 1 })
    expect(found).toEqual({ recipient: 'who', label: 'somebody', destination: { address: 'a' }, effective_from: house.now() })
  })

  it('named by a clock that is behind are the newest all the same', async () => {
    const home = await house.makeLedger()
    const { pool } = house.database
    const ledger = home.ledger.id
    await insertRecipients(pool, { ledger, recipients: [{ recipient: 'who', label: null }], at: house.now() })
    for (const [seconds, address] of [[10, 'a'], [10, 'b'], [0, 'c']] as const) {
      await insertDestinations(pool, { ledger, destinations: [{ recipient: 'who', destination: { address } }], at: house.now().add({ seconds }) })
    }
    expect(await histories(home, 'who')).toEqual([{ address: 'a' }, { address: 'b' }, { address: 'c' }])
  })
})

describe('wallets', () => {
  it('are found by label within their ledger, and listed oldest first', async () => {
    const [home, other] = [await house.makeLedger(), await house.makeLedger()]
    expect(await findWallet(house.database.pool, home.ledger.id, 'main')).toMatchObject({ wallet: home.wallet.id, address: home.wallet.address })
    expect((await findWallet(house.database.pool, other.ledger.id, 'main'))?.wallet).toBe(other.wallet.id)
    expect(await findWallet(house.database.pool, home.ledger.id, 'none')).toBeNull()
    expect((await walletsOf(house.database.pool, home.ledger.id)).map(({ wallet }) => wallet)).toEqual([home.wallet.id])
  })
})
