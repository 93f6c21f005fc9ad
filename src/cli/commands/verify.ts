// `verify`: recomputes every figure of a ledger, or of all ledgers, and ends with 1 when one of them does not hold.

import { verificationSentences, verify, type Verification } from '../../engine/verify.ts'
import { ledgerOf, maybeText, type Run } from '../command.ts'
import { startTransferBar } from '../transfer-bar.ts'

export const run: Run = async (desk, { options }, output) => {
  const chosen = maybeText(options['ledger']) === null ? await desk.ledgers.all() : [await ledgerOf(desk, options)]
  const found: Verification[] = []
  for (const ledger of chosen) {
    const bar = startTransferBar(ledger.name)
    found.push(await verify(desk, ledger, { checker: desk.verifyRanges, onProgress: bar.show }))
    bar.stop()
  }
  if (found.some(({ ok }) => !ok)) process.exitCode = 1
  output.result(found.length === 1 ? found[0] : found, () => {
    if (found.length === 0) output.line('There is no ledger yet.')
    for (const verification of found) verificationSentences(verification).forEach(output.line)
  })
}
