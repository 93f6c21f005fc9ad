// No point is dead: an ordinary history, told by the same watch that ends real processes, comes to each of them.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { insertSale, legs, mustRecord, nameAddress, openHouse, record, round, runUntilStill, sale, type Home, type House } from '../test/house.ts'
import { openLarge } from '../test/large-ledger.ts'
import { paperDatabase, type PaperDatabase } from '../test/paper-ledger.ts'
import { approvalStatement, draftHash } from '../src/core/approval.ts'
import { present } from '../src/core/assert.ts'
import { parsePlan } from '../src/core/plan.ts'
import type { Seal } from '../src/core/seal.ts'
import { createAuthenticator, createKey, splitKey } from '../src/engine/api-key.ts'
import { approvePayouts } from '../src/engine/approve-payouts.ts'
import { approvePlan } from '../src/engine/approve-plan.ts'
import { changeSettings } from '../src/engine/change-settings.ts'
import { draftPlan } from '../src/engine/draft-plan.ts'
import { createIdempotency } from '../src/engine/idempotency.ts'
import { OWNER, personOf, type Person } from '../src/engine/person.ts'
import { growTree } from '../src/engine/prove-shares.ts'
import { waitingApprovals } from '../src/engine/read-approvals.ts'
import { reverseEvent } from '../src/engine/reverse-event.ts'
import { SLOTS_TO_EXPIRY } from '../src/rails/solana/testbed.ts'
import { hookPoints, type Hook } from './hook-points.ts'
import { askedOf, POINTS, watchPoints, type Point, type PointName } from './points.ts'

const reached = new Set<PointName>()
let hook: Hook
let house: House
let paper: PaperDatabase
beforeAll(async () => {
  hook = hookPoints(POINTS, ({ name }) => void reached.add(name))
  ;[house, paper] = await Promise.all([openHouse(), paperDatabase()])
  Object.assign(house.chain.effects, { fetch: hook.watched(house.chain.effects.fetch) })
})
afterAll(async () => {
  hook.end()
  await Promise.all([house.close(), paper.drop()])
})

it('each of them is met in an ordinary history', async () => {
  const home = await house.makeLedger({ funds: 300n })
  await takeInAndPay(home)
  await loseAndRelease(home)
  await waitForOthers(home)
  await askPersons(home)
  await divideBySnapshot()
  expect(POINTS.map(({ name }) => name).filter((name) => !reached.has(name))).toEqual([])
})

it('each has a name of its own', () => {
  expect(new Set(POINTS.map(({ name }) => name)).size).toBe(POINTS.length)
})

it('a commit is told by what its transaction asked before, on its own session, and by nothing earlier', () => {
  const point: Point = { name: 'here', process: 'server', effect: 'sql', match: 'commit', within: 'end-attempts', listing: 'never', moment: 'after', says: '' }
  const watch = watchPoints([point])
  const [one, other] = [{}, {}]
  const ask = (session: object, given: unknown): number => watch.sql(session, askedOf(given)).length
  const ending = (state: string) => ({ name: 'end-attempts', text: 'update …', values: [7n, `{${state}}`] })
  const piece = { text: 'move-head; copy-transfer; commit', submit: () => null }
  for (const given of ['begin', ending('never')]) expect(ask(one, given)).toBe(0)
  for (const given of ['begin', ending('settled'), piece]) expect(ask(other, given)).toBe(0)
  expect(ask(one, piece)).toBe(1)
  for (const given of ['begin', piece]) expect(ask(one, given)).toBe(0)
  for (const given of ['begin', ending('never'), 'rollback', 'begin', piece]) expect(ask(one, given)).toBe(0)
})

/** Events by three doors, once more, refused and reversed; and all of them paid. */
async function takeInAndPay(home: Home): Promise<void> {
  const { world } = house.main
  await insertSale(house, home, 'by sql', '1')
  const late = `insert into ${home.schema}.profit_events (token_id, sale_amount, transaction_hash, "timestamp") values ($1, 1, 'late', '2020-01-01T00:00:00Z')`
  await house.database.pool.query(late, [home.token])
  await round(house.main, home)
  for (let turn = 0; turn < 2; turn += 1) await mustRecord(house.main, home, sale(home, `sale ${turn}`, '10'))
  await record(house.main, home, [sale(home, 'sale 1', '10')])
  await reverseEvent(world, home.ledger, { reference: 'refund', reverses: 'sale 1', units: 1n, details: null, door: 'test' })
  await runUntilStill(house, home)
  house.chain.fund(home.wallet.address, 1_000_000_000n)
  await round(house.main, home)
}

/** A network that drops everything until it can never pay, and then drops nothing. */
async function loseAndRelease(home: Home): Promise<void> {
  house.chain.knobs({ transactionDropRate: 1 })
  await mustRecord(house.main, home, sale(home, 'dropped', '10'))
  for (let turn = 0; turn < 3; turn += 1) {
    await round(house.main, home)
    house.elapse({ seconds: 60 })
  }
  house.chain.pass(SLOTS_TO_EXPIRY)
  house.chain.knobs({ transactionDropRate: 0 })
  await runUntilStill(house, home)
}

/** Legs too small for an address that is not there yet. */
async function waitForOthers(home: Home): Promise<void> {
  await nameAddress(house.main, home, home.token, await house.chain.address())
  house.elapse({ seconds: 1 })
  await mustRecord(house.main, home, sale(home, 'dust', '0.01'))
  await runUntilStill(house, home)
  await mustRecord(house.main, home, sale(home, 'more', '1'))
  await runUntilStill(house, home)
  house.elapse({ minutes: 20 })
  await round(house.main, home)
}

/** Payouts and a plan that a person lets go. */
async function askPersons(home: Home): Promise<void> {
  const { world } = house.main
  const [first, second] = [await makeApprover(home, 'first'), await makeApprover(home, 'second')]
  const slot = { key: present(first.person.key, 'key'), route: 'test', idempotencyKey: 'once', fingerprint: new Uint8Array(32) }
  await createIdempotency(world).run(slot, async () => await Promise.resolve({ answer: { status: 200, body: '' }, spent: true }))
  await changeSettings(world, home.ledger, OWNER, { payout_approval_above: { 'SOL/9': '1' }, plan_approvals: 1 })
  await mustRecord(house.main, home, sale(home, 'asked', '10'))
  await runUntilStill(house, home)
  const { items } = await waitingApprovals(world, home.ledger, { cursor: null, limit: 100 })
  const signed = items.map(({ subject, hash }) => ({ payout: subject, approval: seal(home, first, { kind: 'payout', subject, hash }) }))
  expect((await approvePayouts(world, home.ledger, first.person, signed)).map(({ refusal }) => refusal)).toEqual(items.map(() => null))
  await runUntilStill(house, home)
  expect(Object.values(await legs(house, home, 'asked'))).toEqual(['settled', 'settled', 'settled', 'settled'])
  const content = home.ledger.program.firstPlan
  const draft = await draftPlan(world, home.ledger, second.person, { content, effectiveFrom: null })
  const hash = draftHash({ ledger: home.ledger.id, plan: parsePlan(content).data, effectiveFrom: null })
  expect(await approvePlan(world, home.ledger, first.person, { draft, hash, approval: seal(home, first, { kind: 'plan', subject: draft, hash }), preview: null })).toBe(2)
}

type Approver = { readonly person: Person; readonly seal: Seal }

async function makeApprover({ ledger }: Home, name: string): Promise<Approver> {
  const { world } = house.main
  const { key } = await createKey({ ...world, owner: house.database.pool }, ledger, { name, rights: ['read', 'propose', 'approve'] })
  const { bearer, seal: own } = splitKey(key)
  return { person: personOf(await createAuthenticator(world).authenticate(bearer)), seal: present(own, 'seal') }
}

function seal({ ledger }: Home, { seal: own }: Approver, of: { readonly kind: 'plan' | 'payout'; readonly subject: string; readonly hash: string }) {
  const at = house.now()
  return { hash: of.hash, preview: null, at, signature: own.sign(approvalStatement({ ledger: ledger.id, preview: null, at, ...of })) }
}

/** A distribution in chunks, to its tree. */
async function divideBySnapshot(): Promise<void> {
  const large = await openLarge(paper, 'large')
  const { snapshot } = await large.snapshot('holders', { ana: '1', bo: '2', cy: '3' })
  await large.recordBy('dividend', 100n, snapshot.hash, 2)
  await large.complete()
  await growTree(large.world, large.ledger, large.lane)
}
