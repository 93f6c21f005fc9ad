// Plans, settings, keys and facts by the API: drafted by one person, approved by another, refused by name and unchanged otherwise.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { approvalStatement, type ApprovalKind } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import type { RefusalCode } from '../core/refusal.ts'
import { createKey } from '../engine/api-key.ts'
import { draftPlan } from '../engine/draft-plan.ts'
import type { Ledger } from '../engine/ledger.ts'
import { OWNER } from '../engine/person.ts'
import { plan } from '../engine/read-plans.ts'
import { verify } from '../engine/verify.ts'
import { saleSplit } from '../programs/sale-split/program.ts'
import { approvalListSchema, factPageSchema, factSchema, keyListSchema, newKeySchema, planListSchema, planSchema, settingsAnswerSchema, validPlanSchema, waitingPageSchema } from './contract-approvals.ts'
import { problemIn, sale, testbed, type Testbed } from './fixture.ts'
import { factsInForce } from '../store/fact.ts'

type Person = Awaited<ReturnType<Testbed['makePerson']>>
type People = Readonly<Record<'operator' | 'first' | 'second' | 'admin', Person>>

let bed: Testbed
beforeAll(async () => {
  bed = await testbed()
})
afterAll(async () => {
  await bed.drop()
})

const planOf = (ai: number, dao: number): unknown =>
  JSON.parse(JSON.stringify(saleSplit.firstPlan).replace('"80"', `"${ai}"`).replace('"15"', `"${dao}"`))

/** A ledger with its persons, whose settings ask for what is given. */
async function makeOffice(name: string, settings: object, options: { readonly sandbox?: boolean } = {}): Promise<{ ledger: Ledger; people: People; post: Post; get: Get }> {
  const ledger = await bed.makeLedger(name, options)
  const [operator, first, second, admin] = await Promise.all((['operator', 'approver', 'approver', 'admin'] as const).map((role) => bed.makePerson(role, ledger)))
  const people = { operator, first, second, admin } as People
  const post: Post = async (person, path, body) => await bed.send(`//v1/ledgers/${name}${path}`, { key: person.key, body })
  const get: Get = async (path, schema) => schema.parse((await bed.send(`//v1/ledgers/${name}${path}`, { key: people.admin.key })).json())
  expect((await post(people.admin, '/settings', settings)).statusCode).toBe(200)
  return { ledger, people, post, get }
}

type Post = (person: Person, path: string, body: object) => ReturnType<Testbed['send']>
type Get = <T>(path: string, schema: { parse: (value: unknown) => T }) => Promise<T>

/** What a person sends to approve something. */
function sealed(person: Person, ledger: Ledger, { kind, subject, hash, preview = null }: { kind: ApprovalKind; subject: string; hash: string; preview?: string | null }): object {
  const at = bed.desk.now()
  const signature = present(person.seal, 'seal').sign(approvalStatement({ ledger: ledger.id, kind, subject, hash, preview, at })).toBase64()
  return { hash, ...(preview !== null && { preview }), approved_at: at.toString(), signature }
}

async function drafted(office: Awaited<ReturnType<typeof makeOffice>>, body: object = {}): Promise<{ draft: string; hash: string }> {
  const answer = planSchema.parse((await office.post(office.people.operator, '/plans', { plan: planOf(70, 25), ...body })).json())
  return { draft: present(answer.draft, 'draft'), hash: present(answer.hash, 'hash') }
}

describe('a plan where two persons agree', () => {
  it('is drafted, approved twice, and in force from its instant; every record says by whom', async () => {
    const office = await makeOffice('two-agree', { plan_approvals: 2 })
    const { ledger, people, post, get } = office
    const { draft, hash } = await drafted(office)
    expect(await get('/approvals', waitingPageSchema)).toMatchObject({ items: [{ kind: 'plan', subject: draft, hash, age_seconds: 0, payout: null }] })
    const diff = (await post(people.first, '/plans/diff', { after: { draft }, sample: true })).json<{ hash: string }>()
    const preview = diff.hash
    const once = await post(people.first, `/plans/${draft}/approve`, { ...sealed(people.first, ledger, { kind: 'plan', subject: draft, hash, preview }), preview_document: diff })
    expect(once.json()).toMatchObject({ state: 'draft', version: null, approvals_needed: 2, approvals: [{ by: people.first.name, preview, counts: true }] })
    const twice = await post(people.second, `/plans/${draft}/approve`, sealed(people.second, ledger, { kind: 'plan', subject: draft, hash }))
    expect(twice.json()).toMatchObject({ state: 'in_force', version: 2, drafted_by: people.operator.name, closed_by: people.second.name })
    const { items } = await get('/plans', planListSchema)
    expect(items.map(({ version, state }) => [version, state])).toEqual([[1, 'superseded'], [2, 'in_force']])
    const given = await get(`/approvals/${draft}`, approvalListSchema)
    expect(given.items.map(({ by }) => by)).toEqual([people.first.name, people.second.name])
    expect(await get('/plans/2', planSchema)).toMatchObject({ draft })
    bed.moveClock({ seconds: 1 })
    const recorded = await post(people.admin, '/events', sale('after'))
    expect(recorded.json()).toMatchObject({ plan_version: 2 })
    expect((await verify(bed.desk, ledger)).breaks).toEqual([])
    await bed.database.pool.query(`delete from apportion.approval where subject = $1 and hash = $2 and preview is null`, [draft, hash])
    expect((await verify(bed.desk, ledger)).breaks).toMatchObject([{ check: 'approval', where: { plan_version: 2 }, expected: '2 persons who approved it', found: '1' }])
  })

  it('leaves approvals of what it said before behind when it is written anew', async () => {
    const office = await makeOffice('anew', { plan_approvals: 1 })
    const { ledger, people, post, get } = office
    const { draft, hash } = await drafted(office)
    const old = sealed(people.first, ledger, { kind: 'plan', subject: draft, hash })
    const edited = planSchema.parse((await post(people.operator, `/plans/${draft}/edit`, { plan: planOf(60, 35) })).json())
    expect(edited.hash).not.toBe(hash)
    const refused = problemIn(await post(people.first, `/plans/${draft}/approve`, old))
    expect(refused).toMatchObject({ code: 'approval_mismatch', details: { given: hash, current: edited.hash } })
    // Nor does the old seal fit the new hash.
    expect(problemIn(await post(people.first, `/plans/${draft}/approve`, { ...old, hash: edited.hash })).code).toBe('approval_invalid')
    expect(await get(`/plans/${draft}`, planSchema)).toMatchObject({ state: 'draft', approvals: [] })
    // Who wrote any of it is no second person, whoever wrote the last of it.
    await post(people.admin, `/plans/${draft}/edit`, { plan: planOf(65, 30) })
    const last = present((await get(`/plans/${draft}`, planSchema)).hash, 'hash')
    expect(problemIn(await post(people.admin, `/plans/${draft}/approve`, sealed(people.admin, ledger, { kind: 'plan', subject: draft, hash: last }))).code).toBe('approval_forbidden')
    const done = await post(people.first, `/plans/${draft}/approve`, sealed(people.first, ledger, { kind: 'plan', subject: draft, hash: last }))
    expect(done.json()).toMatchObject({ version: 2 })
  })

  it('is approved with the preview that was looked at, made anew: figures or a draft that changed since are refused with both hashes', async () => {
    const office = await makeOffice('looked-at', { plan_approvals: 1 })
    const { ledger, people, post, get } = office
    await post(people.admin, '/events', sale('before'))
    const { draft, hash } = await drafted(office)
    const diff = (await post(people.first, '/plans/diff', { after: { draft } })).json<{ hash: string; events: string }>()
    const approve = async (of: { hash: string; preview?: string }, document: unknown) => {
      return await post(people.first, `/plans/${draft}/approve`, { ...sealed(people.first, ledger, { kind: 'plan', subject: draft, ...of }), preview_document: document })
    }
    const refusals: readonly (readonly [string, unknown, RegExp])[] = [
      [diff.hash, undefined, new RegExp(`${diff.hash} is a hash alone; give the document`)],
      [diff.hash, { ...diff, ledger: 'other' }, /its figures have the hash [0-9a-f]{64} and not/],
      ['ab'.repeat(32), diff, new RegExp(`what was signed is the hash ${'ab'.repeat(32)}, and that of the document is ${diff.hash}`)],
      [diff.hash, { kind: 'letter' }, /it is no preview and no diff/],
    ]
    for (const [preview, document, says] of refusals) {
      const refused = problemIn(await approve({ hash, preview }, document))
      expect([refused.code, refused.detail]).toEqual(['preview_mismatch', expect.stringMatching(says)])
    }
    await post(people.operator, `/plans/${draft}/edit`, { plan: planOf(60, 35) })
    const now = present((await get(`/plans/${draft}`, planSchema)).hash, 'hash')
    const stale = problemIn(await approve({ hash: now, preview: diff.hash }, diff))
    expect([stale.code, stale.detail]).toEqual(['preview_mismatch', expect.stringContaining(`its hash was ${hash}, and is ${now}`)])
    expect(await get(`/plans/${draft}`, planSchema)).toMatchObject({ state: 'draft', approvals: [] })
    const anew = (await post(people.first, '/plans/diff', { after: { draft } })).json<{ hash: string }>()
    expect((await approve({ hash: now, preview: anew.hash }, anew)).json()).toMatchObject({ version: 2, approvals: [{ preview: anew.hash }] })
    const next = (await post(people.operator, '/plans', { plan: planOf(50, 45) })).json<{ draft: string; hash: string }>()
    const events = [sale('given')]
    const onEvents = (await post(people.first, '/plans/preview', { plan: { draft: next.draft }, events })).json<{ hash: string }>()
    const given = async (more: object) => {
      const body = { ...sealed(people.first, ledger, { kind: 'plan', subject: next.draft, hash: next.hash, preview: onEvents.hash }), preview_document: onEvents, ...more }
      return await post(people.first, `/plans/${next.draft}/approve`, body)
    }
    expect(problemIn(await given({})).detail).toContain('it is of events that are not here')
    expect(problemIn(await given({ preview_events: [sale('another', { sale_amount: '7' })] })).code).toBe('preview_mismatch')
    expect((await given({ preview_events: events })).json()).toMatchObject({ version: 3 })
  })

  it('is written anew by a person when it was drafted before anybody was asked', async () => {
    const office = await makeOffice('before', {})
    const { ledger, people, post } = office
    const draft = await draftPlan(bed.desk, ledger, OWNER, { content: planOf(70, 25), effectiveFrom: null })
    await post(people.admin, '/settings', { plan_approvals: 1 })
    const { hash } = await plan(bed.desk, ledger, draft)
    const approved = await post(people.first, `/plans/${draft}/approve`, sealed(people.first, ledger, { kind: 'plan', subject: draft, hash: present(hash, 'hash') }))
    expect(problemIn(approved).code).toBe('approval_forbidden')
    await post(people.operator, `/plans/${draft}/edit`, { plan: planOf(70, 25) })
    const again = await post(people.first, `/plans/${draft}/approve`, sealed(people.first, ledger, { kind: 'plan', subject: draft, hash: present(hash, 'hash') }))
    expect(again.json()).toMatchObject({ version: 2, drafted_by: people.operator.name })
  })

  it('is one version, whoever races: two approvers at once, and an approval with an edit', async () => {
    const office = await makeOffice('race', { plan_approvals: 1 })
    const { ledger, people, post, get } = office
    const { draft, hash } = await drafted(office)
    const approve = async (person: Person, of = { draft, hash }) =>
      await post(person, `/plans/${of.draft}/approve`, sealed(person, ledger, { kind: 'plan', subject: of.draft, hash: of.hash }))
    const both = await Promise.all([approve(people.first), approve(people.second)])
    expect(both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 409])
    expect(problemIn(present(both.find(({ statusCode }) => statusCode === 409), 'refused')).code).toBe('plan_locked')
    for (let round = 0; round < 5; round += 1) {
      const next = await drafted(office)
      const [approved, edited] = await Promise.all([approve(people.first, next), post(people.operator, `/plans/${next.draft}/edit`, { plan: planOf(50, 45) })])
      // One of them was first, and the other heard of it: what is in force is what was approved, never what was written after.
      expect([approved.statusCode, edited.statusCode].toSorted((a, b) => a - b)).toEqual([200, 409])
      const found = await get(`/plans/${next.draft}`, planSchema)
      expect(found.hash === next.hash).toBe(approved.statusCode === 200)
      if (edited.statusCode === 200) await post(people.operator, `/plans/${next.draft}/withdraw`, {})
    }
    expect((await verify(bed.desk, ledger)).breaks).toEqual([])
  })

  it('has its notice from the approval on', async () => {
    const office = await makeOffice('noticed', { plan_approvals: 1, plan_notice_seconds: 3600 }, { sandbox: false })
    const { ledger, people, post, get } = office
    const from = bed.desk.now().add({ hours: 1, minutes: 5 }).toString()
    const { draft, hash } = await drafted(office, { effective_from: from })
    const approve = async (of: { draft: string; hash: string }) =>
      await post(people.first, `/plans/${of.draft}/approve`, sealed(people.first, ledger, { kind: 'plan', subject: of.draft, hash: of.hash }))
    bed.moveClock({ minutes: 6 })
    const late = problemIn(await approve({ draft, hash }))
    expect(late).toMatchObject({ code: 'plan_invalid', details: { field: 'effective_from', value: from } })
    expect(await get(`/plans/${draft}`, planSchema)).toMatchObject({ state: 'draft', approvals: [] })
    const soon = await drafted(office)
    expect((await approve(soon)).json()).toMatchObject({ state: 'approved', version: 2 })
    bed.moveClock({ hours: 1 })
    expect(await get(`/plans/${soon.draft}`, planSchema)).toMatchObject({ state: 'in_force' })
  })
})

describe('refusals', () => {
  let office: Awaited<ReturnType<typeof makeOffice>>
  let open: { draft: string; hash: string }
  let closed: { draft: string; hash: string }
  beforeAll(async () => {
    office = await makeOffice('refusing', { plan_approvals: 2, payout_approval_above: { 'SOL/9': '1000' }, fact_notice_seconds: { percent: 60 } })
    open = await drafted(office)
    const { post, people, ledger } = office
    await post(people.first, `/plans/${open.draft}/approve`, sealed(people.first, ledger, { kind: 'plan', subject: open.draft, hash: open.hash }))
    closed = await drafted(office)
    await post(people.first, `/plans/${closed.draft}/reject`, { reason: 'too much for the AI' })
    await post(people.operator, '/facts', { name: 'percent', subject: 'bot', value: '5' })
  })

  const at = (by: Temporal.DurationLike): string => bed.desk.now().add(by).toString()
  const HASH = '0'.repeat(64)
  const NEVER = '00000000-0000-7000-8000-000000000000'
  const content = planOf(70, 25)
  const plans = { kind: 'plan' } as const
  type Case = readonly [what: string, who: keyof People, path: () => string, body: () => object, code: RefusalCode]
  const cases: readonly Case[] = [
    ['a plan that is none', 'operator', () => '/plans', () => ({ plan: { steps: [] } }), 'plan_invalid'],
    ['a plan in the past of events', 'operator', () => '/plans', () => ({ plan: content, effective_from: at({ hours: -1 }) }), 'plan_invalid'],
    ['an instant that is none', 'operator', () => '/plans', () => ({ plan: content, effective_from: 'tomorrow' }), 'field_malformed'],
    ['a draft by an approver', 'first', () => '/plans', () => ({ plan: content }), 'permission_missing'],
    ['an edit by an approver', 'first', () => `/plans/${open.draft}/edit`, () => ({ plan: content }), 'permission_missing'],
    ['the short way', 'operator', () => '/plans/add', () => ({ plan: content }), 'approval_missing'],
    ['an approval by an operator', 'operator', () => `/plans/${open.draft}/approve`, () => ({ hash: open.hash }), 'permission_missing'],
    ['an approval without a seal', 'second', () => `/plans/${open.draft}/approve`, () => ({ hash: open.hash }), 'approval_invalid'],
    ['an approval of another hash', 'second', () => `/plans/${open.draft}/approve`, () => sealed(office.people.second, office.ledger, { ...plans, subject: open.draft, hash: HASH }), 'approval_mismatch'],
    ['another person’s seal', 'second', () => `/plans/${open.draft}/approve`, () => sealed(office.people.first, office.ledger, { ...plans, subject: open.draft, hash: open.hash }), 'approval_invalid'],
    ['a seal on another draft', 'second', () => `/plans/${open.draft}/approve`, () => sealed(office.people.second, office.ledger, { ...plans, subject: NEVER, hash: open.hash }), 'approval_invalid'],
    ['a seal of an hour ago', 'second', () => `/plans/${open.draft}/approve`, () => ({ ...sealed(office.people.second, office.ledger, { ...plans, subject: open.draft, hash: open.hash }), approved_at: at({ hours: -1 }) }), 'approval_invalid'],
    ['the same person twice', 'first', () => `/plans/${open.draft}/approve`, () => sealed(office.people.first, office.ledger, { ...plans, subject: open.draft, hash: open.hash }), 'approval_conflict'],
    ['a draft that was rejected', 'second', () => `/plans/${closed.draft}/approve`, () => sealed(office.people.second, office.ledger, { ...plans, subject: closed.draft, hash: closed.hash }), 'plan_locked'],
    ['an edit of one that was rejected', 'operator', () => `/plans/${closed.draft}/edit`, () => ({ plan: content }), 'plan_locked'],
    ['a draft that nobody wrote', 'second', () => `/plans/${NEVER}/approve`, () => sealed(office.people.second, office.ledger, { ...plans, subject: NEVER, hash: HASH }), 'plan_not_found'],
    ['a draft that is no id', 'second', () => "/plans/1';--/reject", () => ({}), 'plan_not_found'],
    ['a reason that is too long', 'second', () => `/plans/${open.draft}/reject`, () => ({ reason: 'x'.repeat(501) }), 'field_malformed'],
    ['settings by an operator', 'operator', () => '/settings', () => ({ plan_approvals: 0 }), 'permission_missing'],
    ['settings that are none', 'admin', () => '/settings', () => ({ plan_approvals: 99 }), 'settings_invalid'],
    ['settings of another asset', 'admin', () => '/settings', () => ({ payout_approval_above: { 'USDC/6': '1' } }), 'asset_not_found'],
    ['more approvals than persons', 'admin', () => '/settings', () => ({ plan_approvals: 4 }), 'approver_missing'],
    ['a change that nobody proposed', 'first', () => `/settings/${NEVER}/approve`, () => sealed(office.people.first, office.ledger, { kind: 'settings', subject: NEVER, hash: HASH }), 'settings_not_found'],
    ['a payout that there is not', 'first', () => `/payouts/${NEVER}/approve`, () => sealed(office.people.first, office.ledger, { kind: 'payout', subject: NEVER, hash: HASH }), 'payout_not_found'],
    ['a payout approved by an operator', 'operator', () => `/payouts/${NEVER}/approve`, () => sealed(office.people.first, office.ledger, { kind: 'payout', subject: NEVER, hash: HASH }), 'permission_missing'],
    ['one payout twice at once', 'first', () => '/payouts/reject', () => ({ payouts: [NEVER, NEVER], reason: 'why' }), 'field_malformed'],
    ['an approver made from afar', 'admin', () => '/keys', () => ({ name: 'mallory', role: 'approver' }), 'permission_missing'],
    ['a role that is none', 'admin', () => '/keys', () => ({ name: 'mallory', role: 'king' }), 'field_malformed'],
    ['a key by an operator', 'operator', () => '/keys', () => ({ name: 'mallory', role: 'viewer' }), 'permission_missing'],
    ['a fact that is no number', 'operator', () => '/facts', () => ({ name: 'percent', subject: 'bot', value: 'ten' }), 'fact_invalid'],
    ['a raise too soon', 'operator', () => '/facts', () => ({ name: 'percent', subject: 'bot', value: '6', effective_from: at({ seconds: 30 }) }), 'fact_invalid'],
    ['a lowering from a date', 'operator', () => '/facts', () => ({ name: 'percent', subject: 'bot', value: '4', effective_from: at({ hours: 1 }) }), 'fact_invalid'],
    ['a fact of the past', 'operator', () => '/facts', () => ({ name: 'other', subject: 'bot', value: '4', effective_from: at({ hours: -1 }) }), 'fact_invalid'],
    ['a fact by an approver', 'first', () => '/facts', () => ({ name: 'percent', subject: 'bot', value: '4' }), 'permission_missing'],
  ]

  it.each(cases)('refuses %s and changes nothing', async (_, who, path, body, code) => {
    const count = async () => (await bed.database.pool.query(
      `select (select count(*) from apportion.approval) as approvals, (select count(*) from apportion.plan_revision) as revisions,
        (select count(*) from apportion.plan_version) as versions, (select count(*) from apportion.settings_change) as settings,
        (select count(*) from apportion.fact) as facts, (select count(*) from apportion.api_key) as keys`,
    )).rows
    const [before, heads] = [await count(), await bed.heads()]
    const problem = problemIn(await office.post(office.people[who], path(), body()))
    expect(problem.code, problem.detail).toBe(code)
    expect([await count(), await bed.heads()]).toEqual([before, heads])
  })
})

describe('settings', () => {
  it('ask for more at once, and for less once another person agreed', async () => {
    const { ledger, people, post, get } = await makeOffice('changing', { plan_approvals: 1, plan_notice_seconds: 60 })
    const proposed = settingsAnswerSchema.parse((await post(people.admin, '/settings', { plan_notice_seconds: 0, payout_approval_above: { 'SOL/9': '5' } })).json())
    // The limit counts already, the shorter notice does not.
    expect(proposed).toMatchObject({ settings: { plan_notice_seconds: 60, payout_approval_above: { 'SOL/9': '5' } }, pending: { proposed_by: people.admin.name, approvals_needed: 1 } })
    const { change, hash } = present(proposed.pending, 'pending')
    expect(await get('/approvals', waitingPageSchema)).toMatchObject({ items: [{ kind: 'settings', subject: change, hash }] })
    const own = await post(people.admin, `/settings/${change}/approve`, sealed(people.admin, ledger, { kind: 'settings', subject: change, hash }))
    expect(problemIn(own).code).toBe('approval_forbidden')
    const done = await post(people.first, `/settings/${change}/approve`, sealed(people.first, ledger, { kind: 'settings', subject: change, hash }))
    expect(done.json()).toMatchObject({ settings: { plan_notice_seconds: 0 }, pending: null })
    const late = await post(people.second, `/settings/${change}/approve`, sealed(people.second, ledger, { kind: 'settings', subject: change, hash }))
    expect(problemIn(late).code).toBe('settings_locked')
    const second = settingsAnswerSchema.parse((await post(people.admin, '/settings', { plan_approvals: 0 })).json())
    const withdrawn = await post(people.admin, `/settings/${present(second.pending, 'pending').change}/withdraw`, { reason: 'a mistake' })
    expect(withdrawn.json()).toMatchObject({ settings: { plan_approvals: 1 }, pending: null })
  })
})

describe('keys', () => {
  it('are made, listed and ended; one with its seal is refused and shows nothing', async () => {
    const { people, post, get, ledger } = await makeOffice('keyed', {})
    const made = newKeySchema.parse((await post(people.admin, '/keys', { name: 'clerk', role: 'operator' })).json())
    expect(made).toMatchObject({ role: 'operator', rights: ['read', 'record', 'backdate', 'propose'] })
    expect((await post(people.admin, '/keys/clerk/revoke', {})).json()).toMatchObject({ name: 'clerk' })
    expect((await get('/keys', keyListSchema)).items.find(({ name }) => name === 'clerk')?.revoked_at).not.toBeNull()
    const whole = (await createKey({ ...bed.desk, owner: bed.database.pool }, ledger, { name: 'whole', role: 'approver' })).key
    const answer = await bed.send('//v1/ledgers/keyed/plans', { key: whole })
    expect(problemIn(answer).code).toBe('key_invalid')
    expect(answer.body).not.toContain(whole.slice(-20))
    // What the server may write adds nobody who is believed, and brings nobody back.
    const app = bed.desk.store.pool
    await expect(app.query(`update apportion.api_key set revoked_at = null where name = 'clerk'`)).rejects.toThrow(/stays revoked/)
    await expect(app.query(`update apportion.api_key set public_key = '\\x00'`)).rejects.toThrow(/permission denied/)
    await expect(
      app.query(`insert into apportion.api_key (key, ledger, name, secret_hash, rights, public_key, created_at) select gen_random_uuid(), $1, 'm', '', '{approve}', '\\x', now()`, [ledger.id]),
    ).rejects.toThrow(/permission denied/)
    await expect(
      app.query(`insert into apportion.api_key (key, ledger, name, secret_hash, rights, created_at) select gen_random_uuid(), $1, 'm', '', '{approve}', now()`, [ledger.id]),
    ).rejects.toThrow(/api_key_sealed/)
    for (const table of ['approval', 'plan_revision', 'settings_change', 'fact', 'plan_draft']) {
      await expect(app.query(`delete from apportion.${table}`)).rejects.toThrow(/permission denied/)
    }
  })
})

describe('facts', () => {
  it('rise after their notice, fall at once, and keep their history', async () => {
    const { people, post, get, ledger } = await makeOffice('facts', { fact_notice_seconds: { percent: 14 * 86_400 } })
    const set = async (value: string, more: object = {}) => factSchema.parse((await post(people.operator, '/facts', { name: 'percent', subject: 'bot-7', value, ...more })).json())
    expect(await set('5')).toMatchObject({ state: 'in_force', number: 1, announced_by: people.operator.name })
    const announced = bed.desk.now()
    const raise = await set('8.50')
    expect(raise).toMatchObject({ state: 'pending', value: '8.5' })
    expect(Temporal.Instant.from(raise.effective_from).since(announced).total('days')).toBeGreaterThanOrEqual(14)
    // Announcing anew replaces the pending raise, lowering drops it.
    const again = await set('7', { effective_from: bed.desk.now().add({ hours: 24 * 15 }).toString() })
    expect(await set('3')).toMatchObject({ state: 'in_force' })
    const last = await set('4')
    const { items } = await get('/facts?name=percent&subject=bot-7', factPageSchema)
    expect(items.map(({ value, state }) => [value, state])).toEqual([['4', 'pending'], ['3', 'in_force'], ['7', 'dropped'], ['8.5', 'dropped'], ['5', 'superseded']])
    bed.moveClock({ hours: 24 * 15 })
    expect((await get('/facts?limit=1', factPageSchema)).items[0]).toMatchObject({ value: '4', state: 'in_force', number: last.number })
    const pages = await get('/facts?limit=2', factPageSchema)
    expect((await get(`/facts?limit=9&cursor=${pages.next}`, factPageSchema)).items.map(({ number }) => number)).toEqual([3, 2, 1])
    expect(again.number).toBe(3)
    // What was in force at an instant is the same whenever it is asked, and what was known at an instant stays known.
    const inForce = async (at: Temporal.Instant, knownAt = bed.desk.now()) =>
      await factsInForce(bed.desk.store.pool, { ledger: ledger.id, name: 'percent', subjects: ['bot-7', 'nobody'], at, knownAt })
    expect(await inForce(announced)).toEqual(new Map([['bot-7', '5']]))
    expect(await inForce(Temporal.Instant.from(last.announced_at))).toEqual(new Map([['bot-7', '3']]))
    expect(await inForce(bed.desk.now())).toEqual(new Map([['bot-7', '4']]))
    expect(await inForce(bed.desk.now(), Temporal.Instant.from(raise.announced_at))).toEqual(new Map([['bot-7', '8.5']]))
    expect((await verify(bed.desk, ledger)).breaks).toEqual([])
  })
})

it('has an end to open drafts and to changes of settings', async () => {
  const { ledger, people, post } = await makeOffice('many', {})
  const owner = bed.database.pool
  await owner.query(
    `with made as (
        insert into apportion.plan_draft (draft, ledger, state, created_at) select gen_random_uuid(), $1, 'draft', now() from generate_series(1, 100) returning draft
      )
      insert into apportion.plan_revision (draft, revision, content, hash, drafted_at) select draft, 1, $2, '', now() from made`,
    [ledger.id, planOf(70, 25)],
  )
  expect(problemIn(await post(people.operator, '/plans', { plan: planOf(70, 25) }))).toMatchObject({ code: 'drafts_exceeded', details: { limit: 100 } })
  const content = { plan_approvals: 0, plan_notice_seconds: 0, payout_approval_above: {}, fact_notice_seconds: {} }
  await owner.query(
    `insert into apportion.settings_change (change, ledger, number, content, proposed_at) select gen_random_uuid(), $1, n, $2, now() from generate_series(1, 1000) n`,
    [ledger.id, content],
  )
  expect(problemIn(await post(people.admin, '/settings', { plan_notice_seconds: 5 }))).toMatchObject({ code: 'settings_exceeded', details: { limit: 1000 } })
})

it('validates a plan without writing anything', async () => {
  const answer = await bed.get('/plans/validate', validPlanSchema, { body: { plan: planOf(70, 25) } })
  expect(answer.hash).toMatch(/^[0-9a-f]{64}$/)
  expect((await bed.get('/plans', planListSchema)).items).toHaveLength(1)
})

it('answers a repeated approval from its idempotency key, and keeps no key that was made', async () => {
  const { people, ledger } = await makeOffice('repeated', { plan_approvals: 1 })
  const draft = planSchema.parse((await bed.send('//v1/ledgers/repeated/plans', { key: people.operator.key, body: { plan: planOf(70, 25) } })).json())
  const body = sealed(people.first, ledger, { kind: 'plan', subject: present(draft.draft, 'draft'), hash: present(draft.hash, 'hash') })
  const send = async () => await bed.send(`//v1/ledgers/repeated/plans/${draft.draft}/approve`, { key: people.first.key, body, headers: { 'idempotency-key': 'once' } })
  const [one, other] = [await send(), await send()]
  expect([one.statusCode, other.body]).toEqual([200, one.body])
  await bed.send('//v1/ledgers/repeated/keys', { key: people.admin.key, body: { name: 'clerk', role: 'viewer' }, headers: { 'idempotency-key': 'key' } })
  const { rows } = await bed.database.pool.query<{ kept: bigint }>(`select count(*) as kept from apportion.idempotency where body like '%apk\\_%'`)
  expect(rows).toEqual([{ kept: 0n }])
})
