// What the API shows of the books against the journal: balances, blocks, distributions, statements.

import type { Findings } from './findings.ts'
import { partyOf, roleOf, standing, type Balances } from './balances.ts'
import type { Journal, Transfer } from './journal.ts'
import type { Records, Statement } from './reading.ts'
import type { Replayed } from './replay.ts'

export function checkBalances(findings: Findings, { balances: rows }: Pick<Records, 'balances'>, balances: Balances): void {
  const shown = new Map(rows.map((row) => [`${row.account}\t${row.asset}`, row]))
  for (const [key, { debits, credits }] of balances) {
    const row = shown.get(key)
    const found = row === undefined ? 'nothing' : `${row.debits} and ${row.credits}`
    findings.expect('I6', found === `${debits} and ${credits}`, () => `${key.replace('\t', ' in ')} shows debits and credits of ${found}; the journal makes them ${debits} and ${credits}`)
    const units = standing(key.split('\t')[0] ?? '', { debits, credits })
    findings.expect('I2', row === undefined || BigInt(row.units) === units, () => `${key.replace('\t', ' in ')} shows ${row?.units}; its transfers make ${units}`)
  }
  for (const key of shown.keys()) findings.expect('I6', balances.has(key), () => `${key.replace('\t', ' in ')} is shown, and nothing ever moved there`)
}

export function checkBlocks(findings: Findings, { blocks: rows }: Pick<Records, 'blocks'>, { lanes }: Journal): void {
  const hashes = hashesOf(lanes)
  for (const { lane, block, hash } of rows) {
    const found = hashes.get(`${lane} ${block}`)
    findings.expect('I7', found === hash, () => `block ${block} of lane ${lane} is shown with the hash ${hash}; the journal has ${found ?? 'no such block'}`)
  }
  const count = lanes.reduce((all, { blocks }) => all + blocks.length, 0)
  findings.expect('I7', rows.length === count, () => `${rows.length} blocks are shown, and the journal has ${count}`)
}

function hashesOf(lanes: Journal['lanes']): ReadonlyMap<string, string> {
  return new Map(lanes.flatMap(({ position, blocks }) => blocks.map(({ number, hash }): [string, string] => [`${position} ${number}`, hash])))
}

/** Hashes that were once shown, by lane and block, with a space between: they must be in the journal for ever. */
export function checkHeads(findings: Findings, seen: ReadonlyMap<string, string>, { lanes }: Journal): void {
  const hashes = hashesOf(lanes)
  for (const [place, hash] of seen) findings.expect('I7', hashes.get(place) === hash, () => `block ${place.replace(' ', ', number ')} was shown with the hash ${hash}; the journal has ${hashes.get(place) ?? 'none'}`)
}

/** Each distribution shows the shares that the model gives, by role, and says of each where it is. */
export function checkDistributions(findings: Findings, { distributions, payouts }: Pick<Records, 'distributions' | 'payouts'>, { events, shares }: Replayed): void {
  const byPayout = new Map(payouts.map((payout) => [payout.payout, payout]))
  const roles = Map.groupBy(shares.filter(({ bySnapshot }) => !bySnapshot), ({ reference }) => reference)
  findings.expect('I8', distributions.length === events.size, () => `${distributions.length} distributions are shown, and ${events.size} events are recorded`)
  for (const { reference, shares: shown } of distributions) {
    const event = events.get(reference)
    findings.expect('I8', event !== undefined, () => `the distribution of ${reference} is shown, which is not recorded`)
    const moved = (event?.transfers ?? []).filter(({ kind }) => kind === 'share')
    const due = words(moved.filter(({ credit }) => !credit.startsWith('rounding:')).map(({ credit, units }) => `${credit} ${units}`))
    const found = words(shown.filter(({ units, account }) => units !== '0' && !account.startsWith('rounding:')).map(({ account, units }) => `${account} ${units}`))
    findings.expect('I5', found === due, () => `the distribution of ${reference} shows ${found}; the ledger moved ${due}`)
    const named = words((roles.get(reference) ?? []).flatMap(({ role, recipient, units }) => (role === null ? [] : [`${role} ${recipient} ${units}`])))
    const says = words(shown.filter(({ units, account }) => units !== '0' && account.startsWith('payable:')).map(({ role, recipient, units }) => `${role} ${recipient ?? ''} ${units}`))
    findings.expect('I5', named === '' || named === says, () => `the distribution of ${reference} shows ${says}; its plan gives ${named}`)
    for (const { payout, state, reason, units, role, recipient } of shown) {
      const own = payout === null ? undefined : byPayout.get(payout)
      const isTrue = own === undefined ? state === (units === '0' ? 'zero' : state) : own.state === state && own.reason === reason
      findings.expect('I5', isTrue, () => `the share ${role} of ${reference} is shown as ${state}, its payout is ${own?.state ?? 'none'}`)
      findings.expect('I5', own === undefined || own.recipient === recipient, () => `the share ${role} of ${reference} belongs to ${recipient ?? 'nobody'}, and is shown with the payout ${payout ?? ''} of ${own?.recipient ?? 'nobody'}`)
    }
  }
}

function words(list: readonly string[]): string {
  return list.toSorted().join(', ')
}

/** Whose accounts make up what is owed to a recipient: less where they owe. */
const OF_RECIPIENTS: ReadonlySet<string> = new Set(['payable', 'carried', 'in_flight', 'owed_by'])

type Sums = { earned: bigint; adjusted: bigint; paid: bigint }

const LINES: Readonly<Record<string, keyof Sums>> = { share: 'earned', distributed: 'earned', reversed: 'adjusted', taken_back: 'adjusted', restored: 'adjusted', settled: 'paid' }

/** Recipients by what they ever had. */
export function recipientsOf({ lanes }: Journal): readonly string[] {
  const all = new Set<string>()
  for (const { blocks } of lanes) for (const { transfers } of blocks) for (const { credit } of transfers) if (OF_RECIPIENTS.has(roleOf(credit))) all.add(partyOf(credit))
  return [...all].toSorted()
}

/** opening + earned + adjusted − fees − paid = closing, each the sum of what the journal moved. */
export function checkStatement(findings: Findings, statement: Statement, journal: Journal): void {
  const { recipient, assets } = statement
  const transfers = journal.lanes.flatMap(({ blocks }) => blocks.flatMap((block) => block.transfers))
  const isOwn = (account: string): boolean => OF_RECIPIENTS.has(roleOf(account)) && partyOf(account) === recipient
  const own = Map.groupBy(transfers.filter(({ debit, credit }) => isOwn(debit) !== isOwn(credit)), ({ asset }) => asset)
  for (const [asset, moves] of own) {
    const { earned, adjusted, paid } = sumsOf(moves, isOwn)
    const said = assets.find((each) => each.asset === asset)
    const found = said === undefined ? 'nothing' : [said.opening, said.earned, said.adjusted, said.fees, said.paid, said.closing].map(({ units }) => units).join(', ')
    const due = [0n, earned, adjusted, 0n, -paid, earned + adjusted + paid].join(', ')
    findings.expect('I9', found === due, () => `the statement of ${recipient} in ${asset} has opening, earned, adjusted, fees, paid, closing of ${found}; the journal makes them ${due}`)
    const stands = said?.standing.reduce((all, { account, units }) => (account === 'owed_by' ? all - BigInt(units) : all + BigInt(units)), 0n) ?? 0n
    findings.expect('I9', stands === earned + adjusted + paid, () => `the closing of ${recipient} in ${asset} stands in accounts of ${stands} together, and is ${earned + adjusted + paid}`)
  }
}

function sumsOf(moves: readonly Transfer[], isOwn: (account: string) => boolean): Sums {
  const sums: Sums = { earned: 0n, adjusted: 0n, paid: 0n }
  for (const { kind, credit, units } of moves) {
    const line = LINES[kind]
    if (line !== undefined) sums[line] += isOwn(credit) ? units : -units
  }
  return sums
}
