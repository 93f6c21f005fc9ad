// Snapshots: sent as a stream of lines, listed and shown.

import { createSnapshot, MAX_LINE_BYTES } from '../../engine/create-snapshot.ts'
import { snapshot, snapshotDocument, snapshots } from '../../engine/read-snapshots.ts'
import { readLines } from '../../core/read-lines.ts'
import { Refusal } from '../../core/refusal.ts'
import { callerOf } from '../auth.ts'
import { pageQuery, ledgerParams } from '../contract.ts'
import { snapshotPageSchema, snapshotParams, snapshotQuery, snapshotSchema } from '../read-contract.ts'
import type { App, Parts } from './parts.ts'

const tags = ['snapshots']

/** A million recipients and more. A request must have arrived within half a minute; larger files are for the command. */
const SNAPSHOT_BODY_LIMIT = 128 * 1024 * 1024

const LINES = 'application/x-ndjson'

export function snapshotRoutes(app: App, { desk }: Parts): void {
  // Lines are read as they come, by this route alone.
  void app.register(async (lines: App) => {
    lines.removeAllContentTypeParsers()
    lines.addContentTypeParser(LINES, (_, payload, done) => done(null, payload))
    lines.post(
      '/ledgers/:ledger/snapshots/:snapshot',
      {
        config: { right: 'record' },
        schema: {
          summary: 'Keep a snapshot: the weights of many recipients, a line of JSON each',
          description: `The body is ${LINES}: {"recipient": "…", "weight": "…"} a line, in any order. All of it is kept, or nothing. 201: kept now. 200: kept before, the same.`,
          operationId: 'createSnapshot',
          tags,
          params: snapshotParams,
          querystring: snapshotQuery,
          response: { 200: snapshotSchema, 201: snapshotSchema },
        },
      },
      async (request, reply) => {
        const made = await createSnapshot(desk, callerOf(request).ledger, {
          ...{ name: request.params.snapshot, recordAt: request.query.record_at ?? null, format: 'jsonl', source: 'API' },
          lines: readLines(limited(request.body), MAX_LINE_BYTES),
        })
        return await reply.status(made.state === 'created' ? 201 : 200).send(snapshotDocument(made.snapshot))
      },
    )
    await Promise.resolve()
  })

  app.get(
    '/ledgers/:ledger/snapshots',
    {
      config: { right: 'read' },
      schema: { summary: 'Snapshots, by name', operationId: 'listSnapshots', tags, params: ledgerParams, querystring: pageQuery, response: { 200: snapshotPageSchema } },
    },
    async (request) => await snapshots(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )

  app.get(
    '/ledgers/:ledger/snapshots/:snapshot',
    {
      config: { right: 'read' },
      schema: { summary: 'One snapshot by its name', operationId: 'getSnapshot', tags, params: snapshotParams, response: { 200: snapshotSchema } },
    },
    async (request) => await snapshot(desk, callerOf(request).ledger, request.params.snapshot),
  )
}

async function* limited(body: unknown): AsyncGenerator<Buffer, undefined> {
  if (body === undefined || body === null) return undefined
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > SNAPSHOT_BODY_LIMIT) {
      throw new Refusal('body_exceeded', `the body is larger than ${SNAPSHOT_BODY_LIMIT} bytes: keep the snapshot with \`npx apportion snapshot create\``, { limit: SNAPSHOT_BODY_LIMIT })
    }
    yield chunk
  }
  return undefined
}
