// `report top`: the recipients who earned, are owed or were paid most.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { Refusal } from '../../../core/refusal.ts'
import { top, TOP_FIGURES, type TopFigure } from '../../../engine/read-reports.ts'
import { ledgerOf, maybeText, pageOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const by = figureOf(text(options['by']))
  const { limit } = pageOf(options)
  const found = await top(desk, await ledgerOf(desk, options), { by, from: maybeText(options['from']), to: maybeText(options['to']), limit })
  output.result(found, () =>
    output.table(
      found,
      [
        { title: 'RANK', of: ({ rank }) => rank, right: true },
        { title: 'RECIPIENT', of: ({ recipient }) => recipient },
        { title: by.toUpperCase(), of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
      ],
      'Nobody.',
    ),
  )
}

function figureOf(given: string): TopFigure {
  const found = TOP_FIGURES.find((figure) => figure === given)
  if (found !== undefined) return found
  throw new Refusal('field_malformed', `--by takes one of ${TOP_FIGURES.join(', ')}, not ${JSON.stringify(given.slice(0, 60))}`, { field: 'by' })
}
