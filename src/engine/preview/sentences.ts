// What a preview, and each side of a diff, says of itself in words: on which events, from what beginning, and what people must know who
// put such a plan in force.

import { formatMoney, parseAsset } from '../../core/money.ts'
import type { Ran, SourceDocument, SubjectDocument } from './document.ts'

/** By what a plan is called. */
function planName({ kind, draft, version }: SubjectDocument): string {
  if (kind === 'recorded') return 'the versions with which they were recorded'
  if (kind === 'content') return 'the plan given'
  return kind === 'version' ? `version ${version}` : `draft ${draft}`
}

function spanText({ kind, from, to }: SourceDocument): string {
  if (kind === 'sample') return "of the program's sample"
  if (kind === 'events') return 'given'
  if (from === null && to === null) return 'recorded so far'
  return `recorded from ${from ?? 'the beginning'} to ${to ?? 'now'}`
}

/** What was divided by which plan, and what must be known of it. */
export function runSentences(ran: Ran): readonly string[] {
  const { plan, source, side: { events, divided } } = ran
  const first = `${count(divided)} of ${plural(events, 'event')} ${spanText(source)} ${divided === 1 ? 'is' : 'are'} divided by ${planName(plan)}${moneyText(ran)}.`
  return [first, ...particulars(ran), stateSentence(source)]
}

/** The same of both sides of a diff; what they have in common is said once. */
export function sidesSentences(before: Ran, after: Ran): readonly string[] {
  if (before.source !== after.source) return [before, after].flatMap((ran, side) => runSentences(ran).map((sentence) => `${SIDES[side] ?? ''}: ${sentence}`))
  const common = `Before is ${planName(before.plan)}, after ${planName(after.plan)}, both on ${plural(before.side.events, 'event')} ${spanText(before.source)}.`
  const own = [before, after].flatMap((ran, side) => {
    const { side: { events, divided } } = ran
    const refused = divided === events ? [] : [`${count(divided)} of them are divided${moneyText(ran)}.`]
    return [...refused, ...particulars(ran)].map((sentence) => `${SIDES[side] ?? ''}: ${sentence}`)
  })
  return [common, ...own, stateSentence(before.source)]
}

const SIDES = ['Before', 'After'] as const

function moneyText({ totals }: Ran): string {
  const money = totals.assets.map(({ asset, units }) => formatMoney(units, parseAsset(asset))).join(' and ')
  return money === '' ? '' : `: ${money}`
}

function particulars({ source, side: { events, divided, refusals, claims, reversals }, totals }: Ran): readonly string[] {
  const [most] = [...refusals].toSorted(([, a], [, b]) => b - a)
  return [
    ...(most === undefined ? [] : [`${count(events - divided)} would be refused, ${refusals.size === 1 ? 'all' : 'most'} of them with ${most[0]}.`]),
    ...claimSentence(claims, source),
    ...totals.accounts.filter(({ account }) => account === 'distributing').map(({ units, asset }) => `${formatMoney(units, parseAsset(asset))} go out by snapshot: who gets how much of it is not worked out here.`),
    ...[...reversals].map(([asset, own]) => `${plural(own.events, 'reversal')} of ${formatMoney(own.units, parseAsset(asset))} ${own.events === 1 ? 'is' : 'are'} passed over: shares are as they were before anything was taken back.`),
    ...totals.assets.filter(({ carried }) => carried !== 0n).map(({ asset, carried }) => carriedText(formatMoney(carried < 0n ? -carried : carried, parseAsset(asset)), carried)),
  ]
}

function carriedText(money: string, carried: bigint): string {
  return carried > 0n ? `${money} of it are carried, below a minimum.` : `${money} that were carried before become payable.`
}

function claimSentence({ events, mismatched }: Ran['side']['claims'], { kind }: SourceDocument): readonly string[] {
  if (events === 0 || mismatched === 0) return []
  const what = kind === 'ledger' ? 'They are divided here all the same, but a source that goes on so will be refused: tell it first.' : 'They count here as refused.'
  return [`${count(mismatched)} of ${plural(events, 'event')} that came with amounts of their own ${mismatched === 1 ? 'has' : 'have'} others than this plan gives. ${what}`]
}

function stateSentence({ kind, state }: SourceDocument): string {
  const where = kind === 'ledger' ? 'where the span begins' : 'now'
  return state === 'empty' ? 'Rules begin without memory, and accounts empty.' : `Rules begin with what they remember ${where}.`
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}
