// `import`: copies an exported journal into an empty ledger; all of it, or nothing.

import { ledgerOf, text, type Run } from '../command.ts'
import { readLines } from '../journal-file.ts'
import { startTransferBar } from '../progress-bar.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const bar = startTransferBar(output, ledger.name)
  const { from, lanes } = await desk.importJournal(ledger, readLines(text(words[0]), input), bar.show).finally(bar.stop)
  const document = lanes.map(({ position, blocks, transfers, head }) => ({ position, blocks: blocks.toString(), transfers: transfers.toString(), head }))
  output.result({ ledger: ledger.name, from, lanes: document }, () => {
    output.line(`The ledger ${ledger.name} is now a copy of the journal of ${from}, and verified. Nothing is recorded in it or paid from it.`)
    for (const { position, blocks, head } of document) output.line(`lane ${position}: ${blocks} blocks; head ${head}`)
  })
}
