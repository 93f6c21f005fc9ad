// Bad input through every door: a plan by the API, by a command and in a program's file; an event by the API, by a command and by `try`; what
// comes at the wrong time or from the wrong person by the API and by a command. Refused alike, with the figures, and nothing is changed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runHere, type Ended } from '../src/cli/fixture.ts'
import { createKey, splitKey } from '../src/engine/api-key.ts'
import { createLedger } from '../src/engine/create-ledger.ts'
import { present } from '../src/core/assert.ts'
import { approvalStatement } from '../src/core/approval.ts'
import { problemIn, testbed, type Testbed } from '../src/http/fixture.ts'
import { ROLES } from './template.ts'

const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })
const split = (shares: readonly object[], more: object = {}): object => ({ name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares }, ...more })
const two = [share('ana', '1'), share('bo', '1')]
const pool = { name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'score' }, whenAllZero: { recipient: 'ana' } } }
const bonus = { name: 'bonus', from: 'shares:pool', rule: 'bonus', parameters: { rates: ['10%'], referrers: { fact: 'referrers' }, funding: 'referred' } }
const listed = (pairs: readonly (readonly [string, string])[]): object => {
  const referrers = pairs.map(([referred, referrer]) => ({ referred: { recipient: referred }, referrer: { recipient: referrer } }))
  return { name: 'bonus', from: 'shares:split', rule: 'bonus', parameters: { rates: ['5%'], referrers, funding: 'referred' } }
}
const tiers = [{ from: '0', rate: '1%' }, { from: '100', rate: '2%' }, { from: '50', rate: '3%' }]

const FILE = {
  summary: 'shares by scores, with a bonus for who referred',
  ...{ asset: 'SOL/9', rail: 'solana' },
  accounts: { recipients: ['ana', 'bo'].map((recipient) => ({ recipient, label: recipient })) },
  plan: { steps: [pool, bonus] },
  event: { reference: 'id', amount: { field: 'units', in: 'units' }, facts: { score: { each: 'scores', optional: true }, referrers: { each: 'referrers', optional: true } } },
  sample: { event: { id: 'TEST_1', units: '100', scores: { ana: '1' }, referrers: {} } },
}

let bed: Testbed
let settings: Readonly<Record<string, string>> = {}
const folder = mkdtempSync(join(tmpdir(), 'apportion-bad-'))

function file(name: string, content: unknown): string {
  writeFileSync(join(folder, name), JSON.stringify(content, null, 1))
  return join(folder, name)
}

const apportion = async (...words: readonly string[]): Promise<Ended> => await runHere(words, settings)

beforeAll(async () => {
  bed = await testbed()
  const programFile = { text: JSON.stringify(FILE), name: 'deal.json' }
  await createLedger({ ...bed.desk, owner: bed.database.pool, appRole: ROLES.app }, { name: 'deal', program: 'custom', programFile, sandbox: true, railUrl: null, inboxSchema: null, tokens: {}, lanes: 1 })
  settings = {
    DATABASE_URL: bed.database.url,
    APP_DATABASE_URL: bed.database.appUrl,
    SIGNER_DATABASE_URL: bed.database.signerUrl,
    APPORTION_DATA: join(folder, 'data'),
    APPORTION_MASTER_KEY: 'ab'.repeat(32),
  }
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await bed.drop()
})

/** Everything that a refusal could have changed. */
async function everything(): Promise<unknown> {
  const { rows } = await bed.database.pool.query(`select (select count(*) from apportion.plan_version) as versions, (select count(*) from apportion.plan_draft) as drafts,
    (select count(*) from apportion.event) as events, (select count(*) from apportion.transfer) as transfers, (select count(*) from apportion.approval) as approvals`)
  return [rows, await bed.heads()]
}

async function unchanged(work: () => Promise<void>): Promise<void> {
  const before = await everything()
  await work()
  expect(await everything()).toEqual(before)
}

const dealer = async (): Promise<string> => await bed.makeKey(['read', 'propose', 'record', 'backdate'], await bed.ledgers.open('deal'))

const PLANS: readonly (readonly [what: string, steps: readonly object[], says: string])[] = [
  ['a weight that does not parse', [split([share('ana', 'half'), share('bo', '1')])], ', and this is "half"'],
  ['a negative weight', [split([share('ana', '-1'), share('bo', '1')])], 'a weight is a decimal such as 80 or 33.3, or a percentage such as 33.3%, and this is "-1"'],
  ['weights that are all zero', [split([share('ana', '0'), share('bo', '0')])], 'all weights are zero'],
  ['over 100 %', [split([share('ana', '80%'), share('bo', '30%')])], 'come to 110%: over 100%, more than there is'],
  ['under 100 %', [split([share('ana', '80%'), share('bo', '10%')])], 'come to 90%: the rest of the money would go to nobody'],
  ['two residuals', [split(two, { rounding: { 'residual-to': ['ana', 'bo'] } })], 'a rounding is the name of one policy'],
  ['thresholds that do not rise', [{ name: 'fee', from: 'received', rule: 'tiered-fee', parameters: { tiers, applies: 'whole', bearer: 'deducted', fee: { role: 'ana', to: { recipient: 'ana' } }, rest: { role: 'bo', to: { recipient: 'bo' } } } }], 'thresholds must rise: 50 does not come after 100'],
  ['tranches that do not rise', [{ name: 'fall', from: 'received', rule: 'waterfall', parameters: { tranches: [{ name: 'first', kind: 'split', until: '100', shares: two }, { name: 'next', kind: 'split', until: '50', shares: two }, { name: 'rest', kind: 'split', shares: two }] } }], 'thresholds must rise'],
  ['an unknown recipient', [split(two, { rounding: { 'residual-to': 'zed' } })], 'zed'],
  ['an unknown account', [split(two), split(two, { name: 'next', from: 'fund:savings' })], 'step next divides fund:savings, and no earlier step gives anything to it'],
  ['a bonus loop', [split(two), listed([['ana', 'bo'], ['bo', 'ana']])], 'the referrals make a loop: ana → bo → ana'],
  ['an amount beyond 10^38', [{ name: 'fall', from: 'received', rule: 'waterfall', parameters: { tranches: [{ name: 'first', kind: 'split', until: `1${'0'.repeat(39)}`, shares: two }, { name: 'rest', kind: 'split', shares: two }] } }], 'until'],
  ['a hundred thousand steps', Array.from({ length: 100_000 }, () => ({})), 'a plan has at most 64 steps, not 100000'],
]

describe('a plan with', () => {
  it.each(PLANS)('%s is refused by the API, by the command and in a program’s file', async (what, steps, says) => {
    const key = await dealer()
    const plan = { steps }
    const name = what.replaceAll(/[^a-z0-9]+/gi, '-')
    await unchanged(async () => {
      const byApi = problemIn(await bed.send('//v1/ledgers/deal/plans', { key, body: { plan } }))
      expect([byApi.code, byApi.detail]).toEqual(['plan_invalid', expect.stringContaining(says)])
      const [byCommand, inFile] = [await apportion('plan', 'draft', file(`${name}.json`, plan), '--ledger', 'deal'), await apportion('try', file(`${name}-deal.json`, { ...FILE, plan }), file('none.jsonl', {}))]
      expect([byCommand.code, byCommand.err]).toEqual([1, expect.stringMatching(/\(plan_invalid\)/)])
      expect(byCommand.err).toContain(says)
      expect([inFile.code, inFile.err]).toEqual([1, expect.stringMatching(/-deal\.json:[0-9]+: .*\((plan_invalid|file_malformed)\)/s)])
      expect(inFile.err).toContain(says)
    })
  })

  it('a recipient or a fund that nobody has met, which may be new, is told of by the API and by the command', async () => {
    const key = await dealer()
    const plan = { steps: [split([share('ana', '1'), share('bob', '1'), share('rest', '1', { fund: 'savings' })])] }
    const unmet = [{ kind: 'recipient', name: 'bob' }, { kind: 'fund', name: 'savings' }]
    await unchanged(async () => {
      const byApi = await bed.send('//v1/ledgers/deal/plans/validate', { key, body: { plan } })
      expect(byApi.json()).toMatchObject({ unmet })
      const byCommand = await apportion('plan', 'validate', file('unmet.json', plan), '--ledger', 'deal')
      expect(byCommand).toMatchObject({ code: 0, err: 'The ledger deal has not met the recipient bob, the fund savings before: if that is a slip, correct the name.\n' })
      expect((await bed.send('//v1/ledgers/deal/plans/validate', { key, body: { plan: { steps: [split(two)] } } })).json()).toMatchObject({ unmet: [] })
    })
  })

  it('a million steps is too large a body for the API, and refused by its number by the command', async () => {
    const key = await dealer()
    const plan = { steps: Array.from({ length: 1_000_000 }, () => ({})) }
    await unchanged(async () => {
      expect(problemIn(await bed.send('//v1/ledgers/deal/plans', { key, body: { plan } }))).toMatchObject({ code: 'body_exceeded', details: { limit: 1_048_576 } })
      const byCommand = await apportion('plan', 'draft', file('million.json', plan), '--ledger', 'deal')
      expect([byCommand.code, byCommand.err]).toEqual([1, expect.stringMatching(/at most 64 steps, not 1000000.*\(plan_invalid\)|\(body_exceeded\)/s)])
    })
  })
})

const EVENTS: readonly (readonly [what: string, more: object, code: string, says: string])[] = [
  ['a missing fact', { scores: undefined }, 'fact_not_found', 'needs the fact score'],
  ['a fact for a stranger', { referrers: { zed: 'ana' } }, 'fact_mismatch', 'zed'],
  ['referrals in a loop', { scores: { ana: '1', bo: '1' }, referrers: { ana: 'bo', bo: 'ana' } }, 'fact_conflict', 'ana → bo → ana'],
  ['a negative weight', { scores: { ana: '-1' } }, 'fact_malformed', '-1'],
  ['an amount beyond 10^38', { units: `1${'0'.repeat(39)}` }, 'amount_exceeded', ''],
]

describe('an event with', () => {
  it.each(EVENTS)('%s is refused by the API, by the command and by try', async (what, more, code, says) => {
    const key = await dealer()
    const event = { id: 'bad', units: '100', scores: { ana: '1' }, referrers: {}, ...more }
    const lines = join(folder, `${what.replaceAll(/[^a-z0-9]+/gi, '-')}.jsonl`)
    writeFileSync(lines, `${JSON.stringify(event)}\n`)
    await unchanged(async () => {
      const byApi = problemIn(await bed.send('//v1/ledgers/deal/events', { key, body: event }))
      expect([byApi.code, byApi.detail]).toEqual([code, expect.stringContaining(says)])
      const [byCommand, tried] = [await apportion('event', 'record', '--ledger', 'deal', '--file', lines), await apportion('try', file('deal.json', FILE), lines)]
      for (const { code: ended, out, err } of [byCommand, tried]) {
        expect([ended, out + err]).toEqual([1, expect.stringContaining(code)])
        expect(out + err).toContain(says)
      }
    })
  })
})

describe('at the wrong time or by the wrong person', () => {
  it('a plan that begins in the past of events, or before the newest version, is refused with the earliest instant', async () => {
    const key = await dealer()
    const plan = { steps: [split(two)] }
    const later = bed.desk.now().add({ hours: 48 }).toString()
    const added = await bed.send('//v1/ledgers/deal/plans/add', { key, body: { plan, effective_from: later } })
    expect(added.statusCode).toBe(200)
    for (const from of [bed.desk.now().subtract({ hours: 1 }).toString(), bed.desk.now().add({ hours: 24 }).toString()]) {
      await unchanged(async () => {
        const byApi = problemIn(await bed.send('//v1/ledgers/deal/plans', { key, body: { plan, effective_from: from } }))
        expect(byApi).toMatchObject({ code: 'plan_invalid', details: { field: 'effective_from', earliest: expect.any(String) } })
        const byCommand = await apportion('plan', 'draft', file('late.json', plan), '--ledger', 'deal', '--from', from)
        expect([byCommand.code, byCommand.err]).toEqual([1, expect.stringMatching(/\(plan_invalid\)/)])
      })
    }
  })

  it('an approval by who proposed it, and one of what the draft said before, is refused with both hashes', async () => {
    const ledger = await bed.makeLedger('office')
    const person = async (role: string) => {
      const { key: whole } = await createKey({ ...bed.desk, owner: bed.database.pool }, ledger, { name: role, role })
      const { bearer: key, seal } = splitKey(whole)
      return { whole, key, seal: present(seal, 'seal') }
    }
    const [admin, approver] = [await person('admin'), await person('approver')]
    const send = async (by: typeof admin, path: string, body: object) => await bed.send(`//v1/ledgers/office${path}`, { key: by.key, body })
    expect((await send(admin, '/settings', { plan_approvals: 1 })).statusCode).toBe(200)
    const { draft, hash } = (await send(admin, '/plans', { plan: { steps: [split([share('ai', '1')])] } })).json<{ draft: string; hash: string }>()
    const edited = (await send(admin, `/plans/${draft}/edit`, { plan: { steps: [split([share('dao', '1')])] } })).json<{ hash: string }>()
    const sealed = (given: typeof admin, of: string): object => {
      const at = bed.desk.now()
      const signature = given.seal.sign(approvalStatement({ ledger: ledger.id, kind: 'plan', subject: draft, hash: of, preview: null, at })).toBase64()
      return { hash: of, approved_at: at.toString(), signature }
    }
    await unchanged(async () => {
      expect(problemIn(await send(admin, `/plans/${draft}/approve`, sealed(admin, edited.hash)))).toMatchObject({ code: 'approval_forbidden' })
      expect(problemIn(await send(approver, `/plans/${draft}/approve`, sealed(approver, hash)))).toMatchObject({ code: 'approval_mismatch', details: { given: hash, current: edited.hash } })
      const [own, stale] = [
        await apportion('plan', 'approve', draft, '--hash', edited.hash, '--ledger', 'office', '--key', admin.whole),
        await apportion('plan', 'approve', draft, '--hash', hash, '--ledger', 'office', '--key', approver.whole),
      ]
      expect([own.code, own.err]).toEqual([1, expect.stringMatching(/\(approval_forbidden\)/)])
      expect([stale.code, stale.err]).toEqual([1, expect.stringMatching(new RegExp(`${hash} is not what stands there now, which is ${edited.hash}.*\\(approval_mismatch\\)`, 's'))])
    })
  })
})
