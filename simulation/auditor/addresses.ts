// Who may be paid where: addresses that were named at the doors, with from when on they may have counted.

import type { Other, Verdict } from './offers.ts'

/** An address that was named for a recipient; null withdraws it. `index`: how many offers there were before its answer. */
export type Named = { readonly address: string | null; readonly verdict: Verdict; readonly index: number }

export type Addresses = Map<string, Named[]>

export function createAddresses(given: readonly { readonly recipient: string; readonly address: string }[]): Addresses {
  const addresses: Addresses = new Map()
  for (const { recipient, address } of given) addNamed(addresses, recipient, { address, verdict: 'taken', index: 0 })
  return addresses
}

function addNamed(addresses: Addresses, recipient: string, named: Named): void {
  if (named.verdict !== 'refused') addresses.getOrInsertComputed(recipient, () => []).push(named)
}

/** By the command's verb (`PUT recipients/<recipient>`, `{address}`), or as a row of the table of tokens. */
export function takeNamed(addresses: Addresses, { rest, offer, verdict, index }: Other): void {
  const body = (offer.request.body ?? {}) as Readonly<Record<string, unknown>>
  const [, recipient] = /^recipients\/([^/]+)$/.exec(rest) ?? []
  const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  if (recipient !== undefined) addNamed(addresses, decodeURIComponent(recipient), { address: textOf(body['address']), verdict, index })
  else if (offer.door === 'sql' && typeof body['id'] === 'string' && 'creator_wallet_address' in body) {
    addNamed(addresses, body['id'], { address: textOf(body['creator_wallet_address']), verdict, index })
  }
}

/** Who was ever paid, or may have been, at each address. */
export function recipientsByAddress(addresses: Addresses): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [recipient, all] of addresses) {
    for (const { address } of all) if (address !== null) found.getOrInsertComputed(address, () => []).push(recipient)
  }
  return found
}

/** The address in force now; undefined where an offer without an answer makes it unsure. */
export function addressOf(addresses: Addresses, recipient: string): string | null | undefined {
  const all = addresses.get(recipient) ?? []
  const last = all.at(-1)
  if (last === undefined) return null
  return last.verdict === 'taken' && all.every(({ verdict }) => verdict === 'taken') ? last.address : undefined
}
