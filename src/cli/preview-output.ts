// Previews and diffs as people read them.

import { formatMoney, parseAsset } from '../core/money.ts'
import type { DiffDocument, PreviewDocument } from '../engine/preview/document.ts'
import type { Column, Output } from './output.ts'

const money = (units: string, asset: string): string => formatMoney(BigInt(units), parseAsset(asset))

/** With its sign, which says who gains. */
const signed = (units: string, asset: string): string => (units.startsWith('-') || units === '0' ? money(units, asset) : `+${money(units, asset)}`)

/** Rows shown of a list; `--json` has more. */
const MAX_ROWS = 20

type Recipient = PreviewDocument['recipients'][number]
type Changed = DiffDocument['recipients'][number]

const RECIPIENT_COLUMNS: readonly Column<Recipient>[] = [
  { title: 'RECIPIENT', of: ({ recipient }) => recipient },
  { title: 'ROLE', of: ({ role }) => role ?? 'several' },
  { title: 'AMOUNT', of: ({ units, asset }) => money(units, asset), right: true },
  { title: 'CARRIED', of: ({ carried, asset }) => (carried === '0' ? '-' : money(carried, asset)), right: true },
  { title: 'SHARES', of: ({ shares }) => shares, right: true },
]

const CHANGE_COLUMNS: readonly Column<Changed>[] = [
  { title: 'RECIPIENT', of: ({ name }) => name },
  { title: 'ROLE', of: ({ role }) => role ?? 'several' },
  { title: 'BEFORE', of: ({ before, asset }) => money(before, asset), right: true },
  { title: 'AFTER', of: ({ after, asset }) => money(after, asset), right: true },
  { title: 'DIFFERENCE', of: ({ difference, asset }) => signed(difference, asset), right: true },
  { title: 'PERCENT', of: ({ percent, difference }) => percentOf(percent, difference), right: true },
]

function percentOf(percent: string | null, difference: string): string {
  if (percent === null) return difference === '0' ? '-' : 'new'
  return difference === '0' || percent.startsWith('-') ? `${percent} %` : `+${percent} %`
}

export function showPreview(output: Output, document: PreviewDocument): void {
  output.result(document, () => {
    const { recipients, accounts, sentences, assets } = document
    sentences.forEach(output.line)
    output.line('')
    output.table(recipients.slice(0, MAX_ROWS), RECIPIENT_COLUMNS, 'Nobody gets anything.')
    showRest(output, { all: assets.reduce((all, each) => all + each.recipients, 0), noun: 'recipients' })
    for (const { account, units, asset } of accounts) output.line(`${account}: ${money(units, asset)}`)
    showRefusals(output, document)
    output.line(`\nHash ${document.hash}`)
  })
}

export function showDiff(output: Output, document: DiffDocument): void {
  output.result(document, () => {
    const { recipients, roles, accounts, sentences, counts, before, after } = document
    sentences.forEach(output.line)
    output.line('')
    output.table(recipients.slice(0, MAX_ROWS), CHANGE_COLUMNS, 'Nobody gets anything.')
    showRest(output, { all: counts.reduce((all, each) => all + each.recipients, 0), noun: 'recipients' })
    if (roles.length < recipients.length) for (const role of roles) output.line(`All of ${role.name}: ${money(role.before, role.asset)} before, ${money(role.after, role.asset)} after (${percentOf(role.percent, role.difference)})`)
    for (const each of accounts) output.line(`${each.name}: ${money(each.before, each.asset)} before, ${money(each.after, each.asset)} after`)
    showRefusals(output, before, 'Before')
    showRefusals(output, after, 'After')
    output.line(`\nHash ${document.hash}`)
  })
}

function showRest(output: Output, { all, noun }: { readonly all: number; readonly noun: string }): void {
  if (all > MAX_ROWS) output.line(`… and ${(all - MAX_ROWS).toLocaleString('en')} ${noun} more: --json lists the first thousand`)
}

function showRefusals(output: Output, { refusals, first_refusals: first }: Pick<PreviewDocument, 'refusals' | 'first_refusals'>, side = ''): void {
  for (const { code, count } of refusals) output.line(`${side === '' ? '' : `${side}: `}${count} refused with ${code}`)
  for (const { reference, line, code, message } of first) output.line(`  ${line === null ? '' : `line ${line}: `}${reference === null ? '' : `${reference}: `}${message} (${code})`)
}
