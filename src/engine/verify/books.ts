// The accounts of one lane as its transfers make them: sums from the first transfer on, or from the balances stored before a range of
// blocks, compared with the stored balance rows block by block. One record an account stays in memory; nothing grows with history.

import { balanceOf, roleOf, TRANSFER_KINDS } from '../../core/account.ts'
import {
  accountsOf,
  balanceRowsOf,
  balancesAt,
  doubleAccounts,
  type Bounds,
  type Line,
  type Snapshot,
  type StoredAccount,
  type StoredBalance,
} from '../../store/verify.ts'
import { feedOf } from './feed.ts'
import type { Findings, Place } from './findings.ts'

export type Reading = {
  readonly lane: bigint
  /** The lane's position within its ledger, which is how it is named in a report. */
  readonly position: number
  readonly snapshot: Snapshot
  readonly findings: Findings
}

/** An account with its running sums. */
type Book = {
  readonly name: string
  readonly asset: string
  debits: bigint
  credits: bigint
  /** Number of the last transfer that touched it. */
  transfer: bigint
  /** The balance row of that transfer was found. */
  found: boolean
  /** It stood below its floor at the last block that touched it. */
  below: boolean
  /** By how much the last stored row was off, so that one fault is told once and not at every row after it. */
  drift: { readonly debits: bigint; readonly credits: bigint } | null
}

export type Books = {
  /** The account of a number, or undefined when there is none. */
  readonly account: (number: number) => { readonly name: string; readonly asset: string } | undefined
  /** The highest number there is. */
  readonly last: number
  readonly post: (transfer: { readonly number: bigint; readonly debit: number; readonly credit: number; readonly units: bigint }) => void
  /** Compares the rows of the transfers posted since the last block; the block's last transfer has this number. */
  readonly closeBlock: (block: bigint, last: bigint) => Promise<void>
  /** Passes over rows up to a transfer, where the blocks are lost that would say which rows there must be. */
  readonly passOver: (last: bigint) => Promise<void>
  /** After the last block: rows that are left belong to none. */
  readonly end: () => Promise<void>
  readonly close: () => Promise<void>
}

type BalanceRow = { readonly transfer: bigint; readonly account: number; readonly debits: string; readonly credits: string }

/**
 * Opens the books before the transfers within these bounds. Where any come before them, what is stored of those counts: it is looked at
 * by whoever reads them. The accounts themselves are looked at by the one who is told to.
 */
export async function openBooks(reading: Reading, { bounds, whole, checkAccounts }: { bounds: Bounds; whole: boolean; checkAccounts: boolean }): Promise<Books> {
  const { lane, position, snapshot, findings } = reading
  const { books, last } = await readAccounts(reading, checkAccounts)
  if (!whole) await readBalances(reading, books, bounds.after)
  const rows = feedOf(snapshot.pages<Line>(balanceRowsOf(lane, bounds)))
  const touched = new Set<Book>()
  const move = (book: Book | undefined, number: bigint, side: 'debits' | 'credits', units: bigint): void => {
    if (book === undefined) return
    book[side] += units
    book.transfer = number
    book.found = false
    touched.add(book)
  }
  return {
    last,
    account: (number) => books.get(number),
    post: ({ number, debit, credit, units }) => {
      move(books.get(debit), number, 'debits', units)
      move(books.get(credit), number, 'credits', units)
    },
    closeBlock: async (block, end) => {
      for (let line = await rows.load(); line !== undefined; line = rows.peek() ?? (await rows.load())) {
        const row = rowOf(line)
        if (row.transfer > end) break
        rows.skip()
        const book = books.get(row.account)
        const where = { lane: position, block, transfer: row.transfer, account: book?.name ?? `number ${row.account}`, asset: book?.asset }
        compareRow(findings, where, book !== undefined && touched.has(book) ? book : undefined, row)
      }
      for (const book of touched) closeAccount(findings, { lane: position, block, transfer: book.transfer, account: book.name, asset: book.asset }, book)
      touched.clear()
    },
    passOver: async (end) => {
      for (let line = await rows.load(); line !== undefined && rowOf(line).transfer <= end; line = await rows.load()) rows.skip()
      touched.clear()
    },
    end: async () => {
      const line = await rows.load()
      if (line !== undefined) {
        const row = rowOf(line)
        const where = { lane: position, transfer: row.transfer, account: books.get(row.account)?.name ?? `number ${row.account}` }
        findings.broken('balance', where, { expected: 'no balance row after the last block', found: figures(row) })
      }
    },
    close: rows.end,
  }
}

const ROLES: ReadonlySet<string> = new Set(Object.values(TRANSFER_KINDS).flatMap(({ debit, credit }) => [...debit, ...credit]))
const NAME = /^([a-z_]+)(:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/
const ASSET = /^[A-Z][A-Z0-9]{0,15}\/([0-9]|[12][0-9]|30)$/

/** Reads the accounts. They are numbered from 1 without a gap. */
async function readAccounts(
  { lane, position, snapshot, findings }: Reading,
  check: boolean,
): Promise<{ books: ReadonlyMap<number, Book>; last: number }> {
  const books = new Map<number, Book>()
  let last = 0
  for await (const page of snapshot.pages<StoredAccount>(accountsOf(lane))) {
    if (check) findings.looked('account', page.length)
    for (const { number, name, asset } of page) {
      const where = { lane: position, account: name, asset }
      if (check && number !== last + 1) findings.broken('account', where, { expected: `number ${last + 1}`, found: `number ${number}` })
      const role = NAME.exec(name)?.[1] ?? ''
      if (ROLES.has(role) && ASSET.test(asset)) {
        books.set(number, { name, asset, debits: 0n, credits: 0n, transfer: 0n, found: false, below: false, drift: null })
      } else if (check) {
        findings.broken('account', where, { expected: 'a role of the chart, with or without a party, and an asset', found: `${name} in ${asset}` })
      }
      last = number
    }
  }
  const doubles = check ? await doubleAccounts(snapshot, lane, findings.room()) : []
  for (const { name, asset, accounts } of doubles) {
    findings.broken('account', { lane: position, account: name, asset }, { expected: 'one account of this name', found: `${accounts} accounts` })
  }
  return { books, last }
}

/** The sums from which a range goes on. An account that stands below its floor already was named by the range before. */
async function readBalances({ lane, snapshot }: Reading, books: ReadonlyMap<number, Book>, transfer: bigint): Promise<void> {
  for await (const page of snapshot.pages<StoredBalance>(balancesAt(lane, transfer))) {
    for (const row of page) {
      const book = books.get(row.number)
      if (book === undefined) continue
      Object.assign(book, { debits: unitsOf(row.debits), credits: unitsOf(row.credits), transfer: row.transfer, found: true })
      book.below = roleOf(book.name).floor && balanceOf(book.name, book) < 0n
    }
  }
}

function unitsOf(stored: bigint | string): bigint {
  return typeof stored === 'bigint' ? stored : 0n
}

function rowOf({ line }: Line): BalanceRow {
  const [transfer = '', account = '', debits = '', credits = ''] = line.split('\t')
  return { transfer: BigInt(transfer), account: Number(account), debits, credits }
}

function compareRow(findings: Findings, where: Place, book: Book | undefined, row: BalanceRow): void {
  findings.looked('balance')
  if (book === undefined || book.transfer !== row.transfer) {
    const expected = book === undefined ? 'no row: the block does not touch this account' : `no row here: the account's last transfer in this block is ${book.transfer}`
    findings.broken('balance', where, { expected, found: figures(row) })
    return
  }
  book.found = true
  if (row.debits === book.debits.toString() && row.credits === book.credits.toString()) {
    book.drift = null
    return
  }
  const drift = { debits: wholeOf(row.debits) - book.debits, credits: wholeOf(row.credits) - book.credits }
  if (book.drift?.debits !== drift.debits || book.drift.credits !== drift.credits) {
    findings.broken('balance', where, { expected: figures(book), found: figures(row) })
  }
  book.drift = drift
}

function closeAccount(findings: Findings, where: Place, book: Book): void {
  if (!book.found) findings.broken('balance', where, { expected: figures(book), found: 'no balance row' })
  const { name, asset } = book
  if (!roleOf(name).floor) return
  findings.looked('floor')
  const balance = balanceOf(name, book)
  if (balance < 0n && !book.below) {
    findings.broken('floor', where, { expected: 'a balance of zero or more', found: `${balance} units of ${asset}` })
  }
  book.below = balance < 0n
}

function figures({ debits, credits }: { readonly debits: bigint | string; readonly credits: bigint | string }): string {
  return `debits ${debits}, credits ${credits}`
}

/** What was written by hand into a column of units may be no number at all: it counts as zero, and differs. */
function wholeOf(text: string): bigint {
  return /^-?[0-9]+$/.test(text) ? BigInt(text) : 0n
}
