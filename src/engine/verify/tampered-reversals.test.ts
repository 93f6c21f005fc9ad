// What somebody changes by hand around reversals and recoupments, and the break that `verify` names for it.

import { afterAll, beforeAll, describe, it } from 'vitest'
import { paperEvent, type PaperDatabase, type PaperLedger } from '../../../test/paper-ledger.ts'
import { reverse } from '../../../test/reversing.ts'
import { workedLedger, type Tampering, type WorkedLedger } from '../../../test/tampered.ts'

/**
 * Event 1 of 1,000 (transfers 1 to 4; 700 house, 200 fund, 100 guest-1) is paid to house and fund; event 2 reverses 500 of it (350 and 100 owed, 50
 * taken from the guest); of event 3 (1,000, as the first) 350 and 100 are kept back; event 4 reverses 100 of event 3, which are not paid yet.
 */
async function workOn(paper: PaperDatabase): Promise<PaperLedger> {
  const worked = await paper.open('worked')
  await worked.nameDrawers(['house', 'fund'])
  await worked.record([paperEvent('a', 1000n)])
  await worked.makePayouts()
  await worked.send()
  await worked.look()
  await reverse(worked, 'a', { reference: 'a/1', units: 500n })
  await worked.record([paperEvent('b', 1000n)])
  await worked.makePayouts()
  await reverse(worked, 'b', { reference: 'b/1', units: 100n })
  return worked
}

let worked: WorkedLedger
const expectNamed = async (tampering: Tampering) => await worked.expectNamed(tampering)
beforeAll(async () => {
  worked = await workedLedger(workOn)
})
afterAll(async () => await worked.drop())

const taken = (kind: string, reference: string, part: number) =>
  `(select transfer.number from apportion.transfer join apportion.event on event.lane = $lane and event.number = transfer.event
    where transfer.lane = $lane and transfer.kind = '${kind}' and event.reference = '${reference}' and transfer.part = ${part})`
const share = (reference: string, part: number) => taken('share', reference, part)
const FIRST = '(select min(number) from apportion.transfer where lane = $lane and kind = \'recouped\')'

const DEDUCTIONS: readonly Tampering[] = [
  {
    name: 'a deduction taken out, so that the reversed part would be paid',
    change: `delete from apportion.deduction where lane = $lane and transfer = ${taken('reversed', 'b/1', 2)}`,
    ...{ check: 'deduction', where: { lane: 0, event: '4' } },
    expected: 'a deduction of 10 units from a share of the event that it reverses, in payable:guest-1',
    found: 'none',
    all: ['deduction', 'payout'],
  },
  {
    name: 'a deduction made smaller, and its payout larger',
    change: `update apportion.deduction set units = 1 where lane = $lane and transfer = ${taken('reversed', 'b/1', 2)};
      update apportion.payout set units = 99 where lane = $lane and event = 3 and part = 2`,
    ...{ check: 'deduction', where: { lane: 0, event: '4' } },
    expected: 'a deduction of 10 units',
    found: '1 units of the share in transfer',
    all: ['deduction', 'recipient_sum'],
  },
  {
    name: 'a deduction moved to a share of another recipient',
    change: `update apportion.deduction set share = ${share('b', 0)} where lane = $lane and transfer = ${taken('reversed', 'b/1', 2)}`,
    ...{ check: 'deduction', where: { lane: 0, event: '4' } },
    expected: 'in payable:guest-1',
    found: '10 units of the share in transfer',
    all: ['deduction', 'payout'],
  },
  {
    name: 'a deduction moved to a share of the same recipient in another event',
    change: `update apportion.deduction set share = ${share('a', 2)} where lane = $lane and transfer = ${taken('reversed', 'b/1', 2)}`,
    ...{ check: 'deduction', where: { lane: 0, event: '4' } },
    expected: 'from a share of the event that it reverses',
    found: '10 units of the share in transfer',
    all: ['deduction', 'payout'],
  },
  {
    name: 'a deduction that no transfer took',
    change: `insert into apportion.deduction values ($lane, ${share('b', 1)}, 1, 5)`,
    ...{ check: 'deduction', where: { lane: 0, transfer: '1' } },
    expected: 'a reversal or a recoupment that took it',
    found: '5 units of the share in transfer',
    all: ['deduction', 'payout'],
  },
  {
    name: 'what was kept back of a share, said of another one of the recipient',
    change: `update apportion.deduction set share = ${share('a', 0)} where lane = $lane and transfer = ${FIRST}`,
    ...{ check: 'deduction', where: { lane: 0 } },
    expected: 'from the share of its payout, in payable:house',
    found: 'of the share in transfer 2',
    all: ['deduction', 'payout'],
  },
  {
    name: 'a cancelled payout of which something is left',
    change: `update apportion.payout set state = 'cancelled', due_at = null, reason = null where lane = $lane and event = 3 and part = 2`,
    ...{ check: 'payout', where: { lane: 0, event: '3' } },
    expected: '90 units, the sum of its shares',
    found: '90 units',
    all: ['payout', 'recipient_sum'],
  },
  {
    name: 'more kept back than the deduction says, with everything worked out anew',
    change: `update apportion.transfer set units = units - 1 where lane = $lane and number = ${FIRST}`,
    rechained: true,
    ...{ check: 'deduction', where: { lane: 0 } },
    expected: 'a deduction of 349 units from the share of its payout',
    found: '350 units of the share in transfer',
    all: ['deduction', 'payout_transfer', 'recipient_sum'],
  },
]

const move = (from: string, to: string, units: number) => `update apportion.transfer set units = units - ${units} where lane = $lane and number = ${from};
  update apportion.transfer set units = units + ${units} where lane = $lane and number = ${to}`

const REVERSALS: readonly Tampering[] = [
  {
    name: 'more taken back of one share and less of another, with everything worked out anew',
    change: move(taken('reversed', 'a/1', 0), taken('reversed', 'a/1', 1), 1),
    rechained: true,
    ...{ check: 'distribution', where: { lane: 0, event: '2', reference: 'a/1' } },
    expected: '350 units back from payable:house (part 0)',
    found: '349',
    // More had been kept back since than the house owes then.
    all: ['distribution', 'floor'],
  },
  {
    name: 'a reversal that reverses another event',
    change: `update apportion.event set reverses = 1 where lane = $lane and number = 4`,
    ...{ check: 'fingerprint', where: { lane: 0, event: '4', reference: 'b/1' } },
    expected: 'content with the fingerprint',
    found: '100 units of PAP/2',
    all: ['fingerprint', 'block_hash', 'deduction'],
  },
  {
    name: 'a reversal that is made an event of its own',
    change: `update apportion.event set reverses = null where lane = $lane and number = 4`,
    ...{ check: 'fingerprint', where: { lane: 0, event: '4', reference: 'b/1' } },
    expected: 'content with the fingerprint',
    found: '100 units of PAP/2',
    all: ['fingerprint', 'distribution', 'conservation', 'block_hash', 'deduction'],
  },
  {
    name: 'a reversal of a reversal',
    change: `update apportion.event set reverses = 2 where lane = $lane and number = 4`,
    rechained: true,
    ...{ check: 'fingerprint', where: { lane: 0, event: '4', reference: 'b/1' } },
    expected: 'content with the fingerprint',
    found: '100 units of PAP/2',
    all: ['fingerprint', 'distribution', 'deduction'],
  },
  {
    name: 'more refunded than was taken back, with everything worked out anew',
    change: `update apportion.transfer set units = units - 1 where lane = $lane and kind = 'reversed' and event = 2 and part = 1`,
    rechained: true,
    ...{ check: 'conservation', where: { lane: 0, event: '2', reference: 'a/1' } },
    expected: '500 taken back and 500 refunded',
    found: '500 reversed, 499 taken back and 500 refunded',
    all: ['conservation', 'floor'],
  },
]

describe.each([
  ['what was taken from shares', DEDUCTIONS, 'unseen'],
  ['reversals', REVERSALS, 'seen'],
] as const)('of %s', (_, tamperings, outside) => {
  it.each(tamperings)('names $name', async (tampering) => {
    await expectNamed({ outside, ...tampering })
  })
})
