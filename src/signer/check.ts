// What must hold before payouts are signed, as a pure function of what the signer read itself. It trusts no figure of the caller.

import type { z } from 'zod'
import { present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { Refusal, type RefusalDetails } from '../core/refusal.ts'
import type { RailAsset, RailModule, RailPayout, RailWallet } from '../rails/rail.ts'
import type { SignRequest } from './signer.ts'
import type { PayoutRow, WalletRow } from './store.ts'

/** Payouts that may be signed together, as the rail sees them, and those of them that were never counted. */
export type Batch = {
  readonly ledger: string
  readonly asset: string
  readonly wallet: RailWallet
  readonly payouts: readonly RailPayout[]
  readonly uncounted: readonly { readonly id: string; readonly units: bigint }[]
}

/** Which check refused, in `details.reason`. Stable: callers may show or count them. */
export type SigningReason =
  | 'approval_missing'
  | 'asset_mismatch'
  | 'asset_unknown'
  | 'count_mismatch'
  | 'destination_malformed'
  | 'destination_missing'
  | 'destination_unrecorded'
  | 'lane_unknown'
  | 'ledger_mismatch'
  | 'payout_not_found'
  | 'payout_repeated'
  | 'payout_settled'
  | 'settings_unreadable'
  | 'share_mismatch'
  | 'state_mismatch'
  | 'token_missing'
  | 'units_exceeded'
  | 'units_mismatch'
  | 'wallet_mismatch'

type Read = { readonly wallet: WalletRow; readonly rows: readonly PayoutRow[]; readonly rail: RailModule }

/** Refuses `signing_refused` with the reason and the figures of the first check that does not hold. */
export function checkBatch(request: SignRequest, { wallet, rows, rail }: Read): Batch {
  const ledger = checkWallet(request, wallet)
  const repeated = request.payouts.find((id, place) => request.payouts.indexOf(id) < place)
  if (repeated !== undefined) throw refuse('payout_repeated', `payout ${repeated} is asked for twice in one message`, { payout: repeated })
  const first = present(rows[0], 'the first payout')
  const payouts = rows.map((row) => {
    checkPayout(request, first, row)
    checkShares(row)
    return toRailPayout(row, rail)
  })
  return {
    ledger,
    asset: first.asset,
    wallet: { id: request.wallet, address: wallet.address },
    payouts,
    uncounted: rows.filter(({ counted }) => !counted).map(({ payout, units }) => ({ id: payout, units })),
  }
}

/** A refusal of one check. */
export function refuse(reason: SigningReason, message: string, details: RefusalDetails = {}): Refusal {
  return new Refusal('signing_refused', `not signed: ${message}`, { reason, ...details })
}

function checkWallet({ lane, wallet: asked }: SignRequest, wallet: WalletRow): string {
  if (wallet.lane_ledger === null) throw refuse('lane_unknown', `there is no lane ${lane}`, { lane: lane.toString() })
  if (wallet.lane_ledger === wallet.wallet_ledger) return wallet.lane_ledger
  throw refuse('ledger_mismatch', `lane ${lane} belongs to ledger ${wallet.lane_ledger}, wallet ${asked} to ${wallet.wallet_ledger}`, {
    lane: lane.toString(),
    wallet: asked,
    lane_ledger: wallet.lane_ledger,
    wallet_ledger: wallet.wallet_ledger,
  })
}

function checkPayout(request: SignRequest, first: PayoutRow, row: PayoutRow): void {
  const { payout, state, live } = row
  if (!row.found) {
    throw refuse('payout_not_found', `lane ${request.lane} has no payout ${payout}`, { lane: request.lane.toString(), payout })
  }
  if (row.wallet !== request.wallet) {
    throw refuse('wallet_mismatch', `payout ${payout} is paid from wallet ${row.wallet}, not from ${request.wallet}`, {
      payout,
      wallet: row.wallet,
      asked: request.wallet,
    })
  }
  if (row.asset !== first.asset) {
    throw refuse('asset_mismatch', `payout ${payout} is in ${row.asset}, payout ${first.payout} in ${first.asset}: sign them apart`, {
      payout,
      asset: row.asset,
      first: first.asset,
    })
  }
  if (row.settled) throw refuse('payout_settled', `payout ${payout} is settled already`, { payout })
  if (state !== 'queued' || live) {
    const attempt = live ? ' with a live attempt' : ''
    throw refuse('state_mismatch', `payout ${payout} is ${state}${attempt}; only a queued payout without one is signed`, {
      payout,
      state,
      live_attempt: live,
    })
  }
  if (row.miscounted) throw refuse('count_mismatch', `payout ${payout} was counted before with another ledger or asset, or with less`, { payout })
}

/** A payout is exactly the sum of its shares, less what reversals and recoupments took from them, and each of them is a share of its recipient in its asset. */
function checkShares({ payout, recipient, units, shares, strays, share_units: shareUnits }: PayoutRow): void {
  if (strays > 0n) {
    throw refuse('share_mismatch', `${strays} of the ${shares} transfers under payout ${payout} are no shares of ${recipient} in its asset`, {
      payout,
      recipient,
      shares: shares.toString(),
      mismatched: strays.toString(),
    })
  }
  if (shareUnits !== units) {
    throw refuse('units_mismatch', `payout ${payout} is ${units} units, but its ${shares} shares add up to ${shareUnits}`, {
      payout,
      units: units.toString(),
      share_units: shareUnits.toString(),
      shares: shares.toString(),
    })
  }
}

function toRailPayout(row: PayoutRow, rail: RailModule): RailPayout {
  const { payout, units } = row
  if (units > rail.maxUnits) {
    throw refuse('units_exceeded', `payout ${payout} is ${units} units; ${rail.name} carries ${rail.maxUnits} at most`, {
      payout,
      units: units.toString(),
      max: rail.maxUnits.toString(),
    })
  }
  return { id: payout, units, asset: assetOf(row, rail), destination: destinationOf(row, rail.destination) }
}

function assetOf({ payout, asset, asset_known: known, token }: PayoutRow, rail: RailModule): RailAsset {
  if (!known) throw refuse('asset_unknown', `payout ${payout} is in ${asset}, which its ledger does not have`, { payout, asset })
  // Without a token the rail would take any asset for its native coin.
  if (token === null && !rail.nativeAssets.includes(asset)) {
    throw refuse('token_missing', `${asset} has no token in its ledger and is not native to ${rail.name}`, { payout, asset })
  }
  return { asset, token }
}

function destinationOf({ payout, recipient, destination, recorded }: PayoutRow, schema: z.ZodType<JsonObject>): JsonObject {
  if (destination === null) throw refuse('destination_missing', `payout ${payout} has no destination`, { payout, recipient })
  if (!recorded) {
    throw refuse('destination_unrecorded', `the destination of payout ${payout} was never recorded for ${recipient}`, { payout, recipient })
  }
  const parsed = schema.safeParse(destination)
  if (parsed.success) return parsed.data
  throw refuse('destination_malformed', `the destination of payout ${payout} is none on this rail`, { payout, recipient })
}
