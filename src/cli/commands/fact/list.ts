// `fact list`: announcements of standing facts, the newest of each first.

import { facts } from '../../../engine/set-fact.ts'
import { ledgerOf, maybeText, pageOf, showNext, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const query = { name: maybeText(options['name']), subject: maybeText(options['subject']), ...pageOf(options) }
  const page = await facts(desk, await ledgerOf(desk, options), query)
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'FACT', of: ({ name }) => name },
        { title: 'OF', of: ({ subject }) => subject },
        { title: 'VALUE', of: ({ value }) => value, right: true },
        { title: 'FROM', of: ({ effective_from: from }) => from },
        { title: 'STATE', of: ({ state }) => state.replaceAll('_', ' ') },
        { title: 'ANNOUNCED BY', of: ({ announced_by: by }) => by },
      ],
      'No fact.',
    )
    showNext(page, output)
  })
}
