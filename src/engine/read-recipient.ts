// One recipient: where it is paid, and what it has, by state and reason, with since when. Reads only.

import type { PoolClient } from 'pg'
import { accountName } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { flowsOf } from '../store/history.ts'
import { unpaidEntries } from '../store/open-shares.ts'
import { payoutEdges, payoutsOfRecipient, takenFromNew, takenFromRecipient, type RecipientStanding } from '../store/report.ts'
import { accountsSince } from '../store/recipient-accounts.ts'
import { deductionsOf } from '../store/reversal.ts'
import { inSnapshot } from '../store/statement.ts'
import { findRecipient } from '../store/wallet.ts'
import { ageSeconds, amountDocument, type AmountDocument, type RecipientDocument } from './documents.ts'
import type { Ledger } from './ledger.ts'
import { lastEdges } from './read-accounts.ts'
import { kindsOf } from './read-reports.ts'
import { requireAccounts } from './read-statement.ts'
import type { Desk } from './world.ts'

export type StandingDocument = RecipientDocument & {
  /**
   * What came of every share: `payable` where no payout has been made yet, `locked` where its plan does not let it be paid yet, else its
   * payout's state; `reversed` and `recouped` is what was taken from shares before they were paid. Besides: what is `carried` below a
   * minimum, and what is `owed` by the recipient, each since there was none of it.
   */
  readonly standing: readonly (AmountDocument & {
    readonly state: string
    readonly reason: string | null
    /** How many shares or payouts; of what is carried or owed, how many postings moved it since then. */
    readonly payouts: string
    /** When the oldest of them was made. */
    readonly since: string
    readonly age_seconds: number
  })[]
}

/** Refuses `recipient_not_found`. */
export async function recipient({ store, rails, now }: Pick<Desk, 'store' | 'rails' | 'now'>, ledger: Ledger, id: string): Promise<StandingDocument> {
  return await inSnapshot(store.pool, async (client) => {
    await requireAccounts(client, ledger, id)
    const row = await findRecipient(client, ledger.id, id)
    const low = await payoutEdges(client, ledger.lanes)
    const accounts = [accountName('payable', id)]
    const flows = await flowsOf(client, { range: { low, high: lastEdges(ledger) }, accounts, span: null })
    const earned = kindsOf('earned').filter((kind) => kind !== 'distributed')
    // Shares of large distributions become payouts by a place of their own.
    const unpaid = await unpaidEntries(client, lastEdges(ledger), accounts)
    const taken = await takenFromNew(client, { after: low, recipient: id })
    const shares = flows.filter(({ kind, into }) => earned.includes(kind) && into > 0n).map(({ asset, into, entries, since }): RecipientStanding => {
      const reversed = taken.find((each) => each.asset === asset)?.units ?? 0n
      return { state: 'payable', reason: null, asset, payouts: entries, units: into - reversed, since }
    })
    const deducted = await deductionsOfEntries(client, unpaid)
    const large = [...Map.groupBy(unpaid, ({ asset }) => asset)].flatMap(([asset, entries]): RecipientStanding[] => {
      const instants = entries.map(({ completed_at: at, recorded_at: posted }) => at ?? posted).toSorted((a, b) => Temporal.Instant.compare(a, b))
      const [all, reversed] = [sumOf(entries, ({ units }) => units), sumOf(entries, deducted)]
      const base = { reason: null, asset, payouts: BigInt(entries.length), since: present(instants[0], 'instant') }
      return [{ ...base, state: 'payable', units: all - reversed }, ...(reversed === 0n ? [] : [{ ...base, state: 'reversed', units: reversed }])]
    })
    const payouts = await payoutsOfRecipient(client, { lanes: ledger.lanes, recipient: id, now: now() })
    const outside = new Map([[accountName('carried', id), 'carried'], [accountName('owed_by', id), 'owed']])
    const standing = (await accountsSince(client, ledger.lanes, [...outside.keys()])).map((each) => ({ ...each, state: outside.get(each.state) ?? each.state }))
    const found = [...shares, ...large, ...taken, ...payouts, ...(await takenFromRecipient(client, ledger.lanes, id)), ...standing]
    const at = now()
    const destination = row?.destination ?? null
    return {
      recipient: id,
      label: row?.label ?? null,
      destination: destination === null ? null : (rails[ledger.row.rail]?.describe(destination) ?? null),
      effective_from: row?.effective_from?.toString() ?? null,
      standing: found.map(({ state, reason, asset, payouts, units, since }) => {
        return { state, reason, payouts: payouts.toString(), ...amountDocument(units, asset), since: since.toString(), age_seconds: ageSeconds(since, at) }
      }),
    }
  })
}

type Unpaid = Awaited<ReturnType<typeof unpaidEntries>>[number]

/** What reversals took from shares of large distributions of which no payout has been made yet. */
async function deductionsOfEntries(client: PoolClient, unpaid: readonly Unpaid[]): Promise<(entry: Unpaid) => bigint> {
  const byLane = new Map<bigint, ReadonlyMap<bigint, bigint>>()
  for (const [lane, entries] of Map.groupBy(unpaid, (entry) => entry.lane)) byLane.set(lane, await deductionsOf(client, lane, entries.map(({ transfer }) => transfer)))
  return ({ lane, transfer }) => byLane.get(lane)?.get(transfer) ?? 0n
}

function sumOf(entries: readonly Unpaid[], of: (entry: Unpaid) => bigint): bigint {
  return entries.reduce((all, entry) => all + of(entry), 0n)
}
