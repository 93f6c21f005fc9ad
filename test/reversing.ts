// Reversals of events of a paper ledger for tests, and what must hold after each of them, asked of everything that can be asked.

import { expect } from 'vitest'
import { partyOf } from '../src/core/account.ts'
import { explain } from '../src/engine/explain.ts'
import { payoutsOfEvent } from '../src/engine/read-ledger.ts'
import { recipient } from '../src/engine/read-recipient.ts'
import { statement } from '../src/engine/read-statement.ts'
import { reverseEvent, type Reversed } from '../src/engine/reverse-event.ts'
import { verify } from '../src/engine/verify.ts'
import { LATEST, listBalances } from '../src/store/balance.ts'
import { journalOf } from './copying.ts'
import type { PaperLedger } from './paper-ledger.ts'
import { breakOutside } from './stand-alone.ts'

/** Reverses so many units, or all that is left. */
export async function reverse(
  { world, ledger }: Pick<PaperLedger, 'world' | 'ledger'>,
  reverses: string,
  { reference, units = null }: { reference: string; units?: bigint | null },
): Promise<Reversed> {
  return await reverseEvent(world, ledger, { reference, reverses, units, details: null, door: 'test' })
}

/** Accounts with a balance, credits less debits. */
export async function balancesOf({ world, ledger }: Pick<PaperLedger, 'world' | 'ledger'>): Promise<Readonly<Record<string, bigint>>> {
  const names = { first: null, end: null }
  const found = await listBalances(world.store.pool, { lanes: ledger.lanes, upTo: ledger.lanes.map(() => LATEST), names, after: null, limit: 100 })
  return Object.fromEntries(found.flatMap(({ name, debits, credits }) => (debits === credits ? [] : [[name, credits - debits]])))
}

/** The payouts of an event by role, as `state units`, with their reason where there is one. */
export async function payoutsBy({ world, ledger }: Pick<PaperLedger, 'world' | 'ledger'>, reference: string): Promise<Readonly<Record<string, string>>> {
  const found = await payoutsOfEvent(world, ledger, reference)
  return Object.fromEntries(found.map(({ role, state, units, reason }) => [role, `${reason ?? state} ${units}`]))
}

/** Verify, explanations, statements of all recipients (which check themselves), what they have, and the verifier outside. */
export async function expectSound({ world, ledger }: Pick<PaperLedger, 'world' | 'ledger'>, references: readonly string[]): Promise<void> {
  expect((await verify(world, ledger)).breaks).toEqual([])
  for (const reference of references) expect(await explain(world, ledger, reference)).toMatchObject({ agrees: true, differences: [] })
  const balances = await balancesOf({ world, ledger })
  const parties = new Set(Object.keys(balances).flatMap((name) => ['payable', 'carried', 'in_flight', 'owed_by'].flatMap((role) => partyOf(role, name) ?? [])))
  for (const party of parties) {
    const { assets } = await statement(world, ledger, { recipient: party, from: null, to: null, by: 'recorded_at' })
    const byEvent = await statement(world, ledger, { recipient: party, from: null, to: null, by: 'event_at' })
    const owed = ['payable', 'carried', 'in_flight', 'owed_by'].reduce((all, role) => all + (balances[`${role}:${party}`] ?? 0n), 0n)
    expect(assets.map(({ closing }) => BigInt(closing.units))).toEqual([owed])
    expect(byEvent.assets.map(({ closing }) => BigInt(closing.units))).toEqual([owed])
    const { standing } = await recipient(world, ledger, party)
    const outside = (name: string) => standing.filter(({ state }) => state === name).map(({ units }) => BigInt(units))
    const open = standing.filter(({ state }) => !['settled', 'reversed', 'recouped', 'carried', 'owed'].includes(state)).reduce((all, { units }) => all + BigInt(units), 0n)
    expect([party, open]).toEqual([party, (balances[`payable:${party}`] ?? 0n) + (balances[`in_flight:${party}`] ?? 0n)])
    const [carried, owes] = [balances[`carried:${party}`], balances[`owed_by:${party}`]]
    expect([party, outside('carried'), outside('owed')]).toEqual([party, carried === undefined ? [] : [carried], owes === undefined ? [] : [-owes]])
  }
  expect(await breakOutside(await journalOf({ world, ledger }))).toBeNull()
}
