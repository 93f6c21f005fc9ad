// Whether the process lives, and whether it can serve. Open to anybody, so neither says anything of a ledger.

import { databaseAnswers } from '../../engine/database.ts'
import type { Desk } from '../../engine/world.ts'
import { healthSchema, readinessSchema } from '../contract.ts'
import type { App } from './parts.ts'

const tags = ['health']

export function healthRoutes(app: App, { desk, failingTasks }: { desk: Desk; failingTasks: () => number }): void {
  // One question at a time for all who ask: anybody may, and none of them shall be able to keep the database busy.
  let asked: Promise<boolean> | null = null
  const ask = async (): Promise<boolean> => {
    try {
      return await databaseAnswers(desk)
    } finally {
      asked = null
    }
  }
  app.get(
    '/health',
    { schema: { summary: 'The process lives', operationId: 'getHealth', tags, security: [], response: { 200: healthSchema } } },
    async () => ({ status: 'alive' as const }),
  )

  app.get(
    '/health/ready',
    {
      schema: {
        summary: 'Requests can be served',
        description: '503 when the database does not answer. A failing task of the worker (a network that is away) does not stop events from coming in.',
        operationId: 'getReadiness',
        tags,
        security: [],
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_, reply) => {
      const database = await (asked ??= ask())
      const failing = failingTasks()
      const status = database ? (failing === 0 ? 'ready' : 'degraded') : 'unavailable'
      return await reply.code(database ? 200 : 503).send({ status, database, failing_tasks: failing })
    },
  )
}
