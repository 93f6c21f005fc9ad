// `ledger show`: one ledger, with the file that its terms come from, as it was given.

import { scheduleText } from '../../../core/schedule.ts'
import { ledgerDetailDocument } from '../../../engine/documents.ts'
import { text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words }, output) => {
  const found = ledgerDetailDocument(await desk.ledgers.open(text(words[0])), desk.now())
  output.result(found, () => {
    const { name, program, network, rail, schema, created_at: at, program_file: file, schedule } = found
    output.line(`Ledger ${name}: ${program} on ${network} ${rail}, made ${at}${schema === null ? '' : `, its tables in the schema ${schema}`}.`)
    if (schedule !== null) output.line(`Payouts are made ${scheduleText(schedule.payouts)}: last at ${schedule.last_run_at}, next at ${schedule.next_run_at}.`)
    if (file !== null) output.line(`\n${file.trimEnd()}`)
  })
}
