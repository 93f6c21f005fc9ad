// What somebody changes by hand in payouts, attempts, settlements, movements and the inbox table, and the break that `verify` names
// for it. None of these stands in the hash chain: they are held against it.

import { afterAll, beforeAll, describe, it } from 'vitest'
import { workedLedger, type Tampering, type WorkedLedger } from '../../../test/tampered.ts'

let worked: WorkedLedger
const expectNamed = async (tampering: Tampering) => await worked.expectNamed({ outside: 'unseen', ...tampering })
beforeAll(async () => {
  worked = await workedLedger()
})
afterAll(async () => await worked.drop())

/** The payout of `house` for event 1, which is settled; of `house` for event 3, which is in flight; of the guest, which is held. */
const SETTLED = { lane: 0, event: '1' }
const where = (event: number, part: number) => `lane = $lane and event = ${event} and part = ${part}`
const payoutOf = (event: number, part: number) => `(select payout from apportion.payout where ${where(event, part)})`

const PAYOUTS: readonly Tampering[] = [
  {
    name: "a payout's units",
    change: `update apportion.payout set units = 701 where ${where(1, 0)}`,
    ...{ check: 'payout', where: SETTLED },
    expected: '700 units, the sum of its shares',
    found: '701 units',
    all: ['payout', 'payout_transfer', 'recipient_sum', 'wallet_sum', 'proof'],
  },
  {
    name: "a payout's recipient",
    change: `update apportion.payout set recipient = 'thief' where ${where(3, 2)}`,
    ...{ check: 'payout_share', where: { lane: 0, event: '3', transfer: '12' } },
    expected: 'a share of event 3, part 2, of PAP/2 for payable:thief',
    found: 'share of event 3, part 2, of PAP/2 for payable:guest-1',
    all: ['payout_share', 'recipient_sum'],
  },
  {
    name: "a payout's role",
    change: `update apportion.payout set role = 'house' where ${where(3, 2)}`,
    ...{ check: 'payout', where: { lane: 0, event: '3', plan_version: 1 } },
    expected: 'the role guest for part 2',
    found: 'the role house in 1 payouts, first of this event',
  },
  {
    name: 'a payout taken out with its share',
    change: `delete from apportion.payout_share where payout = ${payoutOf(3, 2)}; delete from apportion.payout where ${where(3, 2)}`,
    ...{ check: 'payout_share', where: { lane: 0, event: '3', transfer: '12' } },
    expected: 'one payout',
    found: 'none, for a share of 100 units',
    all: ['payout_share', 'recipient_sum'],
  },
  {
    name: 'a share drawn on twice',
    change: `alter table apportion.payout_share drop constraint payout_share_pkey;
      insert into apportion.payout_share values ($lane, 2, ${payoutOf(2, 0)})`,
    ...{ check: 'payout_share', where: { lane: 0, event: '1', transfer: '2' } },
    expected: 'one payout',
    found: '2 payouts, for one share of 700 units',
    all: ['payout_share', 'payout'],
  },
  {
    name: 'a cursor moved back, so that shares would become payouts again',
    change: 'update apportion.payout_cursor set transfer = 8 where lane = $lane',
    ...{ check: 'payout_share', where: { lane: 0, event: '3', transfer: '10' } },
    expected: 'not beyond transfer 8',
    found: 'share of event 3, part 0',
    all: ['payout_share', 'recipient_sum'],
  },
  {
    name: 'a paid payout made due again',
    change: `delete from apportion.settlement where payout = ${payoutOf(1, 0)};
      update apportion.payout set state = 'queued', due_at = now() where ${where(1, 0)}`,
    ...{ check: 'payout_state', where: SETTLED },
    expected: 'queued: released as often as reserved, not settled, no settlement, no live attempt',
    found: '1 reserved, 0 released, 1 settled in the ledger, 0 settlements, no live attempt',
    all: ['payout_state', 'attempt', 'recipient_sum', 'wallet_sum'],
  },
  {
    name: 'a payout said to be paid that is on its way',
    change: `update apportion.payout set state = 'settled', live_attempt = null where ${where(3, 0)}`,
    ...{ check: 'payout_state', where: { lane: 0, event: '3' } },
    expected: 'settled: settled by one transfer, one settlement, and no live attempt',
    found: '1 reserved, 0 released, 0 settled in the ledger, 0 settlements, no live attempt',
    all: ['payout_state', 'attempt', 'recipient_sum'],
  },
  {
    name: 'a reserved payout of an attempt that does not hold it',
    change: `update apportion.payout set live_attempt = (select attempt from apportion.attempt where lane = $lane and state = 'settled' limit 1) where ${where(3, 0)}`,
    ...{ check: 'payout_state', where: { lane: 0, event: '3' } },
    expected: 'one live attempt that holds it',
    found: 'no live attempt',
    all: ['payout_state', 'attempt'],
  },
]

const ATTEMPTS: readonly Tampering[] = [
  {
    name: 'a second settlement of a payout',
    change: `alter table apportion.settlement drop constraint settlement_pkey;
      insert into apportion.settlement select * from apportion.settlement where payout = ${payoutOf(1, 0)}`,
    ...{ check: 'payout_state', where: SETTLED },
    expected: 'settled by one transfer, one settlement',
    found: '1 settled in the ledger, 2 settlements',
    all: ['payout_state', 'wallet_sum'],
  },
  {
    name: 'a second settlement in the ledger, with everything worked out anew',
    change: `update apportion.transfer set kind = 'settled', subject = ${payoutOf(1, 0)}, debit = (select debit from apportion.transfer where lane = $lane and number = 20)
      where lane = $lane and number = 22`,
    rechained: true,
    ...{ check: 'payout_transfer', where: { lane: 0, transfer: '22' } },
    expected: '700 units of PAP/2 from in_flight:house to wallet:',
    found: 'settled of 5 units of PAP/2 from in_flight:house to wallet:',
    all: ['payout_transfer', 'payout_state', 'recipient_sum', 'wallet_sum'],
  },
  {
    name: 'a settlement by an attempt that failed',
    change: `update apportion.attempt set state = 'failed' where attempt = (select attempt from apportion.settlement where payout = ${payoutOf(1, 0)})`,
    ...{ check: 'settlement', where: SETTLED },
    expected: 'a settled payout, in an attempt that is settled',
    found: 'a payout that is settled, in an attempt that is failed',
    all: ['settlement', 'attempt', 'proof'],
  },
  {
    name: 'a settlement by an attempt that did not hold the payout',
    change: `delete from apportion.attempt_payout where payout = ${payoutOf(1, 0)}`,
    ...{ check: 'settlement', where: SETTLED },
    expected: 'a settled payout, in an attempt that is settled',
    found: 'a payout that is settled, not in an attempt that is settled',
    all: ['settlement', 'proof'],
  },
  {
    name: 'an attempt that ended without anybody noticing',
    change: `update apportion.attempt set state = 'never', ended_at = now(), proof = '{}' where lane = $lane and ended_at is null`,
    ...{ check: 'payout_state', where: { lane: 0 } },
    expected: 'reserved: reserved once more than released',
    found: 'no live attempt',
    all: ['payout_state', 'attempt', 'proof'],
  },
  {
    name: 'an attempt of another wallet',
    change: `update apportion.attempt set wallet = '00000000-0000-4000-8000-000000000000' where lane = $lane and ended_at is null`,
    ...{ check: 'attempt', where: { lane: 0 } },
    expected: 'submitted: its payouts of the same wallet and asset, reserved for it',
    found: 'a payout that is reserved, held by',
    all: ['attempt', 'proof'],
  },
  {
    name: 'an attempt without payouts',
    change: `insert into apportion.attempt (lane, attempt, wallet, asset, state, identity, bytes, data, prepared_at)
      values ($lane, '00000000-0000-4000-8000-000000000000', (select wallet from apportion.wallet), 'PAP/2', 'prepared', 'x', '', '{}', now())`,
    ...{ check: 'attempt', where: { lane: 0, attempt: '00000000-0000-4000-8000-000000000000' } },
    expected: 'prepared: its payouts',
    found: 'no payout',
    all: ['attempt', 'proof'],
  },
]

const PROVEN = 'attempt = (select attempt from apportion.settlement where payout = ' + payoutOf(1, 0) + ')'

const PROOFS: readonly Tampering[] = [
  ...[
    ['the proof of an attempt', `proof = '{}'`, 'another proof: {}'],
    ['a figure of a proof', `proof = proof || '{"line": 8}'`, /another proof: .*"line":8/],
    ['a proof that is none', `proof = '7'`, '7, made of {}'],
    ['the identity of an attempt', `identity = 'paper-x'`, 'a slip of another attempt'],
    ['the bytes of an attempt', `bytes = convert_to('paper', 'UTF8')`, 'a slip of another attempt: paper'],
  ].map(([name, change, found]) => ({
    name: String(name),
    change: `update apportion.attempt set ${String(change)} where lane = $lane and ${PROVEN}`,
    ...{ check: 'proof' as const, where: { lane: 0 } },
    expected: 'settled: an attempt whose identity, bytes, payouts and proof fit together',
    found: found ?? '',
  })),
  {
    name: 'where a payout went',
    change: `update apportion.payout set destination = '{"drawer": "thief"}' where ${where(1, 0)}`,
    ...{ check: 'payout', where: SETTLED },
    expected: 'a destination that was recorded for house',
    found: '{"drawer":"thief"}',
    all: ['payout', 'proof'],
  },
  {
    name: 'where a payout went, with a destination put in',
    change: `insert into apportion.destination values ($ledger, 'house', now() - interval '1 year', '{"drawer": "thief"}', now());
      update apportion.payout set destination = '{"drawer": "thief"}' where ${where(1, 0)}`,
    ...{ check: 'proof', where: { lane: 0 } },
    expected: 'settled: an attempt whose identity, bytes, payouts and proof fit together',
    found: 'a slip of other payouts',
  },
  {
    name: 'where a payout goes that is not sent yet',
    change: `update apportion.payout set destination = '{"drawer": "house"}' where ${where(3, 2)}`,
    ...{ check: 'payout', where: { lane: 0, event: '3' } },
    expected: 'a destination that was recorded for guest-1',
    found: '{"drawer":"house"}',
  },
  {
    name: 'when a payout was settled',
    change: `update apportion.settlement set settled_at = settled_at - interval '1 day' where payout = ${payoutOf(1, 0)}`,
    ...{ check: 'settlement', where: SETTLED },
    expected: 'in an attempt that is settled since the same instant',
    found: ', and ended at another instant',
  },
  {
    name: 'when a payout was settled, and its attempt ended',
    change: `update apportion.attempt set ended_at = ended_at - interval '1 day' where lane = $lane and ended_at is not null;
      update apportion.settlement set settled_at = settled_at - interval '1 day' where lane = $lane`,
    ...{ check: 'settlement', where: { lane: 0, transfer: '20' } },
    expected: /^settled at .*, with its block$/,
    found: /^settled at /,
  },
]

const MOVEMENTS: readonly Tampering[] = [
  {
    name: 'money that came in',
    change: 'update apportion.movement set units = 6000 where lane = $lane',
    ...{ check: 'payout_transfer', where: { lane: 0, transfer: '13' } },
    expected: 'funded: 6000 units of PAP/2 from wallet:',
    found: 'funded of 5000 units of PAP/2 from wallet:',
    all: ['payout_transfer', 'wallet_sum'],
  },
  {
    name: 'which movement of the network it was',
    change: `update apportion.movement set identity = 'out' where lane = $lane`,
    ...{ check: 'movement', where: { lane: 0, asset: 'PAP/2' } },
    expected: 'a proof of the movement out',
    found: 'a proof of "in"',
  },
  {
    name: 'the proof of a movement',
    change: `update apportion.movement set proof = '{}' where lane = $lane`,
    ...{ check: 'movement', where: { lane: 0, asset: 'PAP/2' } },
    expected: 'a proof of the movement in',
    found: 'a proof of undefined',
  },
  {
    name: 'a movement taken out',
    change: 'delete from apportion.movement where lane = $lane',
    ...{ check: 'payout_transfer', where: { lane: 0, transfer: '13' } },
    expected: 'a movement that was seen',
    found: 'funded of 5000 units',
    all: ['payout_transfer', 'wallet_sum'],
  },
  {
    name: 'a movement put in',
    change: `insert into apportion.movement select lane, wallet, 'out', asset, gen_random_uuid(), 'out', 10, at, proof, seen_at from apportion.movement where lane = $lane`,
    ...{ check: 'movement', where: { lane: 0, asset: 'PAP/2' } },
    expected: 'one transfer',
    found: '0 transfers for 10 units',
    all: ['movement', 'wallet_sum'],
  },
]

const INBOX: readonly Tampering[] = [
  {
    name: 'an amount in a row of the inbox table',
    change: `update worked.paper_sales set cents = 999 where receipt = 'b'`,
    ...{ check: 'inbox', where: { lane: 0, event: '2', reference: 'b' } },
    expected: 'the row of paper_sales as the event was recorded',
    found: 'cents is 999, but the event has 1000',
  },
  {
    name: 'a row taken out',
    change: `delete from worked.paper_sales where receipt = 'b'`,
    ...{ check: 'inbox', where: { lane: 0, event: '2', reference: 'b' } },
    expected: 'a row of paper_sales for this event',
    found: 'no row',
  },
  {
    name: 'a row that nobody took',
    change: `insert into worked.paper_sales (receipt, cents) values ('d', 1)`,
    ...{ check: 'inbox', where: { reference: 'd' } },
    expected: 'an event of this row, or a note of why there is none',
    found: 'neither',
  },
]

describe.each([
  ['payouts', PAYOUTS],
  ['attempts and settlements', ATTEMPTS],
  ['proofs', PROOFS],
  ['wallets', MOVEMENTS],
  ['the inbox table', INBOX],
])('of %s', (_, tamperings) => {
  it.each(tamperings)('names $name', async (tampering) => {
    await expectNamed(tampering)
  })
})
