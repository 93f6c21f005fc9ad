// What the routes are made of: an application that knows the contract's types, and the verbs' needs.

import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Idempotency } from '../../engine/idempotency.ts'
import type { Ledgers } from '../../engine/ledger.ts'
import type { Recorder } from '../../engine/recorder.ts'
import type { Desk } from '../../engine/world.ts'
import type { Passes } from '../passes.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

export type Parts = {
  readonly desk: Desk
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  readonly idempotency: Idempotency
  readonly passes: Passes
}
