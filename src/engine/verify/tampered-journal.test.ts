// What somebody changes by hand in the journal, and the break that `verify` names for it.

import { afterAll, beforeAll, describe, it } from 'vitest'
import { workedLedger, type Tampering, type WorkedLedger } from '../../../test/tampered.ts'

let worked: WorkedLedger
const expectNamed = async (tampering: Tampering) => await worked.expectNamed(tampering)
beforeAll(async () => {
  worked = await workedLedger()
})
afterAll(async () => await worked.drop())

const HASH = /^[0-9a-f]{64}$/
const SHARE = { lane: 0, block: '2', event: '2', reference: 'b', transfer: '6' }
const EVENT = { lane: 0, block: '2', event: '2', reference: 'b' }
const BLOCK = { lane: 0, block: '2' }

const numberOf = (account: string) => `(select number from apportion.account where lane = $lane and name = $$${account}$$)`

const TRANSFERS: readonly Tampering[] = [
  {
    name: "a share's units",
    change: 'update apportion.transfer set units = 701 where lane = $lane and number = 6',
    ...{ check: 'distribution', where: SHARE },
    expected: 'house (part 0): 700 units of PAP/2 from received to payable:house',
    found: 'house (part 0): 701 units of PAP/2 from received to payable:house',
    all: ['distribution', 'conservation', 'balance', 'floor', 'block_hash', 'payout', 'recipient_sum'],
  },
  {
    name: 'units that are no number',
    change: `update apportion.transfer set units = 'NaN' where lane = $lane and number = 6`,
    ...{ check: 'transfer', where: { lane: 0, block: '2', event: '2', transfer: '6' } },
    expected: 'more than zero units',
    found: 'share of 0 units of PAP/2 from received to payable:house',
    all: ['transfer', 'distribution', 'conservation', 'balance', 'block_hash', 'floor', 'payout', 'recipient_sum'],
    cut: ['transfer', 'distribution', 'conservation', 'balance', 'block_hash', 'payout', 'recipient_sum'],
  },
  {
    name: "a share's recipient",
    change: `update apportion.transfer set credit = ${numberOf('payable:fund')} where lane = $lane and number = 6`,
    ...{ check: 'distribution', where: SHARE },
    expected: '700 units of PAP/2 from received to payable:house',
    found: '700 units of PAP/2 from received to payable:fund',
    all: ['distribution', 'balance', 'block_hash', 'floor', 'payout_share', 'recipient_sum'],
    cut: ['distribution', 'balance', 'block_hash', 'payout_share', 'recipient_sum'],
  },
  {
    name: "a share's place in the plan",
    change: 'update apportion.transfer set part = 1 where lane = $lane and number = 6',
    ...{ check: 'distribution', where: SHARE },
    expected: 'fund (part 1): 200 units',
    found: 'fund (part 1): 700 units of PAP/2 from received to payable:house',
    all: ['distribution', 'block_hash', 'payout_share'],
  },
  {
    name: 'what an event brought in',
    change: 'update apportion.transfer set units = 999 where lane = $lane and number = 5',
    ...{ check: 'conservation', where: { ...EVENT, transfer: '5' } },
    expected: '1000 units of PAP/2 received and 1000 shared',
    found: '999 received and 1000 shared',
    all: ['conservation', 'balance', 'floor', 'block_hash'],
  },
  {
    name: 'a fee',
    change: 'update apportion.transfer set units = 4 where lane = $lane and number = 22',
    ...{ check: 'balance', where: { lane: 0, block: '6', transfer: '25' } },
    expected: 'debits 5000, credits 1809',
    found: 'debits 5000, credits 1810',
    all: ['balance', 'block_hash', 'wallet_sum'],
  },
  {
    name: 'what a transfer is for',
    change: `update apportion.transfer set kind = 'rent' where lane = $lane and number = 22`,
    ...{ check: 'block_hash', where: { lane: 0, block: '6' } },
    expected: HASH,
    found: HASH,
  },
  {
    name: 'a kind that there is not',
    change: `update apportion.transfer set kind = E'gift\\tof' where lane = $lane and number = 22`,
    ...{ check: 'transfer', where: { lane: 0, block: '6', transfer: '22' } },
    expected: 'one of received, share',
    found: 'gift\tof of 5 units of PAP/2 from network to wallet:',
    all: ['transfer', 'block_hash', 'wallet_sum'],
  },
  {
    name: 'whose movement it is',
    change: 'update apportion.transfer set subject = (select subject from apportion.transfer where lane = $lane and number = 21) where lane = $lane and number = 20',
    ...{ check: 'block_hash', where: { lane: 0, block: '6' } },
    expected: HASH,
    found: HASH,
    all: ['block_hash', 'payout_transfer', 'payout_state'],
  },
  {
    name: 'an account that there is not',
    change: 'update apportion.transfer set credit = 99 where lane = $lane and number = 6',
    ...{ check: 'transfer', where: { lane: 0, block: '2', transfer: '6' } },
    expected: 'accounts that exist',
    found: 'account number 99',
    all: ['transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'floor', 'payout_share', 'recipient_sum'],
    cut: ['transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'payout_share', 'recipient_sum'],
  },
  {
    name: 'whose event it is',
    change: 'update apportion.transfer set event = 1 where lane = $lane and number = 6',
    ...{ check: 'transfer', where: { lane: 0, block: '2', event: '1', transfer: '6' } },
    expected: 'an event of the same block',
    found: 'event 1, which is not in it',
    all: ['transfer', 'distribution', 'event', 'conservation', 'block_hash', 'payout_share'],
  },
  {
    name: 'a transfer taken out',
    change: 'delete from apportion.transfer where lane = $lane and number = 6',
    ...{ check: 'transfer', where: { lane: 0, block: '2', transfer: '7' } },
    expected: 'transfer 6',
    found: 'transfer 7',
    all: ['transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'floor', 'payout_share', 'payout', 'recipient_sum'],
    cut: ['transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'payout_share', 'payout', 'recipient_sum'],
  },
  {
    name: 'the last transfer taken out',
    change: 'delete from apportion.transfer where lane = $lane and number = 25',
    ...{ check: 'transfer', where: { lane: 0, block: '6', transfer: '25' } },
    expected: 'transfers up to 25',
    found: 'none after 24',
    all: ['transfer', 'balance', 'block_hash', 'wallet_sum'],
  },
  {
    name: 'a transfer put in',
    change: `insert into apportion.transfer select lane, 26, event, debit, credit, part, units, kind, subject from apportion.transfer where lane = $lane and number = 22`,
    ...{ check: 'transfer', where: { lane: 0, transfer: '26' } },
    expected: 'no transfer after 25, the last of block 6',
    found: 'fee of 5 units',
    all: ['transfer', 'wallet_sum'],
  },
]

const EVENTS: readonly Tampering[] = [
  {
    name: "an event's units",
    change: 'update apportion.event set units = 1001 where lane = $lane and number = 2',
    ...{ check: 'fingerprint', where: EVENT },
    expected: 'content with the fingerprint',
    found: '1001 units of PAP/2 for guest guest-1',
    all: ['fingerprint', 'distribution', 'conservation', 'block_hash', 'inbox'],
  },
  {
    name: "an event's parties",
    change: `update apportion.event set parties = '{"guest": "thief"}' where lane = $lane and number = 2`,
    ...{ check: 'fingerprint', where: EVENT },
    expected: 'content with the fingerprint',
    found: '1000 units of PAP/2 for guest thief',
    all: ['fingerprint', 'distribution'],
  },
  {
    name: 'parties that are none',
    change: `update apportion.event set parties = 'null' where lane = $lane and number = 2`,
    ...{ check: 'event', where: EVENT },
    expected: 'parties and claimed amounts by name',
    found: '[null,null]',
    all: ['event', 'fingerprint', 'distribution'],
  },
  {
    name: "an event's asset",
    change: `update apportion.event set asset = 'GEM/2' where lane = $lane and number = 2`,
    ...{ check: 'fingerprint', where: EVENT },
    expected: 'content with the fingerprint',
    found: '1000 units of GEM/2',
    all: ['fingerprint', 'distribution', 'block_hash'],
  },
  {
    name: 'amounts that the event is said to have claimed',
    change: `update apportion.event set claimed = '{"house": "650"}' where lane = $lane and number = 2`,
    ...{ check: 'distribution', where: EVENT },
    expected: 'an event that can be divided',
    found: 'the amount for house is 6.50, but the plan gives 7.00',
    all: ['distribution', 'block_hash'],
  },
  {
    name: "an event's reference",
    change: `update apportion.event set reference = 'x' where lane = $lane and number = 2`,
    ...{ check: 'reference', where: { ...EVENT, reference: 'x' } },
    expected: /^the digest [0-9a-f-]+ of "x"$/,
    found: /^the digest [0-9a-f-]+$/,
    all: ['reference', 'inbox'],
  },
  {
    name: 'when it happened',
    change: `update apportion.event set event_at = event_at - interval '1 microsecond' where lane = $lane and number = 2`,
    ...{ check: 'block_hash', where: BLOCK },
    expected: HASH,
    found: HASH,
  },
  {
    name: 'an instant that is none',
    change: `update apportion.event set event_at = 'infinity' where lane = $lane and number = 2`,
    ...{ check: 'event', where: EVENT },
    expected: 'an instant',
    found: 'infinity',
  },
  {
    name: 'the plan version it was divided by',
    change: 'update apportion.event set plan = 2 where lane = $lane and number = 2',
    ...{ check: 'plan_in_force', where: { ...EVENT, plan_version: 2 } },
    expected: 'version 1, in force at',
    found: 'version 2',
    all: ['plan_in_force', 'distribution', 'block_hash'],
  },
  {
    name: 'the block it stands in',
    outside: 'unseen',
    change: 'update apportion.event set block = 3 where lane = $lane and number = 2',
    ...{ check: 'event', where: EVENT },
    expected: 'block 2',
    found: 'block 3',
  },
  {
    name: 'which transfers it says are its own',
    outside: 'unseen',
    change: 'update apportion.event set first_transfer = 6 where lane = $lane and number = 2',
    ...{ check: 'event', where: { ...EVENT, transfer: '5' } },
    expected: 'transfers 6 to 9 alone',
    found: 'transfer 5 as well',
  },
  {
    name: 'how many transfers it says it has',
    outside: 'unseen',
    change: 'update apportion.event set transfers = 5 where lane = $lane and number = 2',
    ...{ check: 'event', where: EVENT },
    expected: '5 transfers',
    found: '4',
  },
  {
    name: 'an event taken out',
    change: 'delete from apportion.event where lane = $lane and number = 2',
    ...{ check: 'event', where: { lane: 0, block: '2', event: '2' } },
    expected: 'events up to 2',
    found: 'none after 1',
    all: ['event', 'transfer', 'block_hash', 'reference', 'inbox'],
  },
  {
    name: 'an event put in',
    change: `insert into apportion.event select lane, 4, gen_random_uuid(), event_at, 6, 26, 1, plan, backdated, units, asset, door, 'd', parties, claimed, details
      from apportion.event where lane = $lane and number = 2`,
    ...{ check: 'event', where: { lane: 0, event: '4', reference: 'd' } },
    expected: 'no event after 3, the last of block 6',
    found: 'event 4',
    all: ['event', 'inbox'],
  },
]

const RECORDED: readonly Tampering[] = [
  ['further details', `details = jsonb_set(details, '{note}', '"as never agreed"')`],
  ['details taken out', 'details = null'],
  ['details deeper than anybody walks', `details = (repeat('[', 1000) || repeat(']', 1000))::jsonb`],
  ['the door it came by', `door = 'sql'`],
  ['whether it was backdated', 'backdated = not backdated'],
  ['a claim that was checked when it was made, taken out', 'claimed = null'],
  ['a claim of other parts that fits', `claimed = '{"house": "700", "fund": "200"}'`],
].map(([name = '', change]) => ({
  name,
  change: `update apportion.event set ${change} where lane = $lane and number = 3`,
  ...{ check: 'block_hash', where: { lane: 0, block: '3' } },
  expected: HASH,
  found: HASH,
}))

const REFERENCES: readonly Tampering[] = [
  {
    name: "a reference's fingerprint",
    change: `update apportion.reference set fingerprint = decode(repeat('ab', 32), 'hex') where lane = $lane and event = 2`,
    ...{ check: 'fingerprint', where: EVENT },
    expected: `content with the fingerprint ${'ab'.repeat(32)}`,
    found: '1000 units of PAP/2 for guest guest-1',
    all: ['fingerprint', 'block_hash'],
  },
  {
    name: 'the event that a reference points to',
    outside: 'unseen',
    change: 'update apportion.reference set event = 1 where lane = $lane and event = 2',
    ...{ check: 'reference', where: EVENT },
    expected: 'event 2',
    found: 'event 1 for the digest',
  },
  {
    name: 'a reference taken out, so that its event could be recorded again',
    change: 'delete from apportion.reference where lane = $lane and event = 2',
    ...{ check: 'reference', where: EVENT },
    expected: 'that points to event 2',
    found: 'no such row',
  },
  {
    name: 'a reference put in, so that an event could not be recorded',
    outside: 'unseen',
    change: `insert into apportion.reference values ($lane, '00000000-0000-4000-8000-000000000000', 2, '')`,
    ...{ check: 'reference', where: { lane: 0, event: '2' } },
    expected: 'an event 2 with the digest 00000000-0000-4000-8000-000000000000',
    found: 'none',
  },
]

describe.each([
  ['transfers', TRANSFERS],
  ['events', EVENTS],
  ['what was recorded with an event', RECORDED],
  ['references', REFERENCES],
])('of %s', (_, tamperings) => {
  it.each(tamperings)('names $name', async (tampering) => {
    await expectNamed(tampering)
  })
})
