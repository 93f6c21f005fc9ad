// `key create`: a key for one ledger, shown once. A person who may approve is made here and nowhere else.

import { ledgerOf, maybeText, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const [name, role] = [text(words[0]), maybeText(options['role'])]
  const rights = (maybeText(options['rights']) ?? 'read,record').split(',').map((right) => right.trim())
  const made = await desk.createKey(ledger, role === null ? { name, rights } : { name, role })
  output.result(made, () => {
    output.line(made.key)
    output.note('This key is shown once. Send it as `authorization: Bearer <key>`.')
    if (made.key.includes('.')) output.note('What follows the dot is the seal: it approves, and is sent to nobody. Commands take the whole key from APPORTION_KEY.')
  })
}
