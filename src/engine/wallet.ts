// Wallets of a ledger: made or imported by the signer, which alone holds their keys.

import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import type { RailWallet } from '../rails/rail.ts'
import { findWallet, insertWallet, walletsOf, type WalletRow } from '../store/wallet.ts'
import type { Ledger } from './ledger.ts'
import type { Desk, World } from './world.ts'

/** The wallet that pays a ledger's shares: its oldest. Refuses `wallet_not_found`. */
export async function payingWallet({ store }: Pick<Desk, 'store'>, ledger: Ledger): Promise<RailWallet> {
  const wallet = payingWalletOf(await walletsOf(store.pool, ledger.id))
  if (wallet !== null) return wallet
  throw new Refusal('wallet_not_found', `the ledger ${ledger.name} has no wallet to pay from: \`npx apportion wallet create\` makes one`, {
    ledger: ledger.name,
  })
}

/** The same of the ledger's wallets as they were read, oldest first; null where there is none. */
export function payingWalletOf([wallet]: readonly WalletRow[]): RailWallet | null {
  return wallet === undefined ? null : { id: wallet.wallet, address: wallet.address }
}

/** Makes a wallet whose key only the signer knows. Refuses `wallet_conflict` when the label is taken. */
export async function createWallet(world: Pick<World, 'store' | 'signer' | 'id' | 'now'>, ledger: Ledger, label: string): Promise<WalletRow> {
  return await addWallet(world, ledger, label, async (wallet) => {
    return await world.signer.create({ ledger: ledger.id, wallet, label, rail: ledger.row.rail })
  })
}

/**
 * Takes over a wallet by its key in the rail's usual text form. The key goes to the signer and nowhere else.
 * Refuses `wallet_conflict` when the label is taken or the ledger has that wallet, `key_malformed`.
 */
export async function importWallet(
  world: Pick<World, 'store' | 'signer' | 'id' | 'now'>,
  ledger: Ledger,
  { label, key }: { label: string; key: string },
): Promise<WalletRow> {
  return await addWallet(world, ledger, label, async (wallet) => {
    return await world.signer.import({ ledger: ledger.id, wallet, label, rail: ledger.row.rail, key })
  })
}

async function addWallet(
  { store, id, now }: Pick<World, 'store' | 'id' | 'now'>,
  ledger: Ledger,
  label: string,
  keyed: (wallet: string) => Promise<{ address: string }>,
): Promise<WalletRow> {
  const existing = await findWallet(store.pool, ledger.id, label)
  if (existing !== null) throw conflict(ledger, existing)
  const row = { wallet: id(), ledger: ledger.id, label, rail: ledger.row.rail, at: now() }
  const { address } = await keyed(row.wallet)
  if (!(await insertWallet(store.pool, { ...row, address }))) {
    const others = await walletsOf(store.pool, ledger.id)
    throw conflict(ledger, present(others.find((other) => other.label === label || other.address === address), 'the wallet in the way'))
  }
  return { ...row, address, movement_cursor: null, created_at: row.at }
}

function conflict({ name }: Ledger, { label, address }: Pick<WalletRow, 'label' | 'address'>): Refusal {
  return new Refusal('wallet_conflict', `the ledger ${name} has a wallet ${label} already, at ${address}`, { label, address })
}
