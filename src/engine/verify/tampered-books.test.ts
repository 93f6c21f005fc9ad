// What somebody changes by hand in blocks, heads, accounts, balances and plans, and the break that `verify` names for it. Also what
// remains visible when balances and hashes are worked out anew after the change.

import { afterAll, beforeAll, describe, it } from 'vitest'
import { FIRST_PLAN } from '../../../test/paper-ledger.ts'
import { workedLedger, type Tampering, type WorkedLedger } from '../../../test/tampered.ts'
import { parsePlan } from '../../core/plan.ts'

let worked: WorkedLedger
const expectNamed = async (tampering: Tampering) => await worked.expectNamed(tampering)
beforeAll(async () => {
  worked = await workedLedger()
})
afterAll(async () => await worked.drop())

const HASH = /^[0-9a-f]{64}$/
const BLOCK = { lane: 0, block: '2' }
const EVENT = { lane: 0, block: '2', event: '2', reference: 'b' }

const numberOf = (account: string) => `(select number from apportion.account where lane = $lane and name = $$${account}$$)`

const BLOCKS: readonly Tampering[] = [
  {
    name: "a block's hash",
    change: `update apportion.block set hash = decode(repeat('ab', 32), 'hex') where lane = $lane and number = 2`,
    ...{ check: 'block_hash', where: BLOCK },
    expected: HASH,
    found: 'ab'.repeat(32),
  },
  {
    name: 'when a block was recorded',
    change: `update apportion.block set recorded_at = recorded_at + interval '1 microsecond' where lane = $lane and number = 2`,
    ...{ check: 'block_hash', where: BLOCK },
    expected: HASH,
    found: HASH,
  },
  {
    name: 'a block before the one before it',
    change: `update apportion.block set recorded_at = recorded_at - interval '1 year' where lane = $lane and number = 2`,
    ...{ check: 'block', where: BLOCK },
    expected: 'an instant not before',
    found: /^2[0-9]{3}-/,
    all: ['block', 'block_hash'],
  },
  {
    name: 'where a block ends',
    change: 'update apportion.block set last_transfer = 7 where lane = $lane and number = 2',
    ...{ check: 'block', where: BLOCK },
    expected: 'an end at event 2 and transfer 8, where block 3 goes on',
    found: 'an end at event 2 and transfer 7',
  },
  {
    name: 'a block that claims all of history',
    change: 'update apportion.block set last_event = 9000000000000000000, last_transfer = 9000000000000000000 where lane = $lane and number = 2',
    ...{ check: 'block', where: BLOCK },
    expected: 'an end at event 2 and transfer 8',
    found: 'transfer 9000000000000000000',
  },
  {
    name: 'a block taken out',
    change: 'delete from apportion.block where lane = $lane and number = 2',
    ...{ check: 'block', where: { lane: 0, block: '3' } },
    expected: 'block 2',
    found: 'block 3',
  },
  {
    name: 'the last block taken out',
    change: 'delete from apportion.block where lane = $lane and number = 6',
    ...{ check: 'transfer', where: { lane: 0, transfer: '20' } },
    expected: 'no transfer after 19, the last of block 5',
    found: 'settled of',
    all: ['transfer', 'balance', 'head', 'settlement'],
  },
  {
    name: 'a block put in',
    change: 'insert into apportion.block select lane, 7, 26, 26, 4, 3, recorded_at, hash from apportion.block where lane = $lane and number = 6',
    ...{ check: 'transfer', where: { lane: 0, block: '7', transfer: '26' } },
    expected: 'transfers up to 26',
    found: 'none after 25',
    all: ['transfer', 'block_hash', 'head'],
  },
  {
    name: 'the head',
    change: `update apportion.head set hash = decode(repeat('ab', 32), 'hex') where lane = $lane`,
    ...{ check: 'head', where: { lane: 0 } },
    expected: /^block 6, event 3, transfer 25, account 9, plan version 1, at .*, hash [0-9a-f]{64}$/,
    found: `hash ${'ab'.repeat(32)}`,
  },
  {
    name: 'a head taken out',
    change: 'delete from apportion.head where lane = $lane',
    ...{ check: 'lane', where: { lane: 0 } },
    expected: 'a head and a payout cursor',
    found: 'no head',
  },
]

const ACCOUNTS: readonly Tampering[] = [
  {
    name: "an account's name",
    change: `update apportion.account set name = 'payable:thief' where lane = $lane and name = 'payable:fund'`,
    ...{ check: 'distribution', where: { lane: 0, block: '1', event: '1', transfer: '3' } },
    expected: 'fund (part 1): 200 units of PAP/2 from received to payable:fund',
    found: 'to payable:thief',
    all: ['distribution', 'block_hash', 'payout_share', 'payout_transfer', 'recipient_sum', 'statement'],
  },
  {
    name: 'an account of no role',
    change: `update apportion.account set name = 'pocket' where lane = $lane and name = 'payable:fund'`,
    ...{ check: 'account', where: { lane: 0, account: 'pocket' } },
    expected: 'a role of the chart',
    found: 'pocket in PAP/2',
    all: ['account', 'transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'payout_share', 'payout_transfer', 'recipient_sum', 'statement'],
  },
  {
    name: 'a second account of one name',
    outside: 'unseen',
    change: `alter table apportion.account drop constraint account_lane_name_asset_key; insert into apportion.account values ($lane, 10, 'payable:fund', 'PAP/2')`,
    ...{ check: 'account', where: { lane: 0, account: 'payable:fund', asset: 'PAP/2' } },
    expected: 'one account of this name',
    found: '2 accounts',
    all: ['account', 'head'],
  },
  {
    name: 'an account taken out',
    change: 'delete from apportion.account where lane = $lane and number = 3',
    ...{ check: 'account', where: { lane: 0 } },
    expected: 'number 3',
    found: 'number 4',
    all: ['account', 'transfer', 'distribution', 'event', 'conservation', 'balance', 'block_hash', 'payout_share', 'recipient_sum', 'statement'],
  },
]

const BALANCES: readonly Tampering[] = [
  {
    name: 'the newest balance of an account',
    outside: 'unseen',
    change: `update apportion.balance set credits = credits + 1 where lane = $lane and account = ${numberOf('payable:fund')}
      and transfer = (select max(transfer) from apportion.balance where lane = $lane and account = ${numberOf('payable:fund')})`,
    ...{ check: 'balance', where: { lane: 0, block: '5', account: 'payable:fund', asset: 'PAP/2' } },
    expected: 'debits 600, credits 600',
    found: 'debits 600, credits 601',
    all: ['balance', 'recipient_sum', 'statement'],
  },
  {
    name: 'a balance of the past',
    outside: 'unseen',
    change: `update apportion.balance set credits = credits + 1 where lane = $lane and account = ${numberOf('payable:fund')} and transfer = 7`,
    ...{ check: 'balance', where: { lane: 0, block: '2', transfer: '7', account: 'payable:fund' } },
    expected: 'debits 0, credits 400',
    found: 'debits 0, credits 401',
  },
  {
    name: 'a balance row taken out',
    outside: 'unseen',
    change: `delete from apportion.balance where lane = $lane and account = ${numberOf('payable:fund')} and transfer = 7`,
    ...{ check: 'balance', where: { lane: 0, block: '2', transfer: '7', account: 'payable:fund' } },
    expected: 'debits 0, credits 400',
    found: 'no balance row',
  },
  {
    name: 'a balance row put in',
    outside: 'unseen',
    change: `insert into apportion.balance (lane, account, transfer, debits, credits) values ($lane, ${numberOf('payable:fund')}, 6, 0, 0)`,
    ...{ check: 'balance', where: { lane: 0, block: '2', transfer: '6', account: 'payable:fund' } },
    expected: "the account's last transfer in this block is 7",
    found: 'debits 0, credits 0',
  },
  {
    name: 'a balance row put in for the future',
    outside: 'unseen',
    change: `insert into apportion.balance (lane, account, transfer, debits, credits) values ($lane, ${numberOf('payable:fund')}, 99, 0, 0)`,
    ...{ check: 'balance', where: { lane: 0, transfer: '99', account: 'payable:fund' } },
    expected: 'no balance row after the last block',
    found: 'debits 0, credits 0',
  },
]

/** The plan of paper with another name for its share of weight zero: it divides every event as before. */
const RENAMED_PLAN = parsePlan(JSON.parse(JSON.stringify(FIRST_PLAN).replace('"role":"nobody"', '"role":"somebody"'))).hash

const PLANS: readonly Tampering[] = [
  {
    name: "a plan's content",
    change: `update apportion.plan_version set content = jsonb_set(content, '{steps,0,parameters,shares,0,weight}', '"71"') where ledger = $ledger`,
    ...{ check: 'plan', where: { plan_version: 1 } },
    expected: /^content with the hash [0-9a-f]{64}$/,
    found: /^content with the hash [0-9a-f]{64}$/,
    all: ['plan', 'distribution', 'block_hash', 'inbox'],
  },
  {
    name: "a plan's content together with its hash",
    change: `update apportion.plan_version set content = jsonb_set(content, '{steps,0,parameters,shares,3,role}', '"somebody"'),
      hash = '${RENAMED_PLAN}' where ledger = $ledger`,
    ...{ check: 'block_hash', where: { lane: 0, block: '1' } },
    expected: HASH,
    found: HASH,
  },
  {
    name: "a plan's hash",
    change: `update apportion.plan_version set hash = 'none' where ledger = $ledger`,
    ...{ check: 'plan', where: { plan_version: 1 } },
    expected: 'content with the hash none',
    found: /^content with the hash [0-9a-f]{64}$/,
  },
  {
    name: 'a plan that is none any more',
    change: `update apportion.plan_version set content = '{}' where ledger = $ledger`,
    ...{ check: 'plan', where: { plan_version: 1 } },
    expected: 'the plan with the hash',
    found: 'no plan: plan, steps',
    all: ['plan', 'plan_in_force', 'distribution'],
  },
  {
    name: 'a plan put in, in force from the past',
    outside: 'unseen',
    change: `insert into apportion.plan_version select ledger, 2, created_at, content, hash, created_at from apportion.plan_version where ledger = $ledger`,
    ...{ check: 'plan_in_force', where: { lane: 0, block: '1', event: '1' } },
    expected: 'version 2, in force at',
    found: 'version 1',
    all: ['plan_in_force', 'head'],
  },
]

const RECHAINED: readonly Tampering[] = [
  {
    name: 'a share moved to another recipient',
    change: `update apportion.transfer set credit = ${numberOf('payable:fund')} where lane = $lane and number = 6`,
    rechained: true,
    ...{ check: 'distribution', where: { ...EVENT, transfer: '6' } },
    expected: '700 units of PAP/2 from received to payable:house',
    found: '700 units of PAP/2 from received to payable:fund',
    all: ['distribution', 'floor', 'payout_share', 'recipient_sum'],
  },
  {
    name: 'a unit moved from one share to another',
    change: 'update apportion.transfer set units = case number when 6 then 699 else 201 end where lane = $lane and number in (6, 7)',
    rechained: true,
    ...{ check: 'distribution', where: { ...EVENT, transfer: '6' } },
    expected: 'house (part 0): 700 units',
    found: 'house (part 0): 699 units',
    all: ['distribution', 'floor', 'payout', 'recipient_sum'],
  },
  {
    name: 'more reserved than there was',
    change: 'update apportion.transfer set units = 5000 where lane = $lane and number = 14',
    rechained: true,
    ...{ check: 'floor', where: { lane: 0, block: '5', account: 'payable:house' } },
    expected: 'a balance of zero or more',
    found: '-4300 units of PAP/2',
    all: ['floor', 'payout_transfer', 'recipient_sum'],
  },
  {
    name: 'money that nobody saw come in',
    outside: 'unseen',
    change: 'update apportion.transfer set units = 50 where lane = $lane and number = 13',
    rechained: true,
    ...{ check: 'payout_transfer', where: { lane: 0, transfer: '13' } },
    expected: 'funded: 5000 units of PAP/2 from wallet:',
    found: 'funded of 50 units of PAP/2 from wallet:',
    all: ['payout_transfer', 'wallet_sum'],
  },
]

describe.each([
  ['blocks', BLOCKS],
  ['accounts', ACCOUNTS],
  ['balances', BALANCES],
  ['plans', PLANS],
  ['a chain worked out anew', RECHAINED],
])('of %s', (_, tamperings) => {
  it.each(tamperings)('names $name', async (tampering) => {
    await expectNamed(tampering)
  })
})
