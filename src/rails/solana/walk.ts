// Walks the transactions that name an address, from the last one given out to the newest, oldest first, without a gap or a repetition.
// A node lists them newest first in pages of a thousand, so a long backlog is walked back page by page; where the walk stands is in the
// state, and an interrupted walk goes on. Never takes a node's silence for the end of history.

import { toAddress } from './address.ts'
import type { Connection } from './connection.ts'
import { unavailable } from './connection.ts'
import {
  MAX_SIGNATURES, finalizedBlock, firstAvailableBlock, mentions, statuses, type Mention,
} from './questions.ts'

export type WalkState = {
  /** The newest transaction given out: everything up to it was given out. */
  readonly newest: string | null
  /** A slot when the address had no transactions yet, as text. */
  readonly emptyAt: string | null
  /** Transactions newer than `newest` at which pages of the walk ended or were cut, the oldest last. */
  readonly walked: readonly string[]
}

export const WALK_START: WalkState = { newest: null, emptyAt: null, walked: [] }

/** The next transactions, oldest first, and the state after them. */
export type Stretch = {
  readonly mentions: readonly Mention[]
  readonly state: WalkState
  readonly more: boolean
  /** The stretch begins the address' history, as far as the node can tell: what stood on it before must have been nothing. */
  readonly begins: boolean
}

// One call walks ten thousand transactions back at most, then says where it stands.
const PAGES_AT_ONCE = 10
// 90 kB of cursor. Beyond it the newest page ends are dropped, and walked again later.
const PAGE_ENDS_KEPT = 1_000
// Each is looked up, so that a call stays below a few seconds.
const MENTIONS_AT_ONCE = 64

/** Refuses `rail_unavailable` when the node's history has a gap: nothing is given out then, and the state stays. */
export async function walkOn(connection: Connection, address: string, start: WalkState): Promise<Stretch> {
  let state = start
  // Set when nothing is left below the last page end: the page above it is then the oldest, however full.
  let floorFound = false
  for (let pages = 0; pages < PAGES_AT_ONCE; pages += 1) {
    // Each page starts where the one before ended.
    const page = await listPage(connection, address, state)
    const oldest = page.mentions.at(-1)
    if (page.mentions.length === MAX_SIGNATURES && oldest !== undefined && !floorFound) {
      state = { ...state, walked: [...state.walked, oldest.signature].slice(-PAGE_ENDS_KEPT) }
      continue
    }
    if (oldest === undefined && state.walked.length > 0) {
      state = { ...state, walked: state.walked.slice(0, -1) }
      floorFound = true
      continue
    }
    return emit(page, state)
  }
  return { mentions: [], state, more: true, begins: false }
}

type Page = { readonly mentions: readonly Mention[]; readonly slot: bigint }

function emit({ mentions: page, slot }: Page, state: WalkState): Stretch {
  const oldestFirst = page.toReversed()
  const given = oldestFirst.slice(0, MENTIONS_AT_ONCE)
  const newest = given.at(-1)
  if (newest === undefined) {
    // Nothing new. An address without any history gets a mark from which its history must be whole.
    const emptyAt = state.newest === null ? (state.emptyAt ?? slot.toString()) : null
    return { mentions: [], state: { ...state, emptyAt }, more: false, begins: state.newest === null && state.emptyAt === null }
  }
  const done = given.length === page.length
  // The rest of the page is cut into stretches, so that the next calls list only what they give out.
  const cuts = oldestFirst.filter((_, index) => index > MENTIONS_AT_ONCE && index % MENTIONS_AT_ONCE === 0)
  const walked = done ? state.walked.slice(0, -1) : [...state.walked, ...cuts.toReversed().map(({ signature }) => signature)]
  return {
    mentions: given,
    state: { newest: newest.signature, emptyAt: null, walked: walked.slice(-PAGE_ENDS_KEPT) },
    more: !done || state.walked.length > 0,
    begins: state.newest === null && state.emptyAt === null,
  }
}

/**
 * A page below the last page end and above `newest`, asked of one node together with what shows that it knows both ends: a node that has
 * forgotten one of them answers a shorter or a longer list, and no error.
 */
async function listPage({ client }: Connection, address: string, state: WalkState): Promise<Page> {
  const before = state.walked.at(-1) ?? null
  const ends = [before, state.newest].filter((end) => end !== null)
  const asked = await client.askTogether(
    finalizedBlock(),
    mentions(toAddress(address), { before, until: state.newest }),
    statuses(ends),
    firstAvailableBlock(),
  )
  if (!asked.ok) throw unavailable(asked)
  const [{ slot }, listed, known, firstAvailable] = asked.value
  const forgotten = ends.find((_, index) => known.statuses[index]?.confirmationStatus !== 'finalized')
  if (forgotten !== undefined) throw unavailable({ reason: `the node does not know transaction ${forgotten}, which is final` })
  if (state.newest === null && state.emptyAt !== null && firstAvailable > BigInt(state.emptyAt)) {
    throw unavailable({ reason: `the node's history begins at slot ${firstAvailable}, and that of ${address} may begin at ${state.emptyAt}` })
  }
  return { mentions: listed, slot }
}
