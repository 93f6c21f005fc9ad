// Naming where recipients are paid: all or none, in the rail's own form, and the last one named counts.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { nameAddress, openHouse, type Home, type House } from '../../test/house.ts'
import { recipients } from './read-ledger.ts'
import { setDestinations } from './set-destinations.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

async function addressOf(home: Home, recipient: string): Promise<string | null | undefined> {
  const page = await recipients(house.main.world, home.ledger, { cursor: null, limit: 100 })
  return page.items.find((found) => found.recipient === recipient)?.destination
}

it('takes the form of the rail, without what stands around it', async () => {
  const home = await house.makeLedger({ creator: false })
  const address = await house.chain.address()
  await nameAddress(house.main, home, 'somebody', ` ${address}\n`)
  expect(await addressOf(home, 'somebody')).toBe(address)
})

it.each([
  ['an address that is none', 'somebody', { address: 'not an address' }, 'address_malformed'],
  ['an address of another form', 'somebody', 'text', 'address_malformed'],
  ['a name that cannot stand in an account', 'some body', { address: '' }, 'recipient_malformed'],
])('refuses %s, and then changes nobody', async (_, recipient, destination, code) => {
  const home = await house.makeLedger({ creator: false })
  const fine = { recipient: 'fine', label: null, destination: { address: await house.chain.address() } }
  await expect(setDestinations(house.main.world, home.ledger, [fine, { recipient, label: null, destination }])).rejects.toMatchObject({ code })
  expect(await addressOf(home, 'fine')).toBeUndefined()
})

it('refuses two addresses for one name at once', async () => {
  const home = await house.makeLedger()
  const given = [await house.chain.address(), await house.chain.address()].map((address) => ({ recipient: 'who', label: null, destination: { address } }))
  await expect(setDestinations(house.main.world, home.ledger, given)).rejects.toMatchObject({ code: 'field_malformed', details: { recipient: 'who' } })
})

it('goes by the last one named, also at the same instant and by a clock that is behind', async () => {
  const home = await house.makeLedger()
  const [first, second, third] = [await house.chain.address(), await house.chain.address(), await house.chain.address()]
  await nameAddress(house.main, home, 'who', first)
  await nameAddress(house.main, home, 'who', second)
  expect(await addressOf(home, 'who')).toBe(second)
  await nameAddress(house.start({ now: () => house.now().subtract({ minutes: 1 }) }), home, 'who', third)
  expect(await addressOf(home, 'who')).toBe(third)
})

it('takes several at the same moment, one after the other', async () => {
  const home = await house.makeLedger()
  const people = ['who', 'else']
  const given = await Promise.all(Array.from({ length: 12 }, async () => await house.chain.address()))
  // Half of them in another order: nobody waits for somebody who waits for them.
  const naming = given.map(async (address, place) => {
    const named = people.map((recipient) => ({ recipient, label: null, destination: { address } }))
    await setDestinations(house.main.world, home.ledger, place % 2 === 0 ? named : named.toReversed())
  })
  await Promise.all(naming)
  const { rows } = await house.database.pool.query<{ recipient: string; named: bigint; instants: bigint }>(
    `select recipient, count(*) as named, count(distinct effective_from) as instants from apportion.destination
      where ledger = $1 and recipient = any ($2) group by recipient order by recipient`,
    [home.ledger.id, people],
  )
  const every = BigInt(given.length)
  expect(rows).toEqual(people.toSorted().map((recipient) => ({ recipient, named: every, instants: every })))
})
