// Verifying a ledger: everything that follows from its events is worked out anew from the stored rows and compared, in one snapshot, so
// that it may run while work goes on. It changes nothing and mends nothing.

import { z } from 'zod'
import { planVersionsOf } from '../store/ledger.ts'
import { inSnapshot } from '../store/statement.ts'
import { snapshotOf } from '../store/verify.ts'
import type { Ledger } from './ledger.ts'
import { breakSchema, CHECKS, createFindings, type Break, type CheckName } from './verify/findings.ts'
import { checkInbox } from './verify/inbox.ts'
import { checkJournal } from './verify/journal.ts'
import { checkPayouts } from './verify/payouts.ts'
import { checkPlans } from './verify/plans.ts'
import { checkProofs } from './verify/proofs.ts'
import type { Desk } from './world.ts'

const digits = z.string().regex(/^[0-9]+$/)

/** The report as JSON. `breaks` stand in the order of the journal, so that the first is the one from which the others may follow. */
export const verificationSchema = z.strictObject({
  format: z.literal(1),
  ledger: z.string(),
  /** When the snapshot was taken. */
  at: z.string(),
  ok: z.boolean(),
  /** False when so many breaks were found that the rest was not looked at. */
  complete: z.boolean(),
  lanes: z.array(
    z.strictObject({ position: z.int(), blocks: digits, events: digits, transfers: digits, head: z.string().regex(/^[0-9a-f]*$/) }),
  ),
  checks: z.array(z.strictObject({ name: z.enum(Object.keys(CHECKS) as [CheckName, ...CheckName[]]), count: digits })),
  breaks: z.array(breakSchema),
})

export type Verification = z.infer<typeof verificationSchema>

export type VerifyProgress = {
  /** Position of the lane that is being read, of so many. */
  readonly lane: number
  readonly lanes: number
  readonly transfers: bigint
  readonly of: bigint
}

export type VerifyOptions = {
  readonly onProgress?: (progress: VerifyProgress) => void
  /** Breaks to name before the work stops; one fault often breaks several rules. */
  readonly maxBreaks?: number
}

const MAX_BREAKS = 100

/**
 * Recomputes a ledger from its journal on: chain, numbers, balances, floors, distributions, payouts, settlements, proofs, wallets and
 * inbox rows. A break is a value of the report, never an error. Rejects only when the database cannot be read.
 */
export async function verify(desk: Pick<Desk, 'store' | 'now' | 'rails'>, ledger: Ledger, options: VerifyOptions = {}): Promise<Verification> {
  const { onProgress = () => {}, maxBreaks = MAX_BREAKS } = options
  const findings = createFindings(maxBreaks)
  return await inSnapshot(desk.store.pool, async (client) => {
    const versions = await planVersionsOf(client, ledger.id)
    const at = desk.now().toString()
    const snapshot = snapshotOf(client)
    const plans = checkPlans(versions, findings)
    const lanes: Verification['lanes'] = []
    for (const [position, lane] of ledger.lanes.entries()) {
      if (findings.room() === 0) break
      const report = (transfers: bigint, of: bigint) => onProgress({ lane: position, lanes: ledger.lanes.length, transfers, of })
      const reading = { lane, position, snapshot, findings, ledger, plans }
      const { cursor, blocks, events, transfers, head } = await checkJournal({ ...reading, onProgress: report })
      if (cursor !== null && findings.room() > 0) await checkPayouts({ ...reading, cursor })
      if (findings.room() > 0) await checkProofs({ ...reading, rail: desk.rails[ledger.row.rail], assets: ledger.assets })
      lanes.push({ position, blocks: blocks.toString(), events: events.toString(), transfers: transfers.toString(), head })
    }
    if (findings.room() > 0) await checkInbox({ snapshot, ledger, plans, findings })
    const breaks = [...findings.breaks()]
    const counts = [...findings.counts()]
    return { format: 1, ledger: ledger.name, at, ok: breaks.length === 0, complete: findings.room() > 0, lanes, checks: counts, breaks }
  })
}

/** The report in plain words: what was looked at, and what is wrong where. */
export function verificationSentences({ ledger, ok, complete, lanes, checks, breaks }: Verification): string[] {
  const size = lanes.map(({ position, blocks, events, transfers, head }) => {
    const lane = lanes.length === 1 ? '' : `lane ${position}: `
    return `${lane}${counted(blocks, 'block')}, ${counted(events, 'event')}, ${counted(transfers, 'transfer')}; head ${head === '' ? 'missing' : head}`
  })
  const [first, ...others] = breaks
  if (ok || first === undefined) {
    const figures = checks.reduce((all, { count }) => all + BigInt(count), 0n)
    return [`The ledger ${ledger} is sound: ${figures} checks, no break.`, ...size]
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
