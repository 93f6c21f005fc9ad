// `plan approve`: agrees to what a draft says, by the hash of what was looked at. The last approval makes it a version. A preview is
// checked before it is signed with it: made anew on the same events, and of the draft as it stands. Its hash alone is not taken.

import type { CommandDesk } from '../../../boot/desk.ts'
import { approvePlan } from '../../../engine/approve-plan.ts'
import type { Ledger } from '../../../engine/ledger.ts'
import { checkPreview, type CheckedPreview } from '../../../engine/preview/check.ts'
import { plan } from '../../../engine/read-plans.ts'
import { ledgerOf, maybeText, text, type Given, type Run } from '../../command.ts'
import { Refusal } from '../../../core/refusal.ts'
import type { Output } from '../../output.ts'
import { actorOf, sealed } from '../../person.ts'
import { readPlan, showPlan } from '../../plan-file.ts'
import { eventsOf, sampleOf } from '../../preview-input.ts'
import { startProgressBar } from '../../progress-bar.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const actor = await actorOf(desk, ledger, options)
  const [draft, hash] = [text(words[0]), text(options['hash'])]
  const preview = await previewOf(desk, ledger, { draft, given: maybeText(options['preview']), file: maybeText(options['file']), input }, output)
  // Where no second person is asked, who may propose may adopt without a seal.
  const isPerson = actor.person.rights.has('approve') || (await plan(desk, ledger, draft)).approvals_needed > 0
  const approval = isPerson ? sealed(desk, actor, { ledger: ledger.id, kind: 'plan', subject: draft, hash }, preview?.hash ?? null) : null
  await approvePlan(desk, ledger, actor.person, { draft, hash, approval, preview })
  showPlan(output, await plan(desk, ledger, draft))
}

const HASH = /^[0-9a-f]{64}$/

type Looked = Pick<Given, 'input'> & { readonly draft: string; readonly given: string | null; readonly file: string | null }

/** The preview in a file, made anew. Refuses `preview_mismatch`. */
async function previewOf(desk: CommandDesk, ledger: Ledger, { draft, given, file, input }: Looked, output: Output): Promise<CheckedPreview | null> {
  if (given === null) {
    if (!output.json) output.note('No preview is named: `npx apportion plan diff` shows what the draft changes, and --preview takes its --json.')
    return null
  }
  if (HASH.test(given)) {
    const problem = 'it is a hash alone, which says nothing of what it is of'
    throw new Refusal('preview_mismatch', `the preview does not stand for the draft ${draft}: ${problem}; --preview takes a file with its --json, which is made anew first`, { draft, problem })
  }
  const document = await readPlan(given, input)
  const bar = startProgressBar(output, ledger.name, 'events')
  try {
    const events = file === null ? null : await Array.fromAsync(eventsOf(ledger, { file, input }))
    const checked = await checkPreview(desk, ledger, { draft, document, sample: sampleOf(ledger), events, onProgress: ({ events: done, of }) => bar.show(done, of) })
    bar.stop()
    const { since } = checked
    output.note(`Preview ${checked.hash} was made anew on the same ${checked.events} ${checked.events === '1' ? 'event' : 'events'}, and is the same.`)
    if (since > 0n) output.note(`The ledger has recorded ${since} ${since === 1n ? 'event' : 'events'} since it was made: they are not in it.`)
    return checked
  } finally {
    bar.stop()
  }
}
