// One connection of the rail: its node, and the few slow-moving facts it remembers for a while (rents, prices).

import { Refusal } from '../../core/refusal.ts'
import type { Effects } from '../../core/effects.ts'
import { createAddressBook, type AddressBook } from './address.ts'
import { createClient, type Answer, type Client, type Failure, type Question } from './client.ts'
import { MAX_COMPUTE_UNIT_PRICE } from './draft.ts'
import { recentPrices, rentExemption } from './questions.ts'

export type Connection = {
  readonly client: Client
  readonly book: AddressBook
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

export function openConnection(effects: Effects, url: string): Connection {
  const client = createClient(effects, url)
  const rents = new Map<bigint, () => Promise<Answer<bigint>>>()
  const prices = remembered(effects, PRICE_LIFE_MS, () => client.ask(recentPrices()))
  let finalSlot = 0n
  return {
    client,
    book: createAddressBook(),
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

/** The price that three quarters of the recent blocks let in, within what the signer signs. */
export function priceToOffer(recent: readonly bigint[]): bigint {
  const sorted = recent.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0))
  const price = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * 3) / 4))] ?? 0n
  return price > MAX_COMPUTE_UNIT_PRICE ? MAX_COMPUTE_UNIT_PRICE : price
}

/** Keeps a given answer for a while; failures are asked again each time. */
function remembered<T>(effects: Effects, lifeMs: number, ask: () => Promise<Answer<T>>): () => Promise<Answer<T>> {
  let kept: { readonly answer: Answer<T>; readonly until: number } | null = null
  return async () => {
    const now = effects.now().epochMilliseconds
    if (kept !== null && now < kept.until) return kept.answer
    const answer = await ask()
    kept = answer.ok ? { answer, until: now + lifeMs } : null
    return answer
  }
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
