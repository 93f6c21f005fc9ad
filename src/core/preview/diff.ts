// What changes for whom between two previews: each recipient before and after, the largest effect first. Ratios stay exact; they are
// rounded only to be shown.

import type { AssetName } from '../money.ts'
import { ratio, type Ratio } from '../ratio.ts'
import type { Totals } from './tally.ts'

/** A figure of a recipient, a role or an account on both sides. `ratio` is the difference over what was before; null where that was nothing. */
export type Change = {
  readonly asset: AssetName
  readonly name: string
  readonly before: bigint
  readonly after: bigint
  readonly difference: bigint
  readonly ratio: Ratio | null
}

export type RecipientChange = Change & {
  /** The only role by which it is reached on both sides; null for several. */
  readonly role: string | null
  /** What is carried for it, below a minimum. */
  readonly carriedBefore: bigint
  readonly carriedAfter: bigint
  /** Whether rounding alone explains the difference: at most a unit for each share, and less than a hundredth of a per cent. */
  readonly byRounding: boolean
}

/** How many recipients of an asset get less, more, and as much. */
export type ChangeCount = { readonly asset: AssetName; readonly recipients: number; readonly less: number; readonly more: number; readonly same: number }

export type Diff = {
  /** All of them; by asset, then by effect. */
  readonly recipients: readonly RecipientChange[]
  readonly roles: readonly Change[]
  readonly accounts: readonly Change[]
  readonly counts: readonly ChangeCount[]
}

type Figure = { readonly asset: AssetName; readonly name: string; readonly units: bigint }

/** Compares the totals of two previews. */
export function diffOf(before: Totals, after: Totals): Diff {
  const named = <Item extends { readonly recipient: string }>(items: readonly Item[]) => items.map((item) => ({ ...item, name: item.recipient }))
  const [old, anew] = [named(before.recipients), named(after.recipients)]
  const [was, is] = [byKey(old), byKey(anew)]
  const recipients = changesOf(old, anew).map((change): RecipientChange => {
    const [one, other] = [was.get(keyOf(change)), is.get(keyOf(change))]
    const roles = new Set([one, other].flatMap((total) => (total === undefined ? [] : [total.role])))
    const [role = null] = roles.size === 1 ? roles : []
    const shares = BigInt(Math.max(one?.shares ?? 0, other?.shares ?? 0))
    return { ...change, role, carriedBefore: one?.carried ?? 0n, carriedAfter: other?.carried ?? 0n, byRounding: isSmall(change, shares) }
  })
  return {
    recipients: recipients.toSorted(byEffect),
    roles: changesOf(before.roles.map(({ role, ...rest }) => ({ ...rest, name: role })), after.roles.map(({ role, ...rest }) => ({ ...rest, name: role }))).toSorted(byEffect),
    accounts: changesOf(before.accounts.map(({ account, ...rest }) => ({ ...rest, name: account })), after.accounts.map(({ account, ...rest }) => ({ ...rest, name: account }))).toSorted(byEffect),
    counts: countsOf(recipients),
  }
}

function isSmall({ difference, before }: Change, shares: bigint): boolean {
  return difference !== 0n && size(difference) <= shares && size(difference) * HUNDREDTHS < before
}

function keyOf({ asset, name }: Pick<Figure, 'asset' | 'name'>): string {
  return `${asset}\t${name}`
}

function byKey<Item extends Figure>(items: readonly Item[]): ReadonlyMap<string, Item> {
  return new Map(items.map((item) => [keyOf(item), item]))
}

function changesOf(before: readonly Figure[], after: readonly Figure[]): readonly Change[] {
  const [was, is] = [byKey(before), byKey(after)]
  const keys = new Map([...was, ...is])
  return [...keys].map(([key, { asset, name }]) => changeOf({ asset, name }, was.get(key)?.units ?? 0n, is.get(key)?.units ?? 0n))
}

function changeOf(of: Pick<Figure, 'asset' | 'name'>, before: bigint, after: bigint): Change {
  const difference = after - before
  return { ...of, before, after, difference, ratio: before === 0n ? null : ratio(difference, before) }
}

/** By asset; then whoever gains or loses most units first; at equal ones, who has most to lose; then by name, byte by byte. */
export function byEffect(a: Change, b: Change): number {
  return order(a.asset, b.asset) || order(size(b.difference), size(a.difference)) || order(carriedEffect(b), carriedEffect(a)) || order(b.before, a.before) || order(a.name, b.name)
}

function carriedEffect(change: Change | RecipientChange): bigint {
  return 'carriedBefore' in change ? size(change.carriedAfter - change.carriedBefore) : 0n
}

function order<Value extends bigint | string>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function size(units: bigint): bigint {
  return units < 0n ? -units : units
}

function countsOf(changes: readonly RecipientChange[]): readonly ChangeCount[] {
  const counts = new Map<AssetName, { less: number; more: number; same: number }>()
  for (const { asset, difference } of changes) {
    const own = counts.getOrInsertComputed(asset, () => ({ less: 0, more: 0, same: 0 }))
    own[difference < 0n ? 'less' : difference > 0n ? 'more' : 'same'] += 1
  }
  return [...counts].toSorted(([a], [b]) => order(a, b)).map(([asset, own]) => ({ asset, recipients: own.less + own.more + own.same, ...own }))
}

/** How a percentage is rounded where it is shown: to the nearest hundredth of a per cent, a tie to the even one. */
export const PERCENT_ROUNDING = 'half-even'

const HUNDREDTHS = 10_000n

/** A ratio as a percentage with two decimals: -3/250 is "-1.20". What is less than half a hundredth is "0.00" or "-0.00". */
export function percentText({ numerator, denominator }: Ratio): string {
  const whole = size(numerator) * HUNDREDTHS
  const floor = whole / denominator
  const twice = 2n * (whole - floor * denominator)
  const isUp = twice > denominator || (twice === denominator && floor % 2n === 1n)
  const digits = (isUp ? floor + 1n : floor).toString().padStart(3, '0')
  return `${numerator < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
