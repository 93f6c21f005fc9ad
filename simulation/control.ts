// The control: the usual sender on the network of the simulation, under its faults. It signs, sends, waits, and when it heard an error or saw
// nothing in time it signs and sends again. It must pay twice: were it to pay once as well, the faults would prove nothing of ours.
// `node simulation/control.ts [--seeds 40] [--seed 0]` runs it beside histories of these seeds, and ends with 1 should it pay nobody twice.

import { parseArgs } from 'node:util'
import { present } from '../src/core/assert.ts'
import type { RailPayout, RailWallet } from '../src/rails/rail.ts'
import { CALM, type KnobSettings } from '../src/rails/solana/sandbox/knobs.ts'
import { openTestbed, SLOTS_TO_EXPIRY, SOL, type Testbed } from '../src/rails/solana/testbed.ts'
import type { HistoryPlan } from './history.ts'
import { randomOf } from './random.ts'
import { createFaults } from './world/faults.ts'
import { firstKnobs } from './world/weather.ts'

/** What came of a run. `lost`: the sender was told that it arrived, or gave up, and it never did. */
export type Control = { readonly payouts: number; readonly paidTwice: number; readonly lost: number }

export type ControlFaults = { readonly knobs: KnobSettings; /** Requests that arrive after their sender gave up waiting. */ readonly lateRate: number }

const PAYOUTS = 40
const UNITS = 1_000_000n
const FUNDS = 100_000_000_000n
/** As long as usual code waits for a confirmation: 30 s, of the 60 s that a transaction may still land in. */
const PATIENCE_SLOTS = 75
const POLL_SLOTS = 15
/** It gives up after so many tries, as usual code does. */
const TRIES = 8
/** A late request arrives within this, which is more than the sender's patience and less than its transaction's life. */
const LATEST_SLOTS = 120

/** The network's faults of a history of that seed: the same rates and the same knobs, drawn in the same way. */
export function controlFaultsOf(seed: number, plan: HistoryPlan = {}): ControlFaults {
  const random = randomOf(`history ${seed}`)
  const faults = createFaults(random.fork('faults'), plan)
  const knobs = firstKnobs(faults, random.fork('knobs'))
  // Who waits no longer for an answer has lost it.
  const lost = Math.min(1, (knobs.responseLossRate ?? 0) + faults.rate('rpc answer late'))
  return { knobs: { ...knobs, responseLossRate: lost }, lateRate: faults.rate('rpc request late') }
}

/** The control beside several histories, added up. */
export async function runControls(seeds: readonly number[], faults?: ControlFaults): Promise<Control> {
  const sum = { payouts: 0, paidTwice: 0, lost: 0 }
  for (const seed of seeds) {
    const { payouts, paidTwice, lost } = await runControl(seed, faults)
    sum.payouts += payouts
    sum.paidTwice += paidTwice
    sum.lost += lost
  }
  return sum
}

/** Pays forty people on a network with the faults of that seed, or with these, and says how it went by the network's own books. */
export async function runControl(seed: number, { knobs, lateRate }: ControlFaults = controlFaultsOf(seed)): Promise<Control> {
  const bed = openTestbed({ seed: `control ${seed}` })
  try {
    const wallet = await bed.wallet()
    bed.fund(wallet.address, FUNDS)
    const payouts: RailPayout[] = []
    for (let index = 0; index < PAYOUTS; index += 1) payouts.push(bed.payout(await bed.address(), UNITS))
    // Lagging nodes have something to be behind of.
    bed.knobs({ lagSlots: knobs.lagSlots ?? 0 })
    bed.pass(SLOTS_TO_EXPIRY)
    bed.knobs(knobs)
    const wire = lateWire(bed, lateRate)
    for (const payout of payouts) await sendUntilSeen(bed, wire, { wallet, payout })
    bed.knobs(CALM)
    wire.pass(SLOTS_TO_EXPIRY)
    return await countPaid(bed, payouts)
  } finally {
    bed.close()
  }
}

type Wire = { readonly ask: (method: string, ...params: readonly unknown[]) => Promise<unknown>; readonly pass: (slots: number) => void }

/** The way to the network; what is late on it arrives while slots pass, whoever waits for it. */
function lateWire({ effects, node, pass, direct }: Testbed, lateRate: number): Wire {
  const late: { readonly atSlot: number; readonly body: string }[] = []
  const chance = (): number => present(effects.random(1)[0], 'random byte') / 256
  return {
    ask: async (method, ...params) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      if (lateRate > 0 && chance() < lateRate) {
        late.push({ atSlot: node.network.slot + Math.ceil(chance() * LATEST_SLOTS), body })
        throw new TypeError('timed out')
      }
      const answer = (await (await effects.fetch('http://sandbox', { method: 'POST', body })).json()) as { readonly result?: unknown; readonly error?: unknown }
      if (answer.result === undefined) throw new Error(`${method} was answered with ${JSON.stringify(answer.error)}`)
      return answer.result
    },
    pass: (slots) => {
      for (let made = 0; made < slots; made += 1) {
        pass(1)
        for (const request of late.splice(0)) {
          if (request.atSlot > node.network.slot) late.push(request)
          else direct('http://sandbox', { method: 'POST', body: request.body }).catch(() => {})
        }
      }
    },
  }
}

/** The usual code: an error is a failure, silence is a failure, and after a failure one tries again. */
async function sendUntilSeen(bed: Testbed, wire: Wire, { wallet, payout }: { readonly wallet: RailWallet; readonly payout: RailPayout }): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      const { value } = (await wire.ask('getLatestBlockhash')) as { readonly value: { readonly blockhash: string } }
      const { identity, bytes } = await bed.signer(wallet, [payout])([payout.id], draftOf(value.blockhash, bed.effects.id()))
      await wire.ask('sendTransaction', Buffer.from(bytes).toString('base64'), { encoding: 'base64', skipPreflight: true })
      for (let waited = 0; waited < PATIENCE_SLOTS; waited += POLL_SLOTS) {
        wire.pass(POLL_SLOTS)
        const seen = (await wire.ask('getSignatureStatuses', [identity])) as { readonly value: readonly ({ readonly err: unknown; readonly confirmationStatus: string } | null)[] }
        const status = seen.value[0] ?? null
        if (status !== null && status.confirmationStatus !== 'processed' && status.err === null) return
      }
    } catch {
      // It went wrong, so it did not happen: that is the fault which this sender is kept for.
      wire.pass(POLL_SLOTS)
    }
  }
}

function draftOf(blockhash: string, attempt: string) {
  return { blockhash, lastValidBlockHeight: '1', computeUnitLimit: '60000', computeUnitPrice: '0', createTokenAccounts: [], memo: `apportion:${attempt}:${'0'.repeat(32)}` }
}

async function countPaid(bed: Testbed, payouts: readonly RailPayout[]): Promise<Control> {
  const rail = bed.connect()
  const got: bigint[] = []
  for (const { destination } of payouts) got.push(await rail.balance({ id: '', address: destination['address'] as string }, SOL))
  return { payouts: payouts.length, paidTwice: got.filter((units) => units > UNITS).length, lost: got.filter((units) => units < UNITS).length }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seeds: { type: 'string', default: '40' }, seed: { type: 'string', default: '0' } } })
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.seed) + index)
  const { payouts, paidTwice, lost } = await runControls(seeds)
  process.stdout.write(`the usual sender, under the faults of ${seeds.length} seeds: ${paidTwice} of ${payouts} payouts paid twice, ${lost} lost\n`)
  process.exitCode = paidTwice > 0 ? 0 : 1
}
