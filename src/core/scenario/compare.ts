// What was expected beside what came: the differences, each with its place in the scenario. Amounts are compared as exact units.

import { partyOf } from '../account.ts'
import type { Share } from '../distribution.ts'
import type { TransferLine } from '../journal.ts'
import { formatUnits, readUnits } from '../money.ts'
import type { Refusal } from '../refusal.ts'
import type { LockedShare, Trial, Tried } from '../trial.ts'
import type { EndExpectation, EventExpectation, RefusedExpectation } from './form.ts'

export type Difference = {
  /** Within the part that expects it. */
  readonly path: readonly PropertyKey[]
  readonly what: string
  readonly expected: string
  readonly actual: string
}

type Amounts = Readonly<Record<string, string>>

/** Whether only the names that are expected count, or others must have nothing. */
type Extent = 'named' | 'all'

function compareAmounts(what: string, expected: Amounts, { actual, scale, extent }: { actual: ReadonlyMap<string, bigint>; scale: number; extent: Extent }): readonly Difference[] {
  const names = extent === 'named' ? Object.keys(expected) : [...new Set([...Object.keys(expected), ...actual.keys()])]
  return names.flatMap((name) => {
    const text = expected[name]
    const wanted = text === undefined ? 0n : readUnits(text, { field: name, scale })
    const units = actual.get(name) ?? 0n
    return wanted === units ? [] : [{ path: [what, name], what: `${what}, ${name}`, expected: shortUnits(wanted, scale), actual: shortUnits(units, scale) }]
  })
}

/** A decimal without zeros that say nothing. */
export function shortUnits(units: bigint, scale: number): string {
  const text = formatUnits(units, scale)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function sumBy<Item>(items: readonly Item[], keyOf: (item: Item) => string | null, unitsOf: (item: Item) => bigint): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const item of items) {
    const key = keyOf(item)
    if (key !== null) sums.set(key, (sums.get(key) ?? 0n) + unitsOf(item))
  }
  return sums
}

/** All that roles get, by role. What only passes into a rounding account is nobody's. */
export function sharesByRole(shares: readonly Share[]): ReadonlyMap<string, bigint> {
  return sumBy(shares.filter(({ account }) => !account.startsWith('rounding:')), ({ role }) => role, ({ units }) => units)
}

/** A transfer of a division, as scenarios write it. */
export function transferText({ debit, credit, units }: Pick<TransferLine, 'debit' | 'credit' | 'units'>, scale: number): string {
  return `${debit} → ${credit} ${shortUnits(units, scale)}`
}

/** `a -> b 1.50` as it is printed: `a → b 1.5`. */
function normalTransfer(text: string, scale: number): string {
  const [debit = '', , credit = '', amount = ''] = text.split(' ')
  return transferText({ debit, credit, units: readUnits(amount, { field: 'transfers', scale }) }, scale)
}

/** Between the ledger and the world: they say no more than the event's own amount. */
const OUTSIDE: ReadonlySet<string> = new Set(['received', 'refunded'])

function compareTransfers(expected: readonly string[], transfers: readonly TransferLine[], scale: number): readonly Difference[] {
  const actual = transfers.filter(({ kind }) => !OUTSIDE.has(kind)).map((transfer) => transferText(transfer, scale))
  const count = Math.max(expected.length, actual.length)
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const text = expected[index]
    const [wanted, got] = [text === undefined ? 'nothing' : normalTransfer(text, scale), actual[index] ?? 'nothing']
    return wanted === got ? [] : [{ path: ['transfers', index], what: `transfer ${index + 1}`, expected: wanted, actual: got }]
  })
}

export function refusedText({ code, message }: Refusal): string {
  return `refused (${code}): ${message}`
}

/** Why a refusal is not the one that was expected. */
export function compareRefusal(expected: RefusedExpectation, refusal: Refusal | null): readonly Difference[] {
  const { refused, field, says = [] } = expected
  if (refusal === null) return [{ path: ['refused'], what: 'outcome', expected: `refused (${refused})`, actual: 'not refused' }]
  if (refusal.code !== refused) return [{ path: ['refused'], what: 'outcome', expected: `refused (${refused})`, actual: refusedText(refusal) }]
  const named = refusal.details['field']
  return [
    ...(field === undefined || named === field ? [] : [{ path: ['field'], what: 'field', expected: field, actual: typeof named === 'string' ? named : 'none' }]),
    ...says.flatMap((part, index) => (refusal.message.includes(part) ? [] : [{ path: ['says', index], what: 'message', expected: `… ${part} …`, actual: refusal.message }])),
  ]
}

/** Without an expectation an event must be recorded: a refusal that nobody expected is never passed over. */
export function compareTried(expected: EventExpectation | undefined, tried: Tried, scale: number): readonly Difference[] {
  if (expected !== undefined && 'refused' in expected) return compareRefusal(expected, tried.state === 'refused' ? tried.refusal : null)
  const outcome = tried.state === 'refused' ? refusedText(tried.refusal) : tried.state === 'duplicate' ? `recorded before, as event ${tried.event}` : 'recorded'
  if (expected !== undefined && 'duplicate' in expected) {
    return tried.state === 'duplicate' ? [] : [{ path: ['duplicate'], what: 'outcome', expected: 'recorded before', actual: outcome }]
  }
  if (tried.state !== 'recorded') return [{ path: [], what: 'outcome', expected: 'recorded', actual: outcome }]
  if (expected === undefined) return []
  const { shares, transfers, plan } = tried
  return [
    ...(expected.shares === undefined ? [] : compareAmounts('shares', expected.shares, { actual: sharesByRole(shares), scale, extent: 'all' })),
    ...(expected.recipients === undefined
      ? []
      : compareAmounts('recipients', expected.recipients, { actual: sumBy(shares, ({ account }) => partyOf('payable', account), ({ units }) => units), scale, extent: 'all' })),
    ...(expected.transfers === undefined ? [] : compareTransfers(expected.transfers, transfers, scale)),
    ...(expected.version === undefined || expected.version === plan ? [] : [{ path: ['version'], what: 'version', expected: expected.version.toString(), actual: plan.toString() }]),
  ]
}

/** How everything stands at the end. */
export function compareEnd(expected: EndExpectation, trial: Trial, scale: number): readonly Difference[] {
  const accounts = trial.accounts()
  const of = (role: string): ReadonlyMap<string, bigint> => sumBy(accounts, ({ name }) => partyOf(role, name), ({ balance }) => balance)
  const parts: Readonly<Record<keyof EndExpectation, { readonly actual: () => ReadonlyMap<string, bigint>; readonly extent: Extent }>> = {
    payable: { actual: () => of('payable'), extent: 'all' },
    carried: { actual: () => of('carried'), extent: 'all' },
    locked: { actual: () => sumBy<LockedShare>(trial.locked(), ({ account }) => partyOf('payable', account), ({ units }) => units), extent: 'all' },
    scheduled: { actual: () => sumBy<LockedShare>(trial.scheduled(), ({ account }) => partyOf('payable', account), ({ units }) => units), extent: 'all' },
    balances: { actual: () => new Map(accounts.map(({ name, balance }) => [name, balance])), extent: 'named' },
  }
  return Object.entries(parts).flatMap(([what, { actual, extent }]) => {
    const wanted = expected[what as keyof EndExpectation]
    return wanted === undefined ? [] : compareAmounts(what, wanted, { actual: actual(), scale, extent })
  })
}
