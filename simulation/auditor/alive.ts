// When faults have stopped, all that can be paid is paid, and everything else is in a named state whose reason is true.

import { addressOf, type Addresses } from './addresses.ts'
import type { Books } from '../history.ts'
import type { Findings } from './findings.ts'
import type { Payout, Records } from './reading.ts'
import type { KeysOf, Replayed } from './replay.ts'

export type Living = {
  readonly findings: Findings
  readonly records: Records
  readonly replayed: Replayed
  readonly keysOf: KeysOf
  readonly books: Books
  readonly addresses: Addresses
  readonly now: Temporal.Instant
  /** The most that leaves without a person's approval, by asset; null: everything does. */
  readonly limit: (asset: string) => bigint | null
  /** Payouts are made of what was recorded before this instant; null: at once. */
  readonly lastRun: Temporal.Instant | null
  /** Then an attempt may stay unknown until somebody with a better node looks. */
  readonly hasForgotten: boolean
}

/** What a new account must hold on the network at least, and what covers any cost of one transaction: both in lamports. */
const SMALLEST_ACCOUNT = 890_880n
const COSTS = 20_000_000n
const NATIVE = 'SOL/9'

export function checkAlive(living: Living): void {
  const { findings, records, replayed, keysOf, now, lastRun } = living
  const drawn = new Set([...keysOf.values()].flatMap((keys) => keys.map((key) => replayed.byKey.get(key))))
  for (const share of replayed.shares) {
    const left = share.units - share.taken
    const recordedAt = replayed.events.get(share.reference)?.recordedAt
    const isEarly = lastRun !== null && recordedAt !== undefined && Temporal.Instant.compare(recordedAt, lastRun) >= 0
    findings.expect('liveness', left === 0n || drawn.has(share) || isEarly, () => `${share.reference}: ${left} ${share.asset} of ${share.recipient} are in no payout`)
  }
  for (const { reference, state, progress } of records.distributions) findings.expect('liveness', progress === null || state === 'complete', () => `the shares of ${reference} by snapshot are still ${state}`)
  for (const payout of records.payouts) {
    const why = obstacleProblem(payout, living)
    findings.expect('liveness', why === null, () => `payout ${payout.payout} (${payout.reference} ${payout.role}, ${payout.units} ${payout.asset}) is ${payout.state}${payout.reason === null ? '' : ` (${payout.reason})`} since ${ageOf(payout, now)}: ${why ?? ''}`)
  }
}

/** A worker looks at what is due every few seconds; what has stood longer is not being looked at. */
const SOON_SECONDS = 60
/** What waits for company asks anew each quarter of an hour. */
const COMPANY_SECONDS = 16 * 60

function ageOf({ changed_at: at }: Payout, now: Temporal.Instant): string {
  return now.since(Temporal.Instant.from(at), { largestUnit: 'hours' }).round('seconds').toString()
}

function isOlder({ changed_at: at }: Payout, now: Temporal.Instant, seconds: number): boolean {
  return now.since(Temporal.Instant.from(at)).total('seconds') > seconds
}

/** Why a payout should not be where it is; null where it is right. */
function obstacleProblem(payout: Payout, living: Living): string | null {
  const { state, locked_until: locked, asset, units } = payout
  if (state === 'settled' || state === 'cancelled') return null
  if ((state === 'reserved' || state === 'queued') && !isOlder(payout, living.now, SOON_SECONDS)) return null
  const isUnprovable = living.hasForgotten && payout.attempts.some((attempt) => attempt.state === 'unknown' && (attempt.reason ?? '') !== '')
  if (state === 'reserved' && isUnprovable) return null
  if (state === 'reserved') return `its attempts are ${payout.attempts.map((attempt) => `${attempt.state} (${attempt.reason ?? 'no reason'})`).join(', ')}, and faults have stopped`
  if (locked !== null && Temporal.Instant.compare(Temporal.Instant.from(locked), living.now) > 0) return null
  if (state === 'queued') return 'nothing stands in its way'
  if (state === 'held') return heldProblem(payout, living)
  const limit = living.limit(asset)
  return limit === null || BigInt(units) <= limit ? `no approval is asked for ${limit === null ? 'anything' : `up to ${limit}`}` : null
}

function heldProblem(payout: Payout, { addresses, records, replayed, books, now }: Living): string | null {
  const { reason, recipient } = payout
  const address = addressOf(addresses, recipient)
  if (!isOlder(payout, now, SOON_SECONDS)) return null
  if (reason === 'no_wallet' || reason?.endsWith('_unknown') === true) return typeof address === 'string' ? `${address} was named for ${recipient}` : null
  if (reason === 'no_paying_wallet') return records.wallets.length > 0 ? 'the ledger has a wallet' : null
  if (reason === 'no_funds') return fundsProblem(payout, { records, books })
  return reason === 'below_minimum' ? companyProblem(payout, { records, replayed, books, now }) : null
}

/** Those too small for their destination go when they are enough together, or when another has arrived there; else they ask each quarter of an hour. */
function companyProblem(payout: Payout, { records, replayed, books, now }: Pick<Living, 'records' | 'replayed' | 'books' | 'now'>): string | null {
  const { reason, asset, units, destination, changed_at: since } = payout
  if (asset !== NATIVE) return null
  // Lanes pay each for itself.
  const laneOf = ({ reference }: Payout): number | undefined => replayed.events.get(reference)?.lane
  const others = records.payouts.filter((each) => each.destination === destination && each.asset === asset && laneOf(each) === laneOf(payout))
  const together = others.reduce((all, each) => (each.reason === reason ? all + BigInt(each.units) : all), 0n)
  const arrived = others.find(({ attempts }) => attempts.some(({ state, ended_at: at }) => state === 'settled' && at !== null && Temporal.Instant.compare(Temporal.Instant.from(at), Temporal.Instant.from(since)) > 0))
  const held = books.balance(destination ?? '', asset)
  // One of them asks for all: it is the newest that says when that was.
  const isLong = held >= SMALLEST_ACCOUNT && others.every((each) => each.reason !== reason || isOlder(each, now, COMPANY_SECONDS))
  return together >= SMALLEST_ACCOUNT || arrived !== undefined || isLong ? `${units} can be paid: ${together} wait for ${destination ?? ''}, which holds ${held}${arrived === undefined ? '' : `, and had payout ${arrived.payout} at ${arrived.changed_at}`}` : null
}

/** Whether the wallets hold enough for all that waits for money. */
function fundsProblem({ asset }: Payout, { records, books }: Pick<Living, 'records' | 'books'>): string | null {
  const waiting = records.payouts.reduce((all, each) => (each.reason === 'no_funds' && each.asset === asset ? all + BigInt(each.units) : all), 0n)
  const rich = records.wallets.find(({ address }) => {
    const [held, native] = [books.balance(address, asset), books.balance(address, NATIVE)]
    return asset === NATIVE ? held >= waiting + COSTS : held >= waiting && native >= COSTS * BigInt(records.payouts.length)
  })
  return rich === undefined ? null : `the wallet ${rich.address} holds ${books.balance(rich.address, asset)}, and ${waiting} wait`
}
