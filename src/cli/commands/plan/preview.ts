// `plan preview`: what a plan would do, on past events, a file of events or the program's sample. Nothing is written.

import { previewPlan } from '../../../engine/preview.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { planChoiceOf, sourceOf } from '../../preview-input.ts'
import { showPreview } from '../../preview-output.ts'
import { startProgressBar } from '../../progress-bar.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const [plan, source] = [await planChoiceOf(text(words[0]), input), sourceOf(ledger, { options, input })]
  const bar = startProgressBar(output, ledger.name, 'events')
  try {
    const document = await previewPlan(desk, ledger, { plan, source, fresh: options['fresh'] === true, onProgress: ({ events, of }) => bar.show(events, of) })
    bar.stop()
    showPreview(output, document)
  } finally {
    bar.stop()
  }
}
