// Payouts above what a ledger pays without asking: they wait for a person, leave with the approval of just what leaves, and a server that
// was taken over gets no signature without one.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { breaks, COIN, legs, mustRecord, onChain, openHouse, payouts, record, round, runUntilStill, sale, type Home, type House } from '../../test/house.ts'
import { countingStore } from '../../test/buffers.ts'
import { machine } from '../../test/effects.ts'
import { watchedStore } from '../../test/watched-store.ts'
import { approvalStatement, payoutHash } from '../core/approval.ts'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import type { Seal } from '../core/seal.ts'
import { createAuthenticator, createKey, revokeKey, splitKey } from './api-key.ts'
import { approvePayouts, rejectPayouts } from './approve-payouts.ts'
import { approveSettings, changeSettings } from './change-settings.ts'
import { makePayouts } from './make-payouts.ts'
import { OWNER, personOf, type Person } from './person.ts'
import { prepareAttempts } from '../../test/prepare-attempts.ts'
import { waitingApprovals, type WaitingDocument } from './read-approvals.ts'
import { setDestinations } from './set-destinations.ts'

type Approver = { readonly person: Person; readonly seal: Seal }

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(async () => await house.close())

let home: Home
let first: Approver
let second: Approver
beforeEach(async () => {
  home = await house.makeLedger({ funds: 1000n })
  first = await makeApprover('first')
  second = await makeApprover('second')
  // Of a sale of 100 the AI gets 80, the DAO 15, lucky 3 and the creator 2.
  await limitTo('10')
})

async function makeApprover(name: string): Promise<Approver> {
  const { world } = house.main
  const { key } = await createKey({ ...world, owner: house.database.pool }, home.ledger, { name, role: 'approver' })
  const { bearer, seal } = splitKey(key)
  return { person: personOf(await createAuthenticator(world).authenticate(bearer)), seal: present(seal, 'seal') }
}

async function limitTo(coins: string | null): Promise<void> {
  const units = coins === null ? null : (BigInt(coins) * COIN).toString()
  await changeSettings(house.main.world, home.ledger, OWNER, { payout_approval_above: { 'SOL/9': units } })
}

/** A limit that asks for less, which another person must agree to. */
async function proposeLimit(coins: string): Promise<{ readonly change: string; readonly hash: string }> {
  const { world } = house.main
  const { key } = await createKey({ ...world, owner: house.database.pool }, home.ledger, { name: 'admin', role: 'admin' })
  const admin = personOf(await createAuthenticator(world).authenticate(splitKey(key).bearer))
  const { pending } = await changeSettings(world, home.ledger, admin, { payout_approval_above: { 'SOL/9': (BigInt(coins) * COIN).toString() } })
  return present(pending, 'pending change')
}

async function agreeTo({ change, hash }: { readonly change: string; readonly hash: string }): Promise<void> {
  const at = house.now()
  const statement = approvalStatement({ ledger: home.ledger.id, kind: 'settings', subject: change, hash, preview: null, at })
  await approveSettings(house.main.world, home.ledger, first.person, { change, approval: { hash, preview: null, at, signature: first.seal.sign(statement) } })
}

const waiting = async (): Promise<readonly WaitingDocument[]> => (await waitingApprovals(house.main.world, home.ledger, { cursor: null, limit: 100 })).items

/** What a person sends; the hash is of what is waiting unless told otherwise. */
function signed({ seal }: Approver, { subject, hash }: { subject: string; hash: string }, at = house.now()) {
  const statement = approvalStatement({ ledger: home.ledger.id, kind: 'payout', subject, hash, preview: null, at })
  return { payout: subject, approval: { hash, preview: null, at, signature: seal.sign(statement) } }
}

async function approve(who: Approver, which: readonly WaitingDocument[], process = house.main): Promise<readonly (string | null)[]> {
  const decided = await approvePayouts(process.world, home.ledger, who.person, which.map((one) => signed(who, one)))
  return decided.map(({ refusal }) => refusal?.code ?? null)
}

async function sold(reference: string): Promise<Readonly<Record<string, string>>> {
  await mustRecord(house.main, home, sale(home, reference, '100'))
  await runUntilStill(house, home)
  return await legs(house, home, reference)
}

const WAITS = { ai: 'awaiting_approval', dao: 'awaiting_approval', lucky: 'settled', creator: 'settled' }
const PAID = { ai: 'settled', dao: 'settled', lucky: 'settled', creator: 'settled' }

describe('a payout above the limit', () => {
  it('waits with its age, leaves once it was approved, and `verify` finds it in order', async () => {
    expect(await sold('one')).toEqual(WAITS)
    house.elapse({ minutes: 90 })
    const found = await waiting()
    // They began to wait at one instant: in which order they stand follows from their ids.
    const shown = found.map(({ payout, age_seconds: age }) => `${payout?.recipient} ${payout?.amount} ${age >= 5400}`)
    expect(new Set(shown)).toEqual(new Set(['ai 80.000000000 true', 'dao 15.000000000 true']))
    const before = await onChain(house, home.addresses.ai)
    expect(await approve(first, found)).toEqual([null, null])
    await runUntilStill(house, home)
    expect(await legs(house, home, 'one')).toEqual(PAID)
    expect((await onChain(house, home.addresses.ai)) - before).toBe(80n * COIN)
    expect(await waiting()).toEqual([])
    expect(await breaks(house, home)).toEqual([])
  })

  it('is approved by one of two persons who come at once', async () => {
    await sold('at once')
    const found = await waiting()
    const codes = await Promise.all([approve(first, found), approve(second, found, house.start())])
    expect(codes.map((each) => new Set(each))).toEqual(expect.arrayContaining([new Set([null]), new Set(['payout_locked'])]))
    const { rows } = await house.database.pool.query(`select subject from apportion.approval where ledger = $1`, [home.ledger.id])
    expect(rows).toHaveLength(2)
  })

  it('is paid after a crash between its approval and its reservation', async () => {
    await sold('crash')
    const doomed = house.start()
    await approve(first, await waiting(), doomed)
    await doomed.world.store.close()
    await runUntilStill(house, home, house.start())
    expect(await legs(house, home, 'crash')).toEqual(PAID)
  })

  it('waits for nobody when the limit is lifted while a worker goes by what it read before', async () => {
    const change = await proposeLimit('100')
    let isLifted = false
    const late = house.start({
      store: (store) =>
        watchedStore(store, async ({ moment, statement }) => {
          if (isLifted || moment !== 'before' || !statement.includes("and asset = $3 and state = 'queued' and due_at")) return
          isLifted = true
          await agreeTo(change)
        }),
    })
    await mustRecord(house.main, home, sale(home, 'lifted', '100'))
    await runUntilStill(house, home, late)
    expect(isLifted).toBe(true)
    expect(await legs(house, home, 'lifted')).toEqual(PAID)
    expect(await breaks(house, home)).toEqual([])
  })

  it('that was turned away is held, owed as before, until somebody lets it go', async () => {
    await sold('turned away')
    const ids = (await waiting()).map(({ subject }) => subject)
    const decided = await rejectPayouts(house.main.world, home.ledger, first.person, { payouts: ids, reason: 'no receipt' })
    expect(decided.map(({ refusal }) => refusal)).toEqual([null, null])
    house.elapse({ hours: 48 })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'turned away')).toMatchObject({ ai: 'rejected', dao: 'rejected' })
    const [held] = (await payouts(house, home, 'turned away')).filter(({ role }) => role === 'ai')
    expect(held).toMatchObject({ detail: 'first: no receipt' })
    expect(await breaks(house, home)).toEqual([])
    const ai = present(held, 'payout')
    const hash = payoutHash({ ledger: home.ledger.id, payout: ai.payout, asset: 'SOL/9', units: 80n * COIN, destination: { address: home.addresses.ai } })
    const [after] = await approvePayouts(house.main.world, home.ledger, second.person, [signed(second, { subject: ai.payout, hash })])
    expect(after?.refusal).toBeNull()
    await runUntilStill(house, home)
    expect(await legs(house, home, 'turned away')).toMatchObject({ ai: 'settled', dao: 'rejected' })
  })

  it('waits anew when its approval has run out, or its person has left', async () => {
    await sold('old')
    // Nobody prepares while a week passes.
    await approve(first, await waiting())
    house.elapse({ hours: 7 * 24 + 1 })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'old')).toEqual(WAITS)
    await approve(first, await waiting())
    await revokeKey(house.main.world, home.ledger, 'first')
    await runUntilStill(house, home)
    expect(await legs(house, home, 'old')).toEqual(WAITS)
    await approve(second, await waiting())
    await runUntilStill(house, home)
    expect(await legs(house, home, 'old')).toEqual(PAID)
    expect(await breaks(house, home)).toEqual([])
  })

  it('goes on by itself when the ledger asks no more, which takes another person', async () => {
    await sold('asked no more')
    const loosened = changeSettings(house.main.world, home.ledger, OWNER, { payout_approval_above: { 'SOL/9': null } })
    await expect(loosened).rejects.toMatchObject({ code: 'permission_missing' })
    await limitTo('5')
    await runUntilStill(house, home)
    expect(await legs(house, home, 'asked no more')).toEqual(WAITS)
    const { change, hash } = await proposeLimit('20')
    await runUntilStill(house, home)
    expect(await legs(house, home, 'asked no more')).toEqual(WAITS)
    await agreeTo({ change, hash })
    // The signer folds the same settings, and agrees.
    await runUntilStill(house, home)
    expect(await legs(house, home, 'asked no more')).toEqual({ ...WAITS, dao: 'settled' })
    expect(await breaks(house, home)).toEqual([])
  })

  it('goes on by itself too when it began to wait by a clock that was behind', async () => {
    await agreeTo(await proposeLimit('20'))
    const slow = house.start({ now: () => house.now().subtract({ minutes: 1 }) })
    await mustRecord(slow, home, sale(home, 'behind', '100'))
    await round(slow, home)
    expect(await legs(house, home, 'behind')).toMatchObject({ ai: 'awaiting_approval', dao: 'awaiting_approval' })
    await runUntilStill(house, home)
    expect(await legs(house, home, 'behind')).toEqual({ ...WAITS, dao: 'settled' })
    expect(await breaks(house, home)).toEqual([])
  })

  it('waits also when the limit came after it had been held for something else', async () => {
    const poor = await house.makeLedger({ creator: false, funds: 200n })
    await mustRecord(house.main, poor, sale(poor, 'held', '100'))
    await runUntilStill(house, poor)
    expect(await legs(house, poor, 'held')).toMatchObject({ creator: 'creator_unknown' })
    const { world } = house.main
    await createKey({ ...world, owner: house.database.pool }, poor.ledger, { name: 'somebody', role: 'approver' })
    await changeSettings(world, poor.ledger, OWNER, { payout_approval_above: { 'SOL/9': '0' } })
    await setDestinations(world, poor.ledger, [{ recipient: poor.token, label: null, destination: { address: poor.addresses.creator } }])
    house.elapse({ hours: 1 })
    await runUntilStill(house, poor)
    expect(await legs(house, poor, 'held')).toMatchObject({ creator: 'awaiting_approval' })
  })
})

describe('a server that was taken over', () => {
  const app = () => house.main.world.store.pool

  /** What the signer says when it is asked for the payouts of a sale that wait. */
  async function askSigner(): Promise<unknown> {
    const { rows } = await house.database.pool.query<{ payout: string }>(`select payout from apportion.payout where lane = $1 and state <> 'settled' order by units desc`, [home.lane])
    const draft = { blockhash: home.wallet.address, lastValidBlockHeight: '1000', computeUnitLimit: '10000', computeUnitPrice: '0', createTokenAccounts: [], memo: `apportion:${machine.id()}:${'0'.repeat(32)}` }
    try {
      await house.main.world.signer.sign({ lane: home.lane, wallet: home.wallet.id, payouts: rows.map(({ payout }) => payout).slice(0, 1), draft })
      return 'signed'
    } catch (error) {
      return error instanceof Refusal ? error.details['reason'] : error
    }
  }

  const queueAll = async () => await app().query(`update apportion.payout set state = 'queued', reason = null, detail = null, due_at = now() where lane = $1 and state = 'awaiting_approval'`, [home.lane])

  async function forge(columns: Readonly<Record<string, unknown>>): Promise<void> {
    const [one] = (await house.database.pool.query<{ payout: string; destination: object }>(`select payout, destination from apportion.payout where lane = $1 and state = 'queued' order by units desc`, [home.lane])).rows
    const { payout, destination } = present(one, 'payout')
    const hash = payoutHash({ ledger: home.ledger.id, payout, asset: 'SOL/9', units: 80n * COIN, destination: destination as { address: string } })
    const row = { approval: machine.id(), ledger: home.ledger.id, kind: 'payout', subject: payout, hash, key: first.person.key, approved_at: house.now().toString(), signature: Buffer.from(machine.random(64)), recorded_at: house.now().toString(), ...columns }
    const names = Object.keys(row)
    await app().query(`insert into apportion.approval (${names.join(', ')}) values (${names.map((_, place) => `$${place + 1}`).join(', ')})`, Object.values(row))
  }

  it('gets no signature by queueing what waits', async () => {
    await sold('queued')
    await queueAll()
    expect(await askSigner()).toBe('approval_missing')
  })

  it('gets none by an approval that it writes itself', async () => {
    await sold('forged')
    await queueAll()
    await forge({})
    expect(await askSigner()).toBe('approval_missing')
  })

  it('gets none by an approval of another payout', async () => {
    await sold('of another')
    const [, dao] = (await waiting()).toSorted((a, b) => Number(BigInt(b.payout?.units ?? 0) - BigInt(a.payout?.units ?? 0)))
    const small = present(dao, 'the smaller payout')
    await approve(first, [small])
    await runUntilStill(house, home)
    expect(await legs(house, home, 'of another')).toEqual({ ...PAID, ai: 'awaiting_approval' })
    await queueAll()
    const { rows } = await house.database.pool.query<{ signature: Buffer; approved_at: Temporal.Instant }>(`select signature, approved_at from apportion.approval where subject = $1`, [small.subject])
    const { signature, approved_at: at } = present(rows[0], 'approval')
    await expect(forge({ signature, approved_at: at.toString() })).rejects.toThrow(/approval_signature_key/)
    expect(await askSigner()).toBe('approval_missing')
  })

  it('gets none for another destination than the one that was approved', async () => {
    await sold('elsewhere')
    await approve(first, await waiting())
    // The DAO's address is one that was recorded, but for somebody else; then it is recorded for the AI as well.
    await setDestinations(house.main.world, home.ledger, [{ recipient: 'ai', label: null, destination: { address: home.addresses.dao } }])
    await app().query(`update apportion.payout set destination = $2 where lane = $1 and units = $3`, [home.lane, { address: home.addresses.dao }, 80n * COIN])
    expect(await askSigner()).toBe('approval_missing')
    // The server's own gate sees the same: the payout waits anew, for what would leave now.
    await runUntilStill(house, home)
    expect(await legs(house, home, 'elsewhere')).toEqual({ ...PAID, ai: 'awaiting_approval' })
  })

  it('gets none by settings that it writes itself, or that nobody can read', async () => {
    await sold('loosened')
    await queueAll()
    const write = async (number: number, content: object) =>
      await app().query(`insert into apportion.settings_change (change, ledger, number, content, proposed_at) values ($1, $2, $3, $4, $5)`, [
        ...[machine.id(), home.ledger.id, number, content, house.now().toString()],
      ])
    const nothing = { plan_approvals: 0, plan_notice_seconds: 0, payout_approval_above: {}, fact_notice_seconds: {} }
    await write(2, nothing)
    expect(await askSigner()).toBe('approval_missing')
    await write(3, { ...nothing, payout_approval_above: { 'SOL/9': (10n ** 30n).toString() } })
    expect(await askSigner()).toBe('approval_missing')
    await write(4, { anything: true })
    expect(await askSigner()).toBe('settings_unreadable')
  })

  it('gets none by a person that it makes', async () => {
    await sold('a person')
    await queueAll()
    const made = await createKey(house.main.world, home.ledger, { name: 'mallory', rights: ['read', 'administer'] })
    await forge({ key: made.id })
    expect(await askSigner()).toBe('approval_missing')
  })
})

describe('`verify`', () => {
  it('finds a payout that left without its approval, and an attempt that claims older settings', async () => {
    await sold('verified')
    await approve(first, await waiting())
    await runUntilStill(house, home)
    expect(await breaks(house, home)).toEqual([])
    const { rows } = await house.database.pool.query<{ subject: string }>(`delete from apportion.approval where ledger = $1 returning subject`, [home.ledger.id])
    const found = await breaks(house, home)
    expect(new Set(found.map(({ check, where }) => `${check} ${where.payout}`))).toEqual(new Set(rows.map(({ subject }) => `approval ${subject}`)))
    await house.database.pool.query(`update apportion.attempt set settings = 0 where lane = $1`, [home.lane])
    // The change was minutes ago by then: whoever says not to have known of it says so wrongly.
    await house.database.pool.query(`update apportion.settings_change set proposed_at = proposed_at - interval '1 hour' where ledger = $1`, [home.ledger.id])
    expect((await breaks(house, home)).every(({ check, expected }) => check === 'approval' && expected.startsWith('under change 1'))).toBe(true)
  })
})

it('asks for settings only when something is due, and prepares all that needs no person in one go', async () => {
  await mustRecord(house.main, home, sale(home, 'together', '100'))
  await makePayouts(house.main.world, home.ledger, home.lane)
  const ready = await prepareAttempts(house.main.world, home.ledger, home.lane, house.main.rail)
  expect(ready.map(({ members }) => members.length)).toEqual([2])
  expect(await prepareAttempts(house.main.world, home.ledger, home.lane, house.main.rail)).toEqual([])
  await runUntilStill(house, home)
})

describe('the list of what waits', () => {
  const LIMIT = 20

  async function waitFor(count: number): Promise<void> {
    await record(house.main, home, Array.from({ length: count }, (_, index) => sale(home, `${count} of ${index}`, '100')))
    await runUntilStill(house, home)
    await house.database.pool.query('vacuum analyze')
  }

  it('is read page by page, each at the same cost however many wait, in the order in which they began to', async () => {
    const { store, taken } = countingStore(house.main.world.store)
    const pages = async (): Promise<{ readonly found: readonly WaitingDocument[]; readonly most: number }> => {
      const found: WaitingDocument[] = []
      let [cursor, most]: [string | null, number] = [null, 0]
      do {
        taken()
        const page = await waitingApprovals({ ...house.main.world, store }, home.ledger, { cursor, limit: LIMIT })
        most = Math.max(most, taken())
        found.push(...page.items)
        cursor = page.next
      } while (cursor !== null)
      return { found, most }
    }
    // Of a sale of 100 all four wait.
    await limitTo('1')
    await waitFor(5)
    const few = await pages()
    house.elapse({ minutes: 1 })
    await waitFor(200)
    const many = await pages()
    expect([few.found.length, many.found.length]).toEqual([20, 820])
    expect(many.found.slice(0, 20).map(({ subject }) => subject)).toEqual(few.found.map(({ subject }) => subject))
    expect(new Set(many.found.map(({ subject }) => subject)).size).toBe(820)
    const places = many.found.map(({ since, subject }) => `${since} ${subject}`)
    expect(places).toEqual(places.toSorted())
    // Indexes grow a level or two. A page that read all would cost forty times as much.
    expect(many.most).toBeLessThanOrEqual(few.most * 3 + 10)
  })
})
