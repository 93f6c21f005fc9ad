// The rail's own local network as the shared code starts and funds it. What the network is stands in sandbox/; only money made of nothing
// passes here, never a real one.

import type { Lamports } from '@solana/kit'
import { z } from 'zod'
import { Refusal } from '../../core/refusal.ts'
import type { SandboxModule } from '../rail.ts'
import { toAddress } from './address.ts'
import { createClient } from './client.ts'
import { mustAnswer } from './connection.ts'
import { statuses } from './questions.ts'
import { startSandbox } from './sandbox/start.ts'

// A slot of the sandbox; an airdrop is final after nine.
const POLL_MS = 20
const POLLS = 1_000

export const sandboxModule: SandboxModule = {
  start: ({ directory, port }) => startSandbox({ directory, ...(port === undefined ? {} : { port }) }),
  fund: async (effects, url, { address, units }) => {
    const client = createClient(effects, url)
    const signature = await mustAnswer(client, {
      method: 'requestAirdrop',
      ask: (rpc) => rpc.requestAirdrop(toAddress(address), units as Lamports),
      answer: z.string(),
    })
    for (let poll = 0; poll < POLLS; poll += 1) {
      const [status] = (await mustAnswer(client, statuses([signature]))).statuses
      if (status?.confirmationStatus === 'finalized') return
      await effects.sleep(POLL_MS)
    }
    throw new Refusal('rail_unavailable', `The sandbox has not made ${units} lamports for ${address} final after ${POLLS * POLL_MS} ms.`, {
      rail: 'solana',
    })
  },
}
