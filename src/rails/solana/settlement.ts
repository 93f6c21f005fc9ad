// What a final transaction of ours did to the balances: proof that each payout arrived with its amount, and what it cost. Pure.
// Never settles on balances that do not add up to the unit.

import { NATIVE_ASSET, destinationAddress } from './message.ts'
import type { Json, JsonObject } from '../../core/effects.ts'
import { assert } from '../../core/assert.ts'
import type { Cost, Look, RailPayout, RailWallet } from '../rail.ts'
import type { AddressBook } from './address.ts'
import { accountCount, indexOfAccount } from './packet.ts'
import type { Landed, Meta } from './questions.ts'

export type SettlementRecord = {
  readonly signature: string
  readonly packet: Uint8Array
  readonly wallet: RailWallet
  readonly payouts: readonly RailPayout[]
  readonly landed: Landed
  readonly meta: Meta
  readonly book: AddressBook
}

/** `settled` with its proof, or `unknown` when the record contradicts the transaction: then a person must look. */
export async function settlementOf(record: SettlementRecord): Promise<Look> {
  const { signature, packet, wallet, payouts, meta, landed, book } = record
  if (meta.err !== null) return contradiction(signature, 'its status has no error, its record has one')
  if (meta.preBalances.length !== accountCount(packet)) return contradiction(signature, 'its record has other accounts than its message')
  const mint = payouts[0]?.asset.token ?? null
  const sum = payouts.reduce((total, { units }) => total + units, 0n)
  const paid = change(record, wallet.address)
  const rent = -paid - meta.fee - (mint === null ? sum : 0n)
  // Only a token batch makes accounts. Whatever else left the wallet was not ours to send.
  if (rent < 0n || (mint === null && rent !== 0n)) return contradiction(signature, `the wallet changed by ${paid} lamports`)
  const balances: Json[] = []
  for (const [address, units] of unitsByAddress(payouts)) {
    // Known from composing: resolves at once.
    const account = mint === null ? address : await book.tokenAccount(address, mint)
    const { before, after } = mint === null ? lamportsOf(record, account) : tokensOf(record, account, mint)
    if (after - before !== units) return contradiction(signature, `${account} changed by ${after - before} units, not ${units}`)
    balances.push({ account, before: before.toString(), after: after.toString() })
  }
  const proof: JsonObject = { ...recordOf(signature, landed, meta), balances }
  return { state: 'settled', proof, costs: costsOf({ fee: meta.fee, rent }) }
}

/** The record of a final transaction as it is kept with a settlement or a failure. */
export function recordOf(signature: string, { slot, blockTime }: Landed, { fee }: Meta): JsonObject {
  return {
    signature,
    slot: slot.toString(),
    blockTime: blockTime === null ? null : Temporal.Instant.fromEpochMilliseconds(Number(blockTime) * 1_000).toString(),
    fee: fee.toString(),
  }
}

export function costsOf({ fee, rent }: { readonly fee: bigint; readonly rent: bigint }): readonly Cost[] {
  const costs: readonly Cost[] = [
    { kind: 'fee', asset: NATIVE_ASSET, units: fee },
    { kind: 'rent', asset: NATIVE_ASSET, units: rent },
  ]
  return costs.filter(({ units }) => units > 0n)
}

function unitsByAddress(payouts: readonly RailPayout[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const payout of payouts) {
    const address = destinationAddress(payout)
    sums.set(address, (sums.get(address) ?? 0n) + payout.units)
  }
  return sums
}

type Balance = { readonly before: bigint; readonly after: bigint }

function lamportsOf({ packet, meta, book }: SettlementRecord, address: string): Balance {
  const index = indexOfAccount(packet, book.bytes(address))
  const before = meta.preBalances[index]
  const after = meta.postBalances[index]
  assert(before !== undefined && after !== undefined, `the message of the attempt does not name ${address}`)
  return { before, after }
}

function change(record: SettlementRecord, address: string): bigint {
  const { before, after } = lamportsOf(record, address)
  return after - before
}

function tokensOf({ packet, meta, book }: SettlementRecord, account: string, mint: string): Balance {
  const index = indexOfAccount(packet, book.bytes(account))
  const amount = (balances: Meta['preTokenBalances']): bigint =>
    // An account that did not exist held nothing.
    BigInt(balances.find((balance) => balance.accountIndex === index && balance.mint === mint)?.uiTokenAmount.amount ?? '0')
  return { before: amount(meta.preTokenBalances), after: amount(meta.postTokenBalances) }
}

function contradiction(signature: string, what: string): Look {
  return { state: 'unknown', reason: `the node's record of ${signature} contradicts itself: ${what}` }
}
