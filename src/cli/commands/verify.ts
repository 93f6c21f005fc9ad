// `verify`: recomputes every figure of a ledger, or of all ledgers, and ends with 1 when one of them does not hold.

import { Refusal } from '../../core/refusal.ts'
import type { Ledger } from '../../engine/ledger.ts'
import { beginningAt, verificationSentences, verify, verifyOnward, type Verification, type VerifyOptions } from '../../engine/verify.ts'
import { ledgerOf, maybeText, type Given, type Run } from '../command.ts'
import { startTransferBar } from '../progress-bar.ts'

export const run: Run = async (desk, { options }, output) => {
  const chosen = maybeText(options['ledger']) === null ? await desk.ledgers.all() : [await ledgerOf(desk, options)]
  const found: Verification[] = []
  for (const ledger of chosen) {
    const bar = startTransferBar(output, ledger.name)
    const how = { checker: desk.verifyRanges, onProgress: bar.show }
    if (options['incremental'] === true) found.push(await verifyOnward(desk, ledger, how))
    else found.push(await verify(desk, ledger, { ...how, from: beginningOf(ledger, options) }))
    bar.stop()
  }
  if (found.some(({ ok }) => !ok)) output.fail()
  output.result(found.length === 1 ? found[0] : found, () => {
    if (found.length === 0) output.line('There is no ledger yet.')
    for (const verification of found) verificationSentences(verification).forEach(output.line)
  })
}

function beginningOf(ledger: Ledger, options: Given['options']): NonNullable<VerifyOptions['from']> {
  const block = maybeText(options['fromBlock'])
  if (block === null) return 'first block'
  if (!/^[1-9][0-9]{0,17}$/.test(block)) throw new Refusal('field_malformed', `${block} is no number of a block`, { field: 'from_block', value: block })
  return beginningAt(ledger, BigInt(block))
}
