// `inbox role`: a database role that may only insert events by SQL, with its address shown once.

import { createInboxRole } from '../../../boot/inbox-role.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const made = await createInboxRole(desk, { ownerUrl: desk.database.ownerUrl, ledger, role: text(words[0]) })
  output.result(made, () => {
    output.line(made.url)
    output.note(`This address is shown once. With it: insert into ${made.table} (…) values (…), and select from ${made.table}_status.`)
  })
}
