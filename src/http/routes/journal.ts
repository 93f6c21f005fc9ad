// The journal as a whole: verified, written out, and copied into an empty ledger. The same verbs as the commands verify, export and import.

import { readLines } from '../../core/read-lines.ts'
import { Refusal } from '../../core/refusal.ts'
import { exportJournal, journalSpan } from '../../engine/export-journal.ts'
import { beginningAt, verificationSchema, verify, verifyOnward, type Verification } from '../../engine/verify.ts'
import type { Ledger } from '../../engine/ledger.ts'
import { callerOf } from '../auth.ts'
import { ledgerParams } from '../contract.ts'
import { importedSchema, journalQuery, verificationIn, type VerificationIn } from '../contract-journal.ts'
import { createPasses } from '../passes.ts'
import { streamed } from '../streamed.ts'
import { z } from 'zod'
import type { App, Parts } from './parts.ts'

const tags = ['journal']

/** Fields between tabs, a line a record: docs/reference/journal-format.md. */
const JOURNAL = 'text/tab-separated-values'
const JOURNAL_TYPE = `${JOURNAL}; charset=utf-8`

/** Each keeps a connection, and most of a processor. */
const VERIFICATIONS_AT_ONCE = 1
const EXPORTS_AT_ONCE = 2
const IMPORTS_AT_ONCE = 1

/** A million transfers and more. A request must have arrived within half a minute; larger files are for the command. */
const IMPORT_BODY_LIMIT = 512 * 1024 * 1024
/** Longest line: what is recorded with one event. */
const MAX_LINE_BYTES = 8 * 1024 * 1024

const verification = verificationSchema.meta({ id: 'VerificationReport' })

export function journalRoutes(app: App, parts: Parts): void {
  verificationRoute(app, parts)
  exportRoute(app, parts)
  importRoute(app, parts)
}

function verificationRoute(app: App, { desk, verifyRanges }: Parts): void {
  const passes = createPasses('verifications', VERIFICATIONS_AT_ONCE)
  app.post(
    '/ledgers/:ledger/verifications',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Recompute every figure of the ledger and name each break',
        description: 'The answer comes when all is checked: half a minute for each million transfers, one verification at a time. A break is in the report; the status says only that it was made.',
        ...{ operationId: 'verify', tags, params: ledgerParams, body: verificationIn, response: { 200: verification } },
      },
    },
    async (request, reply) => {
      const { ledger } = callerOf(request)
      const given = request.body
      return await passes.run(reply, async (signal) => {
        // A caller that went away is waited for by nobody: no further range is begun, and no checkpoint kept.
        const checker: typeof verifyRanges = async (job) => {
          signal.throwIfAborted()
          const found = await verifyRanges(job)
          signal.throwIfAborted()
          return found
        }
        return await verificationOf(ledger, given, { checker })
      })
    },
  )

  async function verificationOf(ledger: Ledger, { incremental = false, from_block: block }: VerificationIn, how: { readonly checker: typeof verifyRanges }): Promise<Verification> {
    if (incremental && block !== undefined) throw new Refusal('field_malformed', 'give incremental or from_block, not both', { field: 'from_block' })
    if (incremental) return await verifyOnward(desk, ledger, how)
    return await verify(desk, ledger, block === undefined ? how : { ...how, from: beginningAt(ledger, BigInt(block)) })
  }
}

function exportRoute(app: App, { desk }: Parts): void {
  const numberOf = (text: string | undefined): bigint | null => (text === undefined ? null : BigInt(text))
  let running = 0
  app.get(
    '/ledgers/:ledger/journal',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Export the journal, for others to verify and for import',
        description: 'As it is at one instant, while others go on recording. A whole file ends with a line Z for each lane: an answer that was cut off does not.',
        ...{ operationId: 'exportJournal', tags, params: ledgerParams, querystring: journalQuery },
        response: { 200: { description: 'OK', content: { [JOURNAL]: { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      const { ledger } = callerOf(request)
      const { records, lane, from_block: from, to_block: to } = request.query
      const span = journalSpan(ledger, { lane: numberOf(lane), from: numberOf(from), to: numberOf(to) })
      if (running >= EXPORTS_AT_ONCE) {
        throw new Refusal('queue_exceeded', `${running} exports are being made already, and ${EXPORTS_AT_ONCE} is the limit: send this again in a moment`, { waiting: running, limit: EXPORTS_AT_ONCE })
      }
      running += 1
      return await streamed(reply, desk, {
        type: JOURNAL_TYPE,
        work: async (write) => void (await exportJournal(desk, ledger, { span, records: records !== 'false' }, write)),
        done: () => (running -= 1),
      })
    },
  )
}

function importRoute(app: App, { ledgers, importJournal }: Parts): void {
  const passes = createPasses('imports', IMPORTS_AT_ONCE)
  // Lines are read as they come, by this route alone.
  void app.register(async (lines: App) => {
    lines.removeAllContentTypeParsers()
    lines.addContentTypeParser(JOURNAL, (_, payload, done) => done(null, payload))
    lines.post(
      '/ledgers/:ledger/journal',
      {
        config: { right: 'administer' },
        schema: {
          summary: 'Import an exported journal into an empty ledger, which is a copy from then on',
          description: `The body is ${JOURNAL}, as exportJournal answers it, up to ${IMPORT_BODY_LIMIT} bytes that arrive within half a minute: \`npx apportion import\` takes any. All of it, verified, or nothing.`,
          ...{ operationId: 'importJournal', tags, params: ledgerParams, response: { 201: importedSchema } },
        },
      },
      async (request, reply) => {
        if (importJournal === null) throw new Refusal('permission_missing', "this server has no owner's role on the database: `npx apportion import` takes it", { right: 'administer' })
        const { ledger } = callerOf(request)
        const { from, lanes: copied } = await passes.run(reply, async () => await importJournal(ledger, textLines(request.body)))
        ledgers.forget(ledger.name)
        const heads = copied.map(({ position, blocks, transfers, head }) => ({ position, blocks: blocks.toString(), transfers: transfers.toString(), head }))
        return await reply.status(201).send({ ledger: ledger.name, from, lanes: heads })
      },
    )
    await Promise.resolve()
  })
}

async function* textLines(body: unknown): AsyncGenerator<string, undefined> {
  for await (const line of readLines(limited(body), MAX_LINE_BYTES)) {
    if ('text' in line) yield line.text
    else throw new Refusal('journal_malformed', `line ${line.number} of the body is ${line.problem === 'too long' ? `longer than ${MAX_LINE_BYTES} bytes` : 'not UTF-8'}. Nothing was imported`, { line: line.number })
  }
  return undefined
}

async function* limited(body: unknown): AsyncGenerator<Buffer, undefined> {
  if (body === undefined || body === null) return undefined
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > IMPORT_BODY_LIMIT) throw new Refusal('body_exceeded', `the body is larger than ${IMPORT_BODY_LIMIT} bytes: import it with \`npx apportion import\``, { limit: IMPORT_BODY_LIMIT })
      yield chunk
    }
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('body_malformed', `the body ended after ${bytes} bytes, before its end. Nothing was imported`)
  }
  return undefined
}
