// One connection of the rail: its node, and the few slow-moving facts it remembers for a while (rents, prices). Batches that are prepared
// or sent together ask together: a request costs both sides more than what it asks.

import { Refusal } from '../../core/refusal.ts'
import type { Effects } from '../../core/effects.ts'
import type { Address } from '@solana/kit'
import { gathered } from '../../core/gathered.ts'
import { createAddressBook, type AddressBook } from './address.ts'
import { createClient, type Answer, type Client, type Failure, type Question } from './client.ts'
import { MAX_COMPUTE_UNIT_PRICE } from './draft.ts'
import { MAX_ACCOUNTS, accounts, genesisHash, latestBlockhash, recentPrices, rentExemption, sendPacket, type Account } from './questions.ts'

/** What the network shows at some addresses, all of it final and from one node, with a blockhash whose slot is final too. */
export type Seen = {
  readonly blockhash: string
  readonly lastValidBlockHeight: bigint
  readonly slot: bigint
  readonly genesis: string
  readonly account: (address: string) => Account | null
}

export type Connection = {
  readonly client: Client
  readonly book: AddressBook
  /** Balances are not older than what was seen final: money would show that is spent. */
  readonly see: (addresses: readonly Address[]) => Promise<Answer<Seen>>
  /** Hands a packet to the network; answers the name that the node gives the transaction. */
  readonly send: (packet: Uint8Array) => Promise<Answer<string>>
  /** Lamports below which an account of this many bytes cannot be. */
  readonly rent: (space: bigint) => Promise<Answer<bigint>>
  /** Micro-lamports a compute unit that a message should offer now. */
  readonly price: () => Promise<bigint>
  /** The newest slot known to be final. A node that has not reached it would show money that is spent already. */
  readonly finalSlot: () => bigint
  readonly sawFinal: (slot: bigint) => void
}

// Rents change by a vote of the network, months ahead; prices within seconds.
const RENT_LIFE_MS = 600_000
const PRICE_LIFE_MS = 10_000

// Nodes take requests of 50 kB: an address has 47 bytes there, a packet 1.8 kB. Some count the questions of a request.
const MAX_SEEN = 400
const MAX_BATCHES_SEEN = 32
const MAX_PACKETS = 16
const REQUESTS_AT_ONCE = 32

export function openConnection(effects: Effects, url: string): Connection {
  const client = createClient(effects, url)
  const rents = new Map<bigint, () => Promise<Answer<bigint>>>()
  const prices = remembered(effects, PRICE_LIFE_MS, () => client.ask(recentPrices()))
  let finalSlot = 0n
  return {
    client,
    book: createAddressBook(),
    see: gathered<readonly Address[], Answer<Seen>>(
      async (asked) => {
        const seen = await seeAll(client, [...new Set(asked.flat())], finalSlot)
        return asked.map(() => seen)
      },
      { most: MAX_BATCHES_SEEN, atOnce: REQUESTS_AT_ONCE, heaviest: MAX_SEEN, weigh: ({ length }) => length },
    ),
    send: gathered<Uint8Array, Answer<string>>(async (packets) => await client.askEach(packets.map((packet) => sendPacket(packet))), {
      most: MAX_PACKETS,
      atOnce: REQUESTS_AT_ONCE,
      heaviest: MAX_PACKETS,
      weigh: () => 1,
    }),
    rent: (space) => {
      const known = rents.get(space)
      if (known !== undefined) return known()
      const ask = remembered(effects, RENT_LIFE_MS, () => client.ask(rentExemption(space)))
      rents.set(space, ask)
      return ask()
    },
    price: async () => {
      const answer = await prices()
      // Without an answer the message offers nothing above the base fee: late at worst, and then signed anew.
      return answer.ok ? priceToOffer(answer.value) : 0n
    },
    finalSlot: () => finalSlot,
    sawFinal: (slot) => {
      if (slot > finalSlot) finalSlot = slot
    },
  }
}

/** In one request, since what two nodes show does not add up. */
async function seeAll(client: Client, addresses: readonly Address[], least: bigint): Promise<Answer<Seen>> {
  const groups = Array.from({ length: Math.ceil(addresses.length / MAX_ACCOUNTS) }, (_, index) => addresses.slice(index * MAX_ACCOUNTS, (index + 1) * MAX_ACCOUNTS))
  const asked = await client.askTogether(latestBlockhash(), genesisHash(), ...groups.map((group) => accounts(group, least)))
  if (!asked.ok) return asked
  const [hash, genesis, ...shown] = asked.value
  const found = new Map<string, Account | null>()
  for (const [index, { slot, accounts: there }] of shown.entries()) {
    // A node that does not know the question for a least slot answers all the same.
    if (slot < least) return { ok: false, refused: false, reason: `the node shows slot ${slot}, and ${least} is final`, error: null }
    for (const [place, address] of (groups[index] ?? []).entries()) found.set(address, there[place] ?? null)
  }
  return { ok: true, value: { ...hash, genesis, account: (address) => found.get(address) ?? null } }
}

/** The price that three quarters of the recent blocks let in, within what the signer signs. */
export function priceToOffer(recent: readonly bigint[]): bigint {
  const sorted = recent.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0))
  const price = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * 3) / 4))] ?? 0n
  return price > MAX_COMPUTE_UNIT_PRICE ? MAX_COMPUTE_UNIT_PRICE : price
}

/** Keeps a given answer for a while, and asks once for all who want it meanwhile; failures are asked again each time. */
function remembered<T>(effects: Effects, lifeMs: number, ask: () => Promise<Answer<T>>): () => Promise<Answer<T>> {
  let kept: { readonly answer: Answer<T>; readonly until: number } | null = null
  let asking: Promise<Answer<T>> | null = null
  const askNow = async (): Promise<Answer<T>> => {
    const now = effects.now().epochMilliseconds
    try {
      const answer = await ask()
      kept = answer.ok ? { answer, until: now + lifeMs } : null
      return answer
    } finally {
      asking = null
    }
  }
  return async () => (kept !== null && effects.now().epochMilliseconds < kept.until ? kept.answer : await (asking ??= askNow()))
}

/** For the questions whose answers have no state of their own: refuses `rail_unavailable` when the node gives none. */
export async function mustAnswer<T>(client: Client, question: Question<T>): Promise<T> {
  const answer = await client.ask(question)
  if (!answer.ok) throw unavailable(answer)
  return answer.value
}

export function unavailable({ reason }: Pick<Failure, 'reason'>): Refusal {
  return new Refusal('rail_unavailable', `The Solana node gives no usable answer (${reason}). Try again later.`, { rail: 'solana', reason })
}
