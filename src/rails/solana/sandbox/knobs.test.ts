// Every fault knob really produces its fault, and counts it. A sandbox whose knobs do nothing would prove nothing.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { KeyPairSigner } from '@solana/kit'
import { CALM, type Counters, type KnobSettings } from './knobs.ts'
import { fundedWallet, openTestbed, send, signed, statusOf, transfer, wallet, type Signed, type Testbed } from './testbed.ts'

let bed: Testbed
let payer: KeyPairSigner

beforeEach(async () => {
  bed = await openTestbed()
  payer = await fundedWallet(bed, 'payer')
})
afterEach(async () => { await bed.close() })

const counters = (): Counters => bed.node.network.counters
const turn = (knobs: KnobSettings): Promise<unknown> => bed.call('sandbox_setKnobs', knobs)

async function freshTransfer(): Promise<Signed> {
  return signed(bed, payer, [transfer(payer, (await wallet('recipient')).address, 1_000_000n + BigInt(counters().requests))])
}

// How many of `count` requests were refused. (The client itself would send equal calls of one moment once.)
async function refused(count: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => bed.call('getSlot')))
  return answers.filter((answer) => answer.error !== undefined).length
}

describe('a lossy connection', () => {
  it('loses requests before they are handled', async () => {
    const tx = await freshTransfer()
    await turn({ requestLossRate: 1 })
    await expect(send(bed, tx)).rejects.toThrow('fetch failed')
    expect(counters()).toMatchObject({ requestsLost: 1, transactionsAccepted: 0 })
    await turn({ requestLossRate: 0 })
    bed.slots(9)
    expect(await statusOf(bed, tx.signature)).toBeNull()
  })

  it('loses answers of requests that were handled', async () => {
    const tx = await freshTransfer()
    await turn({ responseLossRate: 1 })
    await expect(send(bed, tx)).rejects.toThrow('fetch failed')
    expect(counters()).toMatchObject({ responsesLost: 1, transactionsAccepted: 1 })
    await turn({ responseLossRate: 0 })
    bed.slots(9)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'finalized' })
  })

  it('delivers a request twice', async () => {
    const tx = await freshTransfer()
    await turn({ requestDuplicationRate: 1 })
    await send(bed, tx)
    expect(counters()).toMatchObject({ requestsDuplicated: 1, transactionsAccepted: 2 })
    bed.slots(1)
    expect(counters().transactionsLanded).toBe(2)
  })

  it('holds answers back', async () => {
    await turn({ responseDelayMs: [5, 10] })
    await bed.rpc.getSlot().send()
    expect(counters().responsesDelayed).toBe(1)
  })

  it('breaks as often as its rate says, and the same requests in the same order again with the same seed', async () => {
    const run = async (seed: string): Promise<string> => {
      const other = await openTestbed({ seed, knobs: { requestLossRate: 0.3 } })
      const outcomes: string[] = []
      for (let n = 0; n < 60; n += 1) outcomes.push(await other.call('getSlot').then(() => '.', () => 'x'))
      await other.close()
      return outcomes.join('')
    }
    const first = await run('a')
    expect(await run('a')).toBe(first)
    expect(await run('b')).not.toBe(first)
    expect(first.replaceAll('.', '').length).toBeGreaterThan(6)
    expect(first.replaceAll('.', '').length).toBeLessThan(35)
  })

  it('limits requests a slot with 429', async () => {
    await turn({ requestsPerSlot: 3 })
    bed.slots(1)
    expect(await refused(5)).toBe(2)
    await expect(bed.rpc.getSlot().send()).rejects.toMatchObject({ context: { statusCode: 429 } })
    expect(counters().requestsLimited).toBe(3)
    bed.slots(1)
    expect(await refused(3)).toBe(0)
  })

  it('never hits the sandbox\'s own methods', async () => {
    await turn({ requestLossRate: 1, responseLossRate: 1, crashRate: 1, requestsPerSlot: 0 })
    expect((await bed.call('sandbox_getStatus')).result).toMatchObject({ slot: bed.node.network.slot })
    expect((await bed.call('sandbox_setKnobs', CALM)).result).toMatchObject({ knobs: CALM })
  })
})

describe('a network under stress', () => {
  it('drops transactions it accepted, until they expire', async () => {
    const tx = await freshTransfer()
    await turn({ transactionDropRate: 1 })
    expect(await send(bed, tx)).toBe(tx.signature)
    bed.slots(160)
    expect(await statusOf(bed, tx.signature, true)).toBeNull()
    expect(counters()).toMatchObject({ transactionsDropped: 1, transactionsLanded: 1 })
  })

  it('takes a transaction in and tells its sender an error', async () => {
    const tx = await freshTransfer()
    await turn({ acceptThenErrorRate: 1 })
    await expect(send(bed, tx)).rejects.toMatchObject({ context: { __code: -32603 } })
    bed.slots(9)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'finalized' })
    expect(counters().acceptedThenErrored).toBe(1)
  })

  it('keeps transactions waiting for slots', async () => {
    const tx = await freshTransfer()
    await turn({ inclusionDelaySlots: [5, 5] })
    await send(bed, tx)
    bed.slots(5)
    expect(await statusOf(bed, tx.signature)).toBeNull()
    bed.slots(1)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'processed' })
    expect(counters().inclusionsDelayed).toBe(1)
  })

  it('leaves cheap transactions waiting while fees spike', async () => {
    const tx = await freshTransfer()
    await turn({ minimumPriorityFee: 1_000 })
    await send(bed, tx)
    bed.slots(20)
    expect(await statusOf(bed, tx.signature)).toBeNull()
    expect((await bed.rpc.getRecentPrioritizationFees().send()).at(-1)?.prioritizationFee).toBe(1_000n)
    await turn({ minimumPriorityFee: 0 })
    bed.slots(1)
    expect(await statusOf(bed, tx.signature)).not.toBeNull()
    expect(counters().transactionsUnderpriced).toBe(1)
  })

  it('forks by itself', async () => {
    const tx = await freshTransfer()
    await send(bed, tx)
    bed.slots(1)
    await turn({ reorgRate: 1, reorgSlots: 3 })
    bed.slots(1)
    expect(await statusOf(bed, tx.signature, true)).toBeNull()
    expect(counters()).toMatchObject({ reorgs: 1, transactionsReorged: 1 })
  })
})

describe('nodes that do not agree', () => {
  it('forgets what is old, and says from where on it remembers', async () => {
    const tx = await freshTransfer()
    await send(bed, tx)
    bed.slots(40)
    const status = await statusOf(bed, tx.signature, true)
    await turn({ forgetRate: 1, forgetAfterSlots: 10 })
    expect(await statusOf(bed, tx.signature, true)).toBeNull()
    expect(await bed.rpc.getFirstAvailableBlock().send()).toBeGreaterThan(status?.slot ?? 0n)
    expect(await bed.rpc.getTransaction(tx.signature, { encoding: 'json', maxSupportedTransactionVersion: 0 }).send()).toBeNull()
    expect(await bed.rpc.getSignaturesForAddress(payer.address).send()).toEqual([])
    await expect(bed.call('getBlock', Number(status?.slot))).resolves.toMatchObject({ error: { code: -32001 } })
    expect(counters().requestsForgetful).toBe(5)
    await turn({ forgetRate: 0 })
    expect(await statusOf(bed, tx.signature, true)).toEqual(status)
  })

  it('answers from an older slot: statuses, heights and balances', async () => {
    await turn({ lagRate: 1, lagSlots: 30 })
    bed.slots(31)
    const someone = (await wallet('recipient')).address
    const tx = await freshTransfer()
    await send(bed, tx)
    bed.slots(20)
    expect(await statusOf(bed, tx.signature)).toBeNull()
    expect((await bed.rpc.getBalance(someone, { commitment: 'processed' }).send()).value).toBe(0n)
    const behind = BigInt(bed.node.network.slot - 30)
    expect(await bed.rpc.getSlot({ commitment: 'processed' }).send()).toBe(behind)
    await expect(bed.call('getBalance', someone, { commitment: 'processed', minContextSlot: Number(behind) + 1 }))
      .resolves.toMatchObject({ error: { code: -32016, data: { contextSlot: Number(behind) } } })
    bed.slots(11)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'processed' })
    bed.slots(8)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'finalized' })
    expect((await bed.rpc.getBalance(someone).send()).value).toBeGreaterThan(0n)
    expect(counters().requestsLagging).toBeGreaterThan(5)
  })

  it('dies of a request, before or after handling it, and counts over its lives', async () => {
    const landed = new Set<boolean>()
    for (let life = 1; landed.size < 2; life += 1) {
      const tx = await freshTransfer()
      await turn({ crashRate: 1 })
      const accepted = counters().transactionsAccepted
      const dying = bed.node.network
      await expect(send(bed, tx)).rejects.toThrow('fetch failed')
      landed.add(dying.counters.transactionsAccepted > accepted)
      expect(counters()).toMatchObject({ crashes: life, restarts: life, transactionsLanded: 0 })
      expect(life).toBeLessThan(40)
    }
  })

  it('dies when told', async () => {
    await expect(bed.call('sandbox_crash')).rejects.toThrow('fetch failed')
    expect(counters()).toMatchObject({ crashes: 1, restarts: 1 })
  })
})

describe('knobs', () => {
  it.each([
    [{ requestLossRate: 1.5 }], [{ requestLossRate: '1' }], [{ noSuchKnob: 1 }], [{ responseDelayMs: [5, 1] }], [{ lagSlots: 1_000 }],
    [{ reorgSlots: 9 }], [{ onRestart: 'forget' }],
  ])('refuse %j', async (knobs) => {
    expect(await bed.call('sandbox_setKnobs', knobs)).toMatchObject({ error: { code: -32602 } })
    expect(bed.node.network.knobs).toEqual(CALM)
  })
})
