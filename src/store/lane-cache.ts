// What one process remembers of a lane: the accounts it has seen, as they stood at a head. The head's hash covers the whole history,
// so while it is unchanged under the lock, so are they. Nothing here is ever trusted without that comparison.

import { accountKey, type AccountName } from '../core/account.ts'
import type { AccountState, BatchWrite, Head } from '../core/posting.ts'

export type LaneCache = {
  /** Those of the wanted accounts that must be read. */
  readonly missing: (wanted: readonly AccountName[]) => readonly AccountName[]
  /** Whether what is remembered stood at this head. */
  readonly holds: (hash: Uint8Array) => boolean
  /** The wanted accounts at a head, as far as they exist: remembered ones, and those just read. Remembers these too. */
  readonly take: (head: Head, wanted: readonly AccountName[], read: readonly AccountState[]) => ReadonlyMap<string, AccountState>
  /**
   * The head remembered, with the wanted accounts; null unless all of them are known without reading, and the lane is this process'
   * own: after somebody else's block only a lock shows whether there will be more.
   */
  readonly recall: (wanted: readonly AccountName[]) => { readonly head: Head; readonly accounts: ReadonlyMap<string, AccountState> } | null
  /** Moves on to the head after a write: a committed one, or one on its way, and then what is recalled is what it will leave. */
  readonly advance: (write: BatchWrite) => void
  /** Somebody else posted: until a lock finds the lane as it was left, nothing is recalled. */
  readonly overtaken: () => void
  readonly forget: () => void
}

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

export function createLaneCache(memory = createMemory()): LaneCache {
  const accounts = new Map<string, AccountState>()
  let at: Head | null = null
  let alone = true
  const holds = (hash: Uint8Array): boolean => at !== null && Buffer.compare(at.hash, hash) === 0
  const remember = (found: readonly AccountState[]): void => {
    memory.use(accounts, found.length)
    for (const account of found) accounts.set(accountKey(account), account)
  }
  return {
    holds,
    missing: (wanted) => {
      const distinct = new Map(wanted.map((account) => [accountKey(account), account]))
      return [...distinct].filter(([key]) => !accounts.has(key)).map(([, account]) => account)
    },
    take: (head, wanted, read) => {
      if (at !== null) alone = holds(head.hash)
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
      if (at === null || !alone) return null
      const found = new Map<string, AccountState>()
      for (const account of wanted) {
        const key = accountKey(account)
        const known = accounts.get(key)
        if (known === undefined) return null
        found.set(key, known)
      }
      return { head: at, accounts: found }
    },
    advance: ({ before, head, touched }) => {
      // Answers of commits may come late: what is remembered may stand at another head than the one this write was decided on.
      if (!holds(before.hash)) accounts.clear()
      at = head
      remember(touched)
    },
    overtaken: () => {
      alone = false
      accounts.clear()
      at = null
    },
    forget: () => {
      accounts.clear()
      at = null
    },
  }
}
