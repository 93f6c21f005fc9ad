// The limits that posting is held against: raw COPY of an event and its transfers into plain tables with a primary key, a unique key and
// an account index, and the bare commit of one row. Their text is made before the clock starts, so that only the database is measured.

import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { Pool } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { median } from './report.ts'

const TABLES = `
  drop schema if exists bench cascade;
  create schema bench;
  create table bench.event (id bigint primary key, reference uuid not null unique, units numeric(39,0) not null, at timestamptz not null);
  create table bench.transfer (id bigint primary key, event bigint not null, debit integer not null, credit integer not null, units numeric(39,0) not null);
  create index on bench.transfer (credit, id);
`

const COMMIT_TABLE = 'drop table if exists bench_commit; create table bench_commit (id bigint primary key, at timestamptz not null)'

/** Events as the raw tables take them. */
export type RawRows = { readonly events: number; readonly eventText: readonly Buffer[]; readonly transferText: readonly Buffer[] }

/** Makes the text of so many events of four transfers each, whose accounts are spread over so many. */
export function rawRows({ events, accounts }: { readonly events: number; readonly accounts: number }): RawRows {
  return { events, eventText: [...eventLines(events)], transferText: [...transferLines(events, accounts)] }
}

/** Events a second by COPY into new tables. */
export async function copyRate(owner: Pool, { events, eventText, transferText }: RawRows, nowMs: () => number): Promise<number> {
  await owner.query(TABLES)
  const client = await owner.connect()
  try {
    const began = nowMs()
    await client.query('begin')
    await pipeline(Readable.from(eventText), client.query(copyFrom('copy bench.event from stdin')))
    await pipeline(Readable.from(transferText), client.query(copyFrom('copy bench.transfer from stdin')))
    await client.query('commit')
    return (events * 1000) / (nowMs() - began)
  } finally {
    client.release()
  }
}

/** Milliseconds of a COPY of one event with so many transfers, each to an account of its own, into the same tables. */
export async function copyTransfersMs(owner: Pool, transfers: number, nowMs: () => number): Promise<number> {
  const text = [...shareLines(transfers)]
  await owner.query(TABLES)
  const client = await owner.connect()
  try {
    const began = nowMs()
    await client.query('begin')
    await pipeline(Readable.from([...eventLines(1)]), client.query(copyFrom('copy bench.event from stdin')))
    await pipeline(Readable.from(text), client.query(copyFrom('copy bench.transfer from stdin')))
    await client.query('commit')
    return nowMs() - began
  } finally {
    client.release()
  }
}

function* shareLines(transfers: number): Generator<Buffer> {
  for (let start = 0; start < transfers; start += CHUNK) {
    let text = ''
    for (let place = start; place < Math.min(transfers, start + CHUNK); place += 1) text += `${place}\t0\t1\t${2 + place}\t1000000007\n`
    yield Buffer.from(text)
  }
}

const CHUNK = 1000

function* eventLines(events: number): Generator<Buffer> {
  for (let start = 0; start < events; start += CHUNK) {
    let text = ''
    for (let event = start; event < Math.min(events, start + CHUNK); event += 1) {
      // The digest of a reference is as good as random to an index.
      const hex = (Math.imul(event + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')
      text += `${event}\t${hex}-0000-4000-8000-${event.toString(16).padStart(12, '0')}\t1000000007\t2026-01-01 00:00:00+00\n`
    }
    yield Buffer.from(text)
  }
}

const TRANSFERS_AN_EVENT = 4

function* transferLines(events: number, accounts: number): Generator<Buffer> {
  for (let start = 0; start < events; start += CHUNK) {
    let text = ''
    for (let event = start; event < Math.min(events, start + CHUNK); event += 1) {
      for (let place = 0; place < TRANSFERS_AN_EVENT; place += 1) {
        text += `${event * TRANSFERS_AN_EVENT + place}\t${event}\t1\t${2 + ((event * 7919 + place * 104_729) % accounts)}\t250000001\n`
      }
    }
    yield Buffer.from(text)
  }
}

/** Milliseconds of one bare one-row commit: the median of so many, one after the other. */
export async function commitMs(owner: Pool, { commits, nowMs }: { readonly commits: number; readonly nowMs: () => number }): Promise<number> {
  await owner.query(COMMIT_TABLE)
  const client = await owner.connect()
  try {
    const times: number[] = []
    for (let id = 0; id < commits; id += 1) {
      const began = nowMs()
      await client.query({ name: 'bench-commit', text: 'insert into bench_commit (id, at) values ($1, now())', values: [id] })
      times.push(nowMs() - began)
    }
    return median(times)
  } finally {
    client.release()
  }
}
