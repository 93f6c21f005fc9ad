// Ledgers of this program on a real database: what `try` says of a file's events is what its ledger does with them.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../../test/database.ts'
import { machine } from '../../../test/effects.ts'
import { ROLES } from '../../../test/template.ts'
import { orRefusal } from '../../core/event-member.ts'
import { schemaRefusal } from '../../core/json-document.ts'
import type { EventInput } from '../../core/event.ts'
import { Refusal } from '../../core/refusal.ts'
import { createTrial } from '../../core/trial.ts'
import { createLedger, type NewLedger } from '../../engine/create-ledger.ts'
import { exportJournal } from '../../engine/export-journal.ts'
import { importJournal } from '../../engine/import-journal.ts'
import { createLedgers } from '../../engine/ledger.ts'
import { makePayouts } from '../../engine/make-payouts.ts'
import { balances } from '../../engine/read-accounts.ts'
import { createRecorder } from '../../engine/recorder.ts'
import { readSettings } from '../../engine/settings.ts'
import { verify } from '../../engine/verify.ts'
import type { Desk } from '../../engine/world.ts'
import { rails } from '../../rails/index.ts'
import { openStore } from '../../store/store.ts'
import { programs } from '../index.ts'
import { custom } from './program.ts'

let database: TestDatabase
let desk: Desk

beforeAll(async () => {
  database = await testDatabase()
  desk = { ...machine, store: openStore(database.appUrl, 'test'), programs, rails }
})

afterAll(async () => {
  await desk.store.close()
  await database.drop()
})

const textOf = (name: string, file: string): string => readFileSync(join(custom.templates, name, file), 'utf8')

async function install(name: string, given: Partial<NewLedger> = {}): Promise<void> {
  const plain = { name, program: 'custom', sandbox: true, railUrl: null, inboxSchema: name, tokens: {}, lanes: 1 }
  await createLedger({ ...desk, owner: database.pool, appRole: ROLES.app }, { ...plain, ...given })
}

function eventsOf(name: string): readonly (EventInput | Refusal)[] {
  const { event } = custom.read(textOf(name, 'deal.json'), 'deal.json')
  return textOf(name, 'events.jsonl').trim().split('\n').map((line) =>
    orRefusal(() => {
      const parsed = event.safeParse(JSON.parse(line))
      if (parsed.success) return parsed.data
      throw schemaRefusal(parsed.error, JSON.parse(line))
    }),
  )
}

describe.each(readdirSync(custom.templates).toSorted())('the template %s', (name) => {
  it('divides the same on a ledger as in memory, and the ledger holds', async () => {
    const text = textOf(name, 'deal.json')
    const program = custom.read(text, 'deal.json')
    const native = rails[program.rail]?.nativeAssets.includes(program.asset) === true
    await install(name, { programFile: { text, name: 'deal.json' }, tokens: native ? {} : { [program.asset]: 'a-mint' } })
    const ledger = await createLedgers(desk).open(name)
    expect(ledger.row.program_file).toBe(text)
    const [recorder, trial] = [createRecorder(desk), createTrial({ ...program, plan: program.firstPlan, at: Temporal.Instant.from('2025-01-01T00:00:00Z') })]
    for (const input of eventsOf(name)) {
      if (input instanceof Refusal) continue
      const [stored] = await recorder.record(ledger, [{ input, door: 'test', mayBackdate: true }])
      const tried = trial.record(input)
      expect(stored?.state).toBe(tried.state)
      if (stored?.state === 'recorded' && tried.state === 'recorded') expect(stored.event.shares).toEqual(tried.shares.toSorted((a, b) => a.part - b.part))
    }
    const { items } = await balances(desk, ledger, { at: null, role: null, account: null, cursor: null, limit: 100 })
    const standing = items.map(({ account, units }): [string, bigint] => [account, BigInt(units)])
    expect(new Map(standing)).toEqual(new Map(trial.accounts().map(({ name: account, balance }) => [account, balance])))
    expect((await verify(desk, ledger)).breaks).toEqual([])
    const { settings } = await readSettings(desk.store.pool, ledger, machine.now())
    expect(settings.payout_approval_above).toEqual(program.settings?.payout_approval_above ?? {})
  })
})

it.each<[string, Partial<NewLedger>, string, string]>([
  ['without a file', {}, 'field_malformed', 'takes its terms from a file'],
  ['with a file that is none', { programFile: { text: '{', name: 'deal.json' } }, 'file_malformed', 'deal.json:1: a field begins with'],
  ['with a rail that there is not', { programFile: { text: textOf('single-split', 'deal.json').replace('"rail": "solana"', '"rail": "paper"'), name: 'deal.json' } }, 'rail_not_found', 'paper'],
  ['with a token that has no name', { programFile: { text: textOf('collective', 'deal.json'), name: 'deal.json' } }, 'asset_not_found', 'USDC/6'],
  ['with a file for a program that takes none', { program: 'sale-split', programFile: { text: '{}', name: 'deal.json' } }, 'field_malformed', 'takes no file'],
])('a ledger %s is refused, and nothing of it is made', async (_, given, code, says) => {
  const before = await database.pool.query('select count(*) from apportion.ledger')
  await expect(install('refused', given)).rejects.toMatchObject({ code, message: expect.stringContaining(says) })
  expect((await database.pool.query('select count(*) from apportion.ledger')).rows).toEqual(before.rows)
})

it('a ledger whose file was changed behind its back is not opened', async () => {
  await install('spoilt', { programFile: { text: textOf('single-split', 'deal.json'), name: 'deal.json' } })
  await database.pool.query(`update apportion.ledger set program_file = '{}' where name = 'spoilt'`)
  await expect(createLedgers(desk).open('spoilt')).rejects.toMatchObject({ code: 'file_malformed', message: expect.stringContaining('the file of the ledger spoilt:1: ') })
})

it('a journal is copied into a ledger of the same program file alone: another is refused with the fields in which it differs', async () => {
  const text = textOf('single-split', 'deal.json')
  const file = JSON.parse(text) as Readonly<Record<string, unknown>>
  const other = JSON.stringify({ ...file, payouts: { approval_above: '5' }, summary: 'another' })
  await install('one', { programFile: { text, name: 'deal.json' } })
  await install('other', { programFile: { text: other, name: 'deal.json' } })
  // White space and the place of the schema say nothing of the terms.
  await install('same', { programFile: { text: JSON.stringify({ ...file, $schema: 'elsewhere.json' }), name: 'deal.json' } })
  const ledgers = createLedgers(desk)
  const one = await ledgers.open('one')
  for (const input of eventsOf('single-split')) if (!(input instanceof Refusal)) await createRecorder(desk).record(one, [{ input, door: 'test', mayBackdate: true }])
  let journal = ''
  await exportJournal(desk, one, {}, async (more) => void (journal += await Promise.resolve(more)))
  const take = async (name: string, lines: string) => {
    const given = (async function* (): AsyncGenerator<string> {
      yield* await Promise.resolve(lines.trimEnd().split('\n'))
    })()
    return await importJournal({ ...desk, owner: database.pool }, await ledgers.open(name), given)
  }
  await expect(take('other', journal)).rejects.toMatchObject({
    code: 'journal_mismatch',
    message: expect.stringContaining('another program file than that of the ledger other: they differ in payouts, summary'),
    details: { fields: ['payouts', 'summary'] },
  })
  await expect(take('same', journal.replace(/"program_file":\{[^}]*\}/, '"program_file":null'))).rejects.toMatchObject({ code: 'journal_mismatch', message: expect.stringContaining('export it anew') })
  expect(await take('same', journal)).toMatchObject({ from: 'one' })
})

it('a file says how shares are paid and when, and its ledger keeps to both', async () => {
  const file = JSON.parse(textOf('single-split', 'deal.json')) as object
  const weekly = { every: 'week', on: 'friday', at: '17:30' }
  const text = JSON.stringify({ ...file, payouts: { policy: 'per_destination' }, schedule: { payouts: weekly } })
  await install('weekly', { programFile: { text, name: 'deal.json' } })
  const ledger = await createLedgers(desk).open('weekly')
  expect(ledger.program).toMatchObject({ payoutPolicy: 'per_destination', schedule: weekly })
  expect((await readSettings(desk.store.pool, ledger, machine.now())).settings.payout_approval_above).toEqual({})
  for (const input of eventsOf('single-split')) if (!(input instanceof Refusal)) await createRecorder(desk).record(ledger, [{ input, door: 'test', mayBackdate: true }])
  const lane = ledger.lanes[0] ?? 0n
  expect(await makePayouts(desk, ledger, lane)).toBe(0)
  const shares = await makePayouts({ ...desk, now: () => machine.now().add({ hours: 7 * 24 }) }, ledger, lane)
  expect(shares).toBeGreaterThan(0)
})
