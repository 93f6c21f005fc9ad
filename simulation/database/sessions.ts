// The sessions of simulated servers: what their pools take for sockets. Each batch of statements asks the gate first, which may let it
// run, lose the connection before or after it, or refuse it with an error of PostgreSQL's; and while one session's transaction is open,
// no other is carried out, so that no lock is ever waited for. No timer decides anything here.

import { Duplex } from 'node:stream'
import { setImmediate as immediate } from 'node:timers/promises'
import { present } from '../../src/core/assert.ts'
import { createFramer, type Batch, type Framed } from './framing.ts'
import type { Host, Line } from './host.ts'
import { BODY, CODE, COPY_IN, fatal, queryMessage, readStartup, ready, statusOf, welcome, type Status } from './messages.ts'
import { isFatal, refusalText, type SqlState } from './refusals.ts'

/** What is about to be carried out, by whom. */
export type About = {
  /** The process that asked, as `streams` was told. */
  readonly process: string
  /** The session's number, counted from 1 in each history. */
  readonly session: number
  readonly role: string
  /** Names of prepared statements where they have one, else their texts. */
  readonly statements: readonly string[]
  readonly inTransaction: boolean
}

/**
 * What becomes of a batch. `lose-before`: the connection breaks and nothing was carried out; `lose-after`: it was, and nobody hears of it.
 * A refusal is a real error of the server's: it aborts the transaction, and those of class 57P end the session.
 */
export type Verdict = 'run' | 'lose-before' | 'lose-after' | { readonly refuse: SqlState }

export type Gate = (about: About) => Promise<Verdict>

/** Told when the database begins something, and calls the answer when that is done: until then nothing is quiet. */
export type Outside = () => () => void

export type Sessions = {
  /** What pools of a process take in the place of sockets. */
  readonly streams: (process: string) => () => Duplex
  /** Ends all sessions of a process as kill -9 ends them: their transactions are rolled back, and nothing in the process ever hears of it. */
  readonly kill: (process: string) => Promise<void>
  /** Batches and ends of sessions that are being carried out at this moment. What waits for the gate, or for another's transaction, does not count. */
  readonly busy: () => number
  /** Kills whatever is left. Afterwards no session of these is open. */
  readonly end: () => Promise<void>
}

type Session = {
  readonly process: string
  readonly number: number
  readonly stream: Duplex
  readonly waiting: Framed[]
  role: string
  line: Line | null
  status: Status
  isServed: boolean
  hasEnded: boolean
  leaving: Promise<void> | null
}

type Room = {
  readonly host: Pick<Host, 'open'>
  readonly gate: Gate
  readonly outside: Outside
  readonly open: Set<Session>
  /** Whose transaction is open, or who is being served. */
  holder: Session | null
  readonly queue: { readonly session: Session; readonly resolve: () => void }[]
  count: number
  /** Done when the session that began last is open. */
  opening: Promise<void>
  busy: number
  /** A session that the host could not end: what comes after it would not be what it should. */
  failure: Error | null
}

export function createSessions(host: Pick<Host, 'open'>, gate: Gate, outside: Outside = () => () => {}): Sessions {
  const room: Room = { host, gate, outside, open: new Set(), holder: null, queue: [], count: 0, opening: Promise.resolve(), busy: 0, failure: null }
  const killAll = async (those: (session: Session) => boolean): Promise<void> => {
    await Promise.all([...room.open].filter(those).map(async (session) => await leave(room, session)))
  }
  return {
    streams: (process) => () => openStream(room, process),
    kill: async (process) => await killAll((session) => session.process === process),
    busy: () => room.busy,
    end: async () => {
      await killAll(() => true)
      if (room.failure !== null) throw room.failure
    },
  }
}

function openStream(room: Room, process: string): Duplex {
  const framed = createFramer()
  const take = (chunk: Buffer): void => {
    session.waiting.push(...framed(chunk))
    serve(room, session).catch((error: Error) => stream.destroy(error))
  }
  const stream = new Duplex({
    decodeStrings: true,
    read: () => {},
    // Whoever was killed or lost waits for ever.
    write: (chunk: Buffer, _, done) => {
      if (session.hasEnded) return
      take(chunk)
      done()
    },
    writev: (chunks, done) => {
      if (session.hasEnded) return
      take(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)))
      done()
    },
    final: (done) => {
      stream.push(null)
      done()
    },
    destroy: (error, done) => {
      depart(room, session)
      done(error)
    },
  })
  room.count += 1
  const session: Session = { process, number: room.count, stream, waiting: [], role: '', line: null, status: 'I', isServed: false, hasEnded: false, leaving: null }
  room.open.add(session)
  // The rest of what a driver asks of a socket.
  return Object.assign(stream, {
    connect: () => {
      queueMicrotask(() => stream.emit('connect'))
      return stream
    },
    ...{ setNoDelay: () => stream, setKeepAlive: () => stream, ref: () => stream, unref: () => stream },
  })
}

async function serve(room: Room, session: Session): Promise<void> {
  if (session.isServed) return
  session.isServed = true
  for (let framed = session.waiting.shift(); framed !== undefined && !session.hasEnded; framed = session.waiting.shift()) {
    try {
      await answer(room, session, framed)
    } catch (error) {
      // What the host itself could not do: the driver hears of a broken connection.
      await lose(room, session, error as Error)
    }
  }
  session.isServed = false
}

async function answer(room: Room, session: Session, framed: Framed): Promise<void> {
  switch (framed.kind) {
    case 'startup':
      await begin(room, session, framed.bytes)
      break
    case 'invite':
      session.stream.push(COPY_IN)
      break
    case 'leave':
      await leave(room, session)
      break
    case 'batch':
      await pass(room, session, framed)
  }
}

async function begin(room: Room, session: Session, bytes: Buffer): Promise<void> {
  const parameters = readStartup(bytes)
  session.role = present(parameters.get('user'), 'user of a session')
  // One after the other, each with all that comes of it before the next: several that begin together come in this order on any host.
  const before = room.opening
  room.opening = busy(room, async () => {
    await before.catch(() => {})
    const line = await room.host.open({ user: session.role, options: parameters.get('options') ?? '' }, session.number)
    if (session.hasEnded) await line.end()
    else {
      session.line = line
      session.stream.push(welcome(session.number))
    }
    await immediate()
  })
  await room.opening
}

async function pass(room: Room, session: Session, batch: Batch): Promise<void> {
  const { process, number, role, status } = session
  const verdict = await room.gate({ process, session: number, role, statements: batch.statements, inTransaction: status !== 'I' })
  if (session.hasEnded) return
  if (room.holder !== session) await hold(room, session)
  if (session.hasEnded) {
    release(room, session)
    return
  }
  try {
    await busy(room, async () => await decided(room, session, { batch, verdict }))
  } finally {
    if (session.status === 'I' || session.hasEnded) release(room, session)
  }
}

async function decided(room: Room, session: Session, { batch, verdict }: { readonly batch: Batch; readonly verdict: Verdict }): Promise<void> {
  if (verdict === 'lose-before') await lose(room, session)
  else if (typeof verdict === 'object' && isFatal(verdict.refuse)) {
    session.stream.push(fatal(verdict.refuse, refusalText(verdict.refuse)))
    await lose(room, session)
  } else await carryOut(room, session, batch, verdict)
}

async function carryOut(room: Room, session: Session, batch: Batch, verdict: Exclude<Verdict, 'lose-before'>): Promise<void> {
  const line = present(session.line, 'line of a session that has begun')
  const answered = typeof verdict === 'object' ? await refuse(line, batch, { code: verdict.refuse, status: session.status }) : line.run(batch)
  const bytes = answered instanceof Promise ? await answered : answered
  session.status = statusOf(bytes)
  if (session.hasEnded) return
  if (verdict === 'lose-after') await lose(room, session)
  else session.stream.push(batch.invited ? withoutInvitation(bytes) : bytes)
}

/** The server itself says the error, in the place of the batch. One that COMMIT meets ends the transaction. */
async function refuse(line: Line, batch: Batch, { code, status }: { readonly code: SqlState; readonly status: Status }): Promise<Uint8Array> {
  const said = await line.run(queryBatch(`do $$ begin raise exception using errcode = '${code}', message = '${refusalText(code)}'; end $$`))
  if (status === 'I' || !COMMIT.test(batch.statements[0] ?? '')) return said
  await line.run(queryBatch('rollback'))
  return Buffer.concat([said.subarray(0, said.length - ready('I').length), ready('I')])
}

/** The whole of it: names of statements may begin with such a word. */
const COMMIT = /^\s*(unit )?(commit|end)\s*;?\s*$/i

function queryBatch(text: string): Batch {
  return { kind: 'batch', messages: [{ code: CODE.query, bytes: queryMessage(text) }], statements: [text], invited: false }
}

/** The driver was invited to send COPY lines before the server was asked. */
function withoutInvitation(bytes: Uint8Array): Uint8Array {
  return bytes[0] === CODE.copyIn ? bytes.subarray(1 + Buffer.from(bytes.buffer, bytes.byteOffset, BODY).readInt32BE(1)) : bytes
}

/** The connection breaks: the driver hears of it, the server rolls back. */
async function lose(room: Room, session: Session, error: Error = brokenConnection()): Promise<void> {
  await leave(room, session)
  session.stream.destroy(error)
}

function brokenConnection(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
}

/** Counts the work as under way until it is done. */
async function busy<T>(room: Room, work: () => Promise<T>): Promise<T> {
  room.busy += 1
  const end = room.outside()
  try {
    return await work()
  } finally {
    room.busy -= 1
    end()
  }
}

/** Ends a session on the database's side, once; whoever asks again waits for the same end. */
async function leave(room: Room, session: Session): Promise<void> {
  session.hasEnded = true
  await (session.leaving ??= endLine(room, session))
}

async function endLine(room: Room, session: Session): Promise<void> {
  // What it leaves behind must not be taken back with the transaction of another one.
  if (room.holder !== session) await hold(room, session)
  try {
    await busy(room, async () => await session.line?.end())
  } finally {
    room.open.delete(session)
    release(room, session)
  }
}

/** The driver has gone: its session ends beside whatever else is under way. */
function depart(room: Room, session: Session): void {
  leave(room, session).catch((error: Error) => (room.failure = error))
}

async function hold(room: Room, session: Session): Promise<void> {
  if (room.holder === null) {
    room.holder = session
    return
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  room.queue.push({ session, resolve })
  await promise
}

function release(room: Room, session: Session): void {
  if (room.holder !== session) return
  const next = room.queue.shift()
  room.holder = next?.session ?? null
  next?.resolve()
}
