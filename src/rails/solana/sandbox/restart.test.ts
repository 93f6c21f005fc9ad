// What a crash may and may not forget: any history of sends, slots, forks and crashes keeps what was final, never goes
// back in height, never lands a transaction twice, and never lands one that was proven dead.
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ADDRESS_BYTES, parseKey, textOf, type Key } from './bytes.ts'
import { mintKeyOf, type OwnKey } from './own-keys.ts'
import { ask, fundedWallet, openTestbed, rawTransfer, send, signed, SOL, statusOf, transfer, wallet, type Testbed } from './testbed.ts'

let bed: Testbed
afterEach(async () => { await bed.close() })

type Action = { readonly kind: 'send' | 'resend' | 'slots' | 'crash' | 'fork'; readonly n: number }

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), n: fc.constant(0) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('resend' as const), n: fc.nat(20) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('slots' as const), n: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('slots' as const), n: fc.integer({ min: 100, max: 200 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), n: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('fork' as const), n: fc.integer({ min: 1, max: 8 }) }) },
  ),
  { minLength: 5, maxLength: 40 },
)

/** One transfer becomes final, one is lost with a crash and outlives its window: chance alone leaves one run in a few without a death. */
const ONE_OF_EACH: Action[] = [
  { kind: 'send', n: 0 },
  { kind: 'slots', n: 12 },
  { kind: 'send', n: 0 },
  { kind: 'crash', n: 0 },
  { kind: 'slots', n: 200 },
]

type Sent = {
  readonly wire: string
  readonly signature: string
  readonly to: Key
  readonly units: bigint
  readonly lastValidBlockHeight: number
  finalSlot: number | null
  dead: boolean
}

type Statuses = { readonly context: { readonly slot: number }; readonly value: readonly ({ slot: number; confirmationStatus: string } | null)[] }

describe('any history with crashes and forks', () => {
  it('keeps what was final, and lands nothing twice or after its proof of death', async () => {
    let deaths = 0
    let finals = 0
    await fc.assert(fc.asyncProperty(actions, async (history) => {
      bed = await openTestbed()
      const payer = mintKeyOf('', 'payer')
      ask(bed, 'requestAirdrop', textOf(payer.key), 1_000 * Number(SOL))
      bed.slots(9)
      const sent: Sent[] = []
      const heights = { processed: 0, finalized: 0 }
      for (const action of [...history, { kind: 'slots', n: 9 } as const]) {
        perform(action, sent, payer)
        checkHeights(heights)
        checkStatuses(sent)
      }
      for (const one of sent) {
        const { value } = ask(bed, 'getBalance', textOf(one.to)) as { value: number }
        expect(BigInt(value)).toBe(one.finalSlot === null ? 0n : one.units)
      }
      deaths += sent.filter((one) => one.dead).length
      finals += sent.filter((one) => one.finalSlot !== null).length
      await bed.close()
    }), { numRuns: 16, examples: [[ONE_OF_EACH]] })
    // A run that met neither would have shown nothing.
    expect(deaths).toBeGreaterThan(0)
    expect(finals).toBeGreaterThan(0)
    bed = await openTestbed()
  })

  function perform(action: Action, sent: Sent[], payer: OwnKey): void {
    if (action.kind === 'slots') bed.slots(action.n)
    if (action.kind === 'crash') bed.crash()
    if (action.kind === 'fork') ask(bed, 'sandbox_reorganize', { slots: action.n })
    if (action.kind === 'send') sent.push(makeTransfer(sent.length, payer))
    const again = action.kind === 'send' ? sent.at(-1) : action.kind === 'resend' ? sent[action.n % Math.max(1, sent.length)] : undefined
    if (again !== undefined) ask(bed, 'sendTransaction', again.wire, { encoding: 'base64', skipPreflight: true })
  }

  function makeTransfer(index: number, payer: OwnKey): Sent {
    // Now and then the client takes the newest hash, which a fork may undo.
    const commitment = index % 3 === 0 ? 'processed' : 'finalized'
    const { value } = ask(bed, 'getLatestBlockhash', { commitment }) as { value: { blockhash: string; lastValidBlockHeight: number } }
    const to = mintKeyOf('', `recipient ${index}`).key
    const units = SOL + BigInt(index)
    const { wire, signature } = rawTransfer(payer, to, units, parseKey(value.blockhash, ADDRESS_BYTES) ?? '')
    const base64 = Buffer.from(wire).toString('base64')
    return { wire: base64, signature: textOf(signature), to, units, lastValidBlockHeight: value.lastValidBlockHeight, finalSlot: null, dead: false }
  }

  function checkHeights(heights: Record<'processed' | 'finalized', number>): void {
    for (const commitment of ['processed', 'finalized'] as const) {
      const height = ask(bed, 'getBlockHeight', { commitment }) as number
      expect(height).toBeGreaterThanOrEqual(heights[commitment])
      heights[commitment] = height
    }
  }

  function checkStatuses(sent: readonly Sent[]): void {
    if (sent.length === 0) return
    const height = ask(bed, 'getBlockHeight', { commitment: 'finalized' }) as number
    const { value } = ask(bed, 'getSignatureStatuses', sent.map((one) => one.signature), { searchTransactionHistory: true }) as Statuses
    for (const [index, one] of sent.entries()) {
      const status = value[index] ?? null
      if (one.dead) expect(status).toBeNull()
      if (one.finalSlot !== null) expect(status).toMatchObject({ confirmationStatus: 'finalized', slot: one.finalSlot })
      if (status === null && height > one.lastValidBlockHeight) one.dead = true
      if (status?.confirmationStatus === 'finalized') one.finalSlot = status.slot
    }
  }
})

describe('a restart', () => {
  it('forgets what was not final as a fork does, and takes the same bytes again within their window', async () => {
    bed = await openTestbed()
    const payer = await fundedWallet(bed, 'payer')
    const someone = (await wallet('someone')).address
    const tx = await signed(bed, payer, [transfer(payer, someone, SOL)])
    await send(bed, tx)
    bed.slots(3)
    expect(await statusOf(bed, tx.signature)).toMatchObject({ confirmationStatus: 'confirmed' })
    bed.crash()
    expect(await statusOf(bed, tx.signature, true)).toBeNull()
    expect((await bed.rpc.getBalance(someone, { commitment: 'processed' }).send()).value).toBe(0n)
    expect(await bed.rpc.getBlockHeight({ commitment: 'processed' }).send()).toBeLessThan(tx.lastValidBlockHeight)
    await send(bed, tx)
    bed.slots(9)
    expect((await bed.rpc.getBalance(someone).send()).value).toBe(SOL)
  })

  it('keeps blocks, hashes and history of what was final', async () => {
    bed = await openTestbed()
    const payer = await fundedWallet(bed, 'payer')
    const tx = await signed(bed, payer, [transfer(payer, (await wallet('someone')).address, SOL)])
    await send(bed, tx)
    bed.slots(20)
    const slot = Number((await statusOf(bed, tx.signature))?.slot)
    const read = async (): Promise<readonly unknown[]> => Promise.all([
      bed.call('getTransaction', tx.signature, { maxSupportedTransactionVersion: 0 }),
      bed.call('getSignaturesForAddress', payer.address),
      bed.call('getGenesisHash'),
      ...[-3, -1, 0, 1, 5].map(async (offset) => bed.call('getBlock', slot + offset, { maxSupportedTransactionVersion: 0 })),
    ])
    const before = await read()
    bed.crash()
    expect(await read()).toEqual(before)
    bed.slots(600)
    expect(await read()).toEqual(before)
    expect(await statusOf(bed, tx.signature)).toBeNull()
    expect(await statusOf(bed, tx.signature, true)).toMatchObject({ confirmationStatus: 'finalized' })
  })

  it('refuses a landed transaction a second time, also when its history is forgotten', async () => {
    bed = await openTestbed()
    const payer = await fundedWallet(bed, 'payer')
    const someone = (await wallet('someone')).address
    const tx = await signed(bed, payer, [transfer(payer, someone, SOL)])
    await send(bed, tx)
    bed.slots(9)
    await bed.call('sandbox_setKnobs', { onRestart: 'forget_history' })
    bed.crash()
    expect(await statusOf(bed, tx.signature, true)).toBeNull()
    expect(await bed.rpc.isBlockhashValid((await bed.rpc.getLatestBlockhash().send()).value.blockhash).send()).toMatchObject({ value: true })
    expect(await bed.rpc.getBlockHeight({ commitment: 'processed' }).send()).toBeLessThan(tx.lastValidBlockHeight)
    await send(bed, tx)
    bed.slots(9)
    expect((await bed.rpc.getBalance(someone).send()).value).toBe(SOL)
    expect(bed.node.network.counters.historiesForgotten).toBe(1)
  })

  it('told to forget everything is another network, once', async () => {
    bed = await openTestbed()
    const payer = await fundedWallet(bed, 'payer')
    const genesis = await bed.rpc.getGenesisHash().send()
    await bed.call('sandbox_setKnobs', { onRestart: 'forget_everything' })
    bed.crash()
    const second = await bed.rpc.getGenesisHash().send()
    expect(second).not.toBe(genesis)
    expect((await bed.rpc.getBalance(payer.address).send()).value).toBe(0n)
    bed.crash()
    expect(await bed.rpc.getGenesisHash().send()).toBe(second)
    expect(bed.node.network.counters.restarts).toBe(2)
  })

  it('writes nothing for empty slots but one reservation in a hundred', async () => {
    bed = await openTestbed()
    bed.slots(9)
    const { database } = bed.node.network.store
    const changes = (): number => Number(database.prepare('select total_changes() as n').get()?.['n'])
    const before = changes()
    bed.slots(1_000)
    expect(changes() - before).toBeLessThanOrEqual(10)
  })
})
