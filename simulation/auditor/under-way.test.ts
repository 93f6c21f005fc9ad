// A request may be carried out long before its answer is heard: what it let happen is no finding; the same without it is one.

import { describe, expect, it } from 'vitest'
import type { ChainTransaction, Offer } from '../history.ts'
import { createAuditor, type AuditorInput } from './auditor.ts'
import { checkPayoutsAgreed, type Agreeing } from './agreed.ts'
import { createFindings } from './findings.ts'
import { createOffers, type Other } from './offers.ts'
import type { Payout, Records } from './reading.ts'

const BEGIN = Temporal.Instant.from('2026-03-01T12:00:00Z')
const after = (seconds: number): Temporal.Instant => BEGIN.add({ seconds })

describe('an event whose answer nobody has heard', () => {
  const sale: Offer = {
    ...{ asked: after(1), at: after(1), door: 'api', process: 'nobody', person: 'owner', answer: null },
    request: { method: 'POST', path: '/v1/ledgers/sales/events', body: { reference: 'a', token_id: '5a1e0001-0000-4000-8000-000000000001', sale_amount: '100' } },
  }
  const paid: ChainTransaction = { signature: 's', slot: 1, failed: false, fee: 5000n, feePayer: 'wallet', rent: 0n, memo: null, movements: [{ from: 'wallet', to: 'address', asset: 'SOL/9', units: 80_000_000_000n }] }
  const never = async (): Promise<never> => await Promise.reject(new Error('it only looks'))
  const input: AuditorInput = {
    ...{ ledger: 'sales', asset: 'SOL/9', programFile: null, inbox: null, recipients: [{ recipient: 'ai', address: 'address' }] },
    ...{ wallets: () => ['wallet'], call: never, journal: never, now: () => after(2), secrets: [], texts: () => [], rows: null },
    books: { transactions: () => [paid], balance: () => 0n },
  }

  it('may have been paid', () => {
    expect(createAuditor({ ...input, underWay: () => [sale] }).look()).toEqual([])
  })

  it('is needed for that', () => {
    expect(createAuditor(input).look()).toEqual([{ invariant: 'I4', what: 'address (ai) was paid 80000000000 SOL/9; at most 0 are owed there' }])
  })
})

describe('an approval whose answer came late', () => {
  const payout = { payout: 'p', reference: 'a', asset: 'SOL/9', units: '10', destination: 'address', attempts: [{ state: 'settled', identity: 's' }] } as unknown as Payout

  async function foundOf(asked: number): Promise<readonly string[]> {
    const offer: Offer = {
      ...{ asked: after(asked), at: after(9), door: 'api', process: 'a', person: 'second', answer: null },
      request: { method: 'POST', path: '/v1/ledgers/sales/payouts/p/approve', body: {} },
    }
    const other: Other = { index: 5, rest: 'payouts/p/approve', offer, verdict: 'unknown' }
    const findings = createFindings()
    const agreeing: Agreeing = {
      ...{ findings, asset: 'SOL/9', first: 1n, offers: { ...createOffers(), others: [other] }, records: { payouts: [payout] } as unknown as Records },
      seenAt: new Map([['s', after(4)]]),
      approvalsOf: async () => await Promise.resolve([]),
    }
    await checkPayoutsAgreed(agreeing)
    return findings.all().flatMap(({ what }) => (what.includes('nobody had approved') ? [what] : []))
  }

  it('counts for what left since it was asked', async () => {
    expect(await foundOf(3)).toEqual([])
  })

  it('does not for what left before', async () => {
    expect(await foundOf(5)).toEqual(['payout p of 10 SOL/9, above the limit of 1, left, and nobody had approved it'])
  })
})
