// `verify`: recomputes every figure of a ledger, or of all ledgers, and ends with 1 when one of them does not hold.

import { SingleBar } from 'cli-progress'
import { verificationSentences, verify, type Verification } from '../../engine/verify.ts'
import { ledgerOf, maybeText, type Run } from '../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const chosen = maybeText(options['ledger']) === null ? await desk.ledgers.all() : [await ledgerOf(desk, options)]
  const found: Verification[] = []
  for (const ledger of chosen) {
    const bar = new SingleBar({ format: `  ${ledger.name} {bar} {value}/{total} transfers`, stream: process.stderr, noTTYOutput: false, hideCursor: true })
    const shown = process.stderr.isTTY
    if (shown) bar.start(0, 0)
    found.push(
      await verify(desk, ledger, {
        checker: desk.verifyRanges,
        onProgress: ({ transfers, of }) => {
          bar.setTotal(Number(of))
          bar.update(Number(transfers))
        },
      }),
    )
    if (shown) bar.stop()
  }
  if (found.some(({ ok }) => !ok)) process.exitCode = 1
  output.result(found.length === 1 ? found[0] : found, () => {
    if (found.length === 0) output.line('There is no ledger yet.')
    for (const verification of found) verificationSentences(verification).forEach(output.line)
  })
}
