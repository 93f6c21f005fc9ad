// Previews and diffs on real ledgers: the past as it was recorded, without writing anything; and approvals that name what was looked at.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ASSET, FIRST_PLAN, paperDatabase, paperEvent, type PaperDatabase, type PaperLedger } from '../../test/paper-ledger.ts'
import { addPlanVersion } from './add-plan-version.ts'
import { draftPlan, editPlan } from './draft-plan.ts'
import { OWNER } from './person.ts'
import { checkPreview } from './preview/check.ts'
import { diffSchema, hashOf, previewSchema } from './preview/document.ts'
import type { GivenEvent, SourceChoice } from './preview/source.ts'
import { diffPlans, previewPlan, type PreviewOptions } from './preview.ts'
import { reverseEvent } from './reverse-event.ts'
import { setFact } from './set-fact.ts'
import { Refusal } from '../core/refusal.ts'
import { createPool } from '../store/pool.ts'

let paper: PaperDatabase
beforeAll(async () => {
  paper = await paperDatabase()
})
afterAll(async () => await paper.drop())

const ALL: SourceChoice = { kind: 'ledger', from: null, to: null }
const share = (role: string, weight: string, to: object = { recipient: role }): object => ({ role, to, weight })
const fixed = (...shares: readonly object[]): object => ({ name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares } })
const steps = (...of: readonly object[]): { readonly steps: readonly object[] } => ({ steps: of })

/** More for the guest, and all of it from the house. */
const FOR_GUESTS = steps(fixed(share('house', '60'), share('fund', '20'), share('guest', '20', { party: 'guest' })))

type Plan = Parameters<typeof previewPlan>[2]['plan']
const content = (plan: unknown): Plan => ({ kind: 'content', content: plan })

const preview = async ({ world, ledger }: PaperLedger, plan: Plan, options: Partial<PreviewOptions> = {}) => previewSchema.parse(await previewPlan(world, ledger, { plan, source: ALL, ...options }))
const refused = async (work: Promise<unknown>): Promise<Refusal> => {
  const error: unknown = await work.then(() => null, (thrown: unknown) => thrown)
  if (error instanceof Refusal) return error
  throw new Error(`it was not refused: ${String(error)}`)
}
const got = ({ recipients }: Awaited<ReturnType<typeof preview>>): Readonly<Record<string, string>> =>
  Object.fromEntries(recipients.map(({ recipient, units, carried }) => [recipient, carried === '0' ? units : `${units}+${carried}`]))

async function balances({ lane }: PaperLedger): Promise<Readonly<Record<string, string>>> {
  const { rows } = await paper.database.pool.query<{ name: string; units: string }>(
    `select account.name, (last.credits - last.debits)::text as units from apportion.account cross join lateral (
      select credits, debits from apportion.balance where balance.lane = account.lane and balance.account = account.number order by transfer desc limit 1
    ) last where lane = $1`,
    [lane],
  )
  return Object.fromEntries(rows.map(({ name, units }) => [name, units]))
}

/** All that a ledger holds: a preview must leave it as it was. */
async function everything(): Promise<string> {
  const { rows } = await paper.database.pool.query<{ all: string }>(
    `select concat((select json_agg(head)::text from apportion.head), (select count(*) from apportion.rule_state), (select count(*) from apportion.transfer),
      (select count(*) from apportion.balance), (select json_agg(plan_draft)::text from apportion.plan_draft)) as all`,
  )
  return rows[0]?.all ?? ''
}

/** Recorded one after the other, each in a block of its own; answers their instants. */
async function recordEach(ledger: PaperLedger, units: readonly bigint[], own: Parameters<typeof paperEvent>[2] = {}): Promise<readonly Temporal.Instant[]> {
  const instants: Temporal.Instant[] = []
  for (const [place, each] of units.entries()) {
    const [result] = await ledger.record([paperEvent(`e${instants.length}-${each}-${place}-${ledger.world.id()}`, each, own)])
    if (result?.state !== 'recorded') throw new Error(`not recorded: ${JSON.stringify(result?.state)}`)
    instants.push(result.event.recordedAt)
  }
  return instants
}

describe('a preview of the past', () => {
  it('by the versions that events were recorded with is what the ledger holds, and writes nothing', async () => {
    const ledger = await paper.open('as-recorded')
    await recordEach(ledger, [100n, 33n])
    await addPlanVersion(ledger.world, ledger.ledger, { content: FOR_GUESTS, effectiveFrom: null })
    await recordEach(ledger, [7n])
    const before = await everything()
    const found = await preview(ledger, { kind: 'recorded' })
    expect(found).toMatchObject({ events: '3', divided: '3', refused: '0', plan: { kind: 'recorded' }, assets: [{ asset: ASSET, units: '140', amount: '1.40', recipients: 4 }] })
    const held = await balances(ledger)
    expect(got(found)).toEqual({ house: held['payable:house'], fund: held['payable:fund'], 'guest-1': held['payable:guest-1'], nobody: '0' })
    expect(await everything()).toBe(before)
  })

  it('takes a span from its first instant on and before its last, in all lanes', async () => {
    const ledger = await paper.open('spans', { lanes: 3 })
    const [first, second, third] = await recordEach(ledger, [1n, 10n, 100n])
    const unitsOf = async (from: Temporal.Instant | undefined, to: Temporal.Instant | undefined): Promise<string | undefined> =>
      (await preview(ledger, { kind: 'in_force' }, { source: { kind: 'ledger', from: from?.toString() ?? null, to: to?.toString() ?? null } })).assets[0]?.units
    expect([await unitsOf(undefined, undefined), await unitsOf(second, undefined), await unitsOf(undefined, third), await unitsOf(first, second), await unitsOf(second, third)]).toEqual(['111', '110', '11', '1', '10'])
  })

  it('begins with what its rules remember there, or without memory', async () => {
    const ledger = await paper.open('memory')
    const capped = (limit: string) => steps(fixed(share('ana', '1')), { name: 'cap', from: 'shares:split', rule: 'cap', parameters: { limit, per: 'lifetime', excess: { fund: 'excess' } } })
    await addPlanVersion(ledger.world, ledger.ledger, { content: capped('100'), effectiveFrom: null })
    const [, second] = await recordEach(ledger, [70n, 70n])
    const source: SourceChoice = { kind: 'ledger', from: second?.toString() ?? null, to: null }
    const rest = await preview(ledger, content(capped('120')), { source })
    expect([got(rest), rest.accounts.map(({ account, units }) => `${account} ${units}`)]).toEqual([{ ana: '50' }, ['fund:excess 20']])
    expect(rest.sentences.at(-1)).toBe('Rules begin with what they remember where the span begins.')
    const fresh = await preview(ledger, content(capped('120')), { source, fresh: true })
    expect([got(fresh), fresh.sentences.at(-1)]).toEqual([{ ana: '70' }, 'Rules begin without memory, and accounts empty.'])
    // What was carried before the span may be paid within it.
    const carrying = await paper.open('carrying')
    const least = steps(fixed(share('ana', '9'), share('bo', '1')), { name: 'minimum', from: 'shares:split', rule: 'minimum', parameters: { minimum: '15' } })
    await addPlanVersion(carrying.world, carrying.ledger, { content: least, effectiveFrom: null })
    const [, later] = await recordEach(carrying, [100n, 100n])
    const within = await preview(carrying, { kind: 'in_force' }, { source: { kind: 'ledger', from: later?.toString() ?? null, to: null } })
    expect(got(within)).toEqual({ ana: '90', bo: '20+-10' })
  })

  it('divides by the facts that counted for each event, whatever plan it was recorded with', async () => {
    const ledger = await paper.open('facts')
    const holders = steps({ name: 'pool', from: 'received', rule: 'pro-rata', parameters: { by: { fact: 'holding', source: 'standing' }, whenAllZero: { fund: 'later' } } })
    const hold = async (subject: string, value: string): Promise<void> => void (await setFact(ledger.world, ledger.ledger, OWNER, { name: 'holding', subject, value, effectiveFrom: null }))
    await recordEach(ledger, [100n])
    await hold('ana', '3')
    await hold('bo', '1')
    await recordEach(ledger, [100n])
    await hold('bo', '3')
    await recordEach(ledger, [100n])
    const found = await preview(ledger, content(holders))
    expect([got(found), found.refusals]).toEqual([{ ana: '125', bo: '75' }, [{ code: 'fact_not_found', count: '1' }]])
    await addPlanVersion(ledger.world, ledger.ledger, { content: holders, effectiveFrom: null })
    await recordEach(ledger, [40n])
    expect(got(await preview(ledger, { kind: 'recorded' }))).toMatchObject({ ana: '20', bo: '20' })
    // A plan that asks for no such fact divides events that were recorded with one.
    expect(await preview(ledger, { kind: 'version', version: 1 })).toMatchObject({ divided: '4', refused: '0' })
  })

  it('passes reversals over, and says so', async () => {
    const ledger = await paper.open('reversed')
    await ledger.record([paperEvent('sale', 100n)])
    const { recordedAt } = (await reverseEvent(ledger.world, ledger.ledger, { reference: 'refund', reverses: 'sale', units: 40n, details: null, door: 'test' })).event
    const found = await preview(ledger, content(FOR_GUESTS))
    expect([found.events, found.reversals, got(found)]).toEqual(['1', [{ asset: ASSET, units: '40', amount: '0.40', events: '1' }], { house: '60', fund: '20', 'guest-1': '20' }])
    expect(found.sentences[1]).toBe('1 reversal of 0.4 PAP is passed over: shares are as they were before anything was taken back.')
    const source: SourceChoice = { kind: 'ledger', from: recordedAt.toString(), to: null }
    expect((await refused(preview(ledger, { kind: 'in_force' }, { source }))).code).toBe('events_missing')
  })

  it('says how many sources would be refused for the amounts that they work out', async () => {
    const ledger = await paper.open('claims')
    await ledger.record([paperEvent('a', 100n, { claimed: { house: 70n } }), paperEvent('b', 100n)])
    const found = await preview(ledger, content(FOR_GUESTS))
    expect(found).toMatchObject({ divided: '2', refused: '0', claims: { events: '1', mismatched: '1' } })
    expect(found.sentences[1]).toBe('1 of 1 event that came with amounts of their own has others than this plan gives. They are divided here all the same, but a source that goes on so will be refused: tell it first.')
    expect((await preview(ledger, { kind: 'in_force' })).claims).toEqual({ events: '1', mismatched: '0' })
  })
})

describe('a preview of given events', () => {
  const given = (events: readonly GivenEvent[]): SourceChoice => ({ kind: 'events', events })

  it('divides them as they would be divided now, and counts the lines that are none', async () => {
    const ledger = await paper.open('given', { lanes: 2 })
    const malformed = { line: 2, refusal: new Refusal('body_malformed', 'the line is not JSON', { line: 2 }) }
    const source = given([{ line: 1, input: paperEvent('a', 100n) }, malformed, { line: 3, input: paperEvent('b', 100n, { claimed: { house: 1n } }) }])
    const found = await preview(ledger, { kind: 'in_force' }, { source })
    expect(found).toMatchObject({ events: '3', divided: '1', refusals: [{ code: 'body_malformed', count: '1' }, { code: 'event_share_mismatch', count: '1' }] })
    expect(found.first_refusals).toMatchObject([{ line: 2, reference: null }, { line: 3, reference: 'b' }])
    expect((await refused(preview(ledger, { kind: 'in_force' }, { source: given([]) }))).code).toBe('events_missing')
    expect((await refused(preview(ledger, { kind: 'recorded' }, { source }))).code).toBe('field_malformed')
  })
})

describe('what cannot be previewed', () => {
  it('is refused by name, and changes nothing', async () => {
    const ledger = await paper.open('refused')
    const inForce = { kind: 'in_force' } as const
    expect(await refused(preview(ledger, inForce))).toMatchObject({ code: 'events_missing' })
    const [at] = await recordEach(ledger, [5n, 6n])
    const before = await everything()
    const span = (from: string | null, to: string | null = null): Partial<PreviewOptions> => ({ source: { kind: 'ledger', from, to } })
    const instant = at?.toString() ?? ''
    const cases: readonly (readonly [Plan, Partial<PreviewOptions>, string])[] = [
      [{ kind: 'version', version: 9 }, {}, 'plan_not_found'],
      [{ kind: 'draft', draft: ledger.world.id() }, {}, 'plan_not_found'],
      [content({ steps: [] }), {}, 'plan_invalid'],
      [inForce, span(ledger.world.now().add({ hours: 1 }).toString()), 'instant_exceeded'],
      [inForce, span(ledger.world.now().toString(), instant), 'field_malformed'],
      [inForce, span('yesterday'), 'field_malformed'],
      [inForce, span(instant, instant), 'events_missing'],
      [inForce, { limit: 1n }, 'preview_exceeded'],
    ]
    for (const [plan, options, code] of cases) expect((await refused(preview(ledger, plan, options))).code).toBe(code)
    expect((await refused(preview(ledger, inForce, { limit: 1n }))).details).toEqual({ events: '2', limit: '1' })
    const stopped = new AbortController()
    const counted: bigint[] = []
    stopped.abort(new Error('nobody waits any more'))
    await expect(preview(ledger, inForce, { signal: stopped.signal, onProgress: ({ events }) => counted.push(events) })).rejects.toThrow('nobody waits any more')
    expect([counted, await everything()]).toEqual([[], before])
  })
})

describe('a diff', () => {
  it('compares a draft with the version in force, and two spans under one plan', async () => {
    const ledger = await paper.open('diff')
    const { world } = ledger
    await recordEach(ledger, [100n, 100n])
    const draft = await draftPlan(world, ledger.ledger, OWNER, { content: FOR_GUESTS, effectiveFrom: null })
    const diff = diffSchema.parse(await diffPlans(world, ledger.ledger, { before: { kind: 'in_force' }, after: { kind: 'draft', draft }, source: ALL }))
    expect(diff.recipients.map(({ name, before, after, difference, percent }) => [name, before, after, difference, percent])).toEqual([
      ['house', '140', '120', '-20', '-14.29'],
      ['guest-1', '20', '40', '20', '100.00'],
      ['fund', '40', '40', '0', '0.00'],
      ['nobody', '0', '0', '0', null],
    ])
    expect(diff.sentences).toEqual([
      'house gets 14.29 % less (0.2 PAP); guest-1 gets 100 % more (0.2 PAP); nobody else changes.',
      `Before is version 1, after draft ${draft}, both on 2 events recorded so far.`,
      'Rules begin with what they remember where the span begins.',
    ])
    const [at] = await recordEach(ledger, [400n])
    const early: SourceChoice = { kind: 'ledger', from: null, to: at?.toString() ?? null }
    const spans = await diffPlans(world, ledger.ledger, { before: { kind: 'in_force' }, after: { kind: 'in_force' }, source: { kind: 'ledger', from: at?.toString() ?? null, to: null }, sourceBefore: early })
    expect(spans.recipients[0]).toMatchObject({ name: 'house', before: '140', after: '280', ratio: '1', percent: '100.00' })
    expect([spans.before.events, spans.after.events]).toEqual(['2', '1'])
  })

  it('takes one connection, so that as many at once as there are connections never wait for each other', async () => {
    const ledger = await paper.open('one-connection')
    await recordEach(ledger, [100n])
    const pool = createPool({ url: paper.database.appUrl, max: 1, applicationName: 'test' })
    Object.assign(pool.options, { connectionTimeoutMillis: 500 })
    const world = { ...ledger.world, store: { ...ledger.world.store, pool } }
    const diff = await diffPlans(world, ledger.ledger, { before: { kind: 'recorded' }, after: { kind: 'in_force' }, source: ALL })
    expect(diff.before.events).toBe('1')
    await pool.end()
  })
})

describe('the hash that an approval names', () => {
  it('is the same for the same draft on the same events, and stands for nothing else', async () => {
    const ledger = await paper.open('hash', { lanes: 2 })
    const { world } = ledger
    await recordEach(ledger, [100n, 55n])
    const draft = await draftPlan(world, ledger.ledger, OWNER, { content: FOR_GUESTS, effectiveFrom: null })
    const made = await preview(ledger, { kind: 'draft', draft })
    expect([made.hash, (await preview(ledger, { kind: 'draft', draft })).hash]).toEqual([hashOf(made), made.hash])
    const check = async (document: unknown, events: readonly GivenEvent[] | null = null) => await checkPreview(world, ledger.ledger, { draft, document, sample: [], events })
    expect(await check(made)).toEqual({ hash: made.hash, events: '2', since: 0n })
    const compared = await diffPlans(world, ledger.ledger, { before: { kind: 'in_force' }, after: { kind: 'draft', draft }, source: ALL })
    await recordEach(ledger, [9n])
    expect([(await check(made)).since, await check(compared)]).toMatchObject([1n, { hash: compared.hash, since: 1n }])
    expect((await preview(ledger, { kind: 'draft', draft })).hash).not.toBe(made.hash)
    const forged = { ...made, recipients: made.recipients.map((each) => ({ ...each, units: '1' })) }
    const other = await preview(ledger, content(FOR_GUESTS))
    const events: readonly GivenEvent[] = [{ line: 1, input: paperEvent('a', 1n) }]
    const given = await preview(ledger, { kind: 'draft', draft }, { source: { kind: 'events', events } })
    // From where it began, whatever was recorded since.
    await recordEach(ledger, [7n])
    expect(await check(given, events)).toMatchObject({ hash: given.hash, events: '1', since: 1n })
    expect((await refused(check(given, [{ line: 1, input: paperEvent('a', 2n) }]))).message).toContain('made anew')
    for (const [document, problem] of [[given, 'of events that are not here'], [{}, 'no preview'], [forged, 'its figures have the hash'], [{ ...forged, hash: hashOf(forged) }, 'made anew'], [other, 'no draft']] as const) {
      const refusal = await refused(check(document))
      expect([refusal.code, refusal.message]).toEqual(['preview_mismatch', expect.stringContaining(problem)])
    }
    await editPlan(world, ledger.ledger, OWNER, { draft, content: FIRST_PLAN, effectiveFrom: null })
    expect((await refused(check(made))).message).toContain('the draft was written anew since')
  })
})
