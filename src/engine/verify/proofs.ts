// What is stored of attempts and movements held against itself by the rail they went over: artefact, identity, payouts and proof. No
// network is asked, so a proof is found not to fit, never to be false.

import type { Json, JsonObject } from '../../core/effects.ts'
import type { Cost, RailAsset, RailModule, RailPayout, StoredAttempt } from '../../rails/rail.ts'
import {
  attemptsOf,
  destinationFaults,
  movementsOf,
  settlementInstantFaults,
  type AttemptToVerify,
  type MovementToVerify,
} from '../../store/verify-proofs.ts'
import type { Reading } from './books.ts'
import { instantOf } from './stored.ts'

export type ProofReading = Reading & { readonly rail: RailModule | undefined; readonly assets: ReadonlyMap<string, RailAsset> }

export async function checkProofs(reading: ProofReading): Promise<void> {
  for (const check of [checkDestinations, checkInstants, checkAttempts, checkMovements]) {
    if (reading.findings.room() > 0) await check(reading)
  }
}

async function checkDestinations({ lane, position, snapshot, findings }: ProofReading): Promise<void> {
  for (const { payout, event, recipient, destination } of await destinationFaults(snapshot, { lane, limit: findings.room() })) {
    findings.broken('payout', { lane: position, event, payout }, {
      expected: `a destination that was recorded for ${recipient}`,
      found: JSON.stringify(destination),
    })
  }
}

async function checkInstants({ lane, position, snapshot, findings }: ProofReading): Promise<void> {
  for (const row of await settlementInstantFaults(snapshot, { lane, limit: findings.room() })) {
    const { payout, attempt, transfer, settled_at: found, recorded_at: expected } = row
    findings.broken('settlement', { lane: position, transfer, payout, attempt }, { expected: `settled at ${expected}, with its block`, found: `settled at ${found}` })
  }
}

async function checkAttempts({ lane, position, snapshot, findings, rail, assets }: ProofReading): Promise<void> {
  for await (const page of snapshot.pages<AttemptToVerify>(attemptsOf(lane))) {
    for (const row of page) {
      if (findings.room() === 0) return
      findings.looked('proof')
      const found = await attemptProblem(row, rail, assets)
      if (found === null) continue
      findings.broken('proof', { lane: position, attempt: row.attempt }, { expected: `${row.state}: an attempt whose identity, bytes, payouts and proof fit together`, found })
    }
  }
}

async function attemptProblem(row: AttemptToVerify, rail: RailModule | undefined, assets: ProofReading['assets']): Promise<string | null> {
  const { identity, state, wallet, address } = row
  const [data, proof] = [objectOf(row.data), objectOf(row.proof)]
  if (data === null || (proof === null && row.proof !== null)) return `${JSON.stringify(row.proof)}, made of ${JSON.stringify(row.data)}`
  if (address === null) return `no wallet ${wallet}`
  if (rail?.checkProof === undefined) return null
  const payouts = payoutsOf(row, rail, assets)
  if (typeof payouts === 'string') return payouts
  const costs = row.costs.map(({ kind, asset, units }): Cost => ({ kind, asset, units: unitsOf(units) }))
  const attempt: StoredAttempt = { identity, bytes: new Uint8Array(row.bytes), data, state, proof, wallet: { id: wallet, address }, payouts, costs }
  return await rail.checkProof(attempt)
}

/** The payouts as the rail sees them, or what is wrong with one. Those of an attempt that did not pay may have no destination any more. */
function payoutsOf({ state, payouts }: AttemptToVerify, rail: RailModule, assets: ProofReading['assets']): readonly RailPayout[] | string {
  const found: RailPayout[] = []
  for (const { id, units, asset: name, destination } of payouts) {
    const asset = assets.get(name)
    if (asset === undefined) return `payout ${id} is of ${name}, which the ledger has not`
    const parsed = rail.destination.safeParse(destination)
    if (!parsed.success && state !== 'failed' && state !== 'never') return `payout ${id} goes to ${JSON.stringify(destination)}, which is no destination`
    found.push({ id, units: unitsOf(units), asset, destination: parsed.data ?? {} })
  }
  return found
}

async function checkMovements({ lane, position, snapshot, findings, rail, assets }: ProofReading): Promise<void> {
  for await (const page of snapshot.pages<MovementToVerify>(movementsOf(lane))) {
    for (const row of page) {
      if (findings.room() === 0) return
      const found = await movementProblem(row, rail, assets)
      if (found === null) continue
      findings.broken('movement', { lane: position, wallet: row.wallet, asset: row.asset }, { expected: `a proof of the movement ${row.identity}`, found })
    }
  }
}

async function movementProblem(row: MovementToVerify, rail: RailModule | undefined, assets: ProofReading['assets']): Promise<string | null> {
  const { identity, direction, units, wallet, address } = row
  const [asset, proof, at] = [assets.get(row.asset), objectOf(row.proof), row.at === null ? null : instantOf(row.at)]
  if (asset === undefined || proof === null || address === null || (at === null && row.at !== null)) {
    return `${JSON.stringify(row.proof)}, of ${row.asset}, at ${row.at ?? 'no instant'}, in ${address === null ? 'no wallet' : 'the wallet'}`
  }
  return (await rail?.checkMovement?.({ identity, asset, units: unitsOf(units), direction, at, proof, wallet: { id: wallet, address } })) ?? null
}

function objectOf(value: unknown): JsonObject | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as { readonly [key: string]: Json }) : null
}

/** NaN is a numeric too. */
function unitsOf(text: string): bigint {
  return /^[0-9]+$/.test(text) ? BigInt(text) : 0n
}
