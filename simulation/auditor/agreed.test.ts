// What a plan needs by way of approvals is what was asked for when it was offered, however long its answer took.

import { expect, it } from 'vitest'
import type { Offer } from '../history.ts'
import { checkPlansAgreed } from './agreed.ts'
import { createFindings } from './findings.ts'
import type { PlanVersion } from './journal.ts'
import { createOffers, type Other } from './offers.ts'
import type { PlanRow } from './reading.ts'

const BEGIN = Temporal.Instant.from('2026-03-01T12:00:00Z')
const PLAN = { steps: [] }

/** A request that was taken, asked and answered so many seconds after the beginning. */
function taken(rest: string, body: NonNullable<Offer['request']['body']>, { asked, at }: { readonly asked: number; readonly at: number }): Other {
  const request = { method: 'POST', path: `/v1/ledgers/sales/${rest}`, body }
  const offer: Offer = { asked: BEGIN.add({ seconds: asked }), at: BEGIN.add({ seconds: at }), door: 'api', process: 'a', person: 'owner', request, answer: { status: 200, body: {} } }
  return { index: at, rest, offer, verdict: 'taken' }
}

function findingsOf(added: { readonly asked: number; readonly at: number }): readonly string[] {
  const others = [taken('settings', { plan_approvals: 1 }, { asked: 2, at: 3 }), taken('plans/add', { plan: PLAN }, added)].toSorted((one, other) => one.index - other.index)
  const findings = createFindings()
  const version = { version: 2, plan: PLAN } as unknown as PlanVersion
  const row = { version: 2, draft: 'draft' } as unknown as PlanRow
  checkPlansAgreed({ findings, offers: { ...createOffers(), others }, plans: [row] }, [version])
  return findings.all().map(({ what }) => what)
}

it('lets a plan that was offered before be adopted with none, though its answer came later', () => {
  expect(findingsOf({ asked: 1, at: 5 })).toEqual([])
})

it('finds one that was offered after, and adopted with none', () => {
  expect(findingsOf({ asked: 4, at: 5 })).toEqual(['plan version 2 came to be with 0 approvals; the ledger asked for 1'])
})
