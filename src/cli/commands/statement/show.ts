// `statement show`: a recipient's statement over a span, as a table, as JSON, or all its lines as CSV.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { Refusal } from '../../../core/refusal.ts'
import { statement, statementLines, STATEMENT_ORDERS, type StatementDocument, type StatementLineDocument, type StatementOrder } from '../../../engine/read-statement.ts'
import { ledgerOf, maybeText, pageOf, showNext, text, type Run } from '../../command.ts'
import type { Column, Output } from '../../output.ts'

/** Lines read at once for CSV, of which there is no page. */
const CSV_PAGE = 1000

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const asked = { recipient: text(words[0]), from: maybeText(options['from']), to: maybeText(options['to']), by: orderOf(maybeText(options['by'])) }
  if (options['csv'] === true) {
    output.line(csvLine(CSV_COLUMNS.map(({ title }) => title)))
    for (let cursor: string | null = null; ; ) {
      const page: Awaited<ReturnType<typeof statementLines>> = await statementLines(desk, ledger, { ...asked, cursor, limit: CSV_PAGE })
      for (const line of page.items) output.line(csvLine(CSV_COLUMNS.map(({ of }) => of(line))))
      if (page.next === null) return
      cursor = page.next
    }
  }
  const found = await statement(desk, ledger, asked)
  const lines = await statementLines(desk, ledger, { ...asked, ...pageOf(options) })
  output.result({ ...found, lines }, () => {
    showFigures(found, output)
    output.line('')
    output.table(lines.items, LINE_COLUMNS, 'No line.')
    showNext(lines, output)
  })
}

function orderOf(given: string | null): StatementOrder {
  const found = STATEMENT_ORDERS.find((order) => order === (given ?? 'recorded_at'))
  if (found !== undefined) return found
  throw new Refusal('field_malformed', `--by takes one of ${STATEMENT_ORDERS.join(', ')}, not ${JSON.stringify(given?.slice(0, 60))}`, { field: 'by' })
}

const money = ({ units, asset }: { readonly units: string; readonly asset: string }): string => formatMoney(BigInt(units), parseAsset(asset))

function showFigures({ recipient, from, to, by, assets, heads }: StatementDocument, output: Output): void {
  const what = by === 'recorded_at' ? 'recorded' : 'of events that happened'
  output.line(`Statement of ${recipient}, ${what} ${from === null ? 'from the beginning' : `from ${from}`} ${to === null ? 'until now' : `to before ${to}`}`)
  output.table(
    assets,
    [
      { title: 'OPENING', of: ({ opening }) => money(opening), right: true },
      { title: '+ EARNED', of: ({ earned }) => money(earned), right: true },
      { title: '+ ADJUSTED', of: ({ adjusted }) => money(adjusted), right: true },
      { title: '- FEES', of: ({ fees }) => money(fees), right: true },
      { title: '- PAID', of: ({ paid }) => money(paid), right: true },
      { title: '= CLOSING', of: ({ closing }) => money(closing), right: true },
    ],
    'No share yet.',
  )
  for (const { lane, block, hash } of heads) if (hash !== null) output.line(`Lane ${lane}, block ${block}: ${hash}`)
}

const LINE_COLUMNS: readonly Column<StatementLineDocument>[] = [
  { title: 'RECORDED', of: ({ recorded_at: at }) => at },
  { title: 'LINE', of: ({ line, kind }) => (line === 'moved' ? kind : line) },
  { title: 'CHANGE', of: ({ change }) => money(change), right: true },
  { title: 'OWED AFTER', of: ({ balance }) => money(balance), right: true },
  { title: 'EVENT OR PAYOUT', of: ({ reference, subject }) => reference ?? subject ?? '-' },
  { title: 'PLAN', of: ({ plan_version: version }) => version?.toString() ?? '-', right: true },
]

const CSV_COLUMNS: readonly Column<StatementLineDocument>[] = [
  { title: 'recorded_at', of: ({ recorded_at: at }) => at },
  { title: 'event_at', of: ({ event_at: at }) => at ?? '' },
  { title: 'line', of: ({ line }) => line },
  { title: 'kind', of: ({ kind }) => kind },
  { title: 'asset', of: ({ asset }) => asset },
  { title: 'amount', of: ({ amount }) => amount },
  { title: 'change', of: ({ change }) => change.amount },
  { title: 'balance', of: ({ balance }) => balance.amount },
  { title: 'reference', of: ({ reference }) => reference ?? '' },
  { title: 'plan_version', of: ({ plan_version: version }) => version?.toString() ?? '' },
  { title: 'part', of: ({ part }) => part?.toString() ?? '' },
  { title: 'subject', of: ({ subject }) => subject ?? '' },
  { title: 'lane', of: ({ lane }) => lane.toString() },
  { title: 'transfer', of: ({ transfer }) => transfer },
]

/** RFC 4180: what holds a separator, a quote or a line's end stands between quotes. */
function csvLine(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')
}
