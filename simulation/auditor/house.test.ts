// The auditor watches a real ledger over HTTP, and finds nothing; and what it would have found, had anything been otherwise.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditorOf, openAudited, otherwise, rehashed, type Audited, type World } from '../../test/audited.ts'
import { openHouse, type House } from '../../test/house.ts'
import type { Answer, ChainTransaction, Finding, Offer } from '../history.ts'
import type { Distribution, Payout, Settings, Statement } from './reading.ts'

const ZERO = '00000000-0000-4000-8000-00000000000'
const [KNOWN, LATER] = [`${ZERO}1`, `${ZERO}2`]

let house: House
let audited: Audited
let world: World

const idOf = (body: unknown): string => (body as { items: { payout: string; state: string }[] }).items.find(({ state }) => state === 'awaiting_approval')?.payout ?? ''

/** Sales by all doors, some refused, doubled, reversed before and after they were paid, above the limit, and by another plan. */
async function live({ call, insert, name, approval, work, house: { chain, now, elapse } }: Audited): Promise<void> {
  const sale = async (reference: string, amount: string, own: Readonly<Record<string, string>> = {}) => await call('owner', 'POST', 'events', { reference, token_id: KNOWN, sale_amount: amount, ...own })
  await sale('a', '1.000000007')
  await sale('a', '1.000000007')
  await sale('a', '2')
  await sale('b', '-1')
  await sale('c', '0.5', { token_id: LATER })
  await insert({ transaction_hash: 'd', token_id: KNOWN, sale_amount: '0.3' })
  await insert({ transaction_hash: 'd', token_id: KNOWN, sale_amount: '0.4' })
  await call('owner', 'POST', 'events/batch', { events: [{ reference: 'e', token_id: KNOWN, sale_amount: '0.25' }, { reference: 'f', token_id: KNOWN, sale_amount: 'x' }, { reference: 'a', token_id: KNOWN, sale_amount: '1.000000007' }] })
  await call('owner', 'POST', 'events/e/reversals', { reference: 'e/1', units: '100000001' })
  await work(8)
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/1', amount: '0.4' })
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/2' })
  await call('owner', 'POST', 'events/a/reversals', { reference: 'a/3' })
  await name(LATER, await chain.address())
  await call('owner', 'POST', 'settings', { plan_approvals: 1, payout_approval_above: { 'SOL/9': '1000000000' } })
  await sale('g', '5')
  await sale('h', '6')
  await work(8)
  const waiting = idOf((await call('owner', 'GET', 'payouts?limit=200'))?.body)
  await call('second', 'POST', `payouts/${waiting}/approve`, { ...(await approval('second', waiting)), hash: '0'.repeat(64) })
  await call('second', 'POST', `payouts/${waiting}/approve`, await approval('second', waiting))
  const shares = [['ai', '1'], ['dao', '1'], ['lucky', '1']].map(([role = '', weight = '']) => ({ role, to: { recipient: role }, weight }))
  const draft = await call('first', 'POST', 'plans', { plan: { steps: [{ name: 'split', from: 'received', rule: 'fixed-shares', rounding: 'rotate', parameters: { shares } }] } })
  const { draft: id } = (draft?.body ?? {}) as { draft: string }
  await call('second', 'POST', `plans/${id}/approve`, await approval('second', id))
  elapse({ seconds: 1 })
  await sale('i', '0.000000005')
  await sale('j', '0.02')
  await sale('k', '0.03', { event_at: now().subtract({ hours: 1 }).toString() })
  await call('owner', 'GET', 'blocks?limit=200')
  await call('owner', 'GET', 'distributions?limit=200')
  await work(40)
}

beforeAll(async () => {
  house = await openHouse()
  const recipients = await Promise.all(['ai', 'dao', 'lucky', KNOWN].map(async (recipient) => ({ recipient, address: await house.chain.address() })))
  audited = await openAudited(house, 'watched', { programFile: null, recipients, schema: 'watched', coins: 100n })
  await live(audited)
  world = await audited.take()
})

afterAll(async () => {
  await audited.close()
  await house.close()
})

describe('the auditor, watching a real ledger', () => {
  it('finds nothing broken, and has looked at everything', async () => {
    const auditor = auditorOf(world)
    expect(auditor.look()).toEqual([])
    const { findings, figures } = await auditor.end()
    expect(findings).toEqual([])
    expect(figures).toMatchObject({ events: 12, payouts: 34, settled: 33, waiting: { awaiting_approval: 1 }, sharesExact: 34, sharesByLaws: 0, statements: 5 })
  })
})

// What would have been found, had one thing been otherwise.

type Broken = readonly [invariant: Finding['invariant'], name: string, says: RegExp, breaks: (world: World) => void]

const LEDGER = '/v1/ledgers/watched/'

function page<T>({ answers }: World, path: string): T[] {
  return (answers.get(`${LEDGER}${path}`) as { items: T[] }).items
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

const payoutsOf = (broken: World): Mutable<Payout>[] => page(broken, 'payouts?limit=200')
const payoutOf = (broken: World, reference: string, role: string): Mutable<Payout> => found(payoutsOf(broken).find((payout) => payout.reference === reference && payout.role === role))
/** As if it had stood so for long. */
const stands = (payout: Mutable<Payout>, state: Payout['state'], reason: string | null = null): void => void Object.assign(payout, { state, reason, changed_at: '2026-01-01T00:00:00Z' })
const distributionOf = (broken: World, reference: string): Distribution => found(page<Distribution>(broken, 'distributions?limit=200').find((one) => one.reference === reference))
const offerOf = (broken: World, is: (offer: Offer) => boolean): Mutable<Offer> => found(broken.offers.find(is))

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world is not what the test takes it for')
  return value
}

/** Changes the lines of the journal; it hashes as if nothing were. */
function rewrite(broken: World, change: (lines: string[]) => readonly string[]): void {
  broken.journal = rehashed(change(broken.journal.split('\n')))
}

const shareLine = (lines: readonly string[], account: string): number => lines.findIndex((line) => line.startsWith('T\t') && line.includes('\tshare\t') && line.includes(`\t${account}\t`))

function editLine(broken: World, at: (lines: readonly string[]) => number, edit: (line: string) => string): void {
  rewrite(broken, (lines) => lines.map((line, place) => (place === at(lines) ? edit(line) : line)))
}

const moreUnits = (line: string): string => line.replace(/[0-9]+$/, (units) => `${BigInt(units) + 1n}`)

const settling = ({ transactions, wallet }: World): Mutable<ChainTransaction> => found(transactions.find(({ movements }) => movements.some(({ from }) => from === wallet)))

/** A line of an answer that says so-and-so; the first. */
function answering(broken: World, is: (offer: Offer) => boolean, body: (body: Record<string, unknown>) => void): void {
  const offer = offerOf(broken, is)
  offer.answer = structuredClone(offer.answer)
  body((offer.answer as NonNullable<Answer>).body as Record<string, unknown>)
}

const BROKEN: readonly Broken[] = [
  ['I1', 'a share is a unit larger', /1000000007 received, 1000000008 given out/, (broken) => editLine(broken, (lines) => shareLine(lines, 'payable:ai'), moreUnits)],
  ['I1', 'a refund is a unit larger', /reverses .* refunded/, (broken) => editLine(broken, (lines) => lines.findIndex((line) => line.includes('\trefunded\t')), moreUnits)],
  ['I2', 'a balance shows other units than its sides', /its transfers make/, (broken) => (found(page<Record<string, string>>(broken, 'balances?limit=200').find(({ account }) => account === 'network'))['units'] = '1')],
  ['I2', 'a transfer moves where none may', /none that the chart allows/, (broken) => editLine(broken, (lines) => shareLine(lines, 'payable:ai'), (line) => line.replace('payable:ai', 'network'))],
  ['I3', 'more is reserved than is payable', /stands at -/, (broken) => editLine(broken, (lines) => lines.findIndex((line) => line.includes('\treserved\t')), moreUnits)],
  ['I3', 'a balance is shown below its floor', /payable:ai was shown at -1/, (broken) => void broken.offers.push({ ...offerOf(broken, () => true), request: { method: 'GET', path: `${LEDGER}balances` }, answer: { status: 200, body: { items: [{ account: 'payable:ai', units: '-1', debits: '1', credits: '0' }] } } })],
  ['I4', 'a payout is settled twice', /was settled 2 times/, (broken) => rewrite(broken, (lines) => {
    const place = lines.findIndex((line) => line.includes('\tsettled\t'))
    return lines.toSpliced(place, 0, found(lines[place]))
  })],
  ['I4', 'a transaction paid more than its payouts', /the chain has/, (broken) => {
    const transaction = settling(broken)
    transaction.movements = transaction.movements.map((each, place) => (place === 0 ? { ...each, units: each.units + 1n } : each))
  }],
  ['I4', 'a transaction is not on the chain', /the chain has nothing/, (broken) => void broken.transactions.splice(broken.transactions.indexOf(settling(broken)), 1)],
  ['I4', 'a transaction failed', /the chain has nothing/, (broken) => (settling(broken).failed = true)],
  ['I4', 'an attempt pays by two transactions', /paid twice, by/, (broken) => void broken.transactions.push({ ...settling(broken), signature: 'again' })],
  ['I4', 'somebody is paid who is owed nothing', /\(nobody\) was paid 5/, (broken) => void broken.transactions.push({ ...settling(broken), signature: 'other', memo: null, movements: [{ from: broken.wallet, to: 'stranger', asset: 'SOL/9', units: 5n }] })],
  ['I4', 'somebody is paid more than is owed', /was paid .*; at most/, (broken) => void broken.transactions.push({ ...settling(broken), signature: 'other', memo: null })],
  ['I4', 'money leaves by no attempt', /left the wallets by no attempt/, (broken) => void broken.transactions.push({ ...settling(broken), signature: 'other', memo: null })],
  ['I4', 'an attempt that never was has paid', /and its attempt is never/, (broken) => {
    const identity = found(payoutOf(broken, 'a', 'ai').attempts[0]).identity
    for (const payout of payoutsOf(broken)) payout.attempts = payout.attempts.map((attempt) => (attempt.identity === identity ? { ...attempt, state: 'never' } : attempt))
  }],
  ['I4', 'the wallet holds less', /in the wallet/, (broken) => void broken.balances.set(`${broken.wallet} SOL/9`, 1n)],
  ['liveness', 'the wallet holds more than anybody ever saw', /in the wallet/, (broken) => void broken.balances.set(`${broken.wallet} SOL/9`, 10n ** 15n)],
  ['I4', 'the network took another fee', /has fees of/, (broken) => (settling(broken).fee += 1n)],
  ['I4', 'the network took a rent', /has rents of/, (broken) => (settling(broken).rent += 1n)],
  ['I4', 'a payout goes where nobody said', /which nobody named for ai/, (broken) => (payoutOf(broken, 'a', 'ai').destination = 'stranger')],
  ['I4', 'two payouts draw on one share', /draws on the share of payout/, (broken) => {
    const { shares } = distributionOf(broken, 'a')
    const extra = { ...payoutOf(broken, 'a', 'ai'), payout: 'another' }
    payoutsOf(broken).push(extra)
    page<Distribution>(broken, 'distributions?limit=200').push({ ...distributionOf(broken, 'a'), shares: shares.map((share) => ({ ...share, payout: share.role === 'ai' ? 'another' : share.payout })) })
  }],
  ['I4', 'a payout has two attempts that may pay', /has 2 attempts that paid or may still pay/, (broken) => {
    const payout = payoutOf(broken, 'a', 'ai')
    payout.attempts = [...payout.attempts, { ...found(payout.attempts[0]), identity: 'other', state: 'unknown' }]
  }],
  ['I5', 'a payout is of other units than its share', /of its share .* are left/, (broken) => (payoutOf(broken, 'h', 'dao').units = '1')],
  ['I5', 'a payout says it is paid, and is not', /its last movement is none/, (broken) => (found(payoutsOf(broken).find(({ state }) => state === 'awaiting_approval')).state = 'settled')],
  ['I5', 'a payout is held for no reason', /does not say why/, (broken) => (payoutOf(broken, 'a', 'ai').state = 'held')],
  ['I5', 'a payout is locked, and its plan locks nothing', /is locked until/, (broken) => (payoutOf(broken, 'a', 'ai').locked_until = '2030-01-01T00:00:00Z')],
  ['I5', 'a share is shown elsewhere than its payout', /is shown as held/, (broken) => (found(distributionOf(broken, 'a').shares[0]).state = 'held')],
  ['I5', 'a share is shown with the payout of somebody else', /belongs to ai, and is shown with the payout .* of dao/, (broken) => {
    const share = distributionOf(broken, 'a').shares.find(({ role }) => role === 'ai')
    found(share).payout = payoutOf(broken, 'a', 'dao').payout
  }],
  ['I5', 'a share has another role', /its plan gives/, (broken) => (found(distributionOf(broken, 'a').shares[0]).role = 'dao')],
  ['I6', 'a balance is not what the journal makes it', /the journal makes them/, (broken) => (found(page<Record<string, string>>(broken, 'balances?limit=200')[0])['debits'] = '123')],
  ['I6', 'a balance is shown of an account in which nothing moved', /nothing ever moved there/, (broken) => void page(broken, 'balances?limit=200').push({ account: 'fund:x', asset: 'SOL/9', units: '0', amount: '0', debits: '0', credits: '0' })],
  ['I7', 'a line was changed after it was hashed', /do not make its hash/, (broken) => (broken.journal = broken.journal.replace('\tpayable:ai\t', '\tpayable:dao\t'))],
  ['I7', 'a record was changed after its digest was made', /is not what its digests were made of/, (broken) => (broken.journal = broken.journal.replace(/"creator": "[0-9a-f]/, '"creator": "9'))],
  ['I7', 'the journal was cut off', /no whole journal/, (broken) => (broken.journal = broken.journal.slice(0, -1))],
  ['I7', 'a plan was changed after it was hashed', /another content than its hash/, (broken) => (broken.journal = broken.journal.replace('"weight":"80"', '"weight":"81"'))],
  ['I7', 'a block is shown with another hash', /is shown with the hash 0/, (broken) => (found(page<Record<string, string>>(broken, 'blocks?limit=200')[0])['hash'] = '0'.repeat(64))],
  ['I7', 'a block that was shown before is gone', /was shown with the hash/, (broken) => answering(broken, ({ request }) => request.path.includes('/blocks'), (body) => ((body['items'] as Record<string, string>[])[0] = { ...(body['items'] as Record<string, string>[])[0], hash: '1'.repeat(64) }))],
  ['I7', 'a block is shown with two hashes', /, and then with/, (broken) => {
    const offer = offerOf(broken, ({ request }) => request.path.includes('/blocks'))
    const { items } = (offer.answer as NonNullable<Answer>).body as { items: Record<string, string>[] }
    broken.offers.push({ ...offer, answer: { status: 200, body: { items: items.map((item) => ({ ...item, hash: '1'.repeat(64) })) } } })
  }],
  ['I8', 'a share goes to somebody else', /must move .*; the ledger has/, (broken) => editLine(broken, (lines) => shareLine(lines, 'payable:ai'), (line) => line.replace('payable:ai', 'payable:dao'))],
  ['I8', 'an event that was taken is lost', /was taken at .* and is not recorded/, (broken) => void broken.offers.push({ ...offerOf(broken, () => true), request: { method: 'POST', path: `${LEDGER}events`, body: { reference: 'lost', token_id: KNOWN, sale_amount: '1' } }, answer: { status: 201, body: null } })],
  ['I8', 'an event that was refused is recorded', /was refused whenever it was offered/, (broken) => {
    for (const offer of broken.offers as Mutable<Offer>[]) if ((offer.request.body as { reference?: string } | undefined)?.reference === 'c') offer.answer = { status: 422, body: { code: 'field_malformed' } }
  }],
  ['I8', 'an event is recorded that nobody offered', /and nobody offered it/, (broken) => void (broken.offers = broken.offers.filter(({ request }) => (request.body as { reference?: string } | undefined)?.reference !== 'c'))],
  ['I8', 'an event is recorded with another content', /with another content/, (broken) => (offerOf(broken, ({ request }) => (request.body as { reference?: string } | undefined)?.reference === 'c').request = { method: 'POST', path: `${LEDGER}events`, body: { reference: 'c', token_id: KNOWN, sale_amount: '0.5' } })],
  ['I8', 'one content is refused as another', /was refused as of other content/, (broken) => (offerOf(broken, ({ request, answer }) => (request.body as { reference?: string } | undefined)?.reference === 'a' && answer?.status === 409).request = { method: 'POST', path: `${LEDGER}events`, body: { reference: 'a', token_id: KNOWN, sale_amount: '1.000000007' } })],
  ['I8', 'an event is answered in two ways', /, and then as/, (broken) => answering(broken, ({ answer, request }) => answer?.status === 200 && (request.body as { reference?: string } | undefined)?.reference === 'a', (body) => (body['event'] = '77'))],
  ['I8', 'a plan that was not in force divided an event', /was divided by plan version 2/, (broken) => editLine(broken, (lines) => lines.findIndex((line) => line.startsWith('E\t1\t')), (line) => line.replace(/\t1\t([0-9a-f]{64}\t[0-9a-f]{64})$/, '\t2\t$1'))],
  ['I8', 'a reversal took more of one share and less of another', /must take/, (broken) => rewrite(broken, (lines) => {
    const [one = 0, other = 0] = lines.flatMap((line, place) => (line.includes('\treversed\t') ? [place] : []))
    return lines.map((line, place) => (place === one ? moreUnits(line) : place === other ? line.replace(/[0-9]+$/, (units) => `${BigInt(units) - 1n}`) : line))
  })],
  ['I8', 'a reversal took what was away', /of which 0 were not paid/, (broken) => editLine(broken, (lines) => lines.findIndex((line) => line.includes('\towed_by:ai\treceived\t')), (line) => line.replace('owed_by:ai', 'payable:ai'))],
  ['I9', 'a statement says more was earned', /the statement of ai/, (broken) => {
    const statement = broken.answers.get(`${LEDGER}recipients/ai/statement`) as Statement
    found(statement.assets[0]).earned.units = '1'
  }],
  ['I9', 'a closing stands elsewhere', /stands in accounts of/, (broken) => {
    const statement = broken.answers.get(`${LEDGER}recipients/ai/statement`) as { assets: { standing: { units: string }[] }[] }
    found(found(statement.assets[0]).standing[0]).units = '77'
  }],
  ['I10', 'nobody approved a large payout', /and nobody had approved it/, (broken) => void (broken.offers = broken.offers.filter(({ request, answer }) => !(/payouts\/.*\/approve$/.test(request.path) && answer?.status === 200)))],
  ['I10', 'a large payout left before it was approved', /and nobody had approved it/, (broken) => {
    const place = broken.offers.findIndex(({ request, answer }) => /payouts\/.*\/approve$/.test(request.path) && answer?.status === 200)
    const refused = { status: 409, body: { code: 'approval_mismatch' } }
    broken.offers = broken.offers.map((offer, index) => (index === place ? { ...offer, answer: refused } : offer))
  }],
  ['I10', 'the seal of an approval is another', /bears its person/, (broken) => {
    for (const [path, body] of broken.answers) if (path.includes('/approvals/')) for (const one of (body as { items: { signature: string }[] }).items) one.signature = Buffer.alloc(64).toString('base64')
  }],
  ['I10', 'a plan came to be that nobody offered', /is none that anybody offered/, (broken) => void (broken.offers = broken.offers.filter(({ request }) => !request.path.endsWith('/plans')))],
  ['I10', 'a plan came to be without the approvals asked for', /came to be with 0 approvals/, (broken) => void (broken.offers = broken.offers.filter(({ request }) => !/\/plans\/.*\/approve$/.test(request.path)))],
  ['I10', 'an approval of another day was taken', /an approval of .* was taken at/, (broken) => {
    const offer = offerOf(broken, ({ request, answer }) => /payouts\/.*\/approve$/.test(request.path) && answer?.status === 200)
    offer.request = { ...offer.request, body: { ...(offer.request.body as object), approved_at: '2001-01-01T00:00:00Z' } }
  }],
  ['I10', 'settings ask for less than was agreed to', /leave unasked; nobody else agreed/, (broken) => ((broken.answers.get(`${LEDGER}settings`) as Settings).settings.payout_approval_above['SOL/9'] = '2000000000')],
  ['I11', 'a key stands in a log', /a log or a backup shows a secret/, (broken) => void broken.texts.push(`info asked by ${found(broken.input.secrets[0])}`)],
  ['I11', 'a key stands in an answer', /the answer to GET .* shows a secret/, (broken) => void broken.offers.push({ ...offerOf(broken, () => true), request: { method: 'GET', path: `${LEDGER}keys` }, answer: { status: 200, body: { items: [broken.input.secrets[0]] } } })],
  ['I11', 'a key stands in what is read at the end', /an answer shows a secret/, (broken) => (found(page<Record<string, string>>(broken, 'wallets')[0])['label'] = found(broken.input.secrets[0]))],
  ['liveness', 'a payout waits for nothing', /nothing stands in its way/, (broken) => stands(payoutOf(broken, 'h', 'ai'), 'queued')],
  ['liveness', 'an attempt never ends', /faults have stopped/, (broken) => stands(payoutOf(broken, 'a', 'ai'), 'reserved')],
  ['liveness', 'a share is in no payout', /are in no payout/, (broken) => {
    broken.answers.set(`${LEDGER}payouts?limit=200`, { items: payoutsOf(broken).filter(({ reference }) => reference !== 'a'), next: null })
    page<Distribution>(broken, 'distributions?limit=200').forEach(({ shares }) => shares.forEach((share) => (share.payout = null)))
  }],
  ['liveness', 'a payout waits for an approval that nobody asks for', /no approval is asked for/, (broken) => ((broken.answers.get(`${LEDGER}settings`) as Settings).settings.payout_approval_above = {})],
  ['liveness', 'a payout waits for an address that was named', /was named for/, (broken) => stands(payoutOf(broken, 'a', 'ai'), 'held', 'no_wallet')],
  ['liveness', 'a payout waits for money that is there', /holds .*, and .* wait/, (broken) => stands(payoutOf(broken, 'a', 'dao'), 'held', 'no_funds')],
  ['liveness', 'a payout waits for company that it has', /can be paid/, (broken) => stands(payoutOf(broken, 'a', 'ai'), 'held', 'below_minimum')],
]

describe('the auditor, had it been otherwise', () => {
  it.each(BROKEN)('finds by %s that %s', async (invariant, _, says, breaks) => {
    const broken = otherwise(world)
    breaks(broken)
    const auditor = auditorOf(broken)
    const { findings } = await auditor.end()
    expect(findings.filter((finding) => finding.invariant === invariant && says.test(finding.what)), JSON.stringify(findings, null, 1)).not.toEqual([])
  })
})
