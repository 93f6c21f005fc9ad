// Payouts against shares, the journal and the chain: each share in one payout at most, each payout settled at most once, by a transaction
// that paid exactly that, and what left the wallets is what was settled, the network's costs, and what their owner took out.

import type { Addresses } from './addresses.ts'
import type { Books, ChainTransaction } from '../history.ts'
import type { Findings } from './findings.ts'
import { partyOf, standing, type Balances } from './balances.ts'
import type { Journal, Transfer } from './journal.ts'
import type { Attempt, Payout, Records } from './reading.ts'
import { partKey, shareKey, snapshotKey, type KeysOf, type Replayed, type Share } from './replay.ts'

export type Paying = {
  readonly findings: Findings
  readonly records: Records
  readonly replayed: Replayed
  readonly keysOf: KeysOf
  readonly journal: Journal
  readonly balances: Balances
  readonly books: Books
  readonly transactions: ReadonlyMap<string, ChainTransaction>
  readonly addresses: Addresses
  /** Then what came in may never be seen. */
  readonly hasForgotten: boolean
}

/** What a payout says that it draws on, where the API says so. */
type Drawing = { readonly shares?: number; readonly draws_on?: readonly { readonly reference: string; readonly part: number }[] }

/** Which shares each payout draws on, as the API shows it. */
export function keysOf({ payouts, distributions }: Pick<Records, 'payouts' | 'distributions'>): KeysOf {
  const keys = new Map<string, readonly string[]>()
  const large = new Set(distributions.filter(({ progress }) => progress !== null).map(({ reference }) => reference))
  for (const { reference, shares } of distributions) {
    const payable = shares.filter(({ account, units }) => account.startsWith('payable:') && units !== '0')
    for (const [place, { payout }] of payable.entries()) if (payout !== null) keys.set(payout, [...(keys.get(payout) ?? []), shareKey(reference, place)])
  }
  for (const { payout, reference, recipient, ...drawing } of payouts) {
    const { draws_on: drawn } = drawing as Drawing
    if (drawn !== undefined) keys.set(payout, drawn.map((each) => partKey(each.reference, each.part.toString())))
    else if (large.has(reference) && !keys.has(payout)) keys.set(payout, [snapshotKey(reference, recipient)])
  }
  return keys
}

export function checkPaid(paying: Paying): void {
  const bySubject = Map.groupBy(transfersOf(paying.journal).filter(({ subject }) => subject !== ''), ({ subject }) => subject)
  checkShares(paying)
  for (const payout of paying.records.payouts) checkPayout(paying, payout, bySubject.get(payout.payout) ?? [])
  checkAttempts(paying)
  checkWallets(paying)
  checkMoves(paying, bySubject)
}

/** No share in two payouts, and each payout of its shares' recipient and units; it stands under the first of them. */
function checkShares({ findings, records, replayed, keysOf: keys }: Paying): void {
  const drawn = new Map<Share, string>()
  for (const row of records.payouts) {
    const { payout, reference, role, recipient, units, asset, state, locked_until: locked } = row
    const name = `payout ${payout} (${reference} ${role})`
    const wanted = keys.get(payout) ?? []
    const shares = wanted.flatMap((key) => replayed.byKey.get(key) ?? [])
    const [first] = shares
    findings.expect('I5', first !== undefined && shares.length === wanted.length, () => `${name} draws on no share`)
    if (first === undefined) continue
    for (const share of shares) {
      const other = drawn.get(share)
      findings.expect('I4', other === undefined, () => `${name} draws on the share of payout ${other ?? ''}`)
      drawn.set(share, payout)
      findings.expect('I5', share.recipient === recipient && share.asset === asset, () => `${name} of ${recipient} draws on the share ${share.role ?? ''} of ${share.recipient} in ${share.reference}`)
      const from = locked === null ? null : Temporal.Instant.from(locked)
      const isSame = share.bySnapshot || share.role === null || (from === null ? share.payableFrom === null : share.payableFrom?.equals(from) === true)
      findings.expect('I5', isSame, () => `${name} is locked until ${locked ?? 'never'}; by its plan until ${share.payableFrom?.toString() ?? 'never'}`)
    }
    findings.expect('I5', first.reference === reference && (first.role ?? role) === role, () => `${name} stands under the share ${first.role ?? ''} of ${first.reference}`)
    if (((row as Drawing).shares ?? shares.length) > shares.length) continue
    const [left, all] = shares.reduce(([rest, sum], share) => [rest + share.units - share.taken, sum + share.units], [0n, 0n])
    findings.expect('I5', state === 'cancelled' ? left === 0n : BigInt(units) === left && left > 0n, () => `${name} is ${state} with ${units} units; of its share ${left} of ${all} are left`)
  }
}

/** What a payout says of itself is what its transfers say, and it was settled once at most. */
function checkPayout({ findings, addresses }: Paying, payout: Payout, transfers: readonly Transfer[]): void {
  const { state, units, recipient, attempts, destination } = payout
  const name = `payout ${payout.payout} (${payout.reference} ${payout.role})`
  const moves = transfers.filter(({ kind }) => kind !== 'recouped')
  const settled = moves.filter(({ kind }) => kind === 'settled')
  findings.expect('I4', settled.length <= 1, () => `${name} was settled ${settled.length} times`)
  const wanted = moves.map((_, place) => (place % 2 === 0 ? 'reserved' : moves[place]?.kind === 'settled' ? 'settled' : 'released'))
  findings.expect('I4', moves.every(({ kind }, place) => kind === wanted[place] && (kind !== 'settled' || place === moves.length - 1)), () => `${name} moved as ${moves.map(({ kind }) => kind).join(', ')}`)
  // One that came back may have been made smaller since.
  const uneven = moves.find((move, place) => (place % 2 === 1 && move.units !== moves[place - 1]?.units) || (place === moves.length - 1 && move.kind !== 'released' && move.units !== BigInt(units)))
  findings.expect('I4', uneven === undefined, () => `${name} of ${units} moved ${uneven?.units} by transfer ${uneven?.number}`)
  const last = moves.at(-1)?.kind
  const shown = last === 'settled' ? 'settled' : last === 'reserved' ? 'reserved' : null
  findings.expect('I5', shown === null ? state !== 'settled' && state !== 'reserved' : state === shown, () => `${name} is ${state}; its last movement is ${last ?? 'none'}`)
  findings.expect('I5', state !== 'held' || (payout.reason ?? '') !== '', () => `${name} is held and does not say why`)
  const live = attempts.filter((attempt) => attempt.state === 'settled' || !isOver(attempt))
  findings.expect('I4', live.length <= 1, () => `${name} has ${live.length} attempts that paid or may still pay`)
  findings.expect('I4', (state === 'settled') === attempts.some((attempt) => attempt.state === 'settled'), () => `${name} is ${state}, its attempts are ${attempts.map((attempt) => attempt.state).join(', ')}`)
  const named = addresses.get(recipient)?.some(({ address }) => address === destination) ?? false
  findings.expect('I4', destination === null || named, () => `${name} goes to ${destination ?? ''}, which nobody named for ${recipient}`)
}

function isOver({ state }: Attempt): boolean {
  return state === 'settled' || state === 'failed' || state === 'never'
}

/** By the address and asset that were paid. */
function sums(list: readonly { to: string; asset: string; units: bigint }[]): string {
  const all = new Map<string, bigint>()
  for (const { to, asset, units } of list) all.set(`${to} ${asset}`, (all.get(`${to} ${asset}`) ?? 0n) + units)
  return [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, units]) => `${units} ${key}`).join(', ')
}

/** Each attempt that settled is a transaction that paid its payouts and nothing else; every other one paid nothing. */
function checkAttempts({ findings, records, transactions }: Paying): void {
  const wallets = new Set(records.wallets.map(({ address }) => address))
  const carried = Map.groupBy(records.payouts.flatMap((payout) => payout.attempts.map((attempt) => ({ payout, attempt }))), ({ attempt }) => attempt.identity)
  for (const [identity, members] of carried) {
    const transaction = transactions.get(identity)
    const states = [...new Set(members.map(({ attempt }) => attempt.state))]
    findings.expect('I4', states.length === 1, () => `the attempt with the transaction ${identity} is ${states.join(' and ')}`)
    const hasPaid = transaction !== undefined && !transaction.failed
    if (!states.includes('settled')) {
      findings.expect('I4', !hasPaid || states.every((state) => state !== 'failed' && state !== 'never'), () => `${identity} paid ${sums(transaction?.movements ?? [])}, and its attempt is ${states.join()}`)
      continue
    }
    const wanted = sums(members.map(({ payout: { destination, asset, units } }) => ({ to: destination ?? '', asset, units: BigInt(units) })))
    const found = sums(hasPaid ? transaction.movements.filter(({ from }) => wallets.has(from)) : [])
    findings.expect('I4', found === wanted, () => `the attempt with the transaction ${identity} counts as having paid ${wanted}; the chain has ${found || 'nothing'}`)
  }
}

/** What the ledger says of the wallets is what is in them, but for what attempts took whose end is not known yet. */
function checkWallets(paying: Paying): void {
  const { findings, records, balances, books, transactions, hasForgotten } = paying
  const open = new Set(records.payouts.flatMap(({ attempts }) => attempts.flatMap((attempt) => (isOver(attempt) ? [] : [attempt.identity]))))
  for (const { wallet, address } of records.wallets) {
    for (const [key, balance] of balances) {
      const [account = '', asset = ''] = key.split('\t')
      if (account !== `wallet:${wallet}`) continue
      const away = [...transactions.values()].filter(({ signature }) => open.has(signature)).reduce((all, each) => all + leftBy(each, address, asset), 0n)
      const [said, found] = [standing(account, balance), books.balance(address, asset) + away]
      const words = (): string => `the ledger has ${said} ${asset} in the wallet ${address}; the chain has ${found}`
      // What left is compared to the unit below; money that came in is seen a while later, and then it must be.
      findings.expect('I4', said <= found, words)
      findings.expect('liveness', said >= found || hasForgotten, words)
    }
  }
  checkCosts(paying, open)
  checkTaken(paying)
}

const NATIVE = 'SOL/9'

/** What a transaction took from a wallet, with its costs. */
function leftBy({ failed, movements, fee, rent, feePayer }: ChainTransaction, address: string, asset: string): bigint {
  const paid = failed ? 0n : movements.reduce((all, each) => (each.from === address && each.asset === asset ? all + each.units : all), 0n)
  return paid + (feePayer === address && asset === NATIVE ? fee + rent : 0n)
}

/** Costs in the ledger are those of the attempts' own transactions. */
function checkCosts({ findings, records, journal, transactions }: Paying, open: ReadonlySet<string>): void {
  const ended = new Set(records.payouts.flatMap(({ attempts }) => attempts.flatMap(({ identity }) => (open.has(identity) ? [] : [identity]))))
  const own = [...transactions.values()].filter(({ signature }) => ended.has(signature))
  const posted = (kind: string): bigint => transfersOf(journal).reduce((all, each) => (each.kind === kind ? all + each.units : all), 0n)
  const [fees, rents] = [own.reduce((all, { fee }) => all + fee, 0n), own.reduce((all, { rent }) => all + rent, 0n)]
  findings.expect('I4', posted('fee') === fees, () => `the ledger has fees of ${posted('fee')}; the chain took ${fees} for attempts`)
  findings.expect('I4', posted('rent') === rents, () => `the ledger has rents of ${posted('rent')}; the chain took ${rents} for attempts`)
}

function transfersOf({ lanes }: Journal): readonly Transfer[] {
  return lanes.flatMap(({ blocks }) => blocks.flatMap(({ transfers }) => transfers))
}

/** What left by no attempt, the owner took. */
function checkTaken({ findings, records, journal, transactions }: Paying): void {
  const wallets = new Set(records.wallets.map(({ address }) => address))
  const identities = new Set(records.payouts.flatMap(({ attempts }) => attempts.map(({ identity }) => identity)))
  const out = new Map<string, bigint>()
  for (const { signature, failed, movements } of transactions.values()) {
    if (failed || identities.has(signature)) continue
    for (const { from, to, asset, units } of movements) if (wallets.has(from) && !wallets.has(to)) out.set(asset, (out.get(asset) ?? 0n) + units)
  }
  for (const [asset, units] of out) {
    const withdrawn = transfersOf(journal).reduce((all, each) => (each.kind === 'withdrawn' && each.asset === asset ? all + each.units : all), 0n)
    findings.expect('I4', withdrawn >= units, () => `${units} ${asset} left the wallets by no attempt; the ledger knows of ${withdrawn}`)
  }
}

/** Every movement of a payout is one of a payout that there is, between the accounts of its recipient. */
function checkMoves({ findings, records }: Paying, bySubject: ReadonlyMap<string, readonly Transfer[]>): void {
  const payouts = new Map(records.payouts.map((payout) => [payout.payout, payout]))
  const wallets = new Set(records.wallets.map(({ wallet }) => wallet))
  for (const [subject, transfers] of bySubject) {
    for (const { kind, debit, credit, number } of transfers) {
      if (kind === 'settled') findings.expect('I4', wallets.has(partyOf(credit)), () => `transfer ${number} settles from ${credit}, which is no wallet of the ledger`)
      if (kind !== 'reserved' && kind !== 'released' && kind !== 'settled' && kind !== 'recouped') continue
      const payout = payouts.get(subject)
      const isOwn = payout !== undefined && partyOf(debit) === payout.recipient && (kind === 'settled' || partyOf(credit) === payout.recipient)
      findings.expect('I5', isOwn, () => `transfer ${number} (${kind} from ${debit} to ${credit}) is of no payout of theirs (${subject})`)
    }
  }
}
