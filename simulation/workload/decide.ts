// What takes several requests and a person's seal: plans drafted, looked at and decided, settings changed, payouts approved. What is
// approved is what the list of what waits shows, as a person would go by it.

import { z } from 'zod'
import { instantText } from '../../src/core/canonical.ts'
import type { JsonObject } from '../../src/core/effects.ts'
import type { Answer, Person } from '../history.ts'
import type { Doors } from './doors.ts'
import { insist, isOpen, type Played } from './insist.ts'
import type { DecideDeed, Decision, PlanDeed, SettingsDeed } from './workload.ts'

const drafted = z.looseObject({ draft: z.string(), hash: z.string() })
const changed = z.looseObject({ pending: z.looseObject({ change: z.string(), hash: z.string() }).nullable() })
const listed = z.looseObject({ items: z.array(z.looseObject({ kind: z.string(), subject: z.string(), hash: z.string(), statement: z.string() })) })

type Waiting = z.infer<typeof listed>['items'][number]

/** A page is as long as a list may be. */
const PAGE = 200

async function waiting(doors: Doors, { ledger, by }: { ledger: string; by: Person }): Promise<readonly Waiting[]> {
  const answer = await doors.call({ method: 'GET', path: `/v1/ledgers/${ledger}/approvals?limit=${PAGE}`, person: by })
  const read = answer?.status === 200 ? listed.safeParse(answer.body) : null
  return read?.success === true ? read.data.items : []
}

/** What a person sends to approve: no seal where nothing waits for a second person. */
function approvalOf(doors: Doors, { ledger, by }: { ledger: string; by: Person }, { hash, statement }: Pick<Waiting, 'hash' | 'statement'>, at: Temporal.Instant): JsonObject {
  const approvedAt = instantText(at)
  return { hash, approved_at: approvedAt, signature: doors.seal(ledger, by, `${statement}\t-\t${approvedAt}`) }
}

const answered = ({ answers }: Pick<Played, 'answers'>): Answer => answers.find((answer) => !isOpen(answer)) ?? null

export async function draftPlan(deed: PlanDeed, doors: Doors): Promise<readonly Played[]> {
  const { tag, expect, ledger, by, key, plan, effectiveInMs, look, edit, decisions } = deed
  const plans = `/v1/ledgers/${ledger}/plans`
  const from = effectiveInMs === null ? null : instantText(doors.now().add({ milliseconds: effectiveInMs }))
  const post = async (path: string, body: JsonObject, person: Person, idempotencyKey?: string): Promise<Omit<Played, 'tag' | 'expect'>> =>
    await insist(doors, deed, async () => await doors.call({ method: 'POST', path, body, person, ...(idempotencyKey !== undefined && { idempotencyKey }) }))
  const bodyOf = (content: JsonObject): JsonObject => ({ plan: content, ...(from !== null && { effective_from: from }) })

  const first = { tag, expect, ...(await post(plans, bodyOf(plan), by, key)) }
  const before = drafted.safeParse(answered(first)?.body)
  if (!before.success) return [first]
  const { draft } = before.data
  const done: Played[] = [first]
  for (const each of look) {
    const asked = each === 'preview' ? { plan: { draft } } : { after: { draft } }
    done.push({ tag: 'preview', expect: 'any', ...(await post(`${plans}/${each}`, asked, by)) })
  }
  let { hash } = before.data
  if (edit !== null) {
    const edited = { tag, expect: 'any' as const, ...(await post(`${plans}/${draft}/edit`, bodyOf(edit), by, `${key}-edit`)) }
    done.push(edited)
    const after = drafted.safeParse(answered(edited)?.body)
    if (!after.success) return done
    hash = after.data.hash
  }
  const what = { ledger, subject: draft, path: `${plans}/${draft}`, hash, stale: before.data.hash, tag }
  for (const decision of decisions) done.push(await decide(doors, what, decision))
  return done
}

type Subject = { readonly ledger: string; readonly subject: string; readonly path: string; readonly hash: string; readonly stale: string; readonly tag: Played['tag'] }

async function decide(doors: Doors, { ledger, subject, path, hash, stale, tag }: Subject, { by, verb, delayMs }: Decision): Promise<Played> {
  await doors.sleep(delayMs)
  const post = async (last: string, body: JsonObject): Promise<Played> => {
    // Once each: a decision that may have been made is not made again.
    const answer = await doors.call({ method: 'POST', path: `${path}/${last}`, body, person: by })
    return { tag, expect: verb === 'stale' && hash !== stale ? 'refused' : 'any', answers: [answer], isSecond: false, isCreation: false }
  }
  if (verb === 'reject' || verb === 'withdraw') return await post(verb, { reason: `a ${verb} of the workload` })
  const found = (await waiting(doors, { ledger, by })).find((one) => one.subject === subject)
  const named = verb === 'stale' ? stale : (found?.hash ?? hash)
  if (found === undefined) return await post('approve', { hash: named })
  return await post('approve', approvalOf(doors, { ledger, by }, { hash: named, statement: found.statement.replace(found.hash, named) }, doors.now()))
}

export async function changeSettings(deed: SettingsDeed, doors: Doors): Promise<readonly Played[]> {
  const { tag, expect, ledger, by, key, change, decisions } = deed
  const path = `/v1/ledgers/${ledger}/settings`
  const first = { tag, expect, ...(await insist(doors, deed, async () => await doors.call({ method: 'POST', path, body: change, person: by, idempotencyKey: key }))) }
  const read = changed.safeParse(answered(first)?.body)
  const pending = read.success ? read.data.pending : null
  if (pending === null) return [first]
  const done: Played[] = [first]
  const what = { ledger, subject: pending.change, path: `${path}/${pending.change}`, hash: pending.hash, stale: pending.hash, tag }
  for (const decision of decisions) done.push(await decide(doors, what, decision))
  return done
}

/** How wrong a clock is: more than the five minutes that are allowed, and than any server's own clock is off. */
const WRONG_CLOCK = { hours: 48 }

export async function decidePayouts(deed: DecideDeed, doors: Doors): Promise<readonly Played[]> {
  const { tag, expect, ledger, by, verb, most, together, wrong, thinksMs } = deed
  const chosen = (await waiting(doors, deed)).filter(({ kind }) => kind === 'payout').slice(0, most)
  if (chosen.length === 0) return []
  await doors.sleep(thinksMs)
  const payouts = `/v1/ledgers/${ledger}/payouts`
  const post = async (path: string, body: JsonObject): Promise<Played> => {
    return { tag, expect, ...(await insist(doors, deed, async () => await doors.call({ method: 'POST', path, body, person: by }))) }
  }
  if (verb === 'reject') {
    const reason = 'the invoice is missing'
    if (together) return [await post(`${payouts}/reject`, { payouts: chosen.map(({ subject }) => subject), reason })]
    return await inTurn(chosen, async ({ subject }) => await post(`${payouts}/${subject}/reject`, { reason }))
  }
  const given = chosen.map((one) => ({ payout: one.subject, approval: wrongly(wrong, approvalOf(doors, deed, one, wrong === 'clock' ? doors.now().add(WRONG_CLOCK) : doors.now())) }))
  if (together) return [await post(`${payouts}/approve`, { approvals: given.map(({ payout, approval }) => ({ payout, ...approval })) })]
  return await inTurn(given, async ({ payout, approval }) => await post(`${payouts}/${payout}/approve`, approval))
}

function wrongly(wrong: DecideDeed['wrong'], approval: JsonObject): JsonObject {
  if (wrong === 'hash') return { ...approval, hash: '0'.repeat(64) }
  // A signature in form, of something else.
  return wrong === 'signature' ? { ...approval, approved_at: '2001-01-01T00:00:00.000000Z' } : approval
}

async function inTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<Played>): Promise<readonly Played[]> {
  const done: Played[] = []
  for (const item of items) done.push(await work(item))
  return done
}
