// What Citus demands of the statements by which events are posted, held against plain PostgreSQL: each names its lane as a parameter and
// reads and writes that lane alone, so that each runs on one machine whole.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mustRecord, openHouse, record, sale, type Home, type House, type Process } from '../../test/house.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { present } from '../core/assert.ts'
import { accountsOf, decideBatch, type BatchWrite } from '../core/posting.ts'
import { runOnLane } from '../store/posting.ts'
import type { Statement } from '../store/statement.ts'
import { TABLES, tablesOf } from '../store/tables.ts'
import { writeBatch } from '../store/write-batch.ts'
import { eventMember } from './record-event.ts'

let house: House
let home: Home
beforeAll(async () => {
  house = await openHouse()
  // Several lanes, so that a statement which forgot its own would find another one.
  home = await house.makeLedger({ lanes: 3 })
})
afterAll(async () => await house.close())

const LANE_TABLE = new RegExp(String.raw`\bapportion\.(${tablesOf('lane').join('|')})\b`)

/** Every statement on a lane table that recording sends one by one (what it writes in one piece is looked at below): into an idle lane, after somebody else's block, new, repeated and in conflict. */
async function recordedStatements(): Promise<readonly Statement[]> {
  const seen = new Map<string, Statement>()
  const watching = (): Process =>
    house.start({
      store: (store) => watchedStore(store, ({ moment, asked }) => void (moment === 'before' && asked !== null && LANE_TABLE.test(asked.text) && seen.set(asked.text, asked))),
    })
  const [one, other] = [watching(), watching()]
  for (const [index, process] of [one, other, one, one, other].entries()) await mustRecord(process, home, sale(home, `seen ${index}`, '1'))
  await record(one, home, [sale(home, 'seen 1', '1'), sale(home, 'seen 2', '7'), sale(home, 'seen new', '1', { token_id: crypto.randomUUID() })])
  return [...seen.values()]
}

/** What is written for three events with new accounts. */
async function decided(): Promise<BatchWrite> {
  const { world } = house.main
  const lane = home.lane
  const members = [1, 2, 3].map((index) =>
    eventMember(home.ledger, { input: sale(home, `decided ${index}`, '1', { token_id: crypto.randomUUID() }), door: 'api', mayBackdate: false }, { now: house.now(), standing: {} }),
  )
  return await runOnLane(world.store, {
    ...{ lane, digests: [], accounts: members.flatMap((member) => accountsOf(member)), states: [], guards: [] },
    decide: ({ head, known }) => ({ abort: true, result: present(decideBatch(head, known, members, house.now()).write ?? undefined, 'write') }),
  })
}

type Node = { readonly [key: string]: unknown }

const textOf = (node: Node, key: string): string => (typeof node[key] === 'string' ? node[key] : '')

function nodesOf(plan: Node): readonly Node[] {
  return [plan, ...((plan['Plans'] as Node[] | undefined) ?? []).flatMap(nodesOf)]
}

async function planOf({ text, values }: Statement): Promise<readonly Node[]> {
  const { rows } = await house.database.pool.query<{ 'QUERY PLAN': readonly { readonly Plan: Node }[] }>({
    text: `explain (verbose, format json) ${text}`,
    values: [...values],
  })
  return nodesOf(present(rows[0]?.['QUERY PLAN'][0], 'plan').Plan)
}

const CONDITIONS = ['Index Cond', 'Recheck Cond', 'Filter']

/** What in a plan is not bound to the lane that the statement names. */
async function unbound(statement: Statement): Promise<readonly string[]> {
  const lanes = home.ledger.lanes.filter((lane) => statement.values.includes(lane))
  if (lanes.length !== 1) return [`names ${lanes.length} lanes as parameters`]
  const [lane] = lanes
  const isOfLane = (table: unknown): boolean => typeof table === 'string' && TABLES[table] === 'lane'
  const plan = await planOf(statement)
  const aliases = plan.filter((node) => isOfLane(node['Relation Name'])).map((node) => textOf(node, 'Alias'))
  // Or to that of another lane table of the statement, which is bound itself.
  const binding = new RegExp(String.raw`\blane = ('${lane}'::bigint|(${aliases.join('|')})\.lane)`)
  return plan.flatMap((node) => {
    const table = textOf(node, 'Relation Name')
    if (!isOfLane(table)) return []
    if (node['Node Type'] === 'ModifyTable' && node['Operation'] === 'Insert') {
      const source = present((node['Plans'] as Node[] | undefined)?.[0], 'source')
      return (source['Output'] as string[])[0]?.includes(`'${lane}'::bigint`) === true ? [] : [`inserts into ${table} with a lane that is no parameter`]
    }
    if (!textOf(node, 'Node Type').includes('Scan')) return []
    const bound = CONDITIONS.some((name) => binding.test(textOf(node, name)))
    return bound ? [] : [`reads ${table} by ${textOf(node, 'Node Type')} without the lane`]
  })
}

describe('statements of posting', () => {
  it('that are sent on the way of an event name one lane and touch no other', async () => {
    const statements = await recordedStatements()
    const texts = statements.map(({ text }) => text).join('\n')
    for (const table of ['head', 'reference', 'account', 'balance', 'event', 'transfer']) expect(texts).toMatch(new RegExp(`apportion\\.${table}\\b`))
    for (const statement of statements) expect([statement.text, await unbound(statement)]).toEqual([statement.text, []])
  })

  it('that write a batch write one lane', async () => {
    const steps = writeBatch(home.lane, await decided())
    expect(steps.length).toBeGreaterThan(5)
    for (const step of steps) {
      if ('copy' in step) {
        expect(step.copy).toMatch(/^copy apportion\.\w+ \(lane, /)
        for (const line of step.lines.trimEnd().split('\n')) expect(line.split('\t')[0]).toBe(String(home.lane))
      } else expect([step.text, await unbound(step)]).toEqual([step.text, []])
    }
  })

  it.each([
    ['a statement over all lanes', { text: 'select event from apportion.head where $1::bigint is not null for update', own: true }, 'reads head by'],
    ['a statement that names two lanes', { text: 'select event from apportion.head where lane in ($1, $2)', own: true, both: true }, 'names 2 lanes'],
    ['a statement that takes its lanes from a list', { text: 'select head.event from apportion.head join apportion.lane using (lane)', own: false }, 'names 0 lanes'],
    [
      'an insert whose lane comes from elsewhere',
      { text: 'insert into apportion.payout_cursor (lane, transfer) select lane.lane, 0 from apportion.lane where $1::bigint is not null', own: true },
      'inserts into payout_cursor',
    ],
  ])('%s would be found', async (_, { text, own, both = false }: { text: string; own: boolean; both?: boolean }, problem) => {
    const [first, second] = home.ledger.lanes
    const values = own ? (both ? [first, second] : [first]) : []
    expect(await unbound({ text, values })).toEqual([expect.stringContaining(problem)])
  })
})
