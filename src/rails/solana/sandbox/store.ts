// The sandbox's books on disk: final accounts, blocks, transactions, and the slots that may have been answered. When a
// commit here has returned, its rows survive a kill and a power cut. Never holds what is not final.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { assert } from '../../../core/assert.ts'
import { bytesOf, keyOf, type Key } from './bytes.ts'
import type { AccountImage } from './machine.ts'

// SQLite in WAL mode with synchronous=full. Measured on 2 cores: an empty commit 0.1 ms (an append-only log with fsync
// 0.08 ms), a slot of 20 transactions of 22 accounts 3.3 ms. The log was refused: it would need indices of its own.

// Another process that still holds the books (one that is ending) is waited for this long.
const LOCK_TIMEOUT_MS = 10_000

const SCHEMA = `
  create table if not exists setting (name text primary key, value text not null) without rowid;
  create table if not exists address (id integer primary key, bytes blob not null unique);
  create table if not exists account (
    address_id integer primary key, lamports integer not null, owner blob not null, executable integer not null,
    data blob not null);
  create index if not exists account_token_owner on account (substr(data, 33, 32)) where length(data) >= 165;
  create table if not exists block (
    slot integer primary key, hash blob not null, anchor blob not null, seconds integer not null);
  create table if not exists entry (
    id integer primary key, signature blob not null unique, err text, wire blob not null, meta text not null);
  create table if not exists entry_address (
    address_id integer not null, entry_id integer not null, primary key (address_id, entry_id)) without rowid;
`

/** A transaction's place as one number that sorts like the chain: slot and position within its block. */
export const POSITIONS = 65_536

export const entryId = (slot: number, position: number): number => slot * POSITIONS + position
export const slotOfEntry = (id: number): number => Math.floor(id / POSITIONS)

/** A transaction that landed. `meta` is Solana's JSON, `err` its error's JSON or null. */
export type Entry = {
  readonly id: number
  readonly signature: Key
  readonly err: string | null
  readonly wire: Uint8Array
  readonly meta: string
}

export type StoredBlock = {
  readonly slot: number
  readonly hash: Key
  /** Hash of the previous block that held transactions. */
  readonly anchor: Key
  readonly seconds: number
}

export type FinalBlock = StoredBlock & {
  readonly entries: readonly (Entry & { readonly keys: readonly Key[] })[]
  /** The accounts the block may have changed, as they stood after it. */
  readonly accounts: ReadonlyMap<Key, AccountImage | null>
}

export type Store = {
  readonly database: DatabaseSync
  readonly statements: Map<string, StatementSync>
}

/** Opens or makes the books. `file` may be ':memory:' for a simulation. Only one process at a time can hold a file. */
export function openStore(file: string): Store {
  const database = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS })
  database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full')
  database.exec(`begin immediate; ${SCHEMA} commit`)
  return { database, statements: new Map() }
}

export function closeStore(store: Store): void {
  store.database.close()
}

/** Runs `work` as one durable unit. */
export function inOneCommit<T>(store: Store, work: () => T): T {
  store.database.exec('begin immediate')
  try {
    const result = work()
    store.database.exec('commit')
    return result
  } catch (error) {
    store.database.exec('rollback')
    throw error
  }
}

export function readSetting(store: Store, name: string): string | null {
  const row = statement(store, 'select value from setting where name = ?').get(name)
  return row === undefined ? null : text(row['value'])
}

export function writeSetting(store: Store, name: string, value: string): void {
  statement(store, 'insert into setting values (?, ?) on conflict do update set value = excluded.value').run(name, value)
}

/** Writes blocks that became final. Must run inside `inOneCommit`. */
export function writeBlocks(store: Store, blocks: readonly FinalBlock[]): void {
  const putBlock = statement(store, 'insert into block values (?, ?, ?, ?)')
  const putEntry = statement(store, 'insert into entry values (?, ?, ?, ?, ?)')
  const putEntryAddress = statement(store, 'insert or ignore into entry_address values (?, ?)')
  for (const block of blocks) {
    putBlock.run(block.slot, bytesOf(block.hash), bytesOf(block.anchor), block.seconds)
    for (const [key, image] of block.accounts) writeAccountRow(store, key, image)
    for (const entry of block.entries) {
      putEntry.run(entry.id, bytesOf(entry.signature), entry.err, entry.wire, entry.meta)
      for (const key of entry.keys) putEntryAddress.run(addressId(store, key), entry.id)
    }
  }
}

/** Writes one account as final; null removes it. Must run inside `inOneCommit`. */
export function writeAccountRow(store: Store, key: Key, image: AccountImage | null): void {
  const id = addressId(store, key)
  if (image === null) {
    statement(store, 'delete from account where address_id = ?').run(id)
    return
  }
  statement(
    store,
    `insert into account values (?, ?, ?, ?, ?) on conflict do update
       set lamports = excluded.lamports, owner = excluded.owner, executable = excluded.executable, data = excluded.data`,
  ).run(id, image.lamports, bytesOf(image.owner), image.executable ? 1 : 0, image.data)
}

/** An account as it is final, or null. */
export function readAccountRow(store: Store, key: Key): AccountImage | null {
  const row = statement(
    store,
    'select lamports, owner, executable, data from account where address_id = (select id from address where bytes = ?)',
    true,
  ).get(bytesOf(key))
  if (row === undefined) return null
  const { lamports } = row
  assert(typeof lamports === 'bigint', 'lamports are read as bigint')
  return { lamports, owner: keyOf(blob(row['owner'])), executable: row['executable'] === 1n, data: blob(row['data']) }
}

/** Addresses of final accounts of token shape whose token owner is `owner`; the caller checks the program. */
export function readTokenAccountsOf(store: Store, owner: Key): readonly Key[] {
  const rows = statement(
    store,
    `select bytes from account join address on address.id = address_id
      where length(data) >= 165 and substr(data, 33, 32) = ? order by bytes`,
  ).all(bytesOf(owner))
  return rows.map((row) => keyOf(blob(row['bytes'])))
}

export function readEntry(store: Store, signature: Key): Entry | null {
  const row = statement(store, 'select id, signature, err, wire, meta from entry where signature = ?').get(bytesOf(signature))
  return row === undefined ? null : entryOf(row)
}

/** Transactions with their place in [from, to), in the order of the chain. */
export function readEntries(store: Store, from: number, to: number): readonly Entry[] {
  const sql = 'select id, signature, err, wire, meta from entry where id >= ? and id < ? order by id'
  return statement(store, sql).all(from, to).map(entryOf)
}

export type Status = { readonly id: number; readonly signature: Key; readonly err: string | null }

export function readStatus(store: Store, signature: Key): Status | null {
  const row = statement(store, 'select id, signature, err from entry where signature = ?').get(bytesOf(signature))
  return row === undefined ? null : statusOf(row)
}

/** Statuses of all transactions placed at `from` or later, in the order of the chain. */
export function readStatuses(store: Store, from: number): readonly Status[] {
  return statement(store, 'select id, signature, err from entry where id >= ? order by id').all(from).map(statusOf)
}

/** Transactions that name an address with their place strictly between `after` and `before`, newest first. */
export function readEntriesOf(
  store: Store,
  key: Key,
  range: { readonly after: number; readonly before: number; readonly limit: number },
): readonly Entry[] {
  return statement(
    store,
    `select entry.id, signature, err, wire, meta from entry_address join entry on entry.id = entry_id
      where address_id = (select id from address where bytes = ?) and entry_id > ? and entry_id < ? order by entry_id desc limit ?`,
  ).all(bytesOf(key), range.after, range.before, range.limit).map(entryOf)
}

/** The stored blocks with `from <= slot <= to`, oldest first. */
export function readBlocks(store: Store, from: number, to: number): readonly StoredBlock[] {
  const sql = 'select slot, hash, anchor, seconds from block where slot >= ? and slot <= ? order by slot'
  return statement(store, sql).all(from, to).map(blockOf)
}

/** The newest stored block at or before `slot`. */
export function readBlockBefore(store: Store, slot: number): StoredBlock | null {
  const sql = 'select slot, hash, anchor, seconds from block where slot <= ? order by slot desc limit 1'
  const row = statement(store, sql).get(slot)
  return row === undefined ? null : blockOf(row)
}

/** Empties the books, all but the settings. */
export function forgetEverything(store: Store): void {
  for (const table of ['address', 'account', 'block', 'entry', 'entry_address']) store.database.exec(`delete from ${table}`)
}

function addressId(store: Store, key: Key): number {
  const bytes = bytesOf(key)
  const row = statement(store, 'select id from address where bytes = ?').get(bytes)
  if (row !== undefined) return integer(row['id'])
  return Number(statement(store, 'insert into address (bytes) values (?)').run(bytes).lastInsertRowid)
}

function statement(store: Store, sql: string, bigints = false): StatementSync {
  return store.statements.getOrInsertComputed(sql, () => {
    const prepared = store.database.prepare(sql)
    prepared.setReadBigInts(bigints)
    return prepared
  })
}

type Row = Record<string, unknown>

function entryOf(row: Row): Entry {
  return { ...statusOf(row), wire: blob(row['wire']), meta: text(row['meta']) }
}

function statusOf(row: Row): Status {
  const { id, signature, err } = row
  return { id: integer(id), signature: keyOf(blob(signature)), err: err === null ? null : text(err) }
}

function blockOf(row: Row): StoredBlock {
  const { slot, hash, anchor, seconds } = row
  return { slot: integer(slot), hash: keyOf(blob(hash)), anchor: keyOf(blob(anchor)), seconds: integer(seconds) }
}

function integer(value: unknown): number {
  assert(typeof value === 'number', 'an integer column holds a number')
  return value
}

function text(value: unknown): string {
  assert(typeof value === 'string', 'a text column holds text')
  return value
}

function blob(value: unknown): Uint8Array {
  assert(value instanceof Uint8Array, 'a blob column holds bytes')
  return value
}
