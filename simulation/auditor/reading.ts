// What the public API answers at the end, read page by page as anybody may read it. Types of the contract; none of its code.

import type { z } from 'zod'
import type { distributionSchema, payoutSchema, walletListSchema } from '../../src/http/contract.ts'
import type { planListSchema, settingsAnswerSchema } from '../../src/http/contract-approvals.ts'
import type { balancePageSchema, blockPageSchema, snapshotPageSchema, statementSchema } from '../../src/http/read-contract.ts'
import type { Call } from '../history.ts'

type Item<Page extends z.ZodType<{ items: readonly unknown[] }>> = z.infer<Page>['items'][number]

export type Payout = z.infer<typeof payoutSchema>
export type Attempt = Payout['attempts'][number]
export type Distribution = z.infer<typeof distributionSchema>
export type Wallet = Item<typeof walletListSchema>
export type BalanceRow = Item<typeof balancePageSchema>
export type BlockRow = Item<typeof blockPageSchema>
export type SnapshotRow = Item<typeof snapshotPageSchema>
export type PlanRow = Item<typeof planListSchema>
export type Statement = z.infer<typeof statementSchema>
export type Settings = z.infer<typeof settingsAnswerSchema>

/** All that the end is judged by. */
export type Records = {
  readonly payouts: readonly Payout[]
  readonly distributions: readonly Distribution[]
  readonly wallets: readonly Wallet[]
  readonly balances: readonly BalanceRow[]
  readonly blocks: readonly BlockRow[]
  readonly snapshots: readonly SnapshotRow[]
  readonly plans: readonly PlanRow[]
  readonly settings: Settings
}

/** The longest page that the API gives. */
const PAGE = 200

export type Reader = { readonly call: Call; readonly ledger: string; readonly heard: (answer: unknown) => void }

export async function readRecords(reader: Reader): Promise<Records> {
  return {
    payouts: await readPages<Payout>(reader, 'payouts'),
    distributions: await readPages<Distribution>(reader, 'distributions'),
    wallets: await readPages<Wallet>(reader, 'wallets', false),
    balances: await readPages<BalanceRow>(reader, 'balances'),
    blocks: await readPages<BlockRow>(reader, 'blocks'),
    snapshots: await readPages<SnapshotRow>(reader, 'snapshots'),
    plans: await readPages<PlanRow>(reader, 'plans', false),
    settings: await readOne<Settings>(reader, 'settings'),
  }
}

/** The API must answer when faults have stopped; that it does not is the caller's to say. */
export async function readOne<T>({ call, ledger, heard }: Reader, path: string): Promise<T> {
  const answer = await call({ method: 'GET', path: `/v1/ledgers/${encodeURIComponent(ledger)}${path === '' ? '' : `/${path}`}` })
  if (answer === null || answer.status !== 200) throw new Error(`${path} was answered with ${answer?.status ?? 'nothing'}: ${JSON.stringify(answer?.body)}`)
  heard(answer.body)
  return answer.body as T
}

async function readPages<T>(reader: Reader, path: string, isLong = true): Promise<readonly T[]> {
  const found: T[] = []
  for (let cursor: string | null = null; ; ) {
    const query: string = isLong ? `?limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}` : ''
    const page: { items: readonly T[]; next?: string | null } = await readOne(reader, `${path}${query}`)
    found.push(...page.items)
    cursor = page.next ?? null
    if (cursor === null) return found
  }
}
