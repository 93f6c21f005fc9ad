// `plan diff`: what a change of plan would change for whom, on the same events; or what changed between two spans under one plan.

import { Refusal } from '../../../core/refusal.ts'
import { diffPlans } from '../../../engine/preview.ts'
import type { SourceChoice } from '../../../engine/preview/source.ts'
import { ledgerOf, maybeText, text, type Given, type Run } from '../../command.ts'
import { planChoiceOf, sourceOf } from '../../preview-input.ts'
import { showDiff } from '../../preview-output.ts'
import { startProgressBar } from '../../progress-bar.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const [first, second] = [text(words[0]), maybeText(words[1])]
  const [source, sourceBefore] = [sourceOf(ledger, { options, input }), spanBefore(options)]
  if (source.kind !== 'ledger' && sourceBefore !== null) throw new Refusal('field_malformed', '--before-from and --before-to are of a span: give --from and --to beside them', { field: 'before_from' })
  const after = await planChoiceOf(second ?? first, input)
  // One plan alone: against the one in force, or, on two spans, against itself.
  const before = second === null ? (sourceBefore === null ? ({ kind: 'in_force' } as const) : after) : await planChoiceOf(first, input)
  const bar = startProgressBar(output, ledger.name, 'events')
  try {
    const document = await diffPlans(desk, ledger, { before, after, source, sourceBefore, fresh: options['fresh'] === true, onProgress: ({ events, of }) => bar.show(events, of) })
    bar.stop()
    showDiff(output, document)
  } finally {
    bar.stop()
  }
}

function spanBefore(options: Given['options']): SourceChoice | null {
  const [from, to] = [maybeText(options['beforeFrom']), maybeText(options['beforeTo'])]
  return from === null && to === null ? null : { kind: 'ledger', from, to }
}
