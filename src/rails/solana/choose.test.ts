// The choice of a batch: what the wallet can pay, in order, and never a lamport more.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseBatch, type Choice, type Funds, type Payable } from './choose.ts'
import { feeLamports } from './draft.ts'
import { MAX_CREATIONS } from './message.ts'
import { MAX_TRANSACTION_BYTES, packetBytes } from './packet.ts'

const MINIMUM = 890_880n
const RENT = 2_039_280n
const FEE = 5_000n

const SOL = { asset: 'SOL/9', token: null }
const USDC = { asset: 'USDC/6', token: 'mint' }

type Wish = { readonly id: string; readonly units: bigint; readonly address?: string; readonly shortfall?: bigint; readonly creates?: boolean }

function payable(native: boolean, { id, units, address = id, shortfall = 0n, creates = false }: Wish): Payable {
  return { payout: { id, units, asset: native ? SOL : USDC, destination: { address } }, address, shortfall, creates }
}

function funds(change: Partial<Funds>): Funds {
  const native = change.native ?? true
  const lamports = change.lamports ?? 10n ** 12n
  return {
    native,
    lamports,
    units: native ? lamports : 10n ** 12n,
    walletMinimum: MINIMUM,
    mayEmpty: true,
    creationRent: RENT,
    price: 0n,
    memoBytes: 79,
    ...change,
  }
}

const chosen = ({ batch }: Choice): string => batch.map(({ payout }) => payout.id).join()
const held = ({ unpayable }: Choice): string => unpayable.map(({ payout, reason }) => `${payout} ${reason}`).join()

describe('a batch', () => {
  it.for<{ readonly it: string; readonly wishes: readonly Wish[]; readonly funds: Partial<Funds>; readonly batch: string; readonly held: string }>([
    { it: 'holds what the wallet can pay', wishes: [{ id: 'a', units: 5n }, { id: 'b', units: 6n }], funds: {}, batch: 'a,b', held: '' },
    {
      it: 'leaves a large one out and takes the small ones behind it',
      wishes: [{ id: 'a', units: 5n }, { id: 'b', units: 10n ** 12n }, { id: 'c', units: 6n }],
      funds: {},
      batch: 'a,c',
      held: 'b no_funds',
    },
    {
      it: 'leaves the wallet what an account must keep',
      wishes: [{ id: 'a', units: 1_000n }, { id: 'b', units: 1_000n }],
      funds: { lamports: MINIMUM + FEE + 1_999n },
      batch: 'a',
      held: 'b no_funds',
    },
    {
      it: 'may empty the wallet to the last lamport',
      wishes: [{ id: 'a', units: MINIMUM }, { id: 'b', units: 700n }],
      funds: { lamports: MINIMUM + 700n + FEE },
      batch: 'a,b',
      held: '',
    },
    {
      it: 'does not empty it while live attempts need their fees',
      wishes: [{ id: 'a', units: MINIMUM }, { id: 'b', units: 700n }],
      funds: { lamports: MINIMUM + 700n + FEE, mayEmpty: false },
      batch: 'b',
      held: 'a no_funds',
    },
    {
      it: 'does not empty it when the fee alone would leave too little',
      wishes: [{ id: 'a', units: MINIMUM - 1n }],
      funds: { lamports: MINIMUM - 1n + FEE },
      batch: '',
      held: 'a no_funds',
    },
    {
      it: 'holds a payout that is too small to make an account',
      wishes: [{ id: 'a', units: MINIMUM - 1n, shortfall: MINIMUM }, { id: 'b', units: 1n }],
      funds: {},
      batch: 'b',
      held: 'a below_minimum',
    },
    {
      it: 'keeps payouts together that make an account only together',
      wishes: [
        { id: 'a', units: MINIMUM - 1n, address: 'x', shortfall: MINIMUM },
        { id: 'b', units: 5n },
        { id: 'c', units: 1n, address: 'x', shortfall: MINIMUM },
      ],
      funds: {},
      batch: 'a,c,b',
      held: '',
    },
    {
      it: 'pays the part of such a group that still makes an account',
      wishes: [
        { id: 'a', units: 10n ** 12n, address: 'x', shortfall: MINIMUM },
        { id: 'b', units: MINIMUM, address: 'x', shortfall: MINIMUM },
      ],
      funds: {},
      batch: 'b',
      held: 'a no_funds',
    },
    {
      it: 'pays no part of such a group that makes none',
      wishes: [
        { id: 'a', units: 10n ** 12n, address: 'x', shortfall: MINIMUM },
        { id: 'b', units: 5n, address: 'x', shortfall: MINIMUM },
      ],
      funds: {},
      batch: '',
      held: 'a no_funds,b no_funds',
    },
    {
      it: 'needs SOL for the fee of a token batch',
      wishes: [{ id: 'a', units: 5n }],
      funds: { native: false, lamports: MINIMUM + FEE - 1n },
      batch: '',
      held: 'a no_funds',
    },
    {
      it: 'pays tokens where an account stands when the rent of a new one is too dear',
      wishes: [{ id: 'a', units: 5n, creates: true }, { id: 'b', units: 6n }],
      funds: { native: false, lamports: MINIMUM + FEE + RENT - 1n },
      batch: 'b',
      held: 'a no_funds',
    },
    {
      it: 'makes one account for two payouts of one owner',
      wishes: [{ id: 'a', units: 5n, address: 'x', creates: true }, { id: 'b', units: 6n, address: 'x', creates: true }],
      funds: { native: false, lamports: MINIMUM + FEE + RENT },
      batch: 'a,b',
      held: '',
    },
    {
      it: 'counts the tokens of the wallet, not its SOL',
      wishes: [{ id: 'a', units: 5n }, { id: 'b', units: 6n }],
      funds: { native: false, units: 10n },
      batch: 'a',
      held: 'b no_funds',
    },
    {
      it: 'pays the price of its compute units',
      wishes: [{ id: 'a', units: 5n }],
      funds: { lamports: MINIMUM + FEE + 5n, price: 1_000n },
      batch: '',
      held: 'a no_funds',
    },
  ])('$it', ({ wishes, funds: change, batch, held: expected }) => {
    const given = funds(change)
    const choice = chooseBatch(wishes.map((wish) => payable(given.native, wish)), given)
    expect([chosen(choice), held(choice)]).toEqual([batch, expected])
  })

  it('takes the first eighteen, and says nothing of the rest', () => {
    const wishes = Array.from({ length: 40 }, (_, index) => payable(true, { id: `${index}`, units: 5n }))
    const choice = chooseBatch(wishes, funds({}))
    expect([choice.batch.length, choice.unpayable.length]).toEqual([18, 0])
    expect(choice.batch).toEqual(wishes.slice(0, 18))
  })

  it('leaves a group whole for the next batch when this one has too little room', () => {
    const group = Array.from({ length: 4 }, (_, index) => payable(true, { id: `g${index}`, units: MINIMUM / 3n, address: 'x', shortfall: MINIMUM }))
    const singles = Array.from({ length: 17 }, (_, index) => payable(true, { id: `${index}`, units: 5n }))
    expect(chosen(chooseBatch([...singles.slice(0, 16), ...group, ...singles.slice(16)], funds({})))).toBe(singles.map(({ address }) => address).join())
    expect(chooseBatch([...group, ...singles], funds({})).batch.slice(0, 4)).toEqual(group)
  })

  it('takes the largest of a group that is larger than a batch', () => {
    const group = Array.from({ length: 30 }, (_, index) => payable(true, { id: `${index}`, units: BigInt(index) * 6_000n + 1n, address: 'x', shortfall: MINIMUM }))
    const choice = chooseBatch(group, funds({}))
    expect(choice.batch).toEqual(group.slice(12))
    expect(choice.unpayable).toEqual([])
  })

  it('holds whatever is offered: within the packet, within the funds, in order, each payout once', () => {
    const wish = fc.record({
      units: fc.oneof(fc.bigInt({ min: 1n, max: 3n * MINIMUM }), fc.bigInt({ min: 1n, max: 10n ** 13n })),
      address: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'),
    })
    const setting = fc.record({
      native: fc.boolean(),
      lamports: fc.oneof(fc.bigInt({ min: 0n, max: 10n * MINIMUM }), fc.bigInt({ min: 0n, max: 10n ** 13n })),
      units: fc.bigInt({ min: 0n, max: 10n ** 13n }),
      mayEmpty: fc.boolean(),
      price: fc.constantFrom(0n, 1n, 5_000n, 2_000_000n),
      fresh: fc.uniqueArray(fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz')),
    })
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 40 }), setting, (wishes, { native, lamports, units, fresh, ...rest }) => {
        const given = funds({ ...rest, native, lamports, units: native ? lamports : units })
        const payables = wishes.map((one, index) => {
          const isNew = fresh.includes(one.address)
          return payable(native, { ...one, id: `${index}`, shortfall: native && isNew ? MINIMUM : 0n, creates: !native && isNew })
        })
        checkChoice(chooseBatch(payables, given), payables, given)
      }),
      { numRuns: 1_000 },
    )
  })
})

function checkChoice({ batch, creations, settings, unpayable }: Choice, payables: readonly Payable[], given: Funds): void {
  const ids = batch.map(({ payout }) => payout.id)
  const all = [...ids, ...unpayable.map(({ payout }) => payout)]
  expect(new Set(all).size).toBe(all.length)
  if (batch.length === 0) return
  const addresses = new Set(batch.map(({ address }) => address))
  const contents = { native: given.native, transfers: batch.length, destinations: addresses.size, creations: creations.length, memoBytes: 79 }
  expect(packetBytes(contents)).toBeLessThanOrEqual(MAX_TRANSACTION_BYTES)
  expect(creations.length).toBeLessThanOrEqual(MAX_CREATIONS)
  const paid = batch.reduce((total, { payout }) => total + payout.units, 0n)
  const left = given.lamports - feeLamports(settings) - RENT * BigInt(creations.length) - (given.native ? paid : 0n)
  expect(left >= MINIMUM || (left === 0n && given.mayEmpty)).toBe(true)
  expect(paid <= given.units).toBe(true)
  for (const address of addresses) {
    const members = batch.filter((one) => one.address === address)
    const sum = members.reduce((total, { payout }) => total + payout.units, 0n)
    expect(sum >= (members[0]?.shortfall ?? 0n)).toBe(true)
    expect(creations.filter((id) => members.some(({ payout }) => payout.id === id)).length).toBe(members[0]?.creates === true ? 1 : 0)
    // Payouts of one destination stay in the order they came.
    const order = members.map(({ payout }) => payables.findIndex((one) => one.payout.id === payout.id))
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
}
