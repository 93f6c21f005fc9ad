// Preparing on the real network in this process: each obstacle gets its name before anything is signed.

import { AuthorityType, getSetAuthorityInstruction } from '@solana-program/token'
import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Prepared, RailAsset, RailPayout, RailWallet } from '../rail.ts'
import { createAddressBook, toAddress } from './address.ts'
import { priceToOffer } from './connection.ts'
import { openTestbed, SOL, type Testbed } from './testbed.ts'

const MINIMUM = 890_880n
const RENT = 2_039_280n
const book = createAddressBook()

type Scene = { readonly bed: Testbed; readonly rail: ReturnType<Testbed['connect']>; readonly wallet: RailWallet }

async function scene(lamports: bigint): Promise<Scene> {
  const bed = openTestbed()
  const wallet = await bed.wallet()
  if (lamports > 0n) bed.fund(wallet.address, lamports)
  return { bed, rail: bed.connect(), wallet }
}

const prepare = ({ bed, rail, wallet }: Scene, payouts: readonly RailPayout[], committed?: ReadonlyMap<string, bigint>): Promise<Prepared> =>
  rail.prepare(bed.preparation(wallet, payouts, committed))

const held = ({ unpayable }: Exclude<Prepared, { state: 'unavailable' }>, payouts: readonly RailPayout[]): readonly string[] =>
  unpayable.map(({ payout, reason }) => `${payouts.findIndex(({ id }) => id === payout)} ${reason}`)

function outcome(prepared: Prepared, payouts: readonly RailPayout[]) {
  if (prepared.state === 'unavailable') return { state: prepared.state }
  const ids = prepared.state === 'prepared' ? prepared.attempt.payouts : []
  return { batch: ids.map((id) => payouts.findIndex((payout) => payout.id === id)), held: held(prepared, payouts) }
}

async function pay({ bed, rail, wallet }: Scene, prepared: Prepared, payouts: readonly RailPayout[]): Promise<string> {
  if (prepared.state !== 'prepared') throw new Error(prepared.state)
  await rail.submit(prepared.attempt)
  bed.settle()
  const [look] = await rail.look([{ attempt: prepared.attempt, wallet, payouts }])
  return present(look, 'look').state
}

describe('SOL', () => {
  it('goes to vaults and fresh wallets, and to nothing that is not a wallet', async () => {
    const here = await scene(100_000_000_000n)
    const { bed, wallet } = here
    const mint = bed.mint('USDC', 6)
    const owner = await bed.address()
    bed.mintTo(mint, owner, 1n)
    const account = await book.tokenAccount(owner, mint)
    const vault = await book.tokenAccount(owner, await bed.address())
    bed.fund(vault, 2_000_000n)
    const offCurve = await book.tokenAccount(await bed.address(), mint)
    const system = '11111111111111111111111111111111'
    const clock = 'SysvarC1ock11111111111111111111111111111111'
    const addresses = [wallet.address, system, account, mint, offCurve, clock, vault, owner]
    const payouts = addresses.map((address) => bed.payout(address, 1_000_000n))
    const prepared = await prepare(here, payouts)
    expect(outcome(prepared, payouts)).toEqual({
      batch: [6, 7],
      held: [0, 1, 2, 3, 4, 5].map((index) => `${index} destination_invalid`),
    })
    expect(await pay(here, prepared, payouts)).toBe('settled')
  })

  it('below the rent minimum goes to no new wallet alone, but together, and to one that stands', async () => {
    const here = await scene(100_000_000_000n)
    const { bed } = here
    const [alone, together, standing] = [await bed.address(), await bed.address(), await bed.address()]
    bed.fund(standing, MINIMUM)
    const payouts = [
      bed.payout(alone, MINIMUM - 1n),
      bed.payout(together, MINIMUM / 2n),
      bed.payout(standing, 1n),
      bed.payout(together, MINIMUM / 2n),
    ]
    const prepared = await prepare(here, payouts)
    expect(outcome(prepared, payouts)).toEqual({ batch: [1, 3, 2], held: ['0 below_minimum'] })
    expect(await pay(here, prepared, payouts)).toBe('settled')
  })

  it('tops up what somebody sent to an address before it was an account', async () => {
    const here = await scene(100_000_000_000n)
    const payouts = [here.bed.payout(await here.bed.address(), MINIMUM)]
    expect(await pay(here, await prepare(here, payouts), payouts)).toBe('settled')
    const again = payouts.map((payout) => ({ ...payout, id: here.bed.effects.id(), units: 1n }))
    expect(await pay(here, await prepare(here, again), again)).toBe('settled')
  })

  it('may leave the wallet empty, and nothing between', async () => {
    const here = await scene(5_005_000n)
    const { bed, rail, wallet } = here
    const payouts = [bed.payout(await bed.address(), 2_000_000n), bed.payout(await bed.address(), 3_000_000n)]
    const tooMuch = payouts.map((payout) => ({ ...payout, units: payout.units - 1n }))
    expect(outcome(await prepare(here, tooMuch), tooMuch)).toEqual({ batch: [0], held: ['1 no_funds'] })
    expect(await pay(here, await prepare(here, payouts), payouts)).toBe('settled')
    expect(await rail.balance(wallet, SOL)).toBe(0n)
  })

  it('leaves what live attempts may take', async () => {
    const here = await scene(10_000_000n)
    const payouts = [here.bed.payout(await here.bed.address(), 5_000_000n)]
    expect(outcome(await prepare(here, payouts, new Map([['SOL/9', 4_104_120n]])), payouts)).toEqual({ batch: [0], held: [] })
    expect(outcome(await prepare(here, payouts, new Map([['SOL/9', 4_104_121n]])), payouts)).toEqual({ batch: [], held: ['0 no_funds'] })
    // Nothing would be left for their fees.
    expect(outcome(await prepare(here, payouts, new Map([['SOL/9', 4_995_000n]])), payouts)).toEqual({ batch: [], held: ['0 no_funds'] })
  })

  it('is not paid by a wallet that nobody funded', async () => {
    const here = await scene(0n)
    const payouts = [here.bed.payout(await here.bed.address(), 1_000_000n)]
    expect(outcome(await prepare(here, payouts), payouts)).toEqual({ batch: [], held: ['0 no_funds'] })
  })

  it('goes out in batches of eighteen, looking at a hundred accounts at once', async () => {
    const here = await scene(100_000_000_000n)
    const addresses = await Promise.all(Array.from({ length: 120 }, () => here.bed.address()))
    const payouts = [...addresses, ...addresses].map((address) => here.bed.payout(address, 1_000_000n))
    const prepared = await prepare(here, payouts)
    expect(outcome(prepared, payouts)).toMatchObject({ held: [] })
    if (prepared.state === 'prepared') expect([prepared.attempt.payouts.length, prepared.attempt.bytes.length <= 1232]).toEqual([18, true])
    expect(await pay(here, prepared, payouts)).toBe('settled')
  })

  it.for<[string, RailAsset]>([
    ['an asset without a token', { asset: 'USDC/6', token: null }],
    ['SOL of other decimals', { asset: 'SOL/8', token: null }],
    ['a token that is no address', { asset: 'USDC/6', token: 'USDC' }],
  ])('is not taken for %s', async ([, asset]) => {
    const here = await scene(100_000_000_000n)
    const payouts = [here.bed.payout(await here.bed.address(), 5n, asset)]
    expect(outcome(await prepare(here, payouts), payouts)).toEqual({ batch: [], held: ['0 rail_refused'] })
    await expect(here.rail.balance(here.wallet, asset)).rejects.toThrow(Refusal)
  })
})

describe('a token', () => {
  async function tokenScene(units: bigint, lamports = 10_000_000_000n) {
    const here = await scene(lamports)
    const mint = here.bed.mint('USDC', 6)
    if (units > 0n) here.bed.mintTo(mint, here.wallet.address, units)
    return { ...here, mint, asset: { asset: 'USDC/6', token: mint } }
  }

  it('goes to wallets with and without an account, once made for two payouts', async () => {
    const here = await tokenScene(1_000n)
    const { bed, mint, asset, rail, wallet } = here
    const [fresh, known] = [await bed.address(), await bed.address()]
    bed.mintTo(mint, known, 1n)
    const payouts = [bed.payout(fresh, 5n, asset), bed.payout(known, 6n, asset), bed.payout(fresh, 7n, asset)]
    const prepared = await prepare(here, payouts)
    if (prepared.state !== 'prepared') throw new Error(prepared.state)
    expect(prepared.attempt.data).toMatchObject({ createTokenAccounts: [payouts[0]?.id], maxRentLamports: RENT.toString() })
    expect(prepared.costs).toEqual([{ kind: 'fee', asset: 'SOL/9', units: 5_000n }, { kind: 'rent', asset: 'SOL/9', units: RENT }])
    await rail.submit(prepared.attempt)
    bed.settle()
    expect(await rail.look([{ attempt: prepared.attempt, wallet, payouts }])).toMatchObject([
      { state: 'settled', costs: [{ kind: 'fee', asset: 'SOL/9', units: 5_000n }, { kind: 'rent', asset: 'SOL/9', units: RENT }] },
    ])
    expect(await rail.balance({ id: '', address: fresh }, asset)).toBe(12n)
    expect(await rail.balance(wallet, asset)).toBe(982n)
  })

  it('goes to no frozen account, no account given away, and no token account taken for a wallet', async () => {
    const here = await tokenScene(1_000n)
    const { bed, mint, asset } = here
    const [frozen, given] = [await bed.wallet(), await bed.wallet()]
    for (const owner of [frozen, given]) {
      bed.mintTo(mint, owner.address, 1n)
      bed.fund(owner.address, 10_000_000n)
    }
    bed.freeze(mint, frozen.address, true)
    const owned = await book.tokenAccount(given.address, mint)
    await bed.send(given, (owner) => [
      getSetAuthorityInstruction({ owned, owner, authorityType: AuthorityType.AccountOwner, newAuthority: toAddress(frozen.address) }),
    ])
    const addresses = [frozen.address, given.address, await book.tokenAccount(here.wallet.address, mint), mint, await bed.address()]
    const payouts = addresses.map((address) => bed.payout(address, 5n, asset))
    const prepared = await prepare(here, payouts)
    expect(outcome(prepared, payouts)).toEqual({
      batch: [4],
      held: ['0 frozen', '1 destination_invalid', '2 destination_invalid', '3 destination_invalid'],
    })
    expect(await pay(here, prepared, payouts)).toBe('settled')
  })

  it("waits when the wallet's own account is frozen", async () => {
    const here = await tokenScene(1_000n)
    here.bed.freeze(here.mint, here.wallet.address, true)
    const payouts = [here.bed.payout(await here.bed.address(), 5n, here.asset)]
    const prepared = await prepare(here, payouts)
    expect(outcome(prepared, payouts)).toEqual({ batch: [], held: ['0 frozen'] })
    if (prepared.state === 'nothing') expect(prepared.unpayable[0]?.detail).toContain("wallet's own")
  })

  it('waits for tokens, and for SOL that pays fee and rent', async () => {
    const none = await tokenScene(0n)
    const payouts = [none.bed.payout(await none.bed.address(), 5n, none.asset)]
    expect(outcome(await prepare(none, payouts), payouts)).toEqual({ batch: [], held: ['0 no_funds'] })
    const poor = await tokenScene(1_000n, MINIMUM + RENT + 5_000n - 1n)
    const wanting = [poor.bed.payout(await poor.bed.address(), 5n, poor.asset)]
    expect(outcome(await prepare(poor, wanting), wanting)).toEqual({ batch: [], held: ['0 no_funds'] })
    const enough = await tokenScene(1_000n, MINIMUM + RENT + 5_000n)
    const going = [enough.bed.payout(await enough.bed.address(), 5n, enough.asset)]
    expect(await pay(enough, await prepare(enough, going), going)).toBe('settled')
  })

  it('is refused when its mint has other decimals, or is none', async () => {
    const here = await tokenScene(1_000n)
    for (const asset of [{ asset: 'USDC/9', token: here.mint }, { asset: 'USDC/6', token: await here.bed.address() }, { asset: 'USDC/6', token: here.wallet.address }]) {
      const payouts = [here.bed.payout(await here.bed.address(), 5n, asset)]
      expect(outcome(await prepare(here, payouts), payouts)).toEqual({ batch: [], held: ['0 rail_refused'] })
    }
  })

  it('goes out in batches of seventeen, or of eight where accounts are made', async () => {
    const here = await tokenScene(1_000n)
    const payouts = await Promise.all(Array.from({ length: 24 }, async () => here.bed.payout(await here.bed.address(), 5n, here.asset)))
    const sizes: number[] = []
    for (let waiting: readonly RailPayout[] = payouts; waiting.length > 0; ) {
      const prepared = await prepare(here, waiting)
      if (prepared.state !== 'prepared') throw new Error(prepared.state)
      sizes.push(prepared.attempt.payouts.length)
      expect(await pay(here, prepared, waiting)).toBe('settled')
      waiting = waiting.filter(({ id }) => !prepared.attempt.payouts.includes(id))
    }
    expect(sizes).toEqual([8, 8, 8])
    const prepared = await prepare(here, payouts)
    if (prepared.state === 'prepared') expect(prepared.attempt.payouts.length).toBe(17)
    expect(await pay(here, prepared, payouts)).toBe('settled')
  })
})

describe('preparing', () => {
  it('keeps a slot that is final before the signature exists, the network, and when it is too late', async () => {
    const here = await scene(10_000_000_000n)
    here.bed.pass(30)
    const prepared = await prepare(here, [here.bed.payout(await here.bed.address(), 1_000_000n)])
    if (prepared.state !== 'prepared') throw new Error(prepared.state)
    const { finalized } = here.bed.node.network
    const { network } = await here.rail.identify()
    // Height is slot less 1,000 here, and a blockhash is good for 150 blocks.
    expect(prepared.attempt.data).toMatchObject({
      signedAtSlot: `${finalized}`,
      lastValidBlockHeight: `${finalized - 1_000 + 150}`,
      genesis: network,
    })
  })

  it('takes no node that is behind what has been seen final', async () => {
    const here = await scene(10_000_000_000n)
    const payouts = [here.bed.payout(await here.bed.address(), 1_000_000n)]
    here.bed.knobs({ lagSlots: 100 })
    here.bed.pass(150)
    expect(await pay(here, await prepare(here, payouts), payouts)).toBe('settled')
    here.bed.knobs({ lagRate: 1 })
    expect(outcome(await prepare(here, payouts), payouts)).toEqual({ state: 'unavailable' })
    // Nor one that does not know the question.
    here.bed.tamper((method, result) => (method === 'getMultipleAccounts' ? { ...(result as object), context: { slot: 1_001 } } : result))
    here.bed.knobs({ lagRate: 0 })
    expect(outcome(await prepare(here, payouts), payouts)).toEqual({ state: 'unavailable' })
  })

  it('keeps nothing that the signer made of other payouts', async () => {
    const here = await scene(10_000_000_000n)
    const { bed, rail, wallet } = here
    const payouts = [bed.payout(await bed.address(), 1_000_000n)]
    const other = payouts.map((payout) => ({ ...payout, units: 1_000_001n }))
    const input = { ...bed.preparation(wallet, payouts), sign: bed.signer(wallet, other) }
    expect(await rail.prepare(input)).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('another message') })
  })

  it('passes on what the signer refuses', async () => {
    const here = await scene(10_000_000_000n)
    const refusal = new Refusal('signing_limit_exceeded', 'Enough for today.')
    const input = { ...here.bed.preparation(here.wallet, [here.bed.payout(await here.bed.address(), 1_000_000n)]), sign: () => Promise.reject(refusal) }
    await expect(here.rail.prepare(input)).rejects.toBe(refusal)
  })

  it('offers the price of a crowded network, and lands there', async () => {
    const here = await scene(10_000_000_000n)
    here.bed.knobs({ minimumPriorityFee: 2_500 })
    here.bed.pass(150)
    const payouts = [here.bed.payout(await here.bed.address(), 1_000_000n)]
    const prepared = await prepare(here, payouts)
    if (prepared.state !== 'prepared') throw new Error(prepared.state)
    // 60,400 units at 2,500 micro-lamports are 151 lamports.
    expect(prepared.attempt.data).toMatchObject({ computeUnitPrice: '2500', feeLamports: '5151' })
    await here.rail.submit(prepared.attempt)
    here.bed.settle()
    expect(await here.rail.look([{ attempt: prepared.attempt, wallet: here.wallet, payouts }])).toMatchObject([
      { state: 'settled', costs: [{ kind: 'fee', units: 5_151n }] },
    ])
  })

  it('never offers more than the signer signs', () => {
    expect(priceToOffer([])).toBe(0n)
    expect(priceToOffer([5n, 0n, 0n, 0n])).toBe(5n)
    expect(priceToOffer([9n, 1n, 2n, 3n, 0n])).toBe(3n)
    expect(priceToOffer([10n ** 12n])).toBe(1_000_000n)
  })

  it('has nothing to say of no payouts', async () => {
    const here = await scene(0n)
    expect(await prepare(here, [])).toEqual({ state: 'nothing', unpayable: [] })
  })
})
