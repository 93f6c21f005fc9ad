// What everybody is shown of a large distribution: nothing before its last chunk, and then all of it, also when somebody asks later what
// was shown at an instant in between.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLarge, type LargeLedger } from '../../test/large-ledger.ts'
import { paperDatabase, paperEvent, type PaperDatabase } from '../../test/paper-ledger.ts'
import { present } from '../core/assert.ts'
import { balances } from './read-accounts.ts'
import { recipient } from './read-recipient.ts'
import { ageing, top, totals } from './read-reports.ts'
import { statement, statementLines } from './read-statement.ts'
import { verify } from './verify.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const HOLDERS = { ana: '1', bo: '2', cy: '3', dee: '4' }
const PAGE = { cursor: null, limit: 100 }

/** Everything that is shown at an instant; of now when null. */
async function shown({ world, ledger }: LargeLedger, at: string | null): Promise<unknown> {
  const to = at === null ? null : Temporal.Instant.from(at).add({ microseconds: 1 }).toString()
  const of = async (who: string) => {
    const asked = { recipient: who, from: null, to, by: 'recorded_at' as const }
    const { assets } = await statement(world, ledger, asked)
    const lines = await statementLines(world, ledger, { ...asked, ...PAGE })
    return [assets, lines.items.map(({ units, balance, reference }) => [units, balance.units, reference])]
  }
  const role = async (name: string) => (await balances(world, ledger, { at, role: name, account: null, ...PAGE })).items.map(({ account, units }) => [account, units])
  const sums = await totals(world, ledger, { at })
  expect(sums.reduce((all, { debits, credits }) => all + BigInt(debits) - BigInt(credits), 0n)).toBe(0n)
  const ranked = async (by: 'payable' | 'earned') => (await top(world, ledger, { by, from: null, to, limit: 10 })).map(({ recipient: who, units }) => [who, units])
  return {
    ...{ ana: await of('ana'), dee: await of('dee'), payable: await role('payable'), distributing: await role('distributing') },
    ...{ totals: sums, owed: await ranked('payable'), earned: await ranked('earned') },
  }
}

async function headInstant({ lane }: LargeLedger): Promise<string> {
  const { rows } = await paper.database.pool.query<{ at: Temporal.Instant }>('select recorded_at as at from apportion.head where lane = $1', [lane])
  return present(rows[0], 'head').at.toString()
}

it('shows the same at each instant, then and ever after, and counts a share from the last chunk on', async () => {
  const ledger = await openLarge(paper, 'shown')
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  const other = async (name: string) => await ledger.record([paperEvent(name, 7n, { facts: { holdings: { ana: '1', dee: '6' } } })])
  const moments: { readonly at: string; readonly seen: unknown }[] = []
  const steps = [
    async () => await other('before'),
    async () => await ledger.recordBy('one', 100n, snapshot.hash, 2),
    async () => await ledger.step(),
    async () => await other('within'),
    async () => await ledger.recordBy('two', 1000n, snapshot.hash, 2),
    async () => await ledger.step(),
    async () => await ledger.step(),
    async () => await other('later'),
    async () => await ledger.step(),
  ]
  for (const step of steps) {
    await step()
    moments.push({ at: await headInstant(ledger), seen: await shown(ledger, null) })
  }
  // Who asks later is told the same.
  for (const { at, seen } of moments) expect(await shown(ledger, at)).toEqual(seen)
  // Nothing of a distribution before its last chunk.
  const anas = moments.map(({ seen }) => (seen as { payable: [string, string][] }).payable.find(([name]) => name === 'payable:ana')?.[1])
  expect(anas).toEqual(['1', '1', '1', '2', '2', '12', '12', '13', '113'])
  expect((await verify(ledger.world, ledger.ledger)).breaks).toEqual([])
  // A span that begins within a distribution shows its share as the first line, and leads from its opening to its closing.
  const from = Temporal.Instant.from(present(moments[3], 'moment').at).add({ microseconds: 1 }).toString()
  for (const limit of [1, 100]) {
    const lines: string[][] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof statementLines>> = await statementLines(ledger.world, ledger.ledger, { recipient: 'ana', from, to: null, by: 'recorded_at', cursor, limit })
      lines.push(...page.items.map(({ reference, units, balance }) => [reference ?? '', units, balance.units]))
      cursor = page.next
    } while (cursor !== null)
    expect(lines).toEqual([['one', '10', '12'], ['later', '1', '113'], ['two', '100', '112']].toSorted((a, b) => Number(a[2]) - Number(b[2])))
  }
})

it('shows by the instants of events, by recipient and by age what counts alone', async () => {
  const ledger = await openLarge(paper, 'aged')
  const { snapshot } = await ledger.snapshot('holders', HOLDERS)
  await ledger.record([paperEvent('before', 7n, { facts: { holdings: { ana: '1', dee: '6' } } })])
  await ledger.makePayouts()
  await ledger.recordBy('one', 100n, snapshot.hash, 2)
  await ledger.step()
  const byEvent = async () => {
    const asked = { recipient: 'ana', from: null, to: null, by: 'event_at' as const }
    const { assets } = await statement(ledger.world, ledger.ledger, asked)
    const { items } = await statementLines(ledger.world, ledger.ledger, { ...asked, ...PAGE })
    return [assets[0]?.closing.units, items.map(({ reference, balance }) => [reference, balance.units])]
  }
  const standing = async () => (await recipient(ledger.world, ledger.ledger, 'ana')).standing.map(({ state, units }) => [state, units])
  const aged = async () => (await ageing(ledger.world, ledger.ledger)).map(({ state, ages }) => [state, ages.reduce((all, { units }) => all + BigInt(units), 0n)])
  expect(await byEvent()).toEqual(['1', [['before', '1']]])
  expect(await standing()).toEqual([['held', '1']])
  expect(await aged()).toEqual([['held', 7n]])
  await ledger.complete()
  expect(await byEvent()).toEqual(['11', [['before', '1'], ['one', '11']]])
  expect(await standing()).toEqual([['payable', '10'], ['held', '1']])
  expect(await aged()).toEqual([['payable', 100n], ['held', 7n]])
  await ledger.makePayouts()
  await ledger.makePayouts()
  expect(await standing()).toEqual([['held', '11']])
  expect(await aged()).toEqual([['held', 107n]])
})
