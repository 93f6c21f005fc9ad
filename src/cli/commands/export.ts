// `export`: writes a ledger's journal to a file or to standard output, for others to verify and for `import`.

import { Refusal } from '../../core/refusal.ts'
import { exportJournal, journalSpan, type Exported, type ExportOptions } from '../../engine/export-journal.ts'
import type { Ledger } from '../../engine/ledger.ts'
import { ledgerOf, maybeText, text, type Given, type Run } from '../command.ts'
import { writeFile } from '../journal-file.ts'
import { startTransferBar } from '../progress-bar.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const path = words[0] === undefined ? '-' : text(words[0])
  const span = spanOf(ledger, options)
  const bar = startTransferBar(output, ledger.name)
  let exported: Exported = { lanes: [] }
  await writeFile(path, output.out, async (write) => {
    exported = await exportJournal(desk, ledger, { span, records: options['withoutRecords'] !== true, onProgress: bar.show }, write)
  })
  bar.stop()
  const lanes = exported.lanes.map(({ position, blocks, transfers, head }) => ({ position, blocks: blocks.toString(), transfers: transfers.toString(), head }))
  // Standard output holds the journal itself.
  const say = path === '-' ? output.note : output.line
  if (path === '-' || !output.json) for (const { position, blocks, head } of lanes) say(`lane ${position}: up to block ${blocks}; head ${head}`)
  else output.result({ ledger: ledger.name, file: path, lanes }, () => {})
}

function spanOf(ledger: Ledger, options: Given['options']): ExportOptions['span'] {
  return journalSpan(ledger, { lane: numberOf(options, 'lane'), from: numberOf(options, 'fromBlock'), to: numberOf(options, 'toBlock') })
}

function numberOf(options: Given['options'], name: string): bigint | null {
  const given = maybeText(options[name])
  if (given === null || /^[0-9]{1,18}$/.test(given)) return given === null ? null : BigInt(given)
  throw new Refusal('field_malformed', `${given} is no number of a block or lane`, { field: name, value: given })
}
