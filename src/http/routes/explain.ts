// Why an amount is what it is: an event, a share or a payout explained, for programs as JSON and for people in sentences.

import { z } from 'zod'
import { explain } from '../../engine/explain.ts'
import { explanationSchema } from '../../engine/explain-document.ts'
import { sentences } from '../../engine/explain-sentences.ts'
import { callerOf } from '../auth.ts'
import { subjectParams } from '../contract.ts'
import type { App, Parts } from './parts.ts'

const explanation = explanationSchema.meta({ id: 'Explanation' })

export function explainRoutes(app: App, { desk }: Parts): void {
  app.get(
    '/ledgers/:ledger/explain/:subject',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Explain an event, a share or a payout',
        description: 'The subject is a source reference, `<reference>#<role>` or the id of a payout, percent-encoded. Ask for text/plain to get sentences.',
        operationId: 'explain',
        tags: ['explain'],
        params: subjectParams,
        response: {
          200: { description: 'OK', content: { 'application/json': { schema: explanation }, 'text/plain': { schema: z.string() } } },
        },
      },
    },
    async (request, reply) => {
      const found = await explain(desk, callerOf(request).ledger, request.params.subject)
      reply.header('vary', 'accept')
      if (!prefersText(request.headers.accept)) return await reply.send(found)
      return await reply.type('text/plain; charset=utf-8').send(`${sentences(found).join('\n')}\n`)
    },
  )
}

/** Whether plain text is asked for above JSON (RFC 9110, section 12.5.1); JSON is what anything else gets. */
function prefersText(accept = ''): boolean {
  const wanted = accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase())
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1)
    return { type, weight }
  })
  const weightOf = (...types: readonly string[]): number => {
    // The most specific one counts.
    for (const type of types) {
      const found = wanted.find((each) => each.type === type)
      if (found !== undefined) return found.weight
    }
    return 0
  }
  return weightOf('text/plain', 'text/*') > weightOf('application/json', 'application/*', '*/*')
}
