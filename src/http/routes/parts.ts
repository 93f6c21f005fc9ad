// What the routes are made of: an application that knows the contract's types, and the verbs' needs.

import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Idempotency } from '../../engine/idempotency.ts'
import type { Imported } from '../../engine/import-journal.ts'
import type { Ledger, Ledgers } from '../../engine/ledger.ts'
import type { Recorder } from '../../engine/recorder.ts'
import type { RangeChecker } from '../../engine/verify/checker.ts'
import type { Desk } from '../../engine/world.ts'
import type { Passes } from '../passes.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Imports a journal's lines into an empty ledger. Refuses as the engine's verb does. */
export type ImportJournal = (ledger: Ledger, lines: AsyncIterable<string>) => Promise<Imported>

export type Parts = {
  readonly desk: Desk
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  readonly idempotency: Idempotency
  readonly passes: Passes
  readonly verifyRanges: RangeChecker
  readonly importJournal: ImportJournal | null
}
