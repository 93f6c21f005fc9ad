// The commands on a database of their own: each in its exit code, what it prints, and how it refuses. A few are processes, as people start
// them: what they read and print goes through pipes, and signals reach them.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { until } from '../../test/effects.ts'
import { custom } from '../programs/custom/program.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { breakOutside } from '../../test/stand-alone.ts'
import { endAll, run, type Run } from '../boot/fixture.ts'
import { runHere, type Ended } from './fixture.ts'

const TOKEN = '0190a000-0000-7000-8000-000000000001'
const SALE = [`token_id=${TOKEN}`, 'sale_amount=100']
const ADDRESS = '4Nd1mYQFZ9eDXGTyEDUC3mtJqUJpzSbyE7qmQBvVZoQf'

let database: TestDatabase
let folder = ''
let addresses: Readonly<Record<string, string>> = {}

const start = (...words: readonly string[]): Run => run('src/cli/main.ts', words, addresses)

const apportion = async (words: readonly string[]): Promise<Ended> => await runHere(words, addresses)

/** The same as a process. */
async function apart(words: readonly string[], input = ''): Promise<{ readonly code: number | null } & Pick<Ended, 'out' | 'err'>> {
  const command = start(...words)
  command.child.stdin?.end(input)
  const code = await command.ended
  return { code, out: command.out(), err: command.err() }
}

const json = async (...words: readonly string[]): Promise<unknown> => {
  const { code, out, err } = await apportion([...words, '--json'])
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out)
}

function file(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, lines.join('\n'))
  return path
}

const sale = (reference: string, more: object = {}): string => JSON.stringify({ reference, token_id: TOKEN, sale_amount: '100', ...more })

beforeAll(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'apportion-cli-'))
  addresses = {
    DATABASE_URL: database.url,
    APP_DATABASE_URL: database.appUrl,
    SIGNER_DATABASE_URL: database.signerUrl,
    APPORTION_DATA: join(folder, 'data'),
    APPORTION_MASTER_KEY: 'ab'.repeat(32),
  }
  const made = await apportion(['ledger', 'create', 'shop', '--schema', 'public'])
  expect(made).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^Ledger shop is there\. Next: /) })
  const recorded = await apportion(['event', 'record', 'reference=first', ...SALE])
  expect(recorded).toMatchObject({ code: 0, err: '' })
  expect(recorded.out).toMatch(/^recorded: first, 100 SOL, by plan version 1\n/)
  expect(recorded.out).toMatch(/\nai +80 SOL +ai\n/)
})

afterAll(async () => {
  await endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  await database.drop()
})

/** A table of commands: two of them run at a time, which is what two cores bear. */
async function eachOf<Case>(cases: readonly Case[], check: (one: Case) => Promise<void>): Promise<void> {
  for (let index = 0; index < cases.length; index += 2) await Promise.all(cases.slice(index, index + 2).map(check))
}

describe('the command line', () => {
  it('lists what there is, for people and as JSON', async () => {
    const page = (item: object) => ({ items: expect.arrayContaining([expect.objectContaining(item)]), next: null })
    const listed = [
      [['ledger', 'list'], 'shop', expect.arrayContaining([expect.objectContaining({ name: 'shop', program: 'sale-split' })])],
      [['event', 'list'], 'first', page({ reference: 'first', units: '100000000000' })],
      [['distribution', 'list'], 'first', page({ reference: 'first' })],
      // The server makes them, and none runs here.
      [['payout', 'list'], 'No payout.', { items: [], next: null }],
      [['recipient', 'list'], 'lucky', page({ recipient: 'lucky' })],
    ] as const
    await eachOf(listed, async ([words, text, document]) => {
      expect(await json(...words)).toEqual(document)
      if (words[0] === 'event' || words[0] === 'payout') expect((await apportion(words)).out).toContain(text)
    })
    const plain = [
      [['wallet', 'list'], /wallet/i],
      [['balance', 'list'], /80 SOL/],
      [['balance', 'list', '--role', 'payable', '--account', 'payable:dao'], /15 SOL/],
      [['account', 'history', 'payable:ai'], /share .* 80 SOL .* received .* first/],
      [['block', 'list'], /1 to 5/],
      [['recipient', 'show', 'dao'], /^dao .*: no destination.*\n.*\npayable +- +1 +15 SOL /],
      [['statement', 'show', 'dao'], /0 SOL +15 SOL +0 SOL +0 SOL +0 SOL +15 SOL\nLane 0, block 1: [0-9a-f]{64}\n\n[^]*earned +15 SOL +15 SOL +first +1\n/],
      [['statement', 'show', 'dao', '--csv', '--by', 'event_at'], /^recorded_at,.*\n[^,]+,[^,]+,earned,share,SOL\/9,15\.000000000,15\.000000000,15\.000000000,first,1,1,,0,3\n$/],
      [['report', 'totals'], /payable +100 SOL +4\n/],
      [['report', 'top', '--limit', '1'], /1 +ai +80 SOL\n$/],
      [['report', 'ageing'], /payable +- +0 to 1 +4 +100 SOL\n/],
      [['inbox', 'list'], /.+/],
      [['plan', 'list'], /\b1\b/],
      [['key', 'list'], /.+/],
      [['explain', 'first'], /80 SOL/],
      [['event', 'show', 'first'], /first/],
    ] as const
    await eachOf(plain, async ([words, text]) => {
      expect(await apportion(words)).toMatchObject({ code: 0, err: '', out: expect.stringMatching(text) })
    })
  })

  it('refuses with a code on stderr and ends with 1; wrong usage ends with 2', async () => {
    const bad = file('bad.jsonl', sale('in-file-1'), sale('in-file-2', { sale_amount: undefined }))
    const broken = file('broken.jsonl', sale('in-file-1'), '', '{')
    const cases = [
      [['event', 'record', 'reference=r', `token_id=${TOKEN}`], 1, 'sale_amount is missing', 'field_malformed'],
      [['event', 'record', 'reference=r', `token_id=${TOKEN}`, 'sale_amount=ten'], 1, 'sale_amount', 'amount_malformed'],
      [['event', 'record', 'reference=r', ...SALE, 'colour=red'], 1, 'colour is no field of the event', 'field_malformed'],
      [['event', 'record', 'word'], 1, 'is no field: write name=value', 'field_malformed'],
      [['event', 'record', 'reference=first', `token_id=${TOKEN}`, 'sale_amount=99'], 1, 'first', 'reference_conflict'],
      [['event', 'record', '--file', join(folder, 'nothing')], 1, 'cannot be read: there is none of this name', 'field_malformed'],
      [['event', 'record', '--file', bad], 1, 'line 2 of the file: sale_amount is missing; nothing was recorded', 'field_malformed'],
      [['event', 'record', '--file', broken], 1, 'line 3 of the file is not JSON: nothing was recorded', 'body_malformed'],
      [['payout', 'list', '--state', 'bogus'], 1, '--state takes one of queued, awaiting_approval, held, reserved, settled, cancelled, not "bogus"', 'field_malformed'],
      [['report', 'top', '--by', 'luck'], 1, '--by takes one of earned, payable, paid, not "luck"', 'field_malformed'],
      [['statement', 'show', 'ai', '--by', 'luck'], 1, '--by takes one of recorded_at, event_at, not "luck"', 'field_malformed'],
      [['plan', 'add', join(folder, 'nothing')], 1, 'cannot be read', 'field_malformed'],
      [['event', 'show', 'never'], 1, 'never', 'event_not_found'],
      [['event', 'list', '--ledger', 'none'], 1, 'none', 'ledger_not_found'],
      [['event', 'list', '--limit', '0'], 2, 'from 1 to 1000', null],
      [['event', 'burn'], 2, 'unknown command', null],
      [['event', 'show'], 2, 'missing required argument', null],
    ] as const
    await eachOf(cases, async ([words, code, text, refusal]) => {
      const ended = await apportion(words)
      expect(ended, words.join(' ')).toMatchObject({ code, out: '', err: expect.stringContaining(text) })
      if (refusal !== null) expect(ended.err).toContain(`(${refusal})`)
      expect(ended.err).not.toMatch(/^ +at /m)
    })
    expect(await json('event', 'list')).toMatchObject({ items: [{ reference: 'first' }] })
  })

  it('records words, files and standard input once, and says so', async () => {
    expect(await json('event', 'record', 'reference=first', ...SALE)).toMatchObject({ state: 'duplicate', event: { reference: 'first' } })
    const good = file('good.jsonl', sale('file-1'), '', sale('file-2'))
    expect(await json('event', 'record', '--file', good)).toMatchObject([{ state: 'recorded' }, { state: 'recorded', event: { reference: 'file-2' } }])
    const piped = await apart(['event', 'record', '--file', '-'], `${sale('file-2')}\n${sale('file-2', { sale_amount: '1' })}\n`)
    expect(piped).toMatchObject({ code: 1, out: expect.stringMatching(/^was recorded before: file-2.*\nrefused \(reference_conflict\): /) })
  })

  it('shows settings without a secret', async () => {
    for (const words of [['doctor'], ['doctor', '--json']]) {
      const { code, out, err } = await (words.includes('--json') ? apportion(words) : apart(words))
      expect([code, err]).toEqual([0, ''])
      expect(out).toMatch(words.includes('--json') ? /"APPORTION_MASTER_KEY",\s+"value": "\(given, not shown\)"/ : /^APPORTION_MASTER_KEY +\(given, not shown\) +environment$/m)
      expect(out).toMatch(words.includes('--json') ? /"citus": null/ : /^plain PostgreSQL: /m)
      const secrets = Object.values(addresses).flatMap((value) => (URL.canParse(value) ? [new URL(value).password] : [])).filter((secret) => secret.length > 12)
      for (const secret of ['ab'.repeat(32), ...secrets]) expect(out).not.toContain(secret)
    }
  })

  it('makes a key, shows it once, and ends it', async () => {
    const { key } = (await json('key', 'create', 'till')) as { key: string }
    expect(key.length).toBeGreaterThan(20)
    const listed = await apportion(['key', 'list'])
    expect(listed.out).toContain('till')
    expect(listed.out).not.toContain(key)
    expect(await apportion(['key', 'revoke', 'till'])).toMatchObject({ code: 0, err: '' })
    expect(await apportion(['recipient', 'set', 'dao', ADDRESS])).toMatchObject({ code: 0, out: `dao is paid at ${ADDRESS} from now on.\n` })
  })

  it('lets one person draft and another approve, and payouts wait for a person', async () => {
    const made = Object.fromEntries(
      await Promise.all((['operator', 'approver', 'admin'] as const).map(async (role) => [role, ((await json('key', 'create', role, '--role', role)) as { key: string }).key] as const)),
    ) as Record<'operator' | 'approver' | 'admin', string>
    const as = (who: keyof typeof made): readonly string[] => ['--key', made[who]]
    const plan = file('plan.json', JSON.stringify(saleSplit.firstPlan).replace('"80"', '"70"').replace('"15"', '"25"'))
    expect(await apportion(['settings', 'set', '--plan-approvals', '1', '--payout-above', 'SOL/9=10', '--recoup-percent', '80', '--fact-notice', 'percent=60'])).toMatchObject({ code: 0, err: '' })
    expect((await apportion(['settings', 'show'])).out).toMatch(/plans: 1 approvals .*\npayouts above 10 SOL: a person's approval\nwhat a recipient owes: kept back from later shares, up to 80 % of each\na raise of percent: 60 s/)
    const { draft, hash } = (await json('plan', 'draft', plan, ...as('operator'))) as { draft: string; hash: string }
    const refused = [
      [['plan', 'add', plan], 'approval_missing'],
      [['plan', 'draft', plan], 'permission_missing'],
      [['plan', 'draft', file('broken.json', '{')], 'plan_invalid'],
      [['plan', 'approve', draft, '--hash', hash], 'permission_missing'],
      [['plan', 'approve', draft, '--hash', 'ab', ...as('approver')], 'approval_mismatch'],
      [['plan', 'approve', draft, '--hash', hash, '--key', made.approver.split('.')[0] ?? ''], 'key_invalid'],
      [['settings', 'set', '--plan-approvals', '0'], 'permission_missing'],
      [['payout', 'approve', ...as('approver')], 'field_malformed'],
      [['payout', 'reject', draft, '--reason', 'no', ...as('approver')], 'payout_not_found'],
    ] as const
    await eachOf(refused, async ([words, code]) => {
      const ended = await apportion(words)
      expect(ended, words.join(' ')).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`(${code})`) })
      for (const key of Object.values(made)) expect(ended.err).not.toContain(key.slice(-43))
    })
    const [{ statement }] = ((await json('approval', 'list')) as { items: [{ statement: string }] }).items
    expect(await json('approval', 'sign', statement, ...as('approver'))).toMatchObject({ hash, signature: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/) })
    expect(await json('plan', 'approve', draft, '--hash', hash, ...as('approver'))).toMatchObject({ state: 'in_force', version: 2, drafted_by: 'operator', closed_by: 'approver' })
    expect((await apportion(['plan', 'show', '2'])).out).toMatch(/^Version 2, in force, drafted by operator\.\n.*\nHash .*\nApproved by approver/)
    const loosened = (await json('settings', 'set', '--plan-approvals', '0', ...as('admin'))) as { pending: { change: string; hash: string } }
    expect(await json('settings', 'approve', loosened.pending.change, '--hash', loosened.pending.hash, ...as('approver'))).toMatchObject({ settings: { plan_approvals: 0 }, pending: null })
    await json('fact', 'set', 'percent', 'bot', '5', ...as('operator'))
    expect((await apportion(['fact', 'set', 'percent', 'bot', '7.50'])).out).toMatch(/^percent of bot is 7\.5 from /)
    expect((await apportion(['fact', 'list'])).out).toMatch(/7\.5 .* pending +owner\n.* 5 .* in force +operator/)
    expect((await apportion(['payout', 'approve', '--all-below', '100', ...as('approver')])).out).toBe('No payout waits that is smaller.\n')
  })

  it('reverses an event in parts, once each', async () => {
    expect(await apportion(['event', 'record', 'reference=returned', ...SALE])).toMatchObject({ code: 0 })
    const part = ['event', 'reverse', 'returned', 'returned/1', '--amount', '30', '--note', 'one of three']
    expect(await apportion(part)).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^recorded: returned\/1 reverses 30 SOL of returned\n/) })
    expect(await apportion(part)).toMatchObject({ code: 0, out: expect.stringMatching(/^was recorded before: returned\/1 reverses 30 SOL of returned\n/) })
    expect(await json('event', 'reverse', 'returned', 'returned/2')).toMatchObject({ state: 'recorded', event: { units: '70000000000', shares: [] } })
    const refused = [
      [['event', 'reverse', 'returned', 'returned/3'], 'reversal_exceeded'],
      [['event', 'reverse', 'returned', 'returned/3', '--amount', 'ten'], 'amount_malformed'],
      [['event', 'reverse', 'returned/1', 'returned/3'], 'reversal_forbidden'],
      [['event', 'reverse', 'never', 'returned/3'], 'event_not_found'],
    ] as const
    await eachOf(refused, async ([words, code]) => expect(await apportion(words)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`(${code})`) }))
    expect((await apportion(['explain', 'returned'])).out).toMatch(/returned\/1 reversed 30 SOL of returned at .*: 2[14] SOL from payable:ai/)
  })

  it('ends a command that follows with the code of Ctrl-C, and leaves no connection', async () => {
    const following = start('payout', 'follow')
    const connected = async () => (await database.pool.query(`select from pg_stat_activity where datname = $1 and application_name = 'apportion command'`, [database.name])).rowCount
    await until('the command to be at work', async () => ((await connected()) === 0 ? undefined : true))
    following.child.kill('SIGINT')
    expect([await following.ended, following.err()]).toEqual([130, ''])
    await until('its connections to end', async () => ((await connected()) === 0 ? true : undefined))
  })

  it('ends quietly and with its own code when nobody reads what it prints', async () => {
    const command = start('event', 'list')
    command.child.stdout?.destroy()
    expect([await command.ended, command.err()]).toEqual([0, ''])
  })

  it('exports the journal to a file, compressed when its name says so, or to standard output', async () => {
    const [plain, packed] = [join(folder, 'journal.txt'), join(folder, 'journal.txt.gz')]
    const said = await apportion(['export', plain])
    expect(said).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^lane 0: up to block [0-9]+; head [0-9a-f]{64}\n$/) })
    const document = { ledger: 'shop', file: packed, lanes: [{ position: 0, head: said.out.trim().slice(-64) }] }
    expect(await json('export', packed)).toMatchObject(document)
    const piped = await apart(['export'])
    expect(piped).toMatchObject({ code: 0, err: said.out })
    const text = readFileSync(plain, 'utf8')
    const body = (one: string): string => one.slice(one.indexOf('\n'))
    expect(await breakOutside(text)).toBeNull()
    expect([gunzipSync(readFileSync(packed)).toString(), piped.out].map(body)).toEqual([body(text), body(text)])
    const bad = [
      [[plain], 'there is a file'],
      [[join(folder, 'none', 'journal.txt')], 'cannot be written'],
      [[join(folder, 'other.txt'), '--from-block', 'x'], 'x is no number of a block or lane'],
      [[join(folder, 'other.txt'), '--from-block', '999'], 'the lane has blocks 1 to'],
    ] as const
    await eachOf(bad, async ([words, text]) => {
      expect(await apportion(['export', ...words])).toMatchObject({ code: 1, out: '', err: expect.stringContaining(text) })
    })
    expect(readdirSync(folder).filter((name) => name.includes('other') || name.endsWith('.part'))).toEqual([])
  })

  it('imports a journal into an empty ledger, which is a copy from then on', async () => {
    const packed = join(folder, 'import.txt.gz')
    const exported = (await json('export', packed, '--ledger', 'shop')) as { lanes: { head: string }[] }
    expect((await apportion(['ledger', 'create', 'copy', '--schema', 'copies'])).code).toBe(0)
    const head = exported.lanes[0]?.head ?? ''
    const said = await apportion(['import', packed, '--ledger', 'copy'])
    expect(said).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`head ${head}`) })
    expect((await apportion(['verify', '--ledger', 'copy'])).out).toContain(`; head ${head}`)
    const bad = [
      [['import', packed, '--ledger', 'copy'], 'journal_conflict'],
      [['import', join(folder, 'nothing'), '--ledger', 'copy'], 'journal_conflict'],
      [['event', 'record', '--ledger', 'copy', 'reference=other', ...SALE], 'ledger_copy_forbidden'],
    ] as const
    await eachOf(bad, async ([words, code]) => {
      expect(await apportion(words)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`(${code})`) })
    })
  })

  it('installs a program from a file, and records its events in the words of their source', async () => {
    const PAID = `paid_at=${Temporal.Now.instant().toString()}`
    const folderOf = join(custom.templates, 'single-split')
    const deal = readFileSync(join(folderOf, 'deal.json'), 'utf8')
    const bad = file('bad-deal.json', deal.replace('"70%"', '"71%"'))
    const refused = [
      [['--file', bad], `${bad}:17: step split, shares: `, 'plan_invalid'],
      [['--file', join(folder, 'none.json')], 'cannot be read: there is none of this name', 'file_not_found'],
      [[], 'takes its terms from a file', 'field_malformed'],
    ] as const
    await eachOf(refused, async ([words, text, code]) => {
      const answer = await apportion(['ledger', 'create', 'deal', '--program', 'custom', ...words])
      expect(answer).toMatchObject({ code: 1, out: '', err: expect.stringContaining(text) })
      expect(answer.err).toContain(`(${code})`)
    })
    expect(await apportion(['ledger', 'create', 'deal', '--program', 'custom', '--file', join(folderOf, 'deal.json')])).toMatchObject({ code: 0, err: '' })
    expect(await json('ledger', 'show', 'deal')).toMatchObject({ name: 'deal', program: 'custom', schema: null, program_file: deal })
    expect((await apportion(['ledger', 'show', 'deal'])).out).toContain('"summary": "shares each payment among a team')
    const recorded = (await json('event', 'record', '--ledger', 'deal', '--backdate', '--file', join(folderOf, 'events.jsonl'))) as { state: string }[]
    expect(recorded.map(({ state }) => state)).toEqual(['recorded', 'recorded', 'duplicate', 'recorded'])
    expect(await json('event', 'record', '--ledger', 'deal', 'id=by-words', 'amount=1.5', PAID)).toMatchObject({ state: 'recorded', event: { shares: [{ amount: '1.050000000' }, {}, {}] } })
    expect(await apportion(['event', 'record', '--ledger', 'deal', 'id=x', 'amount=1', PAID, 'colour=red'])).toMatchObject({ code: 1, err: expect.stringContaining('"colour" is no field of the event') })
  })

  it('says that the ledger holds, and ends with 1 when a figure was changed', async () => {
    expect(await apportion(['verify'])).toMatchObject({ code: 0, err: '' })
    const { rows } = await database.pool.query<{ number: string }>('update apportion.transfer set units = units + 1 where number = (select min(number) from apportion.transfer) returning number::text')
    const broken = await apart(['verify'])
    expect(broken.code).toBe(1)
    expect(broken.out).toMatch(new RegExp(`\\btransfer ${rows[0]?.number}\\b`))
    await database.pool.query('update apportion.transfer set units = units - 1 where number = $1', [rows[0]?.number])
  })
})
