// The auditor: reads only the chain and the public records (the API, and the view that people read), and says whether every leg was
// paid once. What should have happened it works out itself from what was offered at the doors.

import { legsOf, ROLES, sol, type Role } from './arithmetic.ts'
import { balanceOn, historyOf } from './chain.ts'

/** An event as it was offered, with the addresses to which its legs must go. */
export type Offered = { readonly reference: string; readonly lamports: bigint; readonly addresses: Readonly<Record<Role, string>> }

export type PublicPayout = {
  readonly reference: string
  readonly role: string
  readonly units: string
  readonly state: string
  readonly destination: string | null
  readonly attempts: readonly { readonly identity: string; readonly state: string }[]
}

export type PublicBalance = { readonly account: string; readonly asset: string; readonly units: string }

export type Records = {
  readonly payouts: readonly PublicPayout[]
  readonly balances: readonly PublicBalance[]
  /** Rows of the status view: reference and state. */
  readonly statuses: readonly { readonly reference: string; readonly state: string }[]
}

export type Audit = { readonly figures: readonly (readonly [string, string])[]; readonly faults: readonly string[] }

/** Compares what was offered, what the chain did, and what the records say. */
export async function audit(
  chainUrl: string,
  { offered, wallet, records }: { offered: readonly Offered[]; wallet: string; records: Records },
): Promise<Audit> {
  const faults: string[] = []
  const expect = (holds: boolean, fault: string): void => void (holds || faults.push(fault))
  const history = await historyOf(chainUrl, wallet)
  const paid = history.flatMap(({ transfers }) => transfers.filter(({ from }) => from === wallet))
  const funded = history.flatMap(({ transfers }) => transfers.filter(({ to }) => to === wallet)).reduce((sum, { lamports }) => sum + lamports, 0n)
  const fees = history.filter(({ feePayer }) => feePayer === wallet).reduce((sum, { fee }) => sum + fee, 0n)
  const paidOut = paid.reduce((sum, { lamports }) => sum + lamports, 0n)
  const held = await balanceOn(chainUrl, wallet)

  const legs = offered.flatMap(({ reference, lamports, addresses }) => {
    const units = legsOf(lamports)
    return ROLES.filter((role) => units[role] > 0n).map((role) => ({ reference, role, units: units[role], address: addresses[role] }))
  })
  const shares = legs.reduce((sum, { units }) => sum + units, 0n)
  expect(legs.length === paid.length, `${legs.length} legs were owed, the chain made ${paid.length} transfers from the wallet`)
  expect(shares === paidOut, `shares of ${sol(shares)} SOL were owed, the chain paid ${sol(paidOut)}`)
  expect(funded - paidOut - fees === held, `the wallet holds ${sol(held)} SOL, not ${sol(funded - paidOut - fees)}`)
  compareAddresses(legs, paid, expect)
  comparePayouts(legs, paid, records.payouts, expect)
  const ledger = compareLedger(records.balances, { held, fees, paidOut, funded }, expect)
  const events = new Set(offered.map(({ reference }) => reference))
  const recorded = records.statuses.filter(({ reference, state }) => events.has(reference) && state === 'recorded')
  expect(recorded.length === events.size, `${events.size} events were offered, the status view shows ${recorded.length} of them as recorded`)
  return {
    faults,
    figures: [
      ['events offered', String(offered.length)],
      ['legs owed', `${legs.length}, ${sol(shares)} SOL`],
      ['transfers on the chain', `${paid.length}, ${sol(paidOut)} SOL, in ${history.filter(({ failed, feePayer }) => !failed && feePayer === wallet).length} transactions`],
      ['payouts settled', String(records.payouts.filter(({ state }) => state === 'settled').length)],
      ['attempts that never landed', String(records.payouts.flatMap(({ attempts }) => attempts).filter(({ state }) => state === 'never').length)],
      ['fees', `${sol(fees)} SOL on the chain, ${sol(ledger.network)} in the ledger`],
      ['wallet', `${sol(held)} SOL on the chain, ${sol(ledger.wallet)} in the ledger`],
    ],
  }
}

type Leg = { readonly reference: string; readonly role: string; readonly units: bigint; readonly address: string }
type Paid = { readonly signature: string; readonly to: string; readonly lamports: bigint }
type Expect = (holds: boolean, fault: string) => void

/** Each address got exactly the amounts it was owed, each as often as it was owed. */
function compareAddresses(legs: readonly Leg[], paid: readonly Paid[], expect: Expect): void {
  const count = (keys: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts
  }
  const owed = count(legs.map(({ address, units }) => `${address} ${units}`))
  const got = count(paid.map(({ to, lamports }) => `${to} ${lamports}`))
  for (const key of new Set([...owed.keys(), ...got.keys()])) {
    const [address = '', lamports = '0'] = key.split(' ')
    const [due, came] = [owed.get(key) ?? 0, got.get(key) ?? 0]
    expect(due === came, `${address} was owed ${due} times ${sol(BigInt(lamports))} SOL and got it ${came} times`)
  }
}

/** Each leg has one payout, settled, whose one settled attempt is a transaction that paid that amount to that address. */
function comparePayouts(legs: readonly Leg[], paid: readonly Paid[], payouts: readonly PublicPayout[], expect: Expect): void {
  const onChain = new Map<string, number>()
  for (const { signature, to, lamports } of paid) {
    const key = `${signature} ${to} ${lamports}`
    onChain.set(key, (onChain.get(key) ?? 0) + 1)
  }
  const byLeg = Map.groupBy(payouts, ({ reference, role }) => `${reference}\t${role}`)
  for (const { reference, role, units, address } of legs) {
    const found = byLeg.get(`${reference}\t${role}`) ?? []
    const [payout] = found
    const settled = payout?.attempts.filter(({ state }) => state === 'settled') ?? []
    expect(found.length === 1 && payout?.state === 'settled', `${reference} ${role}: ${found.length} payouts, ${payout?.state ?? 'none'}`)
    expect(payout?.units === units.toString() && payout.destination === address, `${reference} ${role}: other amount or address than owed`)
    expect(settled.length === 1, `${reference} ${role}: ${settled.length} settled attempts`)
    const key = `${settled[0]?.identity ?? ''} ${address} ${units}`
    const left = onChain.get(key) ?? 0
    expect(left > 0, `${reference} ${role}: its transaction did not pay it on the chain`)
    onChain.set(key, left - 1)
  }
}

type Chain = { readonly held: bigint; readonly fees: bigint; readonly paidOut: bigint; readonly funded: bigint }

function compareLedger(balances: readonly PublicBalance[], chain: Chain, expect: Expect): { wallet: bigint; network: bigint } {
  const sumOf = (role: string): bigint =>
    balances.filter(({ account }) => account === role || account.startsWith(`${role}:`)).reduce((sum, { units }) => sum + BigInt(units), 0n)
  const [wallet, network] = [sumOf('wallet'), sumOf('network')]
  expect(wallet === chain.held, `the ledger says ${sol(wallet)} SOL in the wallet, the chain ${sol(chain.held)}`)
  expect(network === chain.fees, `the ledger says ${sol(network)} SOL of fees, the chain ${sol(chain.fees)}`)
  for (const role of ['payable', 'in_flight', 'received']) expect(sumOf(role) === 0n, `${sol(sumOf(role))} SOL are left in ${role}`)
  const expected = sumOf('expected')
  expect(expected === chain.paidOut - chain.funded, `the ledger expects ${sol(expected)} SOL more, events less funding are ${sol(chain.paidOut - chain.funded)}`)
  return { wallet, network }
}
