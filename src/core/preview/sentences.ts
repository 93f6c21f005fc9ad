// A diff in words: who gets more, who gets less, by how much, and who does not. A role that many recipients have is told as one, where all
// of them go the same way.

import { formatMoney, parseAsset, type AssetName } from '../money.ts'
import { ratio, type Ratio } from '../ratio.ts'
import { percentText, type ChangeCount, type Diff, type RecipientChange } from './diff.ts'

/** More than so many names nobody reads: then the counts are told, and the largest effects. */
const MAX_NAMED = 4

/** What a diff says, a sentence or two for each asset. */
export function diffSentences({ recipients, counts, accounts }: Diff): readonly string[] {
  const sentences = counts.map((count) => {
    const own = recipients.filter(({ asset }) => asset === count.asset)
    return [...(counts.length > 1 ? [`In ${count.asset}:`] : []), sentenceOf(own, count), ...carriedSentence(own, count.asset)].join(' ')
  })
  const kept = accounts.filter(({ difference }) => difference !== 0n).map(({ name, asset, difference }) => `${name} gets ${moneyOf(difference, asset)} ${difference < 0n ? 'less' : 'more'}.`)
  return [...sentences, ...kept.slice(0, MAX_NAMED), ...(kept.length > MAX_NAMED ? [`So do ${kept.length - MAX_NAMED} other accounts.`] : [])]
}

function sentenceOf(changes: readonly RecipientChange[], count: ChangeCount): string {
  if (count.same === count.recipients) return 'Nobody gets more or less.'
  const groups = groupsOf(changes.filter(({ byRounding }) => !byRounding))
  if (groups === null || groups.length > MAX_NAMED) return countSentence(changes, count)
  const others = changes.some(({ byRounding }) => byRounding) ? 'changes but by rounding, at most a unit an event' : 'changes'
  if (groups.length === 0) return `Nobody ${others}.`
  const named = groups.map(groupText).join('; ')
  return count.same > 0 || changes.some(({ byRounding }) => byRounding) ? `${named}; nobody else ${others}.` : `${named}.`
}

/** Those who change, as they are named: one recipient, or a role with all who have it. */
type Group = { readonly name: string; readonly recipients: number; readonly before: bigint; readonly after: bigint; readonly asset: AssetName }

/** The largest effect first, of those who change by more than rounding. Null where those of one role go different ways, so that their sum would hide it. */
function groupsOf(changes: readonly RecipientChange[]): readonly Group[] | null {
  const members = new Map<string, RecipientChange[]>()
  for (const change of changes) members.getOrInsertComputed(change.role === null ? `one ${change.name}` : `role ${change.role}`, () => []).push(change)
  const groups: Group[] = []
  for (const own of members.values()) {
    const [first] = own
    if (first === undefined || own.every(({ difference }) => difference === 0n)) continue
    if (own.some(({ difference }) => difference > 0n) && own.some(({ difference }) => difference < 0n)) return null
    const { asset, role, name } = first
    const sum = (of: (change: RecipientChange) => bigint): bigint => own.reduce((all, change) => all + of(change), 0n)
    groups.push({ asset, name: own.length === 1 ? name : (role ?? name), recipients: own.length, before: sum(({ before }) => before), after: sum(({ after }) => after) })
  }
  return groups.toSorted((a, b) => compare(sizeOf(b), sizeOf(a)) || compare(b.before, a.before) || (a.name < b.name ? -1 : 1))
}

function groupText({ name, recipients, before, after, asset }: Group): string {
  const who = recipients === 1 ? name : `${name} (${recipients.toLocaleString('en')} recipients)`
  return `${who} ${effectText({ before, after, asset })}`
}

type Effect = { readonly before: bigint; readonly after: bigint; readonly asset: AssetName }

function effectText({ before, after, asset }: Effect): string {
  if (before === 0n) return `gets ${moneyOf(after, asset)}, and nothing before`
  if (after === 0n) return `gets nothing, and ${moneyOf(before, asset)} before`
  return `gets ${percentWords(ratio(after - before, before))} ${after < before ? 'less' : 'more'} (${moneyOf(after - before, asset)})`
}

/** "1.2 %", without its sign. */
function percentWords(of: Ratio): string {
  const text = percentText(of).replace('-', '')
  if (text === '0.00') return 'less than 0.01 %'
  return `${text.replace(/\.?0+$/, '')} %`
}

function countSentence(changes: readonly RecipientChange[], { recipients, less, more, same }: ChangeCount): string {
  const parts = [most(changes.filter(({ difference }) => difference < 0n), 'less'), most(changes.filter(({ difference }) => difference > 0n), 'more')].filter((part) => part !== null)
  const counted = `${less.toLocaleString('en')} of ${recipients.toLocaleString('en')} recipients get less, ${more.toLocaleString('en')} more, ${same.toLocaleString('en')} as much as before`
  return `${counted}. ${parts.join('; ')}.`
}

/** Changes come with the largest effect first. */
function most([first]: readonly RecipientChange[], way: 'less' | 'more'): string | null {
  if (first === undefined) return null
  const { name, before, after, difference, asset } = first
  const share = before === 0n ? 'nothing before' : `${percentWords(ratio(difference, before))} ${way}`
  return `${name} gets ${moneyOf(difference, asset)} ${way}, the most of them (${after === 0n ? 'nothing now' : share})`
}

function carriedSentence(changes: readonly RecipientChange[], asset: AssetName): readonly string[] {
  const moved = changes.filter(({ carriedBefore, carriedAfter }) => carriedBefore !== carriedAfter)
  if (moved.length === 0) return []
  const difference = moved.reduce((all, { carriedBefore, carriedAfter }) => all + carriedAfter - carriedBefore, 0n)
  const who = moved.length === 1 ? '1 recipient' : `${moved.length.toLocaleString('en')} recipients`
  return [`For ${who} another amount is carried, ${moneyOf(difference, asset)} ${difference < 0n ? 'less' : 'more'} in all.`]
}

function moneyOf(units: bigint, asset: AssetName): string {
  return formatMoney(units < 0n ? -units : units, parseAsset(asset))
}

function sizeOf({ before, after }: Group): bigint {
  return after < before ? before - after : after - before
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
