// What an outsider finds at the end of a run: ledger by ledger, by the network's own books and the public API; and the figures of chain,
// ledger and shares, side by side.

import { readFileSync } from 'node:fs'
import { createPool } from '../../src/store/pool.ts'
import { createAuditor, type AuditFigures } from '../auditor/auditor.ts'
import { readOne, readRecords } from '../auditor/reading.ts'
import { readBooks } from '../chain.ts'
import type { Books, Call, Finding, Offer } from '../history.ts'
import { apportion } from '../process.ts'
import type { Home } from '../world/doors.ts'
import type { LedgerSetup } from '../workload/workload.ts'
import { nodeOf, type Founded, type Place } from './place.ts'

export type Audited = { readonly ledger: string; readonly findings: readonly Finding[]; readonly figures: AuditFigures; readonly sides: readonly Side[] }

/** One figure of a ledger as the chain has it, as the ledger's accounts come to, and as its payouts do; null where one has nothing to say. */
export type Side = { readonly what: string; readonly chain: bigint | null; readonly accounts: bigint | null; readonly payouts: bigint | null }

export type AuditParts = {
  readonly place: Place
  readonly founded: Founded
  readonly ledgers: readonly LedgerSetup[]
  readonly offers: readonly Offer[]
  readonly call: Call
  readonly logs: () => readonly string[]
}

const NATIVE = 'SOL/9'

export async function auditLedgers(parts: AuditParts): Promise<readonly Audited[]> {
  const found: Audited[] = []
  for (const setup of parts.ledgers) {
    const home = parts.founded.homes.get(setup.name)
    if (home !== undefined) found.push(await auditLedger(parts, setup, home))
  }
  return found
}

async function auditLedger({ place, founded, offers, call, logs }: AuditParts, setup: LedgerSetup, home: Home): Promise<Audited> {
  const { name: ledger, asset, programFile, schema, recipients } = setup
  const tokens = new Map([...founded.mints].flatMap(([token, mint]) => (token in setup.tokens ? [[mint, token] as const] : [])))
  const payees = await addressesOf(call, ledger)
  const books = await readBooks(nodeOf(place.network), { wallets: [home.wallet], others: payees, mints: tokens })
  const auditor = createAuditor({
    ...{ ledger, asset, programFile, recipients, call, books },
    inbox: schema === null ? null : `${schema}.profit_events`,
    wallets: () => [home.wallet],
    journal: async () => await apportion(place.directory, ['export', '--ledger', ledger], place.settings()),
    now: Temporal.Now.instant,
    secrets: [...Object.values(home.keys).map(({ bearer }) => bearer), readFileSync(founded.masterKeyFile, 'utf8').trim()],
    texts: logs,
    rows: schema === null ? null : async () => await rowsOf(place, schema),
  })
  for (const offer of offers) auditor.offered(offer)
  const { findings, figures } = await auditor.end()
  return { ledger, findings, figures, sides: await sidesOf({ call, books, home, assets: new Set([asset, NATIVE]) }, ledger) }
}

/** States of rows that are no events, as their view shows them. */
async function rowsOf({ database }: Place, schema: string): Promise<ReadonlyMap<string, string>> {
  const pool = createPool({ url: database.url(), max: 1, applicationName: 'reader of rows' })
  try {
    const { rows } = await pool.query<{ reference: string; state: string }>(`select transaction_hash as reference, state from ${schema}.profit_events_status where state <> 'recorded'`)
    return new Map(rows.map(({ reference, state }) => [reference, state]))
  } finally {
    await pool.end()
  }
}

const reading = (call: Call, ledger: string) => ({ call, ledger, heard: () => {} })

/** Everybody whom a payout names. */
async function addressesOf(call: Call, ledger: string): Promise<readonly string[]> {
  const { payouts } = await readRecords(reading(call, ledger))
  return [...new Set(payouts.flatMap(({ destination }) => destination ?? []))]
}

type Total = { readonly role: string; readonly asset: string; readonly units: string; readonly debits: string; readonly credits: string }

async function sidesOf({ call, books, home, assets }: { call: Call; books: Books; home: Home; assets: ReadonlySet<string> }, ledger: string): Promise<readonly Side[]> {
  const { payouts } = await readRecords(reading(call, ledger))
  const { items: totals } = await readOne<{ items: readonly Total[] }>(reading(call, ledger), 'reports/totals')
  const own = books.transactions().filter(({ feePayer }) => feePayer === home.wallet)
  return [...assets].flatMap((asset): Side[] => {
    const total = (role: string, of: 'units' | 'debits' | 'credits'): bigint => sum(totals.filter((one) => one.role === role && one.asset === asset).map((one) => BigInt(one[of])))
    const left = own.flatMap(({ movements }) => movements.filter((one) => one.from === home.wallet && one.asset === asset))
    const listed = (isIn: (state: string) => boolean): readonly bigint[] => payouts.flatMap(({ asset: of, state, units }) => (of === asset && isIn(state) ? [BigInt(units)] : []))
    const settled = listed((state) => state === 'settled')
    // What left the wallet was paid, kept by the network, or taken by its owner.
    const paid = total('wallet', 'credits') - total('network', 'debits') - total('owner', 'debits')
    const costs = asset === NATIVE ? sum(own.map(({ fee, rent }) => fee + rent)) : 0n
    return [
      { what: `paid, ${asset}`, chain: sum(left.map(({ units }) => units)), accounts: paid, payouts: sum(settled) },
      { what: `transfers, ${asset}`, chain: BigInt(left.length), accounts: null, payouts: BigInt(settled.length) },
      { what: `fees and rents, ${asset}`, chain: costs, accounts: total('network', 'units'), payouts: null },
      { what: `in the wallet, ${asset}`, chain: books.balance(home.wallet, asset), accounts: total('wallet', 'units'), payouts: null },
      { what: `owed still, ${asset}`, chain: null, accounts: total('payable', 'units') + total('in_flight', 'units'), payouts: sum(listed((state) => state !== 'settled' && state !== 'cancelled')) },
    ]
  })
}

function sum(units: readonly bigint[]): bigint {
  return units.reduce((all, one) => all + one, 0n)
}
