// A unit: statements and COPY streams written to the server in one piece and ended by one Sync, which commits all of them or none
// (PostgreSQL's implicit transaction of a pipeline) unless a transaction is open. One answer, so that units can follow one another on a
// connection without waiting. No rows come back.

import { Connection, Query, type PoolClient } from 'pg'
import type { Statement } from './statement.ts'

/** Lines of COPY's text form for one table: `copy` names the table and its columns. */
export type CopyRows = { readonly copy: string; readonly lines: string }

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

function nameOf(step: Step): string {
  return 'copy' in step ? step.copy.slice(0, step.copy.indexOf(' (')) : (step.name ?? step.text)
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
  const named = new Set<string>()
  try {
    for (const step of steps) write(desk, step, named)
  } catch (error) {
    // Nothing of it has been sent.
    desk.take()
    desk.forget(named)
    return error as Error
  }
  connection.stream.write(Buffer.concat([...desk.take(), SYNC]))
  // What failed may have failed before its statements were prepared.
  answer.catch(() => desk.forget(named))
  return null
}

/** Where a connection's units are written before they are sent, by the driver's own hand. */
type Desk = {
  readonly connection: Connection
  readonly add: (bytes: Uint8Array) => void
  readonly take: () => Uint8Array[]
  readonly forget: (names: ReadonlySet<string>) => void
}

const desks = new WeakMap<Connection, Desk>()

function openDesk(): Desk {
  let chunks: Uint8Array[] = []
  const add = (bytes: Uint8Array): void => void chunks.push(bytes)
  const writing = new Connection({ stream: { writable: true, write: add } } as unknown as ConstructorParameters<typeof Connection>[0])
  const connection = Object.assign(writing, { sync: ignore, describe: ignore })
  const prepared = (connection as unknown as { submittedNamedStatements: Record<string, string> }).submittedNamedStatements
  return {
    connection,
    add,
    take: () => chunks.splice(0),
    forget: (names) => {
      for (const name of names) delete prepared[name]
    },
  }
}

function write({ connection, add }: Desk, step: Step, named: Set<string>): void {
  if ('copy' in step) {
    submitTo(connection, { text: step.copy, values: [] })
    add(copyData(step.lines))
    add(COPY_DONE)
    return
  }
  const { name, text, values } = step
  // The driver keeps names of its own on this connection.
  const own = name === undefined ? undefined : `unit ${name}`
  const isNew = own !== undefined && !(own in (connection as unknown as { submittedNamedStatements: object }).submittedNamedStatements)
  if (isNew) {
    named.add(own)
    // It may have been prepared by a unit that failed; to close what is not there is no error.
    connection.close({ type: 'S', name: own }, true)
  }
  submitTo(connection, { ...(own !== undefined && { name: own }), text, values })
}

function submitTo(connection: Connection, config: Statement): void {
  let failure: unknown = null
  const query = new Query({ ...config, values: [...config.values], queryMode: 'extended' } as ConstructorParameters<typeof Query>[0], (error) => {
    failure = error
  })
  const refused = query.submit(connection) as unknown as Error | null
  if (refused !== null || failure !== null) throw refused ?? (failure as Error)
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
