// `event reverse`: a refund or a chargeback, whole or in part.

import { formatMoney, parseAmount, parseAsset } from '../../../core/money.ts'
import { checkReference } from '../../../core/reference.ts'
import { eventDocument } from '../../../engine/documents.ts'
import { distribution } from '../../../engine/read-distributions.ts'
import { recordedFromStore } from '../../../engine/recorder.ts'
import { reverseEvent } from '../../../engine/reverse-event.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const [reverses, reference] = [text(words[0]), checkReference(text(words[1]), 'reversal')]
  const [amount, note] = [maybeText(options['amount']), maybeText(options['note'])]
  const units = amount === null ? null : parseAmount(amount, { field: 'amount', scale: ledger.asset.scale })
  const { state, event } = await reverseEvent(desk, ledger, { reference, reverses, units, details: note === null ? null : { note }, door: 'cli' })
  const isInChunks = (await distribution(desk, ledger, reference)).progress !== null
  output.result({ state, event: eventDocument(recordedFromStore(ledger, event)) }, () => {
    const money = formatMoney(event.units, parseAsset(event.asset))
    output.line(`${state === 'recorded' ? 'recorded' : 'was recorded before'}: ${reference} reverses ${money} of ${reverses}`)
    if (isInChunks) output.line(`It is taken back in chunks, and counts when it is complete: \`npx apportion distribution follow ${reference}\`.`)
    output.line(`\`npx apportion explain ${reverses}\` shows where it was taken from.`)
  })
}
