// Payouts, attempts, settlements and wallets of one lane beside its journal: each share becomes one payout, each payout is paid at most
// once and with proof, and what left a wallet is accounted for.

import { roleOfPart } from '../../core/part.ts'
import { accountName } from '../../core/account.ts'
import {
  attemptFaults,
  movementFaults,
  payoutRoles,
  payoutStateFaults,
  payoutUnitFaults,
  settlementFaults,
  shareFaults,
  strayShares,
  subjectFaults,
  type SubjectFault,
} from '../../store/verify-payouts.ts'
import { deductionFaults } from '../../store/verify-deductions.ts'
import { payoutTotals, recipientFaults, walletFaults, type RecipientFault } from '../../store/verify-sums.ts'
import type { Reading } from './books.ts'
import type { Plans } from './plans.ts'
import { checkStatements } from './statements.ts'

export type PayoutReading = Reading & { readonly plans: Plans; readonly cursor: bigint; readonly joins: boolean }

export async function checkPayouts(reading: PayoutReading): Promise<void> {
  const { lane, snapshot, findings } = reading
  const totals = await payoutTotals(snapshot, lane)
  const counts = [
    ['payout_share', totals.shares],
    ['deduction', totals.deductions],
    ['payout', totals.payouts],
    ['payout_state', totals.payouts],
    ['payout_transfer', totals.moves],
    ['settlement', totals.settlements],
    ['attempt', totals.attempts],
    ['movement', totals.movements],
    ['recipient_sum', totals.recipients],
    ['statement', totals.recipients],
    ['wallet_sum', totals.wallets],
  ] as const
  for (const [check, count] of counts) findings.looked(check, Number(count))
  for (const check of [checkShares, checkDeductions, checkUnits, checkRoles, checkMoves, checkStates, checkSettlements, checkAttempts, checkMovements, checkRecipients, checkStatements, checkWallets]) {
    if (findings.room() > 0) await check(reading)
  }
}

async function checkShares({ joins, lane, position, snapshot, findings, cursor }: PayoutReading): Promise<void> {
  for (const { transfer, event, units, payouts } of await shareFaults(snapshot, { lane, cursor, limit: findings.room() })) {
    const found = payouts === 0n ? `none, for a share of ${units} units` : `${payouts} payouts, for one share of ${units} units`
    findings.broken('payout_share', { lane: position, event, transfer }, { expected: 'one payout', found })
  }
  for (const row of await strayShares(snapshot, { lane, cursor, joins, limit: findings.room() })) {
    const { transfer, payout, event, part, recipient, asset } = row
    const expected = recipient === null || event === null
      ? 'a payout that exists'
      : `a share of event ${event}, part ${part ?? 'unknown'}, of ${asset ?? ''} for ${accountName('payable', recipient)}, not beyond transfer ${cursor}`
    const found = row.kind === null
      ? 'no such transfer'
      : `${row.kind} of event ${row.transfer_event ?? 'none'}, part ${row.transfer_part ?? 'none'}, of ${row.account_asset ?? ''} for ${row.account ?? ''}`
    findings.broken('payout_share', { lane: position, event, transfer, payout }, { expected, found })
  }
}

async function checkDeductions({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const row of await deductionFaults(snapshot, { lane, limit: findings.room() })) {
    const { transfer, share, kind, event, units, account, deducted } = row
    const found = deducted === null ? 'none' : `${deducted} units of the share in transfer ${share ?? 'unknown'}`
    const expected = kind === null
      ? 'a reversal or a recoupment that took it'
      : `a deduction of ${units ?? 'no'} units from ${kind === 'reversed' ? 'a share of the event that it reverses' : 'the share of its payout'}, in ${account ?? 'no account'}`
    findings.broken('deduction', { lane: position, event, transfer }, { expected, found })
  }
}

async function checkUnits({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const { payout, event, units, shares } of await payoutUnitFaults(snapshot, { lane, limit: findings.room() })) {
    findings.broken('payout', { lane: position, event, payout }, { expected: `${shares} units, the sum of its shares`, found: `${units} units` })
  }
}

async function checkRoles({ lane, position, snapshot, findings, plans }: PayoutReading): Promise<void> {
  for (const { plan, part, role, payouts, event } of await payoutRoles(snapshot, lane)) {
    const version = plans.version(plan)
    const due = version === undefined ? null : roleOfPart(version, part)
    if (version === undefined || due === role) continue
    findings.broken('payout', { lane: position, event, plan_version: plan }, {
      expected: due === null ? `no payout of part ${part}` : `the role ${due} for part ${part}`,
      found: `the role ${role} in ${payouts} payouts, first of this event`,
    })
  }
}

async function checkMoves({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const row of await subjectFaults(snapshot, { lane, limit: findings.room() })) {
    const { transfer, kind, subject, units, debit, credit, asset } = row
    const where = { lane: position, transfer, ...subjectPlace(row) }
    const found = `${kind} of ${units} units of ${asset} from ${debit} to ${credit}`
    findings.broken('payout_transfer', where, { expected: dueMove(row), found: `${found}, of ${subject ?? 'nothing'}` })
  }
}

function subjectPlace({ kind, subject }: SubjectFault): { payout?: string; attempt?: string } {
  if (subject === null || kind === 'funded' || kind === 'withdrawn') return {}
  return kind === 'fee' || kind === 'rent' ? { attempt: subject } : { payout: subject }
}

function dueMove({ kind, owner_units: units, owner_asset: asset, recipient, wallet, state }: SubjectFault): string {
  if (kind === 'fee' || kind === 'rent') {
    return state === null || wallet === null ? 'an attempt that exists' : `${kind} to ${accountName('wallet', wallet)}, of an attempt that has ended`
  }
  if (units === null || asset === null || wallet === null) return kind === 'funded' || kind === 'withdrawn' ? 'a movement that was seen' : 'a payout that exists'
  const amount = `${units} units of ${asset}`
  if (recipient === null) {
    const purse = accountName('wallet', wallet)
    return state === 'in' ? `funded: ${amount} from ${purse} to expected` : `withdrawn: ${amount} from owner to ${purse}`
  }
  if (kind === 'recouped') return `${amount} from ${accountName('payable', recipient)} to ${accountName('owed_by', recipient)}`
  const [payable, flight] = [accountName('payable', recipient), accountName('in_flight', recipient)]
  if (kind === 'reserved') return `${amount} from ${payable} to ${flight}`
  return kind === 'released' ? `${amount} from ${flight} to ${payable}` : `${amount} from ${flight} to ${accountName('wallet', wallet)}`
}

const DUE_STATES: Readonly<Record<string, string>> = {
  reserved: 'reserved once more than released, not settled, no settlement, one live attempt that holds it',
  settled: 'settled by one transfer, one settlement, and no live attempt',
}
const WAITING = 'released as often as reserved, not settled, no settlement, no live attempt'

async function checkStates({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const row of await payoutStateFaults(snapshot, { lane, limit: findings.room() })) {
    const { payout, event, state, reserved, released, settled, settlements, live } = row
    findings.broken('payout_state', { lane: position, event, payout }, {
      expected: `${state}: ${DUE_STATES[state] ?? WAITING}`,
      found: `${reserved} reserved, ${released} released, ${settled} settled in the ledger, ${settlements} settlements, ${live === null ? 'no live attempt' : `a live attempt (${live})`}`,
    })
  }
}

async function checkSettlements({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const { payout, event, attempt, payout_state: state, attempt_state: proof, member, at_its_end: then } of await settlementFaults(snapshot, { lane, limit: findings.room() })) {
    findings.broken('settlement', { lane: position, event, payout, attempt }, {
      expected: 'a settled payout, in an attempt that is settled since the same instant',
      found: `a payout that is ${state ?? 'missing'}, ${member ? 'in' : 'not in'} an attempt that is ${proof ?? 'missing'}${then ? '' : ', and ended at another instant'}`,
    })
  }
}

async function checkAttempts({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const row of await attemptFaults(snapshot, { lane, limit: findings.room() })) {
    const { attempt, state, payout, payout_state: standing, live_attempt: live, settled_by: by } = row
    const ended = state === 'settled' || state === 'failed' || state === 'never'
    const expected = ended
      ? `${state}: its payouts of the same wallet and asset, ${state === 'settled' ? 'settled by it' : 'neither held nor settled by it'}`
      : `${state}: its payouts of the same wallet and asset, reserved for it`
    const found = payout === null ? 'no payout' : `a payout that is ${standing ?? 'missing'}, held by ${live ?? 'no attempt'}, settled by ${by ?? 'none'}`
    findings.broken('attempt', { lane: position, attempt, payout }, { expected, found })
  }
}

async function checkMovements({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const { movement, wallet, identity, asset, units, transfers } of await movementFaults(snapshot, { lane, limit: findings.room() })) {
    const found = `${transfers} transfers for ${units} units (movement ${movement}, ${identity})`
    findings.broken('movement', { lane: position, wallet, asset }, { expected: 'one transfer', found })
  }
}

async function checkRecipients({ lane, position, snapshot, findings, cursor }: PayoutReading): Promise<void> {
  for (const row of await recipientFaults(snapshot, { lane, cursor, limit: findings.room() })) {
    findings.broken('recipient_sum', { lane: position, account: accountName('payable', row.recipient), asset: row.asset }, recipientFigures(row))
  }
}

function recipientFigures({ shares, unmade, settled, payable, in_flight: flight, paid, reserved, waiting }: RecipientFault) {
  return {
    expected: `by the journal: shares ${shares} = payable ${payable} + in flight ${flight} + settled ${settled}`,
    found: `by the payouts: waiting ${waiting} + not yet payouts ${unmade}, reserved ${reserved}, settled ${paid}`,
  }
}

async function checkWallets({ lane, position, snapshot, findings }: PayoutReading): Promise<void> {
  for (const { wallet, asset, balance, costs, received, withdrawn, settled } of await walletFaults(snapshot, { lane, limit: findings.room() })) {
    findings.broken('wallet_sum', { lane: position, wallet, asset }, {
      expected: `${received - withdrawn - settled - costs} units: received ${received} − withdrawn ${withdrawn} − settled ${settled} − costs ${costs}`,
      found: `${balance} units`,
    })
  }
}
