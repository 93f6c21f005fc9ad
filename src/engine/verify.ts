// Verifying a ledger: everything that follows from its events is worked out anew from the stored rows and compared, in one snapshot, so
// that it may run while work goes on. It changes nothing and mends nothing.

import type { PoolClient } from 'pg'
import { z } from 'zod'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { insertCheckpoint, type NewCheckpoint } from '../store/checkpoint.ts'
import { planVersionsOf } from '../store/ledger.ts'
import { exportSnapshot, inSnapshot } from '../store/statement.ts'
import { expectWholeTables, headOf, snapshotOf, type Snapshot, type StoredHead } from '../store/verify.ts'
import type { Ledger } from './ledger.ts'
import { checkPayoutApprovals, checkPlanApprovals, readPolicing, type Policing } from './verify/approvals.ts'
import { checkInTurn, type RangeChecker, type RangeJob } from './verify/checker.ts'
import { checkpointAt, openingOf, type Beginning } from './verify/checkpoints.ts'
import { checkDistributions } from './verify/distributions.ts'
import { checkStrayReferences } from './verify/events.ts'
import { breakSchema, CHECKS, createFindings, type Break, type CheckName, type Found } from './verify/findings.ts'
import { checkInbox } from './verify/inbox.ts'
import { findInRange, type RangeFound, type RangeReading } from './verify/journal.ts'
import { checkPayouts } from './verify/payouts.ts'
import { checkPlans, type Plans } from './verify/plans.ts'
import { checkProofs } from './verify/proofs.ts'
import { rangesOf, type Range, type RangeSize, type Seam } from './verify/ranges.ts'
import type { Desk } from './world.ts'

const digits = z.string().regex(/^[0-9]+$/)

/** The report as JSON. `breaks` stand in the order of the journal, so that the first is the one from which the others may follow. */
export const verificationSchema = z.strictObject({
  format: z.literal(1),
  ledger: z.string(),
  /** When the snapshot was taken. */
  at: z.string(),
  /** Whether the ledger is a copy, of which the journal alone is here. */
  copy: z.boolean(),
  ok: z.boolean(),
  /** False when so many breaks were found that the rest was not looked at. */
  complete: z.boolean(),
  lanes: z.array(
    z.strictObject({ position: z.int(), from_block: digits, blocks: digits, events: digits, transfers: digits, head: z.string().regex(/^[0-9a-f]*$/) }),
  ),
  checks: z.array(z.strictObject({ name: z.enum(Object.keys(CHECKS) as [CheckName, ...CheckName[]]), count: digits })),
  breaks: z.array(breakSchema),
})

export type Verification = z.infer<typeof verificationSchema>

export type VerifyProgress = {
  /** Transfers of the journal that were read, of so many. */
  readonly transfers: bigint
  readonly of: bigint
}

export type VerifyOptions = {
  readonly onProgress?: (progress: VerifyProgress) => void
  /** Breaks to name before the work stops; one fault often breaks several rules. */
  readonly maxBreaks?: number
  /** Who checks the ranges of the journal; when left out, this process, one after the other. */
  readonly checker?: RangeChecker
  readonly rangeSize?: RangeSize
  /** Where each lane's journal is begun; at its first block when left out. */
  readonly from?: Beginning
  /** Told of the end of each lane when the ledger is sound: a later verification may begin there. */
  readonly onSound?: (reached: readonly NewCheckpoint[]) => void
}

const MAX_BREAKS = 100

type VerifyDesk = Pick<Desk, 'store' | 'now' | 'rails'>

/**
 * Recomputes a ledger from its journal on: chain, numbers, balances, floors, distributions, payouts, settlements, proofs, wallets and
 * inbox rows. A break is a value of the report, never an error. Rejects only when the database cannot be read.
 */
export async function verify(desk: VerifyDesk, ledger: Ledger, options: VerifyOptions = {}): Promise<Verification> {
  return await inSnapshot(desk.store.pool, async (client) => {
    const check = options.checker ?? checkInTurn(desk.store)
    const exported = await exportSnapshot(client)
    return await verifyWithin(client, desk, ledger, { ...options, check: async (range, job) => await check({ ...job, range, snapshot: exported }) })
  })
}

/** The same from the last checkpoints on; when the ledger is sound it keeps new ones. */
export async function verifyOnward(desk: VerifyDesk, ledger: Ledger, options: Omit<VerifyOptions, 'from' | 'onSound'> = {}): Promise<Verification> {
  let reached: readonly NewCheckpoint[] = []
  const report = await verify(desk, ledger, { ...options, from: 'checkpoint', onSound: (checkpoints) => (reached = checkpoints) })
  const at = Temporal.Instant.from(report.at)
  for (const checkpoint of reached) await insertCheckpoint(desk.store.pool, { ...checkpoint, at })
  return report
}

/** The journal from a block on. Refuses `field_malformed` where each lane has blocks of its own. */
export function beginningAt({ name, lanes }: Ledger, block: bigint): Beginning {
  if (lanes.length === 1) return { block }
  const message = `the ledger ${name} has ${lanes.length} lanes, each with blocks of its own: an incremental verification knows where each was left`
  throw new Refusal('field_malformed', message, { field: 'from_block', value: block.toString() })
}

/** How a range is checked: by default on the connection itself. */
export type WithinOptions = Omit<VerifyOptions, 'checker'> & {
  readonly check?: (range: Range, job: Omit<RangeJob, 'range' | 'snapshot'>) => Promise<RangeFound>
}

/** The same for a ledger as an open transaction sees it, with what that transaction has written and nobody else sees yet. */
export async function verifyWithin(client: PoolClient, desk: Pick<Desk, 'now' | 'rails'>, ledger: Ledger, options: WithinOptions = {}): Promise<Verification> {
  const { maxBreaks = MAX_BREAKS } = options
  const snapshot = snapshotOf(client)
  const findings = createFindings(maxBreaks)
  const versions = await planVersionsOf(client, ledger.id)
  const plans = checkPlans(versions, findings)
  const now = desk.now()
  const at = now.toString()
  await expectWholeTables(client)
  const policing = await readPolicing(client, ledger, now, findings)
  // Who approved a plan is with the ledger that it was made for.
  if (ledger.row.copied_at === null) await checkPlanApprovals(client, { ledger, versions, policing, findings })
  const reading = { snapshot, ledger, plans, policing, maxBreaks }
  const works = await worksOf(reading, options)
  // Side by side: the journal, and what hangs on it.
  const [journals, { lanes: rests, inbox }] = await Promise.all([
    checkJournals(works, { snapshot, ledger, versions, maxBreaks }, options),
    checkRests(works, reading, desk),
  ])
  const lanes: Verification['lanes'] = []
  for (const { position, head, from, found } of works) {
    if (findings.room() === 0) break
    if (head === null || head.payout_cursor === null) {
      findings.broken('lane', { lane: position }, { expected: 'a head and a payout cursor', found: head === null ? 'no head' : 'no payout cursor' })
    }
    findings.add(found)
    const ranges = journals[position] ?? []
    for (const range of ranges) findings.add(range.findings)
    findings.add(present(rests[position], 'findings'))
    const { blocks, events, transfers } = present(ranges.at(-1), 'range')
    const firstBlock = ((from?.block ?? 0n) + 1n).toString()
    lanes.push({ position, from_block: firstBlock, blocks: blocks.toString(), events: events.toString(), transfers: transfers.toString(), head: head?.hash.toHex() ?? '' })
  }
  findings.add(inbox)
  const breaks = [...findings.breaks()]
  const copy = ledger.row.copied_at !== null
  const ok = breaks.length === 0
  if (ok && options.onSound !== undefined) options.onSound(await reachedBy(snapshot, works))
  return { format: 1, ledger: ledger.name, at, copy, ok, complete: findings.room() > 0, lanes, checks: [...findings.counts()], breaks }
}

async function reachedBy(snapshot: Snapshot, works: readonly Work[]): Promise<readonly NewCheckpoint[]> {
  const reached: NewCheckpoint[] = []
  for (const { lane, head } of works) {
    const checkpoint = await checkpointAt({ snapshot, lane }, head)
    if (checkpoint !== null) reached.push(checkpoint)
  }
  return reached
}

/** What there is to do in a lane. */
type Work = { readonly lane: bigint; readonly position: number; readonly head: StoredHead | null; readonly from: Seam | null; readonly ranges: readonly Range[]; readonly found: Found }

type LedgerReading = { readonly snapshot: Snapshot; readonly ledger: Ledger; readonly plans: Plans; readonly policing: Policing; readonly maxBreaks: number }

async function worksOf(
  { snapshot, ledger, maxBreaks }: Pick<LedgerReading, 'snapshot' | 'ledger' | 'maxBreaks'>,
  { rangeSize, from: beginning = 'first block' }: WithinOptions,
): Promise<readonly Work[]> {
  const works: Work[] = []
  for (const [position, lane] of ledger.lanes.entries()) {
    const head = await headOf(snapshot, lane)
    const findings = createFindings(maxBreaks)
    const from = await openingOf({ lane, position, snapshot, findings }, beginning)
    const ranges = await rangesOf(snapshot, { lane, position, head, from }, rangeSize)
    works.push({ lane, position, head, from, ranges, found: findings.taken() })
  }
  return works
}

/** What was found in the ranges of each lane. Ranges after so many breaks that no more is told are not looked at. */
async function checkJournals(
  works: readonly Work[],
  reading: Omit<RangeReading, 'onProgress'>,
  { check = async (range, job) => await findInRange({ ...job, snapshot: reading.snapshot }, range), onProgress = () => {} }: WithinOptions,
): Promise<readonly (readonly RangeFound[])[]> {
  const of = works.reduce((all, { head, from }) => all + (head?.transfer ?? 0n) - (from?.transfer ?? 0n), 0n)
  const [read, broken] = [new Map<Range, bigint>(), new Map<Range, number>()]
  const all = works.flatMap(({ ranges }) => ranges)
  const checkOne = async (range: Range): Promise<RangeFound> => {
    const found = await check(range, {
      ...reading,
      isNeeded: () => all.slice(0, all.indexOf(range)).reduce((sum, before) => sum + (broken.get(before) ?? 0), 0) < reading.maxBreaks,
      onProgress: (transfer) => {
        read.set(range, transfer - (range.opening?.transfer ?? 0n))
        onProgress({ transfers: read.values().reduce((sum, count) => sum + count, 0n), of })
      },
    })
    broken.set(range, found.findings.breaks.length)
    return found
  }
  return await Promise.all(works.map(async ({ ranges }) => await Promise.all(ranges.map(checkOne))))
}

/** What hangs on the journal of each lane, and the inbox table. */
async function checkRests(
  works: readonly Work[],
  { snapshot, ledger, plans, policing, maxBreaks }: LedgerReading,
  { rails }: Pick<Desk, 'rails'>,
): Promise<{ readonly lanes: readonly Found[]; readonly inbox: Found }> {
  const lanes: Found[] = []
  for (const { lane, position, head } of works) {
    const findings = createFindings(maxBreaks)
    const reading = { lane, position, snapshot, findings, plans }
    await checkStrayReferences(reading)
    // Payouts, attempts, wallets and the inbox are with the ledger from which a copy was made.
    if (ledger.row.copied_at !== null) {
      lanes.push(findings.taken())
      continue
    }
    const cursor = head?.payout_cursor ?? null
    if (cursor !== null && findings.room() > 0) await checkPayouts({ ...reading, cursor, joins: ledger.program.payoutPolicy === 'per_destination' })
    if (findings.room() > 0) await checkDistributions({ ...reading, ledger })
    if (findings.room() > 0) await checkPayoutApprovals({ ...reading, ledger, policing })
    if (findings.room() > 0) await checkProofs({ ...reading, rail: rails[ledger.row.rail], assets: ledger.assets })
    lanes.push(findings.taken())
  }
  const findings = createFindings(maxBreaks)
  if (ledger.row.copied_at === null) await checkInbox({ snapshot, ledger, plans, findings })
  return { lanes, inbox: findings.taken() }
}

/** The report in plain words: what was looked at, and what is wrong where. */
export function verificationSentences({ ledger, copy, ok, complete, lanes, checks, breaks }: Verification): string[] {
  const size = lanes.map(({ position, from_block: first, blocks, events, transfers, head }) => {
    const lane = lanes.length === 1 ? '' : `lane ${position}: `
    const begun = first === '1' ? '' : `, of which the journal was checked from block ${first} on`
    return `${lane}${counted(blocks, 'block')}, ${counted(events, 'event')}, ${counted(transfers, 'transfer')}${begun}; head ${head === '' ? 'missing' : head}`
  })
  const [first, ...others] = breaks
  if (ok || first === undefined) {
    const figures = checks.reduce((all, { count }) => all + BigInt(count), 0n)
    const kind = copy ? ', a copy of a journal,' : ''
    return [`The ledger ${ledger}${kind} is sound: ${figures} checks, no break.`, ...size]
  }
  const more = complete ? '' : ' Nothing after the last of them was looked at.'
  return [
    `The ledger ${ledger} is broken: ${counted(breaks.length.toString(), 'break')}, the first in ${placeText(first)}.${more}`,
    `First break: ${breakText(first)}`,
    ...others.map((found) => `Then: ${breakText(found)}`),
    ...size,
  ]
}

function counted(count: string, noun: string): string {
  return `${count} ${noun}${count === '1' ? '' : 's'}`
}

function breakText({ check, where, expected, found, meaning }: Break): string {
  return `${placeText({ where })}: expected ${expected}; found ${found}. That means: ${meaning} (${check}).`
}

function placeText({ where }: Pick<Break, 'where'>): string {
  const { reference, ...places } = where
  const named = Object.entries(places).map(([noun, value]) => {
    const event = noun === 'event' && reference !== undefined ? ` (${reference})` : ''
    return `${noun.replace('_', ' ')} ${value}${event}`
  })
  if (where.event === undefined && reference !== undefined) named.push(`reference ${reference}`)
  return named.length === 0 ? 'the ledger' : named.join(', ')
}
