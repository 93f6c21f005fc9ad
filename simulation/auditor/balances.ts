// Balances recomputed from the journal's transfers: conservation, floors, and what stands in each account.

import type { Findings } from './findings.ts'
import type { Journal, JournalEvent, Transfer } from './journal.ts'

export type Balance = { debits: bigint; credits: bigint }

/** By account and asset, with a tab between. */
export type Balances = Map<string, Balance>

/** Roles that carry debit balances, and those that may not fall below zero on the side that carries them. */
const DEBIT_SIDE: ReadonlySet<string> = new Set(['expected', 'wallet', 'network', 'owed_by', 'reversing'])
const FLOORS: ReadonlySet<string> = new Set(['received', 'payable', 'carried', 'fund', 'rounding', 'in_flight', 'distributing', 'reversing', 'owed_by'])

/** Between which roles each kind of transfer moves money (docs/reference/journal-format.md). */
const KINDS: Readonly<Record<string, readonly [debit: readonly string[], credit: readonly string[], event: boolean]>> = {
  received: [['expected'], ['received'], true],
  share: [['received', 'fund', 'carried', 'rounding'], ['payable', 'carried', 'fund', 'rounding', 'distributing'], true],
  distributed: [['distributing'], ['payable'], false],
  reversed: [['payable', 'owed_by', 'carried', 'fund', 'reversing'], ['received'], true],
  taken_back: [['payable', 'owed_by'], ['reversing'], false],
  restored: [['received'], ['carried', 'fund'], true],
  refunded: [['received'], ['expected'], true],
  recouped: [['payable'], ['owed_by'], false],
  reserved: [['payable'], ['in_flight'], false],
  released: [['in_flight'], ['payable'], false],
  settled: [['in_flight'], ['wallet'], false],
  fee: [['network'], ['wallet'], false],
  rent: [['network'], ['wallet'], false],
  funded: [['wallet'], ['expected'], false],
  withdrawn: [['owner'], ['wallet'], false],
}

export function roleOf(account: string): string {
  const end = account.indexOf(':')
  return end === -1 ? account : account.slice(0, end)
}

export function partyOf(account: string): string {
  return account.slice(account.indexOf(':') + 1)
}

/** On the side that carries it. */
export function standing(account: string, { debits, credits }: Balance): bigint {
  return DEBIT_SIDE.has(roleOf(account)) ? debits - credits : credits - debits
}

/** All lanes together. Finds what is not conserved (I1), falls below its floor after a block (I3), or is none of the chart (I2). */
export function recompute(journal: Journal, findings: Findings): Balances {
  const all: Balances = new Map()
  for (const { position, blocks } of journal.lanes) {
    const lane: Balances = new Map()
    for (const { number, events, transfers } of blocks) {
      for (const event of events) checkConserved(event, findings)
      for (const transfer of transfers) post([lane, all], transfer, findings)
      for (const { debit, credit, asset } of transfers) {
        for (const account of [debit, credit]) {
          const balance = lane.get(`${account}\t${asset}`)
          const holds = balance === undefined || !FLOORS.has(roleOf(account)) || standing(account, balance) >= 0n
          findings.expect('I3', holds, () => `${account} stands at ${balance === undefined ? 0n : standing(account, balance)} ${asset} after block ${number} of lane ${position}`)
        }
      }
    }
    let [debits, credits] = [0n, 0n]
    for (const balance of lane.values()) [debits, credits] = [debits + balance.debits, credits + balance.credits]
    findings.expect('I2', debits === credits, () => `lane ${position} has debits of ${debits} and credits of ${credits}`)
  }
  return all
}

function post(books: readonly Balances[], transfer: Transfer, findings: Findings): void {
  const { number, kind, debit, credit, asset, units, event, subject } = transfer
  const [from = [], to = [], ofEvent] = KINDS[kind] ?? []
  const isInChart = from.includes(roleOf(debit)) && to.includes(roleOf(credit)) && units > 0n && (ofEvent === true ? event !== '' && subject === '' : event === '' && subject !== '')
  findings.expect('I2', isInChart, () => `transfer ${number} (${kind} of ${units} from ${debit} to ${credit}) is none that the chart allows`)
  for (const book of books) {
    book.getOrInsertComputed(`${debit}\t${asset}`, () => ({ debits: 0n, credits: 0n })).debits += units
    book.getOrInsertComputed(`${credit}\t${asset}`, () => ({ debits: 0n, credits: 0n })).credits += units
  }
}

/** What an event brought in is what its shares give out; what a reversal took back is what it refunded. */
function checkConserved({ recorded, units, asset, transfers }: JournalEvent, findings: Findings): void {
  const sum = (has: (transfer: Transfer) => boolean): bigint => transfers.reduce((all, each) => (has(each) ? all + each.units : all), 0n)
  findings.expect('I1', transfers.every((each) => each.asset === asset), () => `${recorded.reference} moves more than one asset`)
  if (recorded.reverses === null) {
    const received = sum(({ kind }) => kind === 'received')
    const given = sum(({ kind, debit }) => kind === 'share' && debit === 'received')
    findings.expect('I1', received === units && given === units, () => `${recorded.reference} of ${units} ${asset}: ${received} received, ${given} given out`)
    return
  }
  const back = sum(({ kind }) => kind === 'reversed') - sum(({ kind }) => kind === 'restored')
  const refunded = sum(({ kind }) => kind === 'refunded')
  findings.expect('I1', back === units && refunded === units, () => `${recorded.reference} reverses ${units} ${asset}: ${back} taken back, ${refunded} refunded`)
}
