// The network without a socket: for a host that runs it in its own process, with its own time.
import { afterEach, describe, expect, it } from 'vitest'
import { createSolanaRpcFromTransport, type RpcTransport } from '@solana/kit'
import { hashOf } from './history.ts'
import { sandboxFetch } from './server.ts'
import { textOf } from './bytes.ts'
import { mintKeyOf } from './own-keys.ts'
import { ask, openTestbed, rawTransfer, type Testbed } from './testbed.ts'

const beds: Testbed[] = []
afterEach(async () => {
  for (const bed of beds.splice(0)) await bed.close()
})

async function opened(...options: Parameters<typeof openTestbed>): Promise<Testbed> {
  const bed = await openTestbed(...options)
  beds.push(bed)
  return bed
}

describe('the network behind a fetch function', () => {
  it('serves Solana\'s client, waits by the host\'s clock, and fails as a real connection does', async () => {
    const bed = await opened()
    const slept: number[] = []
    const reach = sandboxFetch({ node: bed.node, sleep: async (ms) => { slept.push(ms) }, onCrash: () => bed.crash() })
    const transport = async ({ payload }: { readonly payload: unknown }): Promise<unknown> => (
      (await reach('http://sandbox', { method: 'POST', body: JSON.stringify(payload) })).json()
    )
    const rpc = createSolanaRpcFromTransport(transport as RpcTransport)
    expect(Number(await rpc.getSlot().send())).toBe(bed.node.network.slot)
    await bed.call('sandbox_setKnobs', { responseDelayMs: [40, 40] })
    await rpc.getHealth().send()
    expect(slept).toEqual([40])
    await bed.call('sandbox_setKnobs', { responseDelayMs: [0, 0], requestLossRate: 1 })
    await expect(rpc.getHealth().send()).rejects.toThrow(TypeError)
    await bed.call('sandbox_setKnobs', { requestLossRate: 0, crashRate: 1 })
    await expect(rpc.getHealth().send()).rejects.toThrow('fetch failed')
    expect(await rpc.getHealth().send()).toBe('ok')
    expect(bed.node.network.counters).toMatchObject({ crashes: 1, restarts: 1 })
    expect((await reach('http://sandbox', { method: 'POST', body: ' '.repeat(60_000) })).status).toBe(413)
  })
})

describe('a network of one seed', () => {
  it('has the same history whenever the same is done to it', async () => {
    const histories = await Promise.all(['a', 'a', 'b'].map(async (seed) => {
      const bed = await opened({
        seed, knobs: { transactionDropRate: 0.3, inclusionDelaySlots: [0, 5], reorgRate: 0.1, reorgSlots: 4, lagRate: 0.3, lagSlots: 9 },
      })
      const payer = mintKeyOf('', 'payer')
      const said: unknown[] = []
      for (let round = 0; round < 30; round += 1) {
        if (round % 10 === 0) ask(bed, 'requestAirdrop', textOf(payer.key), 1e10)
        const { wire } = rawTransfer(payer, mintKeyOf('', `${round}`).key, 1_000_000n, hashOf(bed.node.network, bed.node.network.slot))
        said.push(ask(bed, 'sendTransaction', Buffer.from(wire).toString('base64'), { encoding: 'base64', skipPreflight: true }))
        bed.slots(3)
        said.push(ask(bed, 'getLatestBlockhash'))
        if (round === 20) bed.crash()
      }
      return JSON.stringify([said, bed.node.network.counters])
    }))
    expect(histories[0]).toBe(histories[1])
    expect(histories[0]).not.toBe(histories[2])
  })
})
