// What one process remembers of a lane: the accounts it has seen, as they stood at a head. The head's hash covers the whole history,
// so while it is unchanged under the lock, so are they. Nothing here is ever trusted without that comparison.

import { accountKey, type AccountName } from '../core/account.ts'
import type { AccountState, BatchWrite, Head } from '../core/posting.ts'

export type LaneCache = {
  /** Those of the wanted accounts that must be read. */
  readonly missing: (wanted: readonly AccountName[]) => readonly AccountName[]
  /** Whether what is remembered stood at this head. */
  readonly holds: (hash: Uint8Array) => boolean
  /** Where what is remembered stood: null while nothing is. */
  readonly place: () => Pick<Head, 'block' | 'transfer'> | null
  /**
   * Moves on to a head by the transfers between: `hash` is that of the block at `place`, as the lane has it. Not done when that block
   * is another one, or when the transfers do not reach to the head; then everything is forgotten.
   */
  readonly catchUp: (head: Head, hash: Uint8Array, transfers: readonly BareTransfer[]) => void
  /** The wanted accounts at a head, as far as they exist: remembered ones, and those just read. Remembers these too. */
  readonly take: (head: Head, wanted: readonly AccountName[], read: readonly AccountState[]) => ReadonlyMap<string, AccountState>
  /**
   * The head remembered, with the wanted accounts among others, as they stand until the next change; null unless all of them are known
   * without reading, and the lane is this process'
   * own: after somebody else's block only looks under the lock show whether there will be more.
   */
  readonly recall: (wanted: readonly AccountName[]) => { readonly head: Head; readonly accounts: ReadonlyMap<string, AccountState> } | null
  /**
   * Moves on to the head after a write: a committed one, or one on its way, and then what is recalled is what it will leave. `known`: what
   * was not remembered before is not now; thousands of strangers would drive out those who come every second.
   */
  readonly advance: (write: Pick<BatchWrite, 'before' | 'head' | 'touched'>, remembers?: 'all' | 'known') => void
  /** Somebody else posted: until so many looks in a row find the lane as it was left, nothing is recalled. */
  readonly overtaken: () => void
  readonly forget: () => void
}

/** A transfer between accounts by their numbers in the lane. */
export type BareTransfer = { readonly number: bigint; readonly debit: number; readonly credit: number; readonly units: bigint }

/**
 * Looks under the lock that must find the lane as this process left it before it recalls again. While several servers post, each write that
 * is overtaken costs the database an error in its log and everybody behind it a second try; a look costs one round trip more than none.
 */
export const QUIET_LOOKS = 64

/** About 30 MB for all lanes of a process. Beyond it, it is busier with strangers than with acquaintances. */
const MAX_ACCOUNTS = 100_000

/** The room that the lanes of one process share. */
export type Memory = {
  /** Makes room for so many more in one of them, at the cost of the lane that was not used for longest; of itself if there is no other. */
  readonly use: (accounts: Map<string, AccountState>, more: number) => void
}

export function createMemory(max = MAX_ACCOUNTS): Memory {
  /** Least recently used first. */
  const lanes = new Set<Map<string, AccountState>>()
  return {
    use: (accounts, more) => {
      lanes.delete(accounts)
      lanes.add(accounts)
      let used = more
      for (const each of lanes) used += each.size
      for (const oldest of lanes) {
        if (used <= max) return
        used -= oldest.size
        oldest.clear()
        if (oldest !== accounts) lanes.delete(oldest)
      }
    },
  }
}

/** Accounts by name, and those that are there by number too. */
function createAccounts(memory: Memory): {
  readonly accounts: Map<string, AccountState>
  readonly remember: (found: readonly AccountState[]) => void
  /** The same for those that are remembered already; others stay strangers. */
  readonly update: (found: readonly AccountState[]) => void
  readonly add: (number: number, sums: { readonly debits?: bigint; readonly credits?: bigint }, transfer: bigint) => void
} {
  const accounts = new Map<string, AccountState>()
  /** An account's number never becomes another's, so that those of accounts forgotten meanwhile do no harm. */
  const keys = new Map<number, string>()
  return {
    accounts,
    remember: (found) => {
      memory.use(accounts, found.length)
      if (accounts.size === 0) keys.clear()
      for (const account of found) {
        const key = accountKey(account)
        if (!accounts.has(key)) keys.set(account.number, key)
        accounts.set(key, account)
      }
    },
    update: (found) => {
      for (const account of found) {
        // By number: no text is made for the thousands that are none of these.
        const key = keys.get(account.number)
        if (key !== undefined && accounts.has(key)) accounts.set(key, account)
      }
    },
    add: (number, { debits = 0n, credits = 0n }, transfer) => {
      const key = keys.get(number)
      const account = key === undefined ? undefined : accounts.get(key)
      if (key === undefined || account === undefined) return
      accounts.set(key, { ...account, debits: account.debits + debits, credits: account.credits + credits, transfer })
    },
  }
}

export function createLaneCache(memory = createMemory()): LaneCache {
  const { accounts, remember, update, add } = createAccounts(memory)
  let at: Head | null = null
  /** Looks in a row that found the lane as it was left. */
  let quiet = QUIET_LOOKS
  let caughtUp = false
  const holds = (hash: Uint8Array): boolean => at !== null && Buffer.compare(at.hash, hash) === 0
  return {
    holds,
    missing: (wanted) => {
      const distinct = new Map(wanted.map((account) => [accountKey(account), account]))
      return [...distinct].filter(([key]) => !accounts.has(key)).map(([, account]) => account)
    },
    place: () => at,
    catchUp: (head, hash, transfers) => {
      caughtUp = true
      const isThere = holds(hash) && at !== null && at.transfer + BigInt(transfers.length) === head.transfer
      if (!isThere) accounts.clear()
      else {
        for (const { number, debit, credit, units } of transfers) {
          add(debit, { debits: units }, number)
          add(credit, { credits: units }, number)
        }
      }
      at = isThere ? head : null
    },
    take: (head, wanted, read) => {
      if (at !== null || caughtUp) quiet = holds(head.hash) && !caughtUp ? quiet + 1 : 0
      caughtUp = false
      if (!holds(head.hash)) accounts.clear()
      at = head
      const found = new Map(read.map((account) => [accountKey(account), account]))
      for (const account of wanted) {
        const key = accountKey(account)
        const known = accounts.get(key)
        if (known !== undefined) found.set(key, known)
      }
      // Not before: what makes room for these may be among those wanted.
      remember(read)
      return found
    },
    recall: (wanted) => {
      if (at === null || quiet < QUIET_LOOKS) return null
      for (const account of wanted) if (!accounts.has(accountKey(account))) return null
      // All that is remembered, not a copy of what is wanted: whoever recalls decides before anything else happens here.
      return { head: at, accounts }
    },
    advance: ({ before, head, touched }, remembers = 'all') => {
      // Answers of commits may come late: what is remembered may stand at another head than the one this write was decided on.
      if (!holds(before.hash)) accounts.clear()
      at = head
      if (remembers === 'all') remember(touched)
      else update(touched)
    },
    overtaken: () => {
      quiet = 0
      accounts.clear()
      at = null
    },
    forget: () => {
      accounts.clear()
      at = null
    },
  }
}
