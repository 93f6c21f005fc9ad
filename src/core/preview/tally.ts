// What a preview adds up: units by account, recipient and role. One event leaves nothing behind but larger figures, so memory grows with
// the recipients alone, never with the events.

import { partyOf, roleNameOf } from '../account.ts'
import { assert } from '../assert.ts'
import type { Share } from '../distribution.ts'
import type { AssetName } from '../money.ts'

type Sum = { into: bigint; outOf: bigint; shares: number; /** Null once it was reached in several. */ role: string | null }

type RoleSum = { units: bigint; shares: number }

type AssetTally = { events: number; units: bigint; readonly accounts: Map<string, Sum>; readonly roles: Map<string, RoleSum> }

export type Tally = Map<AssetName, AssetTally>

/** Units of one recipient in one asset: `units` are payable, `carried` is what was carried, less what was carried before and is payable now. */
export type RecipientTotal = {
  readonly asset: AssetName
  readonly recipient: string
  /** The only role by which it was reached; null for several. */
  readonly role: string | null
  readonly units: bigint
  readonly carried: bigint
  readonly shares: number
}

/** What came into an account that is nobody's (a fund, a rounding's rest), less what went out of it. */
export type AccountTotal = { readonly asset: AssetName; readonly account: string; readonly units: bigint }

/** What recipients got by a role, whoever they are. */
export type RoleTotal = { readonly asset: AssetName; readonly role: string; readonly units: bigint; readonly shares: number }

/** Units that were divided in an asset, and the part of them that is carried for recipients. */
export type AssetTotal = { readonly asset: AssetName; readonly events: number; readonly units: bigint; readonly carried: bigint }

/** In the order of asset, then name, byte by byte. */
export type Totals = {
  readonly assets: readonly AssetTotal[]
  readonly recipients: readonly RecipientTotal[]
  readonly accounts: readonly AccountTotal[]
  readonly roles: readonly RoleTotal[]
}

export function createTally(): Tally {
  return new Map()
}

/** Adds the distribution of one event. */
export function addShares(tally: Tally, { asset, units }: { readonly asset: AssetName; readonly units: bigint }, shares: readonly Share[]): void {
  let own = tally.get(asset)
  if (own === undefined) tally.set(asset, (own = { events: 0, units: 0n, accounts: new Map(), roles: new Map() }))
  own.events += 1
  own.units += units
  for (const share of shares) {
    addInto(own, share)
    if (share.from !== 'received') sumOf(own, share.from, null).outOf += share.units
  }
}

function addInto(own: AssetTally, { role, account, recipient, units }: Share): void {
  const sum = sumOf(own, account, role)
  sum.into += units
  sum.shares += 1
  if (sum.role !== role) sum.role = null
  if (recipient === null || !account.startsWith('payable:')) return
  const known = own.roles.get(role)
  if (known === undefined) own.roles.set(role, { units, shares: 1 })
  else {
    known.units += units
    known.shares += 1
  }
}

function sumOf({ accounts }: AssetTally, account: string, role: string | null): Sum {
  let sum = accounts.get(account)
  if (sum === undefined) accounts.set(account, (sum = { into: 0n, outOf: 0n, shares: 0, role }))
  return sum
}

/** The figures so far. Asserts that what was divided is what stands somewhere. */
export function totalsOf(tally: Tally): Totals {
  const assets: AssetTotal[] = []
  const recipients: RecipientTotal[] = []
  const accounts: AccountTotal[] = []
  const roles: RoleTotal[] = []
  for (const [asset, own] of [...tally].toSorted(byName)) {
    const found = recipientsOf(asset, own)
    for (const total of found.values()) recipients.push(total)
    accounts.push(...accountsOf(asset, own))
    roles.push(...[...own.roles].toSorted(byName).map(([role, sum]) => ({ asset, role, ...sum })))
    const carried = sumUp([...found.values()].map((total) => total.carried))
    const standing = sumUp([...own.accounts.values()].map(({ into, outOf }) => into - outOf))
    assert(standing === own.units, `${standing} units of ${asset} stand in accounts of ${own.units} that were divided`)
    assets.push({ asset, events: own.events, units: own.units, carried })
  }
  return { assets, recipients, accounts, roles }
}

/** Names are plain ASCII, where the order of code units is that of bytes. */
function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function recipientsOf(asset: AssetName, { accounts }: AssetTally): ReadonlyMap<string, RecipientTotal> {
  const found: [string, RecipientTotal][] = []
  const carrying = new Map<string, bigint>()
  for (const [account, { into, outOf }] of accounts) {
    const carrier = partyOf('carried', account)
    if (carrier !== null) carrying.set(carrier, into - outOf)
  }
  for (const [account, { into, outOf, shares, role }] of accounts) {
    const recipient = partyOf('payable', account)
    if (recipient === null) continue
    found.push([recipient, { asset, recipient, role, units: into - outOf, carried: carrying.get(recipient) ?? 0n, shares }])
    carrying.delete(recipient)
  }
  for (const [recipient, carried] of carrying) found.push([recipient, { asset, recipient, role: null, units: 0n, carried, shares: 0 }])
  return new Map(found.toSorted(byName))
}

function accountsOf(asset: AssetName, { accounts }: AssetTally): readonly AccountTotal[] {
  return [...accounts]
    .filter(([account]) => !RECIPIENTS.has(roleNameOf(account)))
    .toSorted(byName)
    .map(([account, { into, outOf }]) => ({ asset, account, units: into - outOf }))
}

const RECIPIENTS: ReadonlySet<string> = new Set(['payable', 'carried'])

function sumUp(values: readonly bigint[]): bigint {
  return values.reduce((all, value) => all + value, 0n)
}
