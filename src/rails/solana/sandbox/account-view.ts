// Accounts as a node sees them at a slot: the machine holds the newest state, and blocks that are not final hold what
// stood before them.
import { assert } from '../../../core/assert.ts'
import type { Key } from './bytes.ts'
import { readAccount, readBalance, type AccountImage } from './machine.ts'
import { firstBefore, type Network } from './state.ts'
import { readTokenAccountsOf } from './store.ts'
import { tokenStateOf } from './token.ts'

/** The account after the block of `slot`, or null when it did not exist. */
export function accountAt(network: Network, slot: number, key: Key): AccountImage | null {
  assert(slot >= network.oldestState, `accounts are kept from slot ${network.oldestState}, asked for ${slot}`)
  const before = firstBefore(network, slot, key)
  return before === undefined ? readAccount(network.machine, key) : before
}

/** The balance in lamports after the block of `slot`. */
export function balanceAt(network: Network, slot: number, key: Key): bigint {
  const before = firstBefore(network, slot, key)
  return before === undefined ? readBalance(network.machine, key) : (before?.lamports ?? 0n)
}

export type HeldAccount = { readonly key: Key; readonly image: AccountImage }

/** The token accounts that `owner` holds after the block of `slot`, in the order of their addresses. */
export function tokenAccountsAt(network: Network, slot: number, owner: Key): readonly HeldAccount[] {
  // The disk knows those of the final state; whatever changed since is in a kept block.
  const candidates = new Set(readTokenAccountsOf(network.store, owner))
  for (const block of network.blocks) for (const key of block.before.keys()) candidates.add(key)
  const held: HeldAccount[] = []
  for (const key of [...candidates].sort()) {
    const image = accountAt(network, slot, key)
    if (image !== null && tokenStateOf(image)?.owner === owner) held.push({ key, image })
  }
  return held
}
