// The limit that posting is held against: raw COPY of an event and four transfers into plain tables with a primary key, a unique key
// and an account index, and the bare commit of one row.

import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { Pool } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

const TABLES = `
  create schema if not exists bench;
  create table bench.event (id bigint primary key, reference uuid not null unique, units numeric(39,0) not null, at timestamptz not null);
  create table bench.transfer (id bigint primary key, event bigint not null, debit integer not null, credit integer not null, units numeric(39,0) not null);
  create index on bench.transfer (credit, id);
  create table bench.one (id bigint primary key, at timestamptz not null);
`

/** Makes the plain tables anew. */
export async function makePlainTables(owner: Pool): Promise<void> {
  await owner.query(`drop schema if exists bench cascade`)
  await owner.query(TABLES)
}

/** Events a second by COPY, the transfers' accounts spread as given. */
export async function copyRate(owner: Pool, { events, accounts, nowMs }: { events: number; accounts: number; nowMs: () => number }): Promise<number> {
  await makePlainTables(owner)
  const client = await owner.connect()
  try {
    const began = nowMs()
    await client.query('begin')
    await pipeline(Readable.from(eventLines(events)), client.query(copyFrom('copy bench.event from stdin')))
    await pipeline(Readable.from(transferLines(events, accounts)), client.query(copyFrom('copy bench.transfer from stdin')))
    await client.query('commit')
    return (events * 1000) / (nowMs() - began)
  } finally {
    client.release()
  }
}

const CHUNK = 1000

function* eventLines(events: number): Generator<string> {
  for (let start = 0; start < events; start += CHUNK) {
    let text = ''
    for (let event = start; event < Math.min(events, start + CHUNK); event += 1) {
      // The digest of a reference is as good as random to an index.
      const hex = (Math.imul(event + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0')
      text += `${event}\t${hex}-0000-4000-8000-${event.toString(16).padStart(12, '0')}\t1000000007\t2026-01-01 00:00:00+00\n`
    }
    yield text
  }
}

function* transferLines(events: number, accounts: number): Generator<string> {
  for (let start = 0; start < events; start += CHUNK) {
    let text = ''
    for (let event = start; event < Math.min(events, start + CHUNK); event += 1) {
      for (let place = 0; place < 4; place += 1) {
        text += `${event * 4 + place}\t${event}\t1\t${2 + ((event * 7919 + place * 104_729) % accounts)}\t250000001\n`
      }
    }
    yield text
  }
}

/** Milliseconds of one bare one-row commit: the median of many, one after the other. */
export async function commitMs(owner: Pool, { commits, nowMs }: { commits: number; nowMs: () => number }): Promise<number> {
  await owner.query('truncate bench.one')
  const client = await owner.connect()
  try {
    const times: number[] = []
    for (let id = 0; id < commits; id += 1) {
      const began = nowMs()
      await client.query({ name: 'bench-one', text: 'insert into bench.one (id, at) values ($1, now())', values: [id] })
      times.push(nowMs() - began)
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
  } finally {
    client.release()
  }
}
