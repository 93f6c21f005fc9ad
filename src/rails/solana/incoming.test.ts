// Incoming movements on the real network in this process: each once, oldest first, whatever the nodes forget and however long the list.

import { getTransferSolInstruction } from '@solana-program/system'
import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Incoming, Movement, RailAsset, RailWallet } from '../rail.ts'
import { toAddress } from './address.ts'
import { parseKey } from './sandbox/bytes.ts'
import { airdrop } from './sandbox/own-transactions.ts'
import { openTestbed, SOL, type Testbed } from './testbed.ts'

type Walk = { readonly movements: readonly Movement[]; readonly cursor: string | null; readonly calls: number }

type Walker = { readonly rail: ReturnType<Testbed['connect']>; readonly wallet: RailWallet; readonly assets?: readonly RailAsset[]; readonly own?: readonly string[] }

async function walk({ rail, wallet, assets = [SOL], own = [] }: Walker, from: string | null): Promise<Walk> {
  const movements: Movement[] = []
  let cursor = from
  for (let calls = 1; ; calls += 1) {
    const incoming = await rail.incoming({ wallet, assets, cursor, own: (ids) => Promise.resolve(new Set(ids.filter((id) => own.includes(id)))) })
    movements.push(...incoming.movements)
    cursor = incoming.cursor
    if (!incoming.more) return { movements, cursor, calls }
  }
}

const said = ({ movements }: Walk): readonly string[] => movements.map(({ asset, direction, units }) => `${direction} ${units} ${asset}`)

async function scene(): Promise<{ readonly bed: Testbed; readonly rail: ReturnType<Testbed['connect']>; readonly wallet: RailWallet }> {
  const bed = openTestbed()
  return { bed, rail: bed.connect(), wallet: await bed.wallet() }
}

describe('incoming', () => {
  it('shows what came and what the owner sent, with balances as proof, and nothing of our attempts', async () => {
    const here = await scene()
    const { bed, rail, wallet } = here
    bed.fund(wallet.address, 1_000_000_000n)
    const payouts = [bed.payout(await bed.address(), 5_000_000n)]
    const prepared = await rail.prepare(bed.preparation(wallet, payouts))
    if (prepared.state !== 'prepared') throw new Error(prepared.state)
    await rail.submit(prepared.attempt)
    bed.settle()
    const out = await bed.transfer(wallet, await bed.address(), 7_000_000n)
    bed.fund(wallet.address, 3n)
    const seen = await walk({ ...here, own: [prepared.attempt.identity] }, null)
    expect(said(seen)).toEqual(['in 1000000000 SOL/9', 'out 7005000 SOL/9', 'in 3 SOL/9'])
    expect(seen.movements[1]).toMatchObject({
      identity: `${out}/${wallet.address}`,
      proof: { signature: out, before: '994995000', after: '987990000', err: null },
    })
    expect(present(seen.movements[0], 'movement').at?.toString()).toBe('2026-01-01T00:00:00Z')
    expect(said(await walk({ ...here, own: [prepared.attempt.identity] }, seen.cursor))).toEqual([])
  })

  it('shows the fee of a transaction that failed', async () => {
    const here = await scene()
    here.bed.fund(here.wallet.address, 1_000_000_000n)
    const destination = toAddress(await here.bed.address())
    await here.bed.send(here.wallet, (source) => [getTransferSolInstruction({ source, destination, amount: 2_000_000_000n })])
    const seen = await walk(here, null)
    expect(said(seen)).toEqual(['in 1000000000 SOL/9', 'out 5000 SOL/9'])
    expect(seen.movements[1]?.proof).toMatchObject({ err: { InstructionError: [0, { Custom: 1 }] } })
  })

  it('shows tokens with the account that holds them, and SOL of the same wallet apart', async () => {
    const here = await scene()
    const { bed, wallet } = here
    const mint = bed.mint('USDC', 6)
    const other = bed.mint('EURC', 6)
    const USDC = { asset: 'USDC/6', token: mint }
    const start = await walk({ ...here, assets: [SOL, USDC] }, null)
    bed.mintTo(mint, wallet.address, 50n)
    bed.mintTo(other, wallet.address, 60n)
    bed.fund(wallet.address, 1_000_000n)
    bed.mintTo(mint, wallet.address, 7n)
    const seen = await walk({ ...here, assets: [SOL, USDC] }, start.cursor)
    expect(said(seen)).toEqual(['in 1000000 SOL/9', 'in 50 USDC/6', 'in 7 USDC/6'])
    expect(said(await walk({ ...here, assets: [SOL, USDC] }, null))).toEqual(said(seen))
    // An asset that joins later brings its own history.
    const joined = await walk({ ...here, assets: [SOL, USDC, { asset: 'EURC/6', token: other }] }, seen.cursor)
    expect(said(joined)).toEqual(['in 60 EURC/6'])
  })

  it('shows nothing that is not final', async () => {
    const here = await scene()
    const { cursor } = await walk(here, null)
    airdrop(here.bed.node.network, present(parseKey(here.wallet.address, 32), 'key'), 5_000_000n)
    here.bed.pass(5)
    expect(said(await walk(here, cursor))).toEqual([])
    here.bed.pass(5)
    expect(said(await walk(here, cursor))).toEqual(['in 5000000 SOL/9'])
  })

  it('walks a backlog of more than one page, oldest first, and goes on from any cursor', async () => {
    const here = await scene()
    const { bed, rail, wallet } = here
    const donor = await bed.wallet()
    bed.fund(donor.address, 10_000_000_000n)
    bed.fund(wallet.address, 1_000_000n)
    const { cursor: start } = await walk(here, null)
    const count = 1_100
    await bed.sendMany(donor, Array.from({ length: count }, (_, index) => bed.payout(wallet.address, BigInt(index + 1))))
    const units: bigint[] = []
    let cursor: string | null = start
    for (let calls = 1; ; calls += 1) {
      const ask = (): Promise<Incoming> => rail.incoming({ wallet, assets: [SOL], cursor, own: () => Promise.resolve(new Set()) })
      const incoming = await ask()
      // Interrupted before the cursor was kept: the same question has the same answer.
      if (calls % 5 === 0) expect((await ask()).movements).toEqual(incoming.movements)
      // What comes meanwhile waits for its turn.
      if (calls === 3) bed.fund(wallet.address, 77_777n)
      units.push(...incoming.movements.map((movement) => movement.units))
      cursor = incoming.cursor
      if (!incoming.more) break
    }
    expect(units).toEqual([...Array.from({ length: count }, (_, index) => BigInt(index + 1)), 77_777n])
  })

  it('loses and repeats nothing among nodes that lag, nodes that forget, and lost answers', async () => {
    const here = await scene()
    const { bed, rail, wallet } = here
    bed.knobs({ lagSlots: 100, forgetAfterSlots: 3 })
    bed.pass(120)
    const faulty = { lagRate: 0.3, forgetRate: 0.3, requestLossRate: 0.1, responseLossRate: 0.1 }
    const units: bigint[] = []
    let cursor: string | null = null
    for (let round = 1; round <= 60; round += 1) {
      bed.knobs({ lagRate: 0, forgetRate: 0, requestLossRate: 0, responseLossRate: 0 })
      if (round <= 40) bed.fund(wallet.address, 1_000_000n + BigInt(round))
      if (round > 40) bed.pass(20)
      bed.knobs(faulty)
      const incoming: Incoming | null = await rail.incoming({ wallet, assets: [SOL], cursor, own: () => Promise.resolve(new Set()) }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'rail_unavailable' })
        return null
      })
      if (incoming === null) continue
      units.push(...incoming.movements.map((movement) => movement.units))
      cursor = incoming.cursor
    }
    bed.knobs({ lagRate: 0, forgetRate: 0, requestLossRate: 0, responseLossRate: 0 })
    units.push(...(await walk(here, cursor)).movements.map((movement) => movement.units))
    expect(units).toEqual(Array.from({ length: 40 }, (_, index) => 1_000_001n + BigInt(index)))
  })

  it.for(['the first call', 'a call after an empty one'])('refuses a node that has forgotten where the money came from, at %s', async (when) => {
    const here = await scene()
    const start = when === 'the first call' ? null : (await walk(here, null)).cursor
    here.bed.fund(here.wallet.address, 5_000_000n)
    here.bed.fund(here.wallet.address, 6_000_000n)
    here.bed.pass(50)
    for (const forgetAfterSlots of [0, 55]) {
      here.bed.knobs({ forgetRate: 1, forgetAfterSlots })
      await expect(walk(here, start)).rejects.toThrow(Refusal)
    }
    here.bed.knobs({ forgetRate: 0 })
    expect(said(await walk(here, start))).toEqual(['in 5000000 SOL/9', 'in 6000000 SOL/9'])
  })

  it('refuses a node that lists a transaction and has no record of it', async () => {
    const here = await scene()
    here.bed.fund(here.wallet.address, 5_000_000n)
    here.bed.tamper((method, result) => (method === 'getTransaction' ? null : result))
    await expect(walk(here, null)).rejects.toMatchObject({ code: 'rail_unavailable' })
  })
})
