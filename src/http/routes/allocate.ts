// The bare allocation: a pool divided by weights, exactly. It reads and writes nothing of the ledger.

import { z } from 'zod'
import { allocate } from '../../core/allocate.ts'
import { answerOf, parseCase } from '../../core/allocate/case.ts'
import { ledgerParams } from '../contract.ts'
import type { App } from './parts.ts'

const text = z.string()

const allocationIn = z
  .strictObject({
    pool: text.meta({ description: 'Units' }),
    weights: z.array(text).meta({ description: 'Such as "80", "12.5" or "1/3"' }),
    rounding: z.unknown().optional().meta({ description: 'A policy, or {"residual-to": a recipient}; largest-remainder when left out' }),
    recipients: z.array(text).optional().meta({ description: 'Names of the recipients; their places from 1 on when left out' }),
    state: z.unknown().optional().meta({ description: 'What the answer before gave, for policies that remember' }),
  })
  .meta({ id: 'AllocationCase' })

const allocation = z
  .strictObject({
    shares: z.array(text),
    remainder: text.optional().meta({ description: 'Units for the rounding account, below zero out of it; left out when zero' }),
    state: z.unknown().optional(),
  })
  .meta({ id: 'Allocation' })

export function allocateRoutes(app: App): void {
  app.post(
    '/ledgers/:ledger/allocate',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Divide a pool by weights',
        description: 'Each rounding policy, as a plan would do it. Nothing is recorded.',
        operationId: 'allocate',
        tags: ['plans'],
        params: ledgerParams,
        body: allocationIn,
        response: { 200: allocation },
      },
    },
    (request) => answerOf(allocate(parseCase(request.body))),
  )
}
