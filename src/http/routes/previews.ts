// What a plan would do, and what a change would change for whom: answered at once for spans that are short enough, and written nowhere.

import { Refusal } from '../../core/refusal.ts'
import type { Ledger } from '../../engine/ledger.ts'
import { diffPlans, previewPlan, type PreviewOptions } from '../../engine/preview.ts'
import { diffSchema, previewSchema } from '../../engine/preview/document.ts'
import type { GivenEvent, SourceChoice } from '../../engine/preview/source.ts'
import type { PlanChoice } from '../../engine/preview/subject.ts'
import { callerOf } from '../auth.ts'
import { BATCH_BODY_LIMIT } from '../body.ts'
import { ledgerParams } from '../contract.ts'
import { diffIn, previewIn, type PreviewedPlanIn, type SourceIn } from '../contract-preview.ts'
import { malformed } from '../errors.ts'
import { MAX_EVENTS } from '../passes.ts'
import type { App, Parts } from './parts.ts'

const tags = ['plans']
const preview = previewSchema.meta({ id: 'PlanPreview' })
const diff = diffSchema.meta({ id: 'PlanDiff' })

export function previewRoutes(app: App, { desk, passes }: Parts): void {
  app.post(
    '/ledgers/:ledger/plans/preview',
    {
      config: { right: 'read' },
      bodyLimit: BATCH_BODY_LIMIT,
      schema: {
        summary: 'Try a plan on past events, given ones or the sample, and write nothing',
        description: `A span of at most ${MAX_EVENTS} events; docs/reference/preview-format.md says what the answer means.`,
        ...{ operationId: 'previewPlan', tags, params: ledgerParams, body: previewIn, response: { 200: preview } },
      },
    },
    async (request, reply) => {
      const { ledger } = callerOf(request)
      const { plan, ...given } = request.body
      return await passes.run(reply, async (signal) => await previewPlan(desk, ledger, { plan: planChoiceOf(plan), ...optionsOf(ledger, given, signal) }))
    },
  )

  app.post(
    '/ledgers/:ledger/plans/diff',
    {
      config: { right: 'read' },
      bodyLimit: BATCH_BODY_LIMIT,
      schema: {
        summary: 'What a change of plan changes for whom, on the same events; or what changed between two spans',
        description: `Spans of at most ${MAX_EVENTS} events; docs/reference/preview-format.md says what the answer means.`,
        ...{ operationId: 'diffPlans', tags, params: ledgerParams, body: diffIn, response: { 200: diff } },
      },
    },
    async (request, reply) => {
      const { ledger } = callerOf(request)
      const { before, after: changed, before_span: span, ...given } = request.body
      const after = planChoiceOf(changed)
      const sourceBefore: SourceChoice | null = span === undefined ? null : { kind: 'ledger', from: span.from ?? null, to: span.to ?? null }
      const standing: PlanChoice = sourceBefore === null ? { kind: 'in_force' } : after
      return await passes.run(reply, async (signal) => {
        return await diffPlans(desk, ledger, { before: before === undefined ? standing : planChoiceOf(before), after, sourceBefore, ...optionsOf(ledger, given, signal) })
      })
    },
  )
}

/** The contract lets through exactly one of the four. */
function planChoiceOf({ draft, version, content, use }: PreviewedPlanIn): PlanChoice {
  if (draft !== undefined) return { kind: 'draft', draft }
  if (version !== undefined) return { kind: 'version', version }
  return use === undefined ? { kind: 'content', content } : { kind: use }
}

function optionsOf(ledger: Ledger, { from = null, to = null, events, sample, fresh = false }: SourceIn, signal: AbortSignal): PreviewOptions {
  const common = { fresh, signal, limit: MAX_EVENTS }
  const named = [from !== null || to !== null, events !== undefined, sample === true].filter((given) => given)
  if (named.length > 1) throw new Refusal('field_malformed', 'give a span, events or the sample: a preview runs on one of them', { field: 'events' })
  if (sample === true) return { ...common, source: { kind: 'sample', events: sampleOf(ledger) } }
  if (events === undefined) return { ...common, source: { kind: 'ledger', from, to } }
  return { ...common, source: { kind: 'events', events: givenEvents(ledger, events) } }
}

/** The event by which the ledger's program shows itself. */
export function sampleOf(ledger: Ledger): readonly GivenEvent[] {
  return [givenEvent(ledger, ledger.program.sample.body, null)]
}

/** The events of a request, by their place in it. */
export function givenEvents(ledger: Ledger, events: readonly unknown[]): readonly GivenEvent[] {
  return events.map((event, place) => givenEvent(ledger, event, place + 1))
}

/** As in a batch: what is no event does not take the others down. */
function givenEvent({ program }: Ledger, content: unknown, line: number | null): GivenEvent {
  try {
    const parsed = program.event.safeParse(content)
    return parsed.success ? { line, input: parsed.data } : { line, refusal: malformed(parsed.error) }
  } catch (error) {
    if (error instanceof Refusal) return { line, refusal: error }
    throw error
  }
}
