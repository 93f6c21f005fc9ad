// `plan approve`: agrees to what a draft says, by the hash of what was looked at. The last approval makes it a version. A preview is
// checked before it is signed with it: made anew on the same events, and of the draft as it stands.

import type { CommandDesk } from '../../../boot/desk.ts'
import { approvePlan } from '../../../engine/approve-plan.ts'
import type { Ledger } from '../../../engine/ledger.ts'
import { checkPreview } from '../../../engine/preview/check.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, maybeText, text, type Given, type Run } from '../../command.ts'
import type { Output } from '../../output.ts'
import { actorOf, sealed } from '../../person.ts'
import { readPlan, showPlan } from '../../plan-file.ts'
import { sampleOf } from '../../preview-input.ts'
import { startProgressBar } from '../../progress-bar.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const actor = await actorOf(desk, ledger, options)
  const [draft, hash] = [text(words[0]), text(options['hash'])]
  const preview = await previewOf(desk, ledger, { draft, given: maybeText(options['preview']), input }, output)
  // Where no second person is asked, who may propose may adopt without a seal.
  const isPerson = actor.person.rights.has('approve') || (await plan(desk, ledger, draft)).approvals_needed > 0
  const approval = isPerson ? sealed(desk, actor, { ledger: ledger.id, kind: 'plan', subject: draft, hash }, preview) : null
  await approvePlan(desk, ledger, actor.person, { draft, hash, approval })
  showPlan(output, await plan(desk, ledger, draft))
}

const HASH = /^[0-9a-f]{64}$/

/** The hash of the preview: as it was given, or of the file that holds it. Refuses `preview_mismatch`. */
async function previewOf(desk: CommandDesk, ledger: Ledger, { draft, given, input }: Pick<Given, 'input'> & { readonly draft: string; readonly given: string | null }, output: Output): Promise<string | null> {
  if (given === null) {
    if (!output.json) output.note('No preview is named: `npx apportion plan diff` shows what the draft changes, and --preview takes its --json.')
    return null
  }
  if (HASH.test(given)) {
    if (!output.json) output.note('The hash of the preview is signed as it was given: a file of its --json would be checked.')
    return given
  }
  const document = await readPlan(given, input)
  const bar = startProgressBar(output, ledger.name, 'events')
  try {
    const { hash, events, madeAnew, since } = await checkPreview(desk, ledger, { draft, document, sample: sampleOf(ledger), onProgress: ({ events: done, of }) => bar.show(done, of) })
    bar.stop()
    output.note(madeAnew ? `Preview ${hash} was made anew on the same ${events} events, and is the same.` : `Preview ${hash} is of events in a file, and was not made anew.`)
    if (since > 0n) output.note(`The ledger has recorded ${since} ${since === 1n ? 'event' : 'events'} since it was made: they are not in it.`)
    return hash
  } finally {
    bar.stop()
  }
}
