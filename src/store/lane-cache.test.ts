// What a process remembers of a lane: never more than the head it stands at vouches for, and never less than was asked for.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accountKey } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { GENESIS_HASH } from '../core/journal.ts'
import type { AccountState, BatchWrite, Head } from '../core/posting.ts'
import { createLaneCache, createMemory, QUIET_LOOKS, type BareTransfer, type LaneCache } from './lane-cache.ts'

const ASSET = 'SOL/9'
const hash = (number: number): Uint8Array => new Uint8Array([number])
const head = (number: number): Head => {
  const recordedAt = Temporal.Instant.fromEpochMilliseconds(0)
  return { event: 0n, transfer: 0n, block: BigInt(number), account: 0, plan: 1, hash: number === 0 ? GENESIS_HASH : hash(number), recordedAt }
}
const name = (index: number) => ({ name: `payable:${index}`, asset: ASSET })
const state = (index: number, debits = 0n): AccountState => ({ ...name(index), number: index, debits, credits: 0n, transfer: 1n })

function write(at: number, touched: readonly AccountState[], before = at - 1): BatchWrite {
  return { before: head(before), head: head(at), touched } as unknown as BatchWrite
}

/** What a posting does before it decides: asks for what is missing, as of the head it finds. */
function read(cache: LaneCache, at: number, wanted: readonly number[], books: ReadonlyMap<string, AccountState>): ReadonlyMap<string, AccountState> {
  if (!cache.holds(hash(at))) cache.forget()
  const found = cache.missing(wanted.map(name)).flatMap((account) => books.get(accountKey(account)) ?? [])
  return cache.take(head(at), wanted.map(name), found)
}

/** The same with catching up: what others posted since is applied instead of being read again. */
function follow(cache: LaneCache, at: number, wanted: readonly number[], ledger: Ledger): ReadonlyMap<string, AccountState> {
  const place = cache.place()
  const now = headAfter(at, ledger.transfers.length)
  if (place !== null && !cache.holds(now.hash)) cache.catchUp(now, hash(Number(place.block)), ledger.transfers.slice(Number(place.transfer)))
  if (!cache.holds(now.hash)) cache.forget()
  return cache.take(now, wanted.map(name), cache.missing(wanted.map(name)).flatMap((account) => ledger.books.get(accountKey(account)) ?? []))
}

type Ledger = { readonly books: Map<string, AccountState>; readonly transfers: BareTransfer[] }

const headAfter = (at: number, transfers: number): Head => ({ ...head(at), transfer: BigInt(transfers) })

/** Moves units between two accounts of the books. */
function move({ books, transfers }: Ledger, debit: number, credit: number, units: bigint): void {
  const number = BigInt(transfers.length + 1)
  transfers.push({ number, debit, credit, units })
  const of = (index: number): AccountState => books.get(accountKey(name(index))) ?? { ...state(index), transfer: 0n }
  books.set(accountKey(name(debit)), { ...of(debit), debits: of(debit).debits + units, transfer: number })
  books.set(accountKey(name(credit)), { ...of(credit), credits: of(credit).credits + units, transfer: number })
}

const booksOf = (states: readonly AccountState[]): Map<string, AccountState> => new Map(states.map((account) => [accountKey(account), account]))

describe('a lane cache', () => {
  it('asks for each account once, however often it is wanted', () => {
    const cache = createLaneCache()
    expect(cache.missing([name(1), name(2), name(1)])).toEqual([name(1), name(2)])
    cache.take(head(1), [], [state(1)])
    expect(cache.missing([name(1), name(2)])).toEqual([name(2)])
  })

  it('holds only at the head of its last reading or writing', () => {
    const cache = createLaneCache()
    expect(cache.holds(hash(1))).toBe(false)
    cache.take(head(1), [], [state(1)])
    expect([cache.holds(hash(1)), cache.holds(hash(2))]).toEqual([true, false])
    cache.advance(write(2, [state(1, 5n)]))
    expect([cache.holds(hash(1)), cache.holds(hash(2))]).toEqual([false, true])
    expect(cache.take(head(2), [name(1)], []).get(accountKey(name(1)))?.debits).toBe(5n)
    cache.forget()
    expect([cache.holds(hash(2)), cache.missing([name(1)])]).toEqual([false, [name(1)]])
  })

  it('forgets what stood at another head', () => {
    const cache = createLaneCache()
    cache.take(head(1), [], [state(1)])
    cache.take(head(2), [], [state(2)])
    expect(cache.missing([name(1), name(2)])).toEqual([name(1)])
  })

  it('does not mix what stood at two heads when the answer of an earlier commit comes late', () => {
    const cache = createLaneCache()
    cache.take(head(0), [], [state(1), state(2)])
    // Block 1 touched account 1 and its answer is on its way; meanwhile blocks 2 and 3 are read and written by others of this process.
    cache.take(head(1), [], [state(1, 1n), state(2)])
    cache.advance(write(2, [state(1, 2n)]))
    cache.advance(write(1, [state(1, 1n)]))
    cache.advance(write(3, [state(2, 3n)]))
    expect(cache.recall([name(2)])).toBeNull()
    for (let look = 0; look < QUIET_LOOKS; look += 1) cache.take(head(3), [], [])
    expect(cache.recall([name(1), name(2)])).toBeNull()
    expect(cache.recall([name(2)])).toEqual({ head: head(3), accounts: new Map([[accountKey(name(2)), state(2, 3n)]]) })
  })

  it('gives every account that was asked for when it is full, those it knew before too', () => {
    const cache = createLaneCache()
    const known = Array.from({ length: 100_000 }, (_, index) => state(index))
    cache.take(head(1), [], known)
    const books = booksOf([...known, state(100_000), state(100_001)])
    const found = read(cache, 1, [7, 100_000, 100_001], books)
    expect([...found.keys()].toSorted()).toEqual([7, 100_000, 100_001].map((index) => accountKey(name(index))).toSorted())
  })

  it('shares its room with other lanes: the one that was not used for longest is forgotten first', () => {
    const memory = createMemory(5)
    const [first, second, third] = [createLaneCache(memory), createLaneCache(memory), createLaneCache(memory)]
    const known = (cache: LaneCache): boolean => cache.recall([name(1), name(2)]) !== null
    for (const cache of [first, second]) cache.take(head(1), [], [state(1), state(2)])
    first.advance(write(2, [state(1)]))
    expect([first, second].map(known)).toEqual([true, true])
    third.take(head(1), [], [state(1), state(2)])
    expect([first, second, third].map(known)).toEqual([true, false, true])
    // What one posting needs is remembered, though it is more than there is room for.
    second.take(head(1), [], [1, 2, 3, 4, 5, 6].map((index) => state(index)))
    expect([first, second, third].map(known)).toEqual([false, true, false])
  })

  it('follows what others posted by their transfers, and shows the balances of the books', () => {
    const one = fc.record({ debit: fc.nat({ max: 6 }), by: fc.integer({ min: 1, max: 6 }), units: fc.bigInt({ min: 1n, max: 9n }) })
    const turn = fc.record({ ours: fc.boolean(), fails: fc.boolean(), moves: fc.array(one, { minLength: 1, maxLength: 4 }) })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 40 }), (turns) => {
        const cache = createLaneCache()
        const ledger: Ledger = { books: new Map(), transfers: [] }
        let at = 0
        for (const { ours, fails, moves } of turns) {
          const wanted = moves.flatMap(({ debit, by }) => [debit, (debit + by) % 7])
          const before = headAfter(at, ledger.transfers.length)
          if (ours) {
            const found = follow(cache, at, wanted, ledger)
            for (const index of wanted) expect(found.get(accountKey(name(index)))).toEqual(ledger.books.get(accountKey(name(index))))
            if (fails) {
              cache.forget()
              continue
            }
          }
          for (const { debit, by, units } of moves) move(ledger, debit, (debit + by) % 7, units)
          at += 1
          const touched = wanted.map((index) => present(ledger.books.get(accountKey(name(index))), 'account'))
          if (ours) cache.advance({ before, head: headAfter(at, ledger.transfers.length), touched })
        }
      }),
    )
  })

  it('is not recalled after others posted, until the lane is found as it was left so many times in a row', () => {
    const cache = createLaneCache()
    const ledger: Ledger = { books: new Map(), transfers: [] }
    move(ledger, 1, 2, 5n)
    follow(cache, 1, [1, 2], ledger)
    expect(cache.recall([name(1)])).not.toBeNull()
    move(ledger, 2, 1, 3n)
    expect(follow(cache, 2, [1, 2], ledger).get(accountKey(name(1)))).toMatchObject({ debits: 5n, credits: 3n, transfer: 2n })
    const looks = (times: number, at: number): void => {
      for (let look = 0; look < times; look += 1) {
        expect(cache.recall([name(1)])).toBeNull()
        follow(cache, at, [1, 2], ledger)
      }
    }
    looks(QUIET_LOOKS - 1, 2)
    move(ledger, 2, 1, 3n)
    looks(1, 3)
    looks(QUIET_LOOKS, 3)
    expect(cache.recall([name(1)])).not.toBeNull()
    cache.overtaken()
    // The first look finds what there is: nothing was remembered that it could be compared with.
    looks(QUIET_LOOKS + 1, 3)
    expect(cache.recall([name(1)])).not.toBeNull()
  })

  it.each([
    ['the lane did not go on from where it stood', 9, 0],
    ['transfers are missing', 1, 1],
  ])('forgets everything when %s', (_, block, missing) => {
    const cache = createLaneCache()
    const ledger: Ledger = { books: new Map(), transfers: [] }
    move(ledger, 1, 2, 5n)
    follow(cache, 1, [1, 2], ledger)
    move(ledger, 1, 2, 5n)
    move(ledger, 1, 2, 5n)
    cache.catchUp(headAfter(3, 3), hash(block), ledger.transfers.slice(1 + missing))
    expect([cache.place(), cache.missing([name(1)])]).toEqual([null, [name(1)]])
  })

  it('never shows another balance than the books, whoever writes in between', () => {
    const turn = fc.record({ ours: fc.boolean(), lost: fc.boolean(), accounts: fc.uniqueArray(fc.nat({ max: 12 }), { minLength: 1, maxLength: 5 }) })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 60 }), (turns) => {
        const cache = createLaneCache()
        const books = new Map<string, AccountState>()
        let at = 0
        for (const { ours, lost, accounts } of turns) {
          const found = ours ? read(cache, at, accounts, books) : books
          for (const index of accounts) expect(found.get(accountKey(name(index)))).toEqual(books.get(accountKey(name(index))))
          const touched = accounts.map((index) => state(index, (books.get(accountKey(name(index)))?.debits ?? 0n) + 1n))
          for (const account of touched) books.set(accountKey(account), account)
          at += 1
          if (!ours) continue
          if (lost) cache.forget()
          else cache.advance(write(at, touched))
        }
      }),
    )
  })
})

it('follows those that it remembers through a write of thousands, and takes in no stranger', () => {
  const cache = createLaneCache()
  cache.take(head(1), [name(1)], [state(1, 5n)])
  cache.advance(write(2, [state(1, 7n), state(2, 1n)]), 'known')
  expect(cache.recall([name(1)])?.accounts.get(accountKey(name(1)))?.debits).toBe(7n)
  expect([cache.holds(hash(2)), cache.missing([name(1), name(2)])]).toEqual([true, [name(2)]])
})
