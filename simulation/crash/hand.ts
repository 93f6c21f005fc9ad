// The network's own hand over its protocol: money made of nothing, asked for again when the network died before it was final.

import { rpc, type Node } from '../chain.ts'
import { pause } from '../process.ts'

const LOOK_MS = 100
/** Slots after which what is not final never will be, in looks. */
const LOOKS = 60

/** Gives units to an address, of a token or (`mint` null) of the network's own coin. May come twice where the network died just then. */
export async function landed(node: Node, { mint, address, units }: { readonly mint: string | null; readonly address: string; readonly units: bigint }): Promise<void> {
  for (;;) {
    try {
      const signature =
        mint === null
          ? await rpc<string>(node, 'requestAirdrop', [address, Number(units)])
          : (await rpc<{ signature: string }>(node, 'sandbox_mintTo', [{ mint, owner: address, amount: units.toString() }])).signature
      if (await isFinal(node, signature)) return
    } catch {
      // It is being started again.
      await pause(LOOK_MS)
    }
  }
}

async function isFinal(node: Node, signature: string): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    const { value } = await rpc<{ value: readonly ({ confirmationStatus: string } | null)[] }>(node, 'getSignatureStatuses', [[signature]])
    if (value[0]?.confirmationStatus === 'finalized') return true
    await pause(LOOK_MS)
  }
  return false
}
