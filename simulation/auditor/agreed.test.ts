// What a plan needs by way of approvals is what was asked for when it was offered, however long its answer took.

import { expect, it } from 'vitest'
import type { Offer, Person } from '../history.ts'
import { checkPlansAgreed } from './agreed.ts'
import { createFindings } from './findings.ts'
import type { PlanVersion } from './journal.ts'
import { createOffers, type Other } from './offers.ts'
import type { PlanRow } from './reading.ts'

const BEGIN = Temporal.Instant.from('2026-03-01T12:00:00Z')
const PLAN = { steps: [] }

type Taken = { readonly asked: number; readonly at: number; readonly person?: Person; readonly answered?: object }

/** A request that was taken, asked and answered so many seconds after the beginning. */
function taken(rest: string, body: NonNullable<Offer['request']['body']>, { asked, at, person = 'owner', answered = {} }: Taken): Other {
  const request = { method: 'POST', path: `/v1/ledgers/sales/${rest}`, body }
  const offer: Offer = { asked: BEGIN.add({ seconds: asked }), at: BEGIN.add({ seconds: at }), door: 'api', process: 'a', person, request, answer: { status: 200, body: answered } }
  return { index: at, rest, offer, verdict: 'taken' }
}

function findingsOf(...offered: readonly Other[]): readonly string[] {
  const others = [taken('settings', { plan_approvals: 1 }, { asked: 2, at: 3 }), ...offered].toSorted((one, other) => one.index - other.index)
  const findings = createFindings()
  const version = { version: 2, plan: PLAN } as unknown as PlanVersion
  const row = { version: 2, draft: 'draft' } as unknown as PlanRow
  checkPlansAgreed({ findings, offers: { ...createOffers(), others }, plans: [row] }, [version])
  return findings.all().map(({ what }) => what)
}

it('lets a plan that was offered before be adopted with none, though its answer came later', () => {
  expect(findingsOf(taken('plans/add', { plan: PLAN }, { asked: 1, at: 5 }))).toEqual([])
})

it('finds one that was offered after, and adopted with none', () => {
  expect(findingsOf(taken('plans/add', { plan: PLAN }, { asked: 4, at: 5 }))).toEqual(['plan version 2 came to be with 0 approvals; the ledger asked for 1'])
})

const drafted = (draft: string, person: Person, second: number): Other => taken('plans', { plan: PLAN }, { asked: second, at: second, person, answered: { draft } })
const approved = (person: Person, second: number): Other => taken('plans/draft/approve', {}, { asked: second, at: second, person })

it('lets somebody approve another’s draft, who drafted the same plan before', () => {
  expect(findingsOf(drafted('earlier', 'first', 5), drafted('draft', 'owner', 6), approved('first', 7))).toEqual([])
})

it('finds a draft that nobody approved but whoever drafted it, or wrote it anew', () => {
  const found = ['plan version 2 came to be with 0 approvals; the ledger asked for 1']
  expect(findingsOf(drafted('earlier', 'first', 5), drafted('draft', 'owner', 6), approved('owner', 7))).toEqual(found)
  expect(findingsOf(taken('plans/draft/edit', { plan: PLAN }, { asked: 5, at: 6, person: 'first' }), approved('first', 7))).toEqual(found)
})
