// A unit: statements and COPY streams written to the server in one piece and ended by one Sync, which commits all of them or none
// (PostgreSQL's implicit transaction of a pipeline) unless a transaction is open. One answer, so that units can follow one another on a
// connection without waiting. No rows come back.

import { Connection, Query, type PoolClient } from 'pg'
import type { Statement } from './statement.ts'

/** Lines of COPY's text form for one table: `copy` is the statement, parsed once a connection under its name. */
export type CopyRows = { readonly name: string; readonly copy: string; readonly lines: string }

export type Step = Statement | CopyRows

/** Writes the steps at once and resolves when the server has carried out all of them; rejects with the first failure. */
export async function runUnit(client: PoolClient, steps: readonly Step[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const query = new Query({ text: steps.map(nameOf).join('; ') }, (error) => {
    if (error === undefined || error === null) resolve()
    else reject(error)
  })
  // The driver lets only its own queries share a pipelined connection, so this is one, with its writing and reading replaced.
  client.query(Object.assign(query, { ...DEAF, submit: (connection: Connection) => submit(connection, steps, promise) }))
  await promise
}

function nameOf(step: { readonly name?: string; readonly text?: string }): string | undefined {
  return step.name ?? step.text
}

const ignore = (): void => {}

/** What the server says between the beginning and the end of a unit is of no interest; a failure is. */
const DEAF = {
  handleRowDescription: ignore,
  handleDataRow: ignore,
  handleCommandComplete: ignore,
  handleEmptyQuery: ignore,
  handlePortalSuspended: ignore,
  handleCopyInResponse: ignore,
}

function submit(connection: Connection, steps: readonly Step[], answer: Promise<void>): Error | null {
  const desk = desks.getOrInsertComputed(connection, openDesk)
  const fresh: string[] = []
  const forget = (): void => fresh.forEach((name) => desk.prepared.delete(name))
  try {
    for (const step of steps) write(desk, step, fresh)
  } catch (error) {
    // Nothing of it has been sent.
    desk.chunks.length = 0
    forget()
    return error as Error
  }
  desk.chunks.push(SYNC)
  // As the driver does: one that has ended fails all that was asked of it.
  if (connection.stream.writable) connection.stream.write(Buffer.concat(desk.chunks))
  desk.chunks.length = 0
  // What failed may have failed before its statements were parsed.
  if (fresh.length > 0) answer.catch(forget)
  return null
}

/** Where a connection's units are written, by the driver's own hand, before they are sent; and the names parsed on the connection. */
type Desk = { readonly connection: Connection; readonly chunks: Uint8Array[]; readonly prepared: Set<string> }

const desks = new WeakMap<Connection, Desk>()

function openDesk(): Desk {
  const chunks: Uint8Array[] = []
  const stream = { writable: true, write: (bytes: Uint8Array): void => void chunks.push(bytes) }
  const writing = new Connection({ stream } as unknown as ConstructorParameters<typeof Connection>[0])
  return { connection: Object.assign(writing, { sync: ignore, describe: ignore, parse: ignore }), chunks, prepared: new Set() }
}

function write(desk: Desk, step: Step, fresh: string[]): void {
  const text = 'copy' in step ? step.copy : step.text
  // The driver keeps names of its own on this connection.
  const name = step.name === undefined ? '' : `unit ${step.name}`
  if (!desk.prepared.has(name)) parse(desk, { name, text })
  if (name !== '' && !desk.prepared.has(name)) {
    desk.prepared.add(name)
    fresh.push(name)
  }
  bind(desk, { name, text, values: 'copy' in step ? [] : step.values })
  if ('copy' in step) desk.chunks.push(copyData(step.lines), COPY_DONE)
}

function parse({ connection }: Desk, { name, text }: { readonly name: string; readonly text: string }): void {
  // It may have been parsed by a unit that failed; to close what is not there is no error.
  if (name !== '') connection.close({ type: 'S', name }, true)
  Connection.prototype.parse.call(connection, { name, text, types: [] }, true)
}

/** Binds and executes: the driver's query knows how values are written. */
function bind({ connection }: Desk, { name, text, values }: Statement): void {
  let failure: Error | null = null
  const query = new Query({ ...(name !== '' && { name }), text, values: [...values], queryMode: 'extended' } as ConstructorParameters<typeof Query>[0], (error) => {
    failure = error ?? null
  })
  const refused = query.submit(connection) as unknown as Error | null
  if (refused !== null || failure !== null) throw (refused ?? failure) as unknown as Error
}

const SYNC = Buffer.from([0x53, 0, 0, 0, 4])
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])
const COPY_DATA = 0x64
const HEADER = 5

function copyData(lines: string): Uint8Array {
  const length = Buffer.byteLength(lines)
  const message = Buffer.allocUnsafe(HEADER + length)
  message[0] = COPY_DATA
  message.writeUInt32BE(length + HEADER - 1, 1)
  message.write(lines, HEADER, length)
  return message
}

const SPECIAL = /[\\\t\n\r]/g
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** A text as a field of COPY's lines; null is `\N`. */
export function copyText(text: string | null): string {
  if (text === null) return '\\N'
  SPECIAL.lastIndex = 0
  return SPECIAL.test(text) ? text.replace(SPECIAL, (character) => ESCAPES[character] ?? character) : text
}
