// Previews and diffs of plans: what a plan would do, and what a change would do to whom, on past events, given events or the program's
// sample. One pass over the events for all plans compared, in one snapshot; nothing is written, and memory grows with the recipients alone.

import type { PoolClient } from 'pg'
import { createSide, previewEvent, previewUnreadable, type PreviewedPlan, type Side } from '../core/preview.ts'
import { diffOf } from '../core/preview/diff.ts'
import { diffSentences } from '../core/preview/sentences.ts'
import type { Timeline } from '../core/preview/timeline.ts'
import { Refusal } from '../core/refusal.ts'
import { inSnapshot } from '../store/statement.ts'
import type { Ledger } from './ledger.ts'
import { diffDocument, previewDocument, ranOf, type DiffDocument, type PreviewDocument, type Ran } from './preview/document.ts'
import { runSentences, sidesSentences } from './preview/sentences.ts'
import { memoriesOf, openSource, timelineOf, type Source, type SourceChoice } from './preview/source.ts'
import { subjectOf, type PlanChoice, type Subject } from './preview/subject.ts'
import type { Desk } from './world.ts'

export type PreviewProgress = { readonly events: bigint; /** Null where nobody knows. */ readonly of: bigint | null }

export type PreviewOptions = {
  readonly source: SourceChoice
  /** Begin without what the rules remember. */
  readonly fresh?: boolean
  /** Most events of a span; null for any number. */
  readonly limit?: bigint | null
  /** Ends the pass between two pages. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: PreviewProgress) => void
}

type Previewing = Pick<Desk, 'store' | 'now'>

/**
 * Tries a plan. Refuses `plan_not_found`, `plan_invalid`, `events_missing` for a span without events, `preview_exceeded` for one above
 * `limit`, and as `pastSpan` does for a span that is none.
 */
export async function previewPlan(desk: Previewing, ledger: Ledger, { plan, ...options }: PreviewOptions & { readonly plan: PlanChoice }): Promise<PreviewDocument> {
  const [ran] = await inSnapshot(desk.store.pool, async (client) => await runPass(client, desk, ledger, [plan], options))
  return previewDocument(ledger.name, ran, runSentences(ran))
}

export type DiffOptions = PreviewOptions & {
  readonly before: PlanChoice
  readonly after: PlanChoice
  /** What `before` runs on where that is another span: the same plan at two times. */
  readonly sourceBefore?: SourceChoice | null
}

/** Compares two plans on the same events, or on two spans. Refuses as `previewPlan` does. */
export async function diffPlans(desk: Previewing, ledger: Ledger, { before, after, sourceBefore = null, ...options }: DiffOptions): Promise<DiffDocument> {
  const [was, is] = await inSnapshot(desk.store.pool, async (client) => {
    if (sourceBefore === null) return await runPass(client, desk, ledger, [before, after], options)
    const [one] = await runPass(client, desk, ledger, [before], { ...options, source: sourceBefore })
    const [other] = await runPass(client, desk, ledger, [after], options)
    return [one, other] as const
  })
  const diff = diffOf(was.totals, is.totals)
  return diffDocument(ledger.name, { before: was, after: is, diff }, [...diffSentences(diff), ...sidesSentences(was, is)])
}

type PerPlan<Plans extends readonly PlanChoice[], Value> = { readonly [Place in keyof Plans]: Value }

async function runPass<const Plans extends readonly [PlanChoice, ...PlanChoice[]]>(
  client: PoolClient,
  desk: Previewing,
  ledger: Ledger,
  plans: Plans,
  { source: choice, fresh = false, limit = null, signal, onProgress = () => {} }: PreviewOptions,
): Promise<PerPlan<Plans, Ran>> {
  // The source fixes the snapshot; plan versions are read after it, so that none is missing that an event of it names.
  const source = await openSource(client, ledger, { source: choice, fresh, now: desk.now() })
  const subjects: Subject[] = []
  for (const plan of plans) subjects.push(await subjectOf(client, desk, ledger, plan))
  requireFit(source, { limit, subjects })
  const sides: Side[] = []
  let recordedAt = false
  for (const subject of subjects) {
    const timeline = await timelineOf(client, ledger, subject)
    recordedAt ||= timeline !== null
    sides.push(createSide(planOf(ledger, subject, { timeline, source }), await memoriesOf(client, source, subject)))
  }
  let events = 0n
  for await (const page of source.pages({ recordedAt })) {
    signal?.throwIfAborted()
    for (const event of page) {
      for (const side of sides) {
        if ('refusal' in event) previewUnreadable(side, event.line, event.refusal)
        else previewEvent(side, event)
      }
    }
    events += BigInt(page.length)
    onProgress({ events, of: source.events })
  }
  if (sides.every((side) => side.events === 0)) throw new Refusal('events_missing', 'there is no event but reversals, if any: a preview of nothing shows nothing', { from: null, to: null })
  return sides.map((side, place) => ranOf({ plan: (subjects[place] as Subject).document, source: source.document, side })) as unknown as PerPlan<Plans, Ran>
}

function requireFit({ events, document }: Source, { limit, subjects }: { readonly limit: bigint | null; readonly subjects: readonly Subject[] }): void {
  if (document.kind !== 'ledger' && subjects.some(({ asRecorded }) => asRecorded)) {
    throw new Refusal('field_malformed', 'events that are given were recorded with no version: name a version, a draft or a plan', { field: 'plan' })
  }
  if (limit === null || events === null || events <= limit) return
  throw new Refusal('preview_exceeded', `the span holds ${events} events, and at most ${limit} are answered at once: shorten it, or run \`npx apportion plan preview\` or \`plan diff\`, which takes any number`, {
    events: events.toString(),
    limit: limit.toString(),
  })
}

function planOf({ program: { amountFields } }: Ledger, subject: Subject, { timeline, source }: { readonly timeline: Timeline | null; readonly source: Source }): PreviewedPlan {
  const { stepsOf, asRecorded } = subject
  return {
    ...{ stepsOf, amountFields, enforceClaims: source.document.kind !== 'ledger' },
    standingOf: (event, needs) => {
      if (asRecorded) return event.standing
      return timeline?.factsOf(needs, { at: event.eventAt, knownAt: event.recordedAt }) ?? {}
    },
  }
}
