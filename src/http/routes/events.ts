// Events: recorded one by one or in batches, and read again. The body is the ledger's program's own.

import { z } from 'zod'
import { present } from '../../core/assert.ts'
import { parseAmount } from '../../core/money.ts'
import { checkReference } from '../../core/reference.ts'
import { Refusal } from '../../core/refusal.ts'
import { eventDocument } from '../../engine/documents.ts'
import { event, events, payoutsOfEvent } from '../../engine/read-ledger.ts'
import type { Offer } from '../../engine/record-event.ts'
import type { Ledger } from '../../engine/ledger.ts'
import { recordedFromStore, type RecordResult } from '../../engine/recorder.ts'
import { reverseEvent, type Reversal } from '../../engine/reverse-event.ts'
import { callerOf, type Caller } from '../auth.ts'
import { BATCH_BODY_LIMIT } from '../body.ts'
import {
  batchSchema,
  eventPageSchema,
  eventSchema,
  ledgerParams,
  MAX_BATCH,
  pageQuery,
  payoutListSchema,
  referenceParams,
  reversalIn,
} from '../contract.ts'
import { malformed, problemOf } from '../errors.ts'
import { answerOnce, type KeyState } from '../idempotent.ts'
import type { App, Parts } from './parts.ts'

/** The door by which these events came, as the ledger keeps it. */
const DOOR = 'api'

const tags = ['events']

export function eventRoutes(app: App, parts: Parts): void {
  recordRoutes(app, parts)
  reversalRoute(app, parts)
  readRoutes(app, parts)
}

/**
 * What these answer was typed by the schema when it was written; to check each answer against it again would cost as much as all that is
 * done with the request before it reaches the ledger.
 */
const asTyped = () => (document: unknown): string => JSON.stringify(document)

function recordRoutes(app: App, { recorder, idempotency }: Parts): void {
  app.post(
    '/ledgers/:ledger/events',
    {
      config: { right: 'record', body: 'event' },
      serializerCompiler: asTyped,
      schema: {
        summary: 'Record one event',
        description: '201: recorded now. 200: recorded before with the same content; the answer is the first one again.',
        operationId: 'recordEvent',
        tags,
        params: ledgerParams,
        response: { 200: eventSchema, 201: eventSchema },
      },
    },
    async (request, reply) =>
      await answerOnce(idempotency, request, reply, async () => {
        const caller = callerOf(request)
        const [result] = await recorder.record(caller.ledger, [offerOf(caller, request.body)])
        const found = present(result, 'result')
        if (found.state === 'refused') throw found.refusal
        const document: z.infer<typeof eventSchema> = eventDocument(found.event)
        return { status: found.state === 'recorded' ? 201 : 200, refusedByState: false, show: () => document }
      }),
  )

  app.post(
    '/ledgers/:ledger/events/batch',
    {
      bodyLimit: BATCH_BODY_LIMIT,
      config: { right: 'record', body: 'batch' },
      serializerCompiler: asTyped,
      schema: {
        summary: `Record 1 to ${MAX_BATCH} events`,
        description: 'Each is answered by itself, in the order given; one that is refused takes nobody down.',
        operationId: 'recordEvents',
        tags,
        params: ledgerParams,
        response: { 200: batchSchema },
      },
    },
    async (request, reply) =>
      await answerOnce(idempotency, request, reply, async () => {
        const caller = callerOf(request)
        const offers = batchOf(request.body).map((body) => offerOrRefusal(caller, body))
        const good = offers.filter((offer): offer is Offer => !(offer instanceof Refusal))
        const recorded = good.length === 0 ? [] : await recorder.record(caller.ledger, good)
        const answers = recorded.values()
        const results = offers.map((offer): RecordResult => {
          return offer instanceof Refusal ? { state: 'refused', refusal: offer } : present(answers.next().value, 'result')
        })
        const refusedByState = results.some((result) => result.state === 'refused' && result.refusal.causedBy === 'state')
        return { status: 200, refusedByState, show: (key) => batchDocument(results, { request: request.id, key }) }
      }),
  )
}

function reversalRoute(app: App, { desk, idempotency }: Parts): void {
  app.post(
    '/ledgers/:ledger/events/:reference/reversals',
    {
      config: { right: 'record' },
      schema: {
        summary: 'Reverse an event, whole or in part',
        description: 'Unpaid shares get smaller; what was paid is owed by its recipient. 201: recorded now. 200: recorded before with the same content.',
        operationId: 'reverseEvent',
        tags,
        params: referenceParams,
        body: reversalIn,
        response: { 200: eventSchema, 201: eventSchema },
      },
    },
    async (request, reply) =>
      await answerOnce(idempotency, request, reply, async () => {
        const { ledger } = callerOf(request)
        const { state, event: reversal } = await reverseEvent(desk, ledger, { ...reversalOf(request.body, ledger), reverses: request.params.reference })
        const document: z.infer<typeof eventSchema> = eventDocument(recordedFromStore(ledger, reversal))
        return { status: state === 'recorded' ? 201 : 200, refusedByState: false, show: () => document }
      }),
  )
}

function readRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/events',
    {
      config: { right: 'read' },
      schema: { summary: 'Events, newest first', operationId: 'listEvents', tags, params: ledgerParams, querystring: pageQuery, response: { 200: eventPageSchema } },
    },
    async (request) => await events(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )

  app.get(
    '/ledgers/:ledger/events/:reference',
    {
      config: { right: 'read' },
      schema: { summary: 'One event by its source reference', operationId: 'getEvent', tags, params: referenceParams, response: { 200: eventSchema } },
    },
    async (request) => await event(desk, callerOf(request).ledger, request.params.reference),
  )

  app.get(
    '/ledgers/:ledger/events/:reference/payouts',
    {
      config: { right: 'read' },
      schema: { summary: 'The payouts of one event', operationId: 'listPayoutsOfEvent', tags, params: referenceParams, response: { 200: payoutListSchema } },
    },
    async (request) => ({ items: await payoutsOfEvent(desk, callerOf(request).ledger, request.params.reference) }),
  )
}

function reversalOf({ reference, units, amount, details }: z.infer<typeof reversalIn>, { asset }: Ledger): Omit<Reversal, 'reverses'> {
  const given = amount === undefined ? units : parseAmount(amount, { field: 'amount', scale: asset.scale }).toString()
  return { reference: checkReference(reference, 'reference'), units: given === undefined ? null : BigInt(given), details: details ?? null, door: DOOR }
}

const batchBody = z.strictObject({ events: z.array(z.unknown()).min(1).max(MAX_BATCH) })

function batchOf(body: unknown): readonly unknown[] {
  const parsed = batchBody.safeParse(requireBody(body))
  if (parsed.success) return parsed.data.events
  throw malformed(parsed.error)
}

/** An event in the words of the ledger's program. Refuses `field_malformed`, and whatever the program's schema refuses. */
function offerOf({ ledger, grant }: Caller, body: unknown): Offer {
  const parsed = ledger.program.event.safeParse(requireBody(body))
  if (!parsed.success) throw malformed(parsed.error)
  return { input: parsed.data, door: DOOR, mayBackdate: grant.rights.has('backdate') }
}

function offerOrRefusal(caller: Caller, body: unknown): Offer | Refusal {
  try {
    return offerOf(caller, body)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

function requireBody(body: unknown): unknown {
  if (body === undefined) throw new Refusal('body_malformed', 'the body is empty: send a JSON object as application/json')
  return body
}

function batchDocument(
  results: readonly RecordResult[],
  { request, key }: { readonly request: string; readonly key: KeyState },
): z.infer<typeof batchSchema> {
  const count = (state: RecordResult['state']): number => results.filter((result) => result.state === state).length
  return {
    recorded: count('recorded'),
    duplicates: count('duplicate'),
    refused: count('refused'),
    results: results.map((result) =>
      result.state === 'refused'
        ? { state: 'refused', problem: problemOf(result.refusal, { request }) }
        : { state: result.state, event: eventDocument(result.event) },
    ),
    ...(key !== undefined && { idempotency: key }),
  }
}
