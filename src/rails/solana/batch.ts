// What a batch must be before anybody composes it: the signer refuses anything else, whoever asks. Pure.

import { formatUnits, parseAsset } from '../../core/money.ts'
import type { RailAsset, RailPayout } from '../rail.ts'
import { PROGRAM_ADDRESSES, isAddressText } from './address.ts'
import type { Draft } from './draft.ts'
import { MAX_CREATIONS, MAX_UNITS, NATIVE_ASSET, maxTransfers } from './message.ts'

/** A sentence that says why these payouts and this draft make no message of ours, or null when they do. */
export function batchProblem(wallet: string, payouts: readonly RailPayout[], draft: Draft): string | null {
  const first = payouts[0]
  if (first === undefined) return 'a batch needs a payout'
  return (
    assetProblem(first.asset) ??
    (payouts.length > maxTransfers(first.asset)
      ? `a batch of ${first.asset.asset} holds at most ${maxTransfers(first.asset)} payouts, not ${payouts.length}`
      : null) ??
    (new Set(payouts.map((payout) => payout.id)).size < payouts.length ? 'a payout is in the batch twice' : null) ??
    firstProblem(payouts, (payout) => payoutProblem(wallet, first.asset, payout)) ??
    sumProblem(payouts) ??
    creationProblem(payouts, draft)
  )
}

/** Why the rail cannot pay an asset, or null. The native coin is SOL/9 without a token; every other asset names its mint. */
export function assetProblem({ asset, token }: RailAsset): string | null {
  if (token === null) return asset === NATIVE_ASSET ? null : `${asset} names no token, and the native asset is ${NATIVE_ASSET}`
  if (asset === NATIVE_ASSET) return `${NATIVE_ASSET} is the native asset and has no token`
  return !isAddressText(token) ? `the token of ${asset} must be a mint's address` : null
}

function payoutProblem(wallet: string, asset: RailAsset, payout: RailPayout): string | null {
  const { id, units, destination } = payout
  if (payout.asset.asset !== asset.asset || payout.asset.token !== asset.token) {
    return `payout ${id} is in ${payout.asset.asset}, the batch in ${asset.asset}`
  }
  if (units <= 0n || units > MAX_UNITS) {
    return `payout ${id} is of ${formatUnits(units, parseAsset(asset.asset).scale)} ${asset.asset}, which no transfer can hold`
  }
  const { address, ...rest } = destination
  if (typeof address !== 'string' || !isAddressText(address) || Object.keys(rest).length > 0) {
    return `payout ${id} has a destination that is not one address`
  }
  if (address === wallet) return `payout ${id} pays the wallet itself`
  return PROGRAM_ADDRESSES.has(address) ? `payout ${id} pays a program` : null
}

function sumProblem(payouts: readonly RailPayout[]): string | null {
  const sum = payouts.reduce((total, payout) => total + payout.units, 0n)
  return sum > MAX_UNITS ? `the batch pays ${sum} units, more than an account can hold` : null
}

function creationProblem(payouts: readonly RailPayout[], { createTokenAccounts }: Draft): string | null {
  if (createTokenAccounts.length === 0) return null
  if (createTokenAccounts.length > MAX_CREATIONS) {
    return `a batch makes at most ${MAX_CREATIONS} token accounts, not ${createTokenAccounts.length}`
  }
  if (payouts[0]?.asset.token === null) return 'a batch of the native asset makes no token accounts'
  if (new Set(createTokenAccounts).size < createTokenAccounts.length) return 'a token account is made twice'
  return firstProblem(createTokenAccounts, (id) => {
    const payout = payouts.find((other) => other.id === id)
    if (payout === undefined) return `token account of payout ${id} is made, but the payout is not in the batch`
    // Made before the first transfer to its owner: later it would be too late, and twice would be waste.
    const earliest = payouts.find((other) => other.destination['address'] === payout.destination['address'])
    return earliest === payout ? null : `the token account of payout ${id} belongs before payout ${earliest?.id}`
  })
}

function firstProblem<T>(items: readonly T[], problem: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = problem(item)
    if (found !== null) return found
  }
  return null
}
