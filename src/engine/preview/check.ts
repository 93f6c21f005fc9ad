// Whether a preview or diff that somebody looked at is true, and still of what stands in a draft: read from its document, made anew on the
// same blocks or given events, and compared by its hash. What was recorded since is counted.

import { z } from 'zod'
import { present } from '../../core/assert.ts'
import { Refusal } from '../../core/refusal.ts'
import { blocksBefore } from '../../store/preview.ts'
import { requireDraft } from '../draft-plan.ts'
import type { Ledger } from '../ledger.ts'
import { diffPlans, previewPlan, type PreviewOptions } from '../preview.ts'
import { END } from '../span.ts'
import type { Desk } from '../world.ts'
import { diffSchema, hashOf, previewSchema, type SourceDocument, type SubjectDocument } from './document.ts'
import type { GivenEvent, SourceChoice } from './source.ts'
import type { PlanChoice } from './subject.ts'

export type CheckedPreview = {
  readonly hash: string
  /** Events on which it was made. */
  readonly events: string
  /** Events that the ledger has recorded since. */
  readonly since: bigint
}

const documentSchema = z.discriminatedUnion('kind', [previewSchema, diffSchema])

type Looked = { readonly draft: string; readonly document: unknown; readonly sample: readonly GivenEvent[]; readonly events: Given | null }

/** All of them at once: a diff reads them twice. */
type Given = readonly GivenEvent[]

type Run = { readonly plan: SubjectDocument; readonly source: SourceDocument }

/**
 * Checks a document against a draft as it stands. `sample` are the events of the program's sample, in the same words as then; `events` those
 * that were given, for a preview of such.
 * Refuses `preview_mismatch` for one that is of something else, or whose figures are not what comes out; `preview_exceeded`, `plan_not_found`.
 */
export async function checkPreview(
  desk: Pick<Desk, 'store' | 'now'>,
  ledger: Ledger,
  { draft, document, sample, events: shown, ...running }: Looked & Pick<PreviewOptions, 'limit' | 'signal' | 'onProgress'>,
): Promise<CheckedPreview> {
  const parsed = documentSchema.safeParse(document)
  if (!parsed.success) throw mismatch(draft, `it is no preview and no diff: ${parsed.error.issues[0]?.path.join('.') ?? 'the document'} is not as it must be`)
  const given = parsed.data
  if (hashOf(given) !== given.hash) throw mismatch(draft, `its figures have the hash ${hashOf(given)} and not ${given.hash}, which it names`)
  const after: Run = given.kind === 'preview' ? given : given.after
  const { hash } = await requireDraft(desk.store.pool, ledger, draft)
  if (given.ledger !== ledger.name) throw mismatch(draft, `it is of the ledger ${given.ledger}`)
  if (after.plan.draft !== draft) throw mismatch(draft, after.plan.draft === null ? 'it is of a plan that was no draft' : `it is of the draft ${after.plan.draft}`)
  if (after.plan.hash !== hash) throw mismatch(draft, `the draft was written anew since: its hash was ${after.plan.hash}, and is ${hash}`)
  const since = await eventsSince(desk, ledger, after.source)
  const { events } = given.kind === 'preview' ? given : given.after
  const own = { draft, sample, shown }
  const source = choiceOf(after.source, own)
  const options = { source, fresh: after.source.state === 'empty', ...running }
  const anew =
    given.kind === 'preview'
      ? await previewPlan(desk, ledger, { plan: { kind: 'draft', draft }, ...options })
      : await diffPlans(desk, ledger, { before: planChoiceOf(given.before.plan, draft), after: { kind: 'draft', draft }, sourceBefore: isSame(given.before, given.after) ? null : choiceOf(given.before.source, own), ...options })
  if (anew.hash !== given.hash) throw mismatch(draft, `made anew on the same events its hash is ${anew.hash}, not ${given.hash}`)
  return { hash: given.hash, events, since }
}

function mismatch(draft: string, problem: string): Refusal {
  return new Refusal('preview_mismatch', `the preview does not stand for the draft ${draft}: ${problem}; make it anew, and look at it`, { draft, problem })
}

function isSame({ source: one }: Run, { source: other }: Run): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function choiceOf({ kind, from, to, lanes }: SourceDocument, { draft, sample, shown }: { draft: string; sample: Given; shown: Given | null }): SourceChoice {
  const blocks = lanes.map(({ after_block: after, block }) => ({ after: BigInt(after), upTo: BigInt(block) }))
  if (kind === 'sample') return { kind, events: sample, lanes: blocks }
  if (kind === 'ledger') return { kind: 'blocks', from, to, lanes: blocks }
  if (shown !== null) return { kind, events: shown, lanes: blocks }
  throw mismatch(draft, 'it is of events that are not here: give them too (--file, preview_events), so that it can be made anew')
}

function planChoiceOf({ kind, draft, version }: SubjectDocument, subject: string): PlanChoice {
  if (kind === 'version') return { kind, version: present(version, 'version') }
  if (kind === 'draft') return { kind, draft: present(draft, 'draft') }
  if (kind === 'recorded') return { kind }
  throw mismatch(subject, 'what it compares the draft with is written down nowhere here')
}

/** Of all lanes: events after those that it looked at. */
async function eventsSince({ store }: Pick<Desk, 'store'>, { lanes }: Ledger, source: SourceDocument): Promise<bigint> {
  const heads = await blocksBefore(store.pool, lanes, END)
  return heads.reduce((all, { event }, place) => all + event - BigInt(source.lanes[place]?.event ?? 0), 0n)
}
