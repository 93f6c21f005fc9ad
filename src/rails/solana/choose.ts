// Which payouts go into one transaction: as many as fit in order, none that the wallet cannot pay, small ones past a large one that
// must wait. Pure. Never lets the wallet end below what an account must hold, unless it ends empty.

import { formatUnits } from '../../core/money.ts'
import type { RailPayout, Unpayable } from '../rail.ts'
import { MAX_COMPUTE_UNIT_PRICE, feeLamports, type Draft } from './draft.ts'
import { MAX_CREATIONS, maxTransfers } from './message.ts'
import { MAX_TRANSACTION_BYTES, packetBytes } from './packet.ts'

/** A payout whose destination can take it. */
export type Payable = {
  readonly payout: RailPayout
  readonly address: string
  /** Lamports that the destination must get in this transaction to be an account at all; its payouts may reach that together. */
  readonly shortfall: bigint
  /** Its token account does not exist yet. */
  readonly creates: boolean
}

export type Funds = {
  readonly native: boolean
  /** Lamports of the wallet that no live attempt may still take. */
  readonly lamports: bigint
  /** Units of the asset likewise; for the native asset the lamports again. */
  readonly units: bigint
  /** Lamports that the wallet must keep unless it ends empty. */
  readonly walletMinimum: bigint
  /** Whether it may end empty: not while live attempts still need their fees. */
  readonly mayEmpty: boolean
  readonly creationRent: bigint
  /** Micro-lamports a compute unit. */
  readonly price: bigint
  readonly memoBytes: number
}

export type Choice = {
  readonly batch: readonly Payable[]
  /** Payouts before whose transfer a token account is made. */
  readonly creations: readonly string[]
  readonly settings: Pick<Draft, 'computeUnitLimit' | 'computeUnitPrice'>
  readonly unpayable: readonly Unpayable[]
}

type Batch = { readonly members: readonly Payable[]; readonly addresses: ReadonlySet<string>; readonly creations: readonly string[]; readonly units: bigint }

const EMPTY: Batch = { members: [], addresses: new Set(), creations: [], units: 0n }

// Compute units that a batch may use. An unused unit costs only where a price is offered; one too few fails the batch.
// The memo: 350 a byte with the older program (566 bytes fill 200,000), next to nothing with the present one.
const FRAME_UNITS = 60_000n
// Uses 150.
const TRANSFER_UNITS = 400n
// Uses 105 with the present Token program, 6,200 with the one before.
const TOKEN_TRANSFER_UNITS = 8_000n
// Uses 14,000 to 22,000, and 1,500 more for each bump that deriving the address takes.
const CREATION_UNITS = 40_000n

export function computeUnits(native: boolean, transfers: number, creations: number): bigint {
  return FRAME_UNITS + BigInt(transfers) * (native ? TRANSFER_UNITS : TOKEN_TRANSFER_UNITS) + BigInt(creations) * CREATION_UNITS
}

/** Chooses from payouts of one asset, in their order. Those neither chosen nor unpayable wait for the next batch. */
export function chooseBatch(payables: readonly Payable[], funds: Funds): Choice {
  // First as if the wallet could end anywhere: exactly empty is allowed, and only the whole batch shows it.
  const draining = pick(payables, funds, (rest) => rest >= 0n)
  if (mayEnd(draining.batch, funds)) return choice(draining, funds)
  return choice(pick(payables, funds, (rest) => rest >= funds.walletMinimum), funds)
}

function mayEnd(batch: Batch, funds: Funds): boolean {
  const { rest, afterFee } = remainders(batch, funds)
  if (rest >= funds.walletMinimum) return true
  // The fee is taken first, and what then stands there must be an account too.
  return rest === 0n && funds.mayEmpty && afterFee >= funds.walletMinimum
}

function remainders(batch: Batch, funds: Funds): { readonly rest: bigint; readonly afterFee: bigint } {
  const afterFee = funds.lamports - feeLamports(settingsOf(batch, funds))
  const rents = BigInt(batch.creations.length) * funds.creationRent
  return { afterFee, rest: afterFee - rents - (funds.native ? batch.units : 0n) }
}

function settingsOf(batch: Batch, { native, price }: Funds): Choice['settings'] {
  return {
    computeUnitLimit: computeUnits(native, batch.members.length, batch.creations.length),
    computeUnitPrice: price > MAX_COMPUTE_UNIT_PRICE ? MAX_COMPUTE_UNIT_PRICE : price,
  }
}

type Picked = { readonly batch: Batch; readonly unpayable: readonly Unpayable[] }

function choice({ batch, unpayable }: Picked, funds: Funds): Choice {
  return { batch: batch.members, creations: batch.creations, settings: settingsOf(batch, funds), unpayable }
}

function pick(payables: readonly Payable[], funds: Funds, allowed: (rest: bigint) => boolean): Picked {
  const unpayable: Unpayable[] = []
  let batch = EMPTY
  const affordable = (next: Batch): boolean => next.units <= funds.units && allowed(remainders(next, funds).rest)
  // What fits and can be paid as a whole, without any that need each other, is what the steps below would end with.
  const whole = batchOf(payables)
  if (payables.every(({ shortfall }) => shortfall === 0n) && fits(whole, funds) && affordable(whole)) return { batch: whole, unpayable }
  for (const group of groupsOf(payables)) {
    const capacity = maxTransfers(group.members[0].payout.asset)
    if (batch.members.length === capacity) break
    const members = group.members.length <= capacity ? group.members : largest(group.members, capacity)
    if (sum(members) < group.shortfall) {
      unpayable.push(...group.members.map((payable) => belowMinimum(payable, group)))
      continue
    }
    // What does not fit goes whole with a later batch: payouts that need each other are never parted for room.
    if (!fits(members.reduce(withPayable, batch), funds)) continue
    let next = batch
    for (const payable of members) {
      const candidate = withPayable(next, payable)
      if (affordable(candidate)) next = candidate
    }
    const taken = new Set(next.members)
    if (sum(members.filter((payable) => taken.has(payable))) < group.shortfall) next = batch
    const kept = new Set(next.members)
    unpayable.push(...members.filter((payable) => !kept.has(payable)).map((payable) => noFunds(payable, batch, funds)))
    batch = next
  }
  return { batch, unpayable }
}

type Group = { readonly members: readonly [Payable, ...Payable[]]; readonly shortfall: bigint }

/** Payouts of one destination that need each other are one group, at the place of the first; every other payout stands alone. */
function groupsOf(payables: readonly Payable[]): readonly Group[] {
  const groups = new Map<string, { members: [Payable, ...Payable[]]; readonly shortfall: bigint }>()
  for (const payable of payables) {
    const { payout, address, shortfall } = payable
    const name = shortfall > 0n ? `address ${address}` : `payout ${payout.id}`
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { members: [payable], shortfall })
    else group.members.push(payable)
  }
  return [...groups.values()]
}

function largest(members: readonly Payable[], count: number): readonly Payable[] {
  const bySize = members.toSorted((left, right) => (left.payout.units < right.payout.units ? 1 : -1))
  const chosen = new Set(bySize.slice(0, count))
  return members.filter((payable) => chosen.has(payable))
}

function sum(members: readonly Payable[]): bigint {
  return members.reduce((total, { payout }) => total + payout.units, 0n)
}

function batchOf(members: readonly Payable[]): Batch {
  const addresses = new Set<string>()
  const creations: string[] = []
  for (const { address, creates, payout } of members) {
    if (creates && !addresses.has(address)) creations.push(payout.id)
    addresses.add(address)
  }
  return { members, addresses, creations, units: sum(members) }
}

function withPayable(batch: Batch, payable: Payable): Batch {
  const creates = payable.creates && !batch.addresses.has(payable.address)
  return {
    members: [...batch.members, payable],
    addresses: new Set([...batch.addresses, payable.address]),
    creations: creates ? [...batch.creations, payable.payout.id] : batch.creations,
    units: batch.units + payable.payout.units,
  }
}

function fits({ members, addresses, creations }: Batch, { native, memoBytes }: Funds): boolean {
  const asset = members[0]?.payout.asset
  if (asset === undefined) return true
  const bytes = packetBytes({ native, transfers: members.length, destinations: addresses.size, creations: creations.length, memoBytes })
  return members.length <= maxTransfers(asset) && creations.length <= MAX_CREATIONS && bytes <= MAX_TRANSACTION_BYTES
}

function belowMinimum({ payout, address }: Payable, { members, shortfall }: Group): Unpayable {
  const together = members.length === 1 ? 'the payout is' : `its ${members.length} payouts are`
  const detail = `${address} is no account yet and needs ${formatUnits(shortfall, 9)} SOL to become one; ${together} ${formatUnits(sum(members), 9)}`
  return { payout: payout.id, reason: 'below_minimum', detail, enough: shortfall }
}

function noFunds({ payout }: Payable, batch: Batch, funds: Funds): Unpayable {
  const units = funds.units - batch.units
  const detail =
    payout.units > units
      ? `needs ${payout.units} units of ${payout.asset.asset}, and the wallet has ${units > 0n ? units : 0n} free`
      : `the wallet has ${formatUnits(funds.lamports, 9)} SOL free, which does not cover the payout, fees, and what an account must keep`
  return { payout: payout.id, reason: 'no_funds', detail }
}
