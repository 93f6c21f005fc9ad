// The faults that the proof of "once" rests on, as data: what a caller meets with each of them, and without it. A knob that did nothing would make
// every payment through it look safe; one that is in no row fails the last test.

import { afterEach, describe, expect, it } from 'vitest'
import { present } from '../../../core/assert.ts'
import type { RailAttempt, RailPayout, RailWallet } from '../../rail.ts'
import { openTestbed, SLOTS_TO_EXPIRY, SLOTS_TO_FINAL, type Testbed } from '../testbed.ts'
import { CALM, type Counters, type KnobSettings } from './knobs.ts'

type Scene = {
  readonly bed: Testbed
  /** Turns the fault on; nothing where the caller is spared. */
  readonly strike: () => void
  readonly calm: () => void
  readonly wallet: RailWallet
  readonly attempt: (units?: bigint) => Promise<RailAttempt>
  /** `accepted`, or `in doubt` whatever the sender heard in its place. */
  readonly send: (attempt: RailAttempt) => Promise<string>
  /** `unseen`, `seen`, `final` or `failed`, by the network's own books. */
  readonly fate: (attempt: RailAttempt) => Promise<string>
}

type Fault = {
  readonly fault: string
  readonly knobs: KnobSettings
  /** What must have counted it. */
  readonly counter: keyof Counters | null
  /** What happens to whoever does this, in words. */
  readonly meet: (scene: Scene) => Promise<string>
  readonly with: string
  readonly without: string
}

const beds: Testbed[] = []
afterEach(() => {
  for (const bed of beds.splice(0)) bed.close()
})

async function sceneOf(knobs: KnobSettings | null): Promise<Scene> {
  const bed = openTestbed({ seed: 'faults' })
  beds.push(bed)
  const wallet = await bed.wallet()
  bed.fund(wallet.address, 10_000_000_000n)
  // Old states are kept from now on, for nodes that lag.
  bed.knobs({ lagSlots: 100 })
  bed.pass(120)
  const calm = (): void => bed.knobs({ ...CALM, lagSlots: 100 })
  const rail = bed.connect()
  return {
    ...{ bed, wallet, calm },
    strike: () => (knobs === null ? undefined : bed.knobs(knobs)),
    attempt: async (units = 1_000_000n) => {
      const payouts: readonly RailPayout[] = [bed.payout(await bed.address(), units)]
      const prepared = await rail.prepare(bed.preparation(wallet, payouts))
      if (prepared.state !== 'prepared') throw new Error(`it was not prepared: ${prepared.state}`)
      return prepared.attempt
    },
    send: async (attempt) => ((await rail.submit(attempt)).state === 'accepted' ? 'accepted' : 'in doubt'),
    fate: async ({ identity }) => {
      calm()
      const status = await statusOf(bed, identity)
      if (status === null) return 'unseen'
      return status.err === null ? (status.confirmationStatus === 'finalized' ? 'final' : 'seen') : 'failed'
    },
  }
}

type Status = { readonly slot: number; readonly err: unknown; readonly confirmationStatus: string } | null

async function ask<T>({ effects }: Testbed, method: string, ...params: readonly unknown[]): Promise<T> {
  const response = await effects.fetch('http://sandbox', { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
  const { result, error } = (await response.json()) as { readonly result?: T; readonly error?: { readonly code: number } }
  if (error !== undefined) throw new Error(`error ${error.code}`)
  return result as T
}

async function statusOf(bed: Testbed, identity: string): Promise<Status> {
  return (await ask<{ readonly value: readonly Status[] }>(bed, 'getSignatureStatuses', [identity], { searchTransactionHistory: true })).value[0] ?? null
}

/** Sends once under the fault, and says what the sender heard and what became of it after `slots`. */
const sendAndSee = (slots = SLOTS_TO_FINAL) => async ({ bed, strike, attempt, send, fate }: Scene): Promise<string> => {
  const one = await attempt()
  strike()
  const heard = await send(one)
  bed.pass(slots)
  return `${heard}; ${await fate(one)}`
}

/** Sends several one after the other, each in a request of its own, lets time and slots pass, and says whether blocks hold them in the order in which they were sent. */
async function sendSeveral({ bed, strike, calm, attempt, send }: Scene): Promise<string> {
  const attempts: RailAttempt[] = []
  for (let count = 0; count < 8; count += 1) attempts.push(await attempt(1_000_000n + BigInt(count)))
  strike()
  const sent: Promise<unknown>[] = []
  for (let moment = 0; moment < 30; moment += 1) {
    if (moment < attempts.length) sent.push(send(present(attempts[moment], 'attempt')))
    await new Promise(setImmediate)
    bed.clock.elapse(20)
    bed.pass(1)
  }
  await Promise.all(sent)
  calm()
  bed.pass(SLOTS_TO_FINAL)
  const slots: number[] = []
  for (const { identity } of attempts) slots.push(present(await statusOf(bed, identity), 'status').slot)
  return slots.every((slot, index) => index === 0 || slot >= (slots[index - 1] ?? 0)) ? 'in order' : 'in another order'
}

const FAULTS: readonly Fault[] = [
  {
    fault: 'a request is lost',
    knobs: { requestLossRate: 1 },
    counter: 'requestsLost',
    meet: sendAndSee(),
    with: 'in doubt; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'an answer is lost',
    knobs: { responseLossRate: 1 },
    counter: 'responsesLost',
    meet: sendAndSee(),
    with: 'in doubt; final',
    without: 'accepted; final',
  },
  {
    fault: 'a transaction is dropped',
    knobs: { transactionDropRate: 1 },
    counter: 'transactionsDropped',
    meet: sendAndSee(),
    with: 'accepted; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'a transaction is taken in and its sender told an error',
    knobs: { acceptThenErrorRate: 1 },
    counter: 'acceptedThenErrored',
    meet: sendAndSee(),
    with: 'in doubt; final',
    without: 'accepted; final',
  },
  {
    fault: 'requests are limited',
    knobs: { requestsPerSlot: 0 },
    counter: 'requestsLimited',
    meet: sendAndSee(),
    with: 'in doubt; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'fees rise',
    knobs: { minimumPriorityFee: 900_000 },
    counter: 'transactionsUnderpriced',
    meet: sendAndSee(),
    with: 'accepted; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'blocks take a transaction in late',
    knobs: { inclusionDelaySlots: [30, 30] },
    counter: 'inclusionsDelayed',
    meet: sendAndSee(),
    with: 'accepted; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'blocks take a transaction in after its life',
    knobs: { inclusionDelaySlots: [180, 180] },
    counter: 'transactionsExpired',
    meet: sendAndSee(SLOTS_TO_EXPIRY),
    with: 'accepted; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'the network forks by itself',
    knobs: { reorgRate: 1, reorgSlots: 7 },
    counter: 'transactionsReorged',
    meet: forked,
    with: 'unseen',
    without: 'final',
  },
  {
    fault: 'a request arrives twice',
    knobs: { requestDuplicationRate: 1 },
    counter: 'requestsDuplicated',
    meet: countTaken,
    with: 'taken in 2 times, paid once',
    without: 'taken in 1 times, paid once',
  },
  {
    fault: 'a request arrives late',
    knobs: { requestDelayMs: [200, 200] },
    counter: 'requestsDelayed',
    meet: watchArrival,
    with: 'not there, then there',
    without: 'there, then there',
  },
  {
    fault: 'an answer arrives late',
    knobs: { responseDelayMs: [200, 200] },
    counter: 'responsesDelayed',
    meet: watchAnswer,
    with: 'no answer yet, then accepted',
    without: 'accepted',
  },
  {
    fault: 'later requests overtake earlier ones',
    knobs: { requestDelayMs: [0, 400] },
    counter: 'requestsDelayed',
    meet: sendSeveral,
    with: 'in another order',
    without: 'in order',
  },
  {
    fault: 'later transactions overtake earlier ones',
    knobs: { inclusionDelaySlots: [0, 10] },
    counter: 'inclusionsDelayed',
    meet: sendSeveral,
    with: 'in another order',
    without: 'in order',
  },
  {
    fault: 'a node has forgotten',
    knobs: { forgetRate: 1, forgetAfterSlots: 10 },
    counter: 'requestsForgetful',
    meet: asked,
    with: 'no status, history begins later',
    without: 'a status, history from before',
  },
  {
    fault: 'a node is behind',
    knobs: { lagRate: 1, lagSlots: 100 },
    counter: 'requestsLagging',
    meet: asked,
    with: 'no status, history from before',
    without: 'a status, history from before',
  },
  {
    fault: 'a node dies of a request',
    knobs: { crashRate: 1 },
    counter: 'crashes',
    meet: sendAndSee(),
    with: 'in doubt; unseen',
    without: 'accepted; final',
  },
  {
    fault: 'a node is started again without its history',
    knobs: { crashRate: 1, onRestart: 'forget_history' },
    counter: 'historiesForgotten',
    meet: diedAfter,
    with: 'no status, history begins later, the same network',
    without: 'a status, history from before, the same network',
  },
  {
    fault: 'a network is made anew',
    knobs: { crashRate: 1, onRestart: 'forget_everything' },
    counter: 'historiesForgotten',
    meet: diedAfter,
    with: 'no status, history from before, another network',
    without: 'a status, history from before, the same network',
  },
]

async function forked({ bed, strike, attempt, send, fate }: Scene): Promise<string> {
  const one = await attempt()
  await send(one)
  bed.pass(2)
  strike()
  bed.pass(1)
  bed.knobs({ reorgRate: 0 })
  bed.pass(SLOTS_TO_FINAL)
  return await fate(one)
}

async function countTaken({ bed, strike, attempt, send, calm }: Scene): Promise<string> {
  const one = await attempt()
  const before = bed.counters().transactionsAccepted
  strike()
  await send(one)
  const taken = bed.counters().transactionsAccepted - before
  calm()
  const landed = bed.counters().transactionsLanded
  bed.pass(SLOTS_TO_FINAL)
  return `taken in ${taken} times, paid ${bed.counters().transactionsLanded - landed === 1 ? 'once' : 'otherwise'}`
}

async function watchArrival({ bed, strike, attempt, send }: Scene): Promise<string> {
  const one = await attempt()
  const before = bed.counters().transactionsAccepted
  const there = (): string => (bed.counters().transactionsAccepted > before ? 'there' : 'not there')
  strike()
  const sent = send(one)
  await new Promise(setImmediate)
  const first = there()
  bed.clock.elapse(200)
  await sent
  return `${first}, then ${there()}`
}

async function watchAnswer({ bed, strike, attempt, send }: Scene): Promise<string> {
  const one = await attempt()
  const heard: string[] = []
  strike()
  const sent = send(one).then((answer) => heard.push(answer))
  await new Promise(setImmediate)
  const first = heard.length === 0 ? 'no answer yet, then ' : ''
  bed.clock.elapse(200)
  await sent
  return `${first}${heard.join()}`
}

async function memoryOf(bed: Testbed, { identity }: RailAttempt, slot: number): Promise<string> {
  const status = await statusOf(bed, identity)
  const first = await ask<number>(bed, 'getFirstAvailableBlock')
  return `${status === null ? 'no status' : 'a status'}, history ${first > slot ? 'begins later' : 'from before'}`
}

async function asked({ bed, strike, attempt, send }: Scene): Promise<string> {
  const one = await attempt()
  const { slot } = bed.node.network
  await send(one)
  bed.pass(40)
  strike()
  return await memoryOf(bed, one, slot)
}

async function diedAfter({ bed, strike, calm, attempt, send }: Scene): Promise<string> {
  const one = await attempt()
  const { slot } = bed.node.network
  const network = await ask<string>(bed, 'getGenesisHash')
  await send(one)
  bed.pass(SLOTS_TO_FINAL)
  strike()
  await ask(bed, 'getHealth').catch(() => {})
  calm()
  return `${await memoryOf(bed, one, slot)}, ${(await ask<string>(bed, 'getGenesisHash')) === network ? 'the same network' : 'another network'}`
}

describe('a fault of the network', () => {
  it.each(FAULTS)('$fault: $with', async ({ knobs, counter, meet, with: expected }) => {
    const scene = await sceneOf(knobs)
    expect(await meet(scene)).toBe(expected)
    if (counter !== null) expect(scene.bed.counters()[counter]).toBeGreaterThan(0)
  })

  it.each(FAULTS)('is not there without its knob: $fault', async ({ counter, meet, without }) => {
    const scene = await sceneOf(null)
    expect(await meet(scene)).toBe(without)
    if (counter !== null) expect(scene.bed.counters()[counter]).toBe(0)
  })

  it('has a row for each knob', () => {
    const turned = new Set(FAULTS.flatMap(({ knobs }) => Object.keys(knobs)))
    expect(Object.keys(CALM).filter((knob) => !turned.has(knob))).toEqual([])
  })
})

describe('what no knob is needed for', () => {
  it('a transaction that is sent after its life is taken in and never seen', async () => {
    const { bed, attempt, send, fate } = await sceneOf(null)
    const one = await attempt()
    bed.pass(SLOTS_TO_EXPIRY)
    expect(await send(one)).toBe('accepted')
    bed.pass(SLOTS_TO_FINAL)
    expect(await fate(one)).toBe('unseen')
  })

  it('a wallet that was emptied after it signed pays nothing, and a fee where it still can', async () => {
    const { bed, wallet, attempt, send, fate } = await sceneOf(null)
    const one = await attempt(5_000_000_000n)
    await bed.transfer(wallet, await bed.address(), 9_000_000_000n)
    await send(one)
    bed.pass(SLOTS_TO_FINAL)
    expect(await fate(one)).toBe('failed')
  })

  it('an account that was frozen after it was signed for takes nothing, and takes it when it is thawed', async () => {
    const { bed, wallet } = await sceneOf(null)
    const mint = bed.mint('USDC', 6)
    const asset = { asset: 'USDC/6', token: mint } as const
    const recipient = await bed.address()
    bed.mintTo(mint, wallet.address, 1_000n)
    bed.mintTo(mint, recipient, 1n)
    const rail = bed.connect()
    const outcomes: string[] = []
    for (const frozen of [true, false]) {
      const payouts = [bed.payout(recipient, 10n, asset)]
      bed.freeze(mint, recipient, false)
      const prepared = await rail.prepare(bed.preparation(wallet, payouts))
      bed.freeze(mint, recipient, frozen)
      if (prepared.state !== 'prepared') throw new Error(`it was not prepared: ${prepared.state}`)
      await rail.submit(prepared.attempt)
      bed.pass(SLOTS_TO_FINAL)
      const [look] = await rail.look([{ attempt: prepared.attempt, wallet, payouts }])
      outcomes.push(look?.state === 'failed' ? `failed, ${look.member?.hold}` : (look?.state ?? 'nothing'))
    }
    expect(outcomes).toEqual(['failed, frozen', 'settled'])
  })
})
