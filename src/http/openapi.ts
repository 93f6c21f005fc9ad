// The API's description, generated from the contract: OpenAPI 3.1 at /openapi.json. The bodies of events are the programs' own schemas.

import { STATUS_CODES } from 'node:http'
import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { InstalledProgram } from '../core/program.ts'
import { API_VERSION, idempotencyHeaders, MAX_BATCH } from './contract.ts'
import { PROBLEM_TYPE } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes an event, or a batch of them, which it reads by the ledger's program. */
    readonly body?: 'event' | 'batch'
  }
}

const KEY = 'key'

type Made = { jsonSchema: { type?: unknown; pattern?: string; readOnly?: boolean } }

const zodToJsonConfig = {
  override: ({ jsonSchema }: Made): void => {
    // Our shapes are read-only in TypeScript; in a description the word would mean something else.
    delete jsonSchema.readOnly
    // A number in a query comes as text, and the pattern is the text's.
    if (jsonSchema.type === 'integer') delete jsonSchema.pattern
  },
}

const PROBLEM_RESPONSE = {
  description: 'A refusal: docs/reference/errors.md lists the codes',
  content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
}

export async function describeApi(app: FastifyInstance, programs: readonly InstalledProgram[]): Promise<void> {
  const bodies = bodiesOf(programs)
  const transform = createJsonSchemaTransform({ zodToJsonConfig })
  const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Apportion', version: API_VERSION, description: 'Money in, exact shares out, exactly once.', license: { name: 'Apache-2.0' } },
      components: { securitySchemes: { [KEY]: { type: 'http', scheme: 'bearer', description: 'A key of one ledger, apk_…' } } },
      security: [{ [KEY]: [] }],
    },
    transform: (given) => {
      const { body } = given.route.config ?? {}
      const schema = body === undefined ? given.schema : { ...given.schema, body: bodies[body], headers: idempotencyHeaders }
      const { schema: made, url } = transform({ ...given, schema })
      const answers = Object.entries((made.response ?? {}) as Readonly<Record<string, object>>).map(([status, answer]) => {
        return [status, { description: STATUS_CODES[status], ...answer }] as const
      })
      return { url, schema: { ...made, response: { ...Object.fromEntries(answers), default: PROBLEM_RESPONSE } } }
    },
    transformObject: (given) => withoutUnused(transformObject(given)),
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}

function bodiesOf(programs: readonly InstalledProgram[]): Readonly<Record<'event' | 'batch', z.ZodType>> {
  const events = programs.map(({ event, name, summary }) => event.meta({ title: name, description: `An event of the program ${name}, which ${summary}` }))
  const event = events.length === 1 && events[0] !== undefined ? events[0] : z.union(events)
  return { event, batch: z.strictObject({ events: z.array(event).min(1).max(MAX_BATCH) }) }
}

type Description = ReturnType<SwaggerTransformObject>

/** Every shape is generated twice, as it comes in and as it goes out; those to which no path leads are left out. */
function withoutUnused(description: Description): Description {
  const components = 'components' in description ? description.components : undefined
  const schemas: Readonly<Record<string, unknown>> = components?.schemas ?? {}
  const used = new Set<string>()
  const visit = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part ?? null).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name])
    }
  }
  visit(description.paths)
  const kept = Object.entries(schemas).filter(([name]) => used.has(name))
  return { ...description, components: { ...components, schemas: Object.fromEntries(kept) } } as Description
}
