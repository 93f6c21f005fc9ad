// What look says, on the real network in this process: never only with every part of its proof, and blame only for who deserves it.

import {
  AuthorityType,
  getCloseAccountInstruction,
  getSetAuthorityInstruction,
  getTransferCheckedInstruction,
} from '@solana-program/token'
import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import type { Look, RailAsset, RailAttempt, RailPayout, RailWallet } from '../rail.ts'
import { createAddressBook, toAddress } from './address.ts'
import { gapIn, type Evidence } from './look.ts'
import { openTestbed, SLOTS_TO_EXPIRY, SOL, type Tamper, type Testbed } from './testbed.ts'

type Scene = {
  readonly bed: Testbed
  readonly rail: ReturnType<Testbed['connect']>
  readonly wallet: RailWallet
  readonly payouts: readonly RailPayout[]
  readonly attempt: RailAttempt
}

async function prepared(bed: Testbed, wallet: RailWallet, payouts: readonly RailPayout[]): Promise<Scene> {
  const rail = bed.connect()
  const answer = await rail.prepare(bed.preparation(wallet, payouts))
  if (answer.state !== 'prepared') throw new Error(JSON.stringify(answer))
  return { bed, rail, wallet, payouts, attempt: answer.attempt }
}

async function lookAt({ rail, wallet, payouts, attempt }: Scene): Promise<Look> {
  const [look] = await rail.look([{ attempt, wallet, payouts }])
  return present(look, 'a look')
}

/** An attempt of two payouts of SOL that the network never got, past its last valid height. */
async function expired(): Promise<Scene> {
  const bed = openTestbed()
  const wallet = await bed.wallet()
  bed.fund(wallet.address, 10_000_000_000n)
  const scene = await prepared(bed, wallet, [bed.payout(await bed.address(), 1_000_000n), bed.payout(await bed.address(), 2_000_000n)])
  bed.pass(SLOTS_TO_EXPIRY)
  return scene
}

const number = ({ attempt }: Scene, field: string): number => Number(attempt.data[field])

/** Changes the nth answer to a method. */
function nth(asked: string, n: number, change: (result: never) => unknown): Tamper {
  let seen = 0
  return (method, result) => {
    if (method !== asked) return result
    seen += 1
    return seen === n ? change(result as never) : result
  }
}

type Slotted = { readonly context: { readonly slot: number }; readonly value: readonly unknown[] }
type Epoch = { readonly absoluteSlot: number; readonly blockHeight: number }

const processed = { slot: 1_100, confirmations: 1, confirmationStatus: 'processed', err: null, status: { Ok: null } }

describe('never', () => {
  it('is said with its proof', async () => {
    const scene = await expired()
    const look = await lookAt(scene)
    expect(look).toMatchObject({ state: 'never' })
    if (look.state !== 'never') return
    const { blockhash, genesis, lastValidBlockHeight, signedAtSlot } = scene.attempt.data
    expect(look.proof).toMatchObject({ blockhash, genesis, lastValidBlockHeight, signedAtSlot })
    expect(Number(look.proof['finalizedHeight'])).toBeGreaterThan(number(scene, 'lastValidBlockHeight'))
    expect(Number(look.proof['statusSlot'])).toBeGreaterThanOrEqual(Number(look.proof['finalizedSlot']))
    expect(Number(look.proof['firstAvailableBlock'])).toBeLessThanOrEqual(number(scene, 'signedAtSlot'))
  })

  it.for<{ readonly lacks: string; readonly state: Look['state']; readonly tamper: (scene: Scene) => Tamper }>([
    {
      lacks: 'a final height past the last valid one',
      state: 'pending',
      tamper: (scene) => nth('getEpochInfo', 1, (epoch: Epoch) => ({ ...epoch, blockHeight: number(scene, 'lastValidBlockHeight') })),
    },
    {
      lacks: "such a height on the status' own node",
      state: 'unknown',
      tamper: (scene) => nth('getEpochInfo', 2, (epoch: Epoch) => ({ ...epoch, blockHeight: number(scene, 'lastValidBlockHeight') })),
    },
    {
      lacks: 'a status as of the final slot',
      state: 'unknown',
      tamper: ({ bed }) =>
        nth('getSignatureStatuses', 2, (answer: Slotted) => ({ ...answer, context: { slot: bed.node.network.finalized - 1 } })),
    },
    {
      lacks: 'the silence of the first status',
      state: 'pending',
      tamper: () => nth('getSignatureStatuses', 1, (answer: Slotted) => ({ ...answer, value: [processed] })),
    },
    {
      lacks: 'the silence of the second status',
      state: 'pending',
      tamper: () => nth('getSignatureStatuses', 2, (answer: Slotted) => ({ ...answer, value: [processed] })),
    },
    {
      lacks: 'a history that goes back to the signature',
      state: 'unknown',
      tamper: (scene) => nth('getFirstAvailableBlock', 1, () => number(scene, 'signedAtSlot') + 1),
    },
    { lacks: 'the network it was signed for', state: 'unknown', tamper: ({ wallet }) => nth('getGenesisHash', 1, () => wallet.address) },
    { lacks: 'a height that is one', state: 'unknown', tamper: () => nth('getEpochInfo', 2, () => ({ absoluteSlot: 5 })) },
    { lacks: 'a status for each attempt', state: 'unknown', tamper: () => nth('getSignatureStatuses', 2, (answer: Slotted) => ({ ...answer, value: [] })) },
    { lacks: 'an answer about history', state: 'unknown', tamper: () => nth('getFirstAvailableBlock', 1, () => null) },
  ])('is not said without $lacks', async ({ state, tamper }) => {
    const scene = await expired()
    scene.bed.tamper(tamper(scene))
    expect(await lookAt(scene)).toMatchObject({ state })
    scene.bed.tamper(null)
    expect(await lookAt(scene)).toMatchObject({ state: 'never' })
  })

  const whole: Evidence = {
    before: { slot: 300n, height: 200n },
    finality: { slot: 301n, height: 201n },
    genesis: 'here',
    statusSlot: 300n,
    firstAvailable: 90n,
  }
  it.for<[string, Partial<Evidence>]>([
    ['final height', { before: { slot: 300n, height: 150n } }],
    ['final height', { finality: { slot: 301n, height: 150n } }],
    ['the status is of slot', { statusSlot: 299n }],
    ['history begins', { firstAvailable: 91n }],
    ['of network', { genesis: 'there' }],
  ])('has no proof when only this is missing: %s', ([words, change]) => {
    const data = { lastValidBlockHeight: 150n, signedAtSlot: 90n, genesis: 'here' }
    expect(gapIn(whole, data)).toBeNull()
    expect(gapIn({ ...whole, ...change }, data)).toContain(words)
  })

  it('is said when history begins exactly where the signature stands', async () => {
    const scene = await expired()
    scene.bed.tamper(nth('getFirstAvailableBlock', 1, () => number(scene, 'signedAtSlot')))
    expect(await lookAt(scene)).toMatchObject({ state: 'never' })
  })

  it('asks for the height first, and for the beginning of history after the status, of one node', async () => {
    const scene = await expired()
    const asked: string[] = []
    scene.bed.tamper((method, result) => {
      asked.push(method)
      return result
    })
    const before = scene.bed.counters().requests
    await lookAt(scene)
    expect(scene.bed.counters().requests - before).toBe(2)
    expect(asked).toEqual([
      'getEpochInfo', 'getSignatureStatuses',
      'getEpochInfo', 'getGenesisHash', 'getSignatureStatuses', 'getFirstAvailableBlock',
    ])
  })

  it('is not composed from nodes that lag, nodes that forgot, and nodes that know', async () => {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 10_000_000_000n)
    const scene = await prepared(bed, wallet, [bed.payout(await bed.address(), 1_000_000n)])
    // A second one that nobody sends: the same nodes must be able to tell the difference.
    const unsent = await prepared(bed, wallet, [bed.payout(await bed.address(), 1_000_000n)])
    bed.knobs({ lagRate: 0.4, lagSlots: 250, forgetRate: 0.4, forgetAfterSlots: 20 })
    await scene.rail.submit(scene.attempt)
    bed.pass(SLOTS_TO_EXPIRY)
    const states = new Map<string, number>()
    for (let round = 0; round < 400; round += 1) {
      const looks = await scene.rail.look([
        { attempt: scene.attempt, wallet, payouts: scene.payouts },
        { attempt: unsent.attempt, wallet, payouts: unsent.payouts },
      ])
      looks.forEach(({ state }, index) => states.set(`${index} ${state}`, (states.get(`${index} ${state}`) ?? 0) + 1))
    }
    expect(states.get('0 never')).toBeUndefined()
    expect(states.get('0 settled')).toBeGreaterThan(0)
    expect(states.get('0 unknown')).toBeGreaterThan(0)
    expect(states.get('1 never')).toBeGreaterThan(0)
    expect(states.get('1 settled')).toBeUndefined()
  })
})

describe('an attempt that landed', () => {
  async function landed(): Promise<Scene> {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 10_000_000_000n)
    const scene = await prepared(bed, wallet, [bed.payout(await bed.address(), 1_000_000n)])
    await scene.rail.submit(scene.attempt)
    return scene
  }

  it('is pending until it is final, however much has been seen of it', async () => {
    const scene = await landed()
    const states: string[] = []
    for (let slot = 0; slot < 10; slot += 1) {
      states.push((await lookAt(scene)).state)
      scene.bed.pass(1)
    }
    expect(states).toEqual([...Array.from({ length: 9 }, () => 'pending'), 'settled'])
  })

  it('comes back to pending when a fork throws it away, and lands again from the same bytes', async () => {
    const scene = await landed()
    scene.bed.pass(3)
    expect(await lookAt(scene)).toMatchObject({ state: 'pending', detail: expect.stringContaining('in slot') })
    scene.bed.reorganize(5)
    expect(await lookAt(scene)).toMatchObject({ state: 'pending', detail: expect.stringContaining('not seen') })
    await scene.rail.submit(scene.attempt)
    scene.bed.settle()
    expect(await lookAt(scene)).toMatchObject({ state: 'settled' })
  })

  it.for<{ readonly when: string; readonly state: Look['state']; readonly tamper: Tamper }>([
    { when: 'its record is not there yet', state: 'pending', tamper: nth('getTransaction', 1, () => null) },
    { when: 'its record has no balances yet', state: 'pending', tamper: nth('getTransaction', 1, (one: object) => ({ ...one, meta: null })) },
    {
      when: 'its record is forgotten',
      state: 'unknown',
      tamper: (method, result) => (method === 'getTransaction' ? null : method === 'getFirstAvailableBlock' ? 999_999 : result),
    },
    { when: 'its record is of another slot', state: 'unknown', tamper: nth('getTransaction', 1, (one: object) => ({ ...one, slot: 5 })) },
    {
      when: 'its record failed and its status did not',
      state: 'unknown',
      tamper: nth('getTransaction', 1, (one: { readonly meta: object }) => ({ ...one, meta: { ...one.meta, err: 'AccountInUse' } })),
    },
    {
      when: 'less arrived than was sent',
      state: 'unknown',
      tamper: nth('getTransaction', 1, (one: { readonly meta: { readonly postBalances: readonly number[] } }) => ({
        ...one,
        meta: { ...one.meta, postBalances: one.meta.postBalances.map((balance, index) => (index === 1 ? balance - 1 : balance)) },
      })),
    },
    {
      when: 'more left the wallet than was sent',
      state: 'unknown',
      tamper: nth('getTransaction', 1, (one: { readonly meta: { readonly postBalances: readonly number[] } }) => ({
        ...one,
        meta: { ...one.meta, postBalances: one.meta.postBalances.map((balance, index) => (index === 0 ? balance - 1 : balance)) },
      })),
    },
    { when: 'its record has fewer accounts', state: 'unknown', tamper: nth('getTransaction', 1, (one: { readonly meta: object }) => ({ ...one, meta: { ...one.meta, preBalances: [1] } })) },
  ])('is not settled when $when', async ({ state, tamper }) => {
    const scene = await landed()
    scene.bed.settle()
    scene.bed.tamper(tamper)
    expect(await lookAt(scene)).toMatchObject({ state })
    scene.bed.tamper(null)
    expect(await lookAt(scene)).toMatchObject({ state: 'settled' })
  })
})

describe('a SOL batch that failed', () => {
  it('waits as a whole when the wallet ran out, and costs its fee', async () => {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 10_000_000_000n)
    const first = await prepared(bed, wallet, [bed.payout(await bed.address(), 6_000_000_000n)])
    const second = await prepared(bed, wallet, [bed.payout(await bed.address(), 1_000_000_000n), bed.payout(await bed.address(), 4_000_000_000n)])
    await first.rail.submit(first.attempt)
    await second.rail.submit(second.attempt)
    bed.settle()
    expect(await lookAt(first)).toMatchObject({ state: 'settled' })
    expect(await lookAt(second)).toMatchObject({
      state: 'failed',
      member: null,
      hold: 'no_funds',
      proof: { signature: second.attempt.identity, fee: '5000', err: { InstructionError: [3, { Custom: 1 }] } },
      costs: [{ kind: 'fee', asset: 'SOL/9', units: 5_000n }],
    })
  })

  it('waits as a whole when the wallet would keep too little', async () => {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 10_000_000n)
    const scene = await prepared(bed, wallet, [bed.payout(await bed.address(), 2_000_000n)])
    await bed.transfer(wallet, await bed.address(), 10_000_000n - 2_000_000n - 10_000n - 500_000n)
    await scene.rail.submit(scene.attempt)
    bed.settle()
    expect(await lookAt(scene)).toMatchObject({
      state: 'failed',
      member: null,
      hold: 'no_funds',
      proof: { err: { InsufficientFundsForRent: { account_index: 0 } } },
    })
  })

  it('names the payout whose destination went away', async () => {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    const gone = await bed.wallet()
    bed.fund(wallet.address, 10_000_000_000n)
    bed.fund(gone.address, 1_000_000n)
    const payouts = [bed.payout(await bed.address(), 1_000_000n), bed.payout(gone.address, 5n), bed.payout(await bed.address(), 1_000_000n)]
    const scene = await prepared(bed, wallet, payouts)
    await bed.transfer(gone, wallet.address, 1_000_000n - 5_000n)
    await scene.rail.submit(scene.attempt)
    bed.settle()
    expect(await lookAt(scene)).toMatchObject({ state: 'failed', member: { payout: payouts[1]?.id, hold: 'below_minimum' }, hold: null })
  })
})

describe('a token batch that failed', () => {
  type TokenScene = Scene & { readonly mint: string; readonly asset: RailAsset; readonly owners: readonly RailWallet[] }

  /** Three payouts to owners who have token accounts, signed and not sent. */
  async function tokenScene(): Promise<TokenScene> {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 10_000_000_000n)
    const mint = bed.mint('USDC', 6)
    bed.mintTo(mint, wallet.address, 1_000n)
    const owners = [await bed.wallet(), await bed.wallet(), await bed.wallet()]
    for (const owner of owners) {
      bed.fund(owner.address, 100_000_000n)
      bed.mintTo(mint, owner.address, 1n)
    }
    const asset = { asset: 'USDC/6', token: mint }
    const scene = await prepared(bed, wallet, owners.map(({ address }, index) => bed.payout(address, BigInt(index + 1) * 10n, asset)))
    return { ...scene, mint, asset, owners }
  }

  const book = createAddressBook()
  const accountOf = ({ mint }: TokenScene, owner: RailWallet) => book.tokenAccount(owner.address, mint)
  const ownerAt = ({ owners }: TokenScene, index: number): RailWallet => present(owners[index], 'owner')

  async function giveAway(scene: TokenScene, owner: RailWallet, units: bigint): Promise<void> {
    const source = await accountOf(scene, owner)
    const destination = await accountOf(scene, ownerAt(scene, 2))
    await scene.bed.send(owner, (authority) => [
      getTransferCheckedInstruction({ source, mint: toAddress(scene.mint), destination, authority, amount: units, decimals: 6 }),
    ])
  }

  async function closeAccount(scene: TokenScene, owner: RailWallet, units: bigint): Promise<void> {
    await giveAway(scene, owner, units)
    const account = await accountOf(scene, owner)
    await scene.bed.send(owner, (signer) => [getCloseAccountInstruction({ account, destination: toAddress(owner.address), owner: signer })])
  }

  async function giveAccountAway(scene: TokenScene, owner: RailWallet): Promise<void> {
    const owned = await accountOf(scene, owner)
    const newAuthority = toAddress(scene.wallet.address)
    await scene.bed.send(owner, (signer) => [
      getSetAuthorityInstruction({ owned, owner: signer, authorityType: AuthorityType.AccountOwner, newAuthority }),
    ])
  }

  it.for<{ readonly it: string; readonly spoil: (scene: TokenScene) => void | Promise<void>; readonly member: [number, string] | null; readonly hold: string | null }>([
    { it: 'names the first destination when it is frozen', spoil: (scene) => scene.bed.freeze(scene.mint, ownerAt(scene, 0).address, true), member: [0, 'frozen'], hold: null },
    { it: 'names a later destination when it is frozen', spoil: (scene) => scene.bed.freeze(scene.mint, ownerAt(scene, 2).address, true), member: [2, 'frozen'], hold: null },
    { it: "blames no destination when the wallet's own account is frozen", spoil: (scene) => scene.bed.freeze(scene.mint, scene.wallet.address, true), member: null, hold: 'frozen' },
    { it: 'names a destination that closed its account', spoil: (scene) => closeAccount(scene, ownerAt(scene, 0), 1n), member: [0, 'destination_invalid'], hold: null },
    { it: 'names a later destination that closed its account', spoil: (scene) => closeAccount(scene, ownerAt(scene, 1), 1n), member: [1, 'destination_invalid'], hold: null },
    { it: 'waits when the wallet closed its account', spoil: (scene) => closeAccount(scene, scene.wallet, 1_000n), member: null, hold: 'no_funds' },
    { it: 'waits when the wallet gave its account away', spoil: (scene) => giveAccountAway({ ...scene, wallet: ownerAt(scene, 0) }, scene.wallet), member: null, hold: 'rail_refused' },
    { it: 'waits when the wallet ran out of tokens', spoil: (scene) => giveAway(scene, scene.wallet, 985n), member: null, hold: 'no_funds' },
  ])('$it', async ({ spoil, member, hold }) => {
    const scene = await tokenScene()
    await spoil(scene)
    await scene.rail.submit(scene.attempt)
    scene.bed.settle()
    const expected = member === null ? null : { payout: scene.payouts[member[0]]?.id, hold: member[1] }
    expect(await lookAt(scene)).toMatchObject({ state: 'failed', member: expected, hold, costs: [{ kind: 'fee', units: 5_000n }] })
  })

  it('blames nobody when the first destination is thawed by now', async () => {
    const scene = await tokenScene()
    scene.bed.freeze(scene.mint, ownerAt(scene, 0).address, true)
    await scene.rail.submit(scene.attempt)
    scene.bed.settle()
    scene.bed.freeze(scene.mint, ownerAt(scene, 0).address, false)
    expect(await lookAt(scene)).toMatchObject({ state: 'failed', member: null, hold: null })
  })

  it('waits when the wallet cannot pay the rent of a new account', async () => {
    const { bed, rail, wallet, asset } = await tokenScene()
    const payouts = [bed.payout(await bed.address(), 5n, asset)]
    const answer = await rail.prepare(bed.preparation(wallet, payouts))
    if (answer.state !== 'prepared') throw new Error(answer.state)
    await bed.transfer(wallet, await bed.address(), (await rail.balance(wallet, SOL)) - 2_000_000n)
    await rail.submit(answer.attempt)
    bed.settle()
    const [look] = await rail.look([{ attempt: answer.attempt, wallet, payouts }])
    expect(look).toMatchObject({ state: 'failed', member: null, hold: 'no_funds' })
  })
})
