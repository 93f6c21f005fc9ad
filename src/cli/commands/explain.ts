// `explain`: why an event, a share or a payout is what it is, in sentences or as a document.

import { explain } from '../../engine/explain.ts'
import { sentences } from '../../engine/explain-sentences.ts'
import { ledgerOf, text, type Run } from '../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const explanation = await explain(desk, await ledgerOf(desk, options), text(words[0]))
  output.result(explanation, () => sentences(explanation).forEach(output.line))
}
