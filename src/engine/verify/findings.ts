// What `verify` looks at, and how it keeps what it finds: counts of what held, and the breaks in the order of the journal.

import { z } from 'zod'

/** Every check, with what a break of it means for whoever reads the report. Names are stable. */
export const CHECKS = {
  plan: 'the plan is not the one that was agreed: every division made under this version is in doubt',
  lane: 'a lane is not set up as the ledger says: nothing that was recorded in it can be relied on',
  account: 'an account is not one that posting could have made',
  block: 'a block was lost, added or moved: the order of the journal is broken here',
  event: 'an event was lost, added, moved or rewritten after it was recorded',
  reference: 'the guard against recording an event twice does not match the event',
  fingerprint: "the event's asset, amount, parties or facts are not those that were recorded",
  plan_in_force: 'the event was divided by a plan version that was not the one in force at its instant',
  distribution: "the ledger holds another share than the event's plan version gives",
  snapshot: 'the recipients or weights of a snapshot are not those that were frozen: what was distributed by it cannot be shown to be right',
  large_distribution: 'a distribution in chunks is not what its snapshot and its plan make it, or stands elsewhere than its row says',
  explanation: 'the explanation of the shares gives other figures than the division itself',
  conservation: 'what an event brought in is not what its shares give out',
  transfer: 'a transfer was lost, added, or is not one that the chart of accounts allows',
  balance: 'a stored balance is not the sum of the transfers up to it',
  floor: 'an account that may not fall below zero stands below zero',
  block_hash: 'the block is not as it was when its hash was made: something in it, or in a block before it, was changed',
  head: 'the head of the lane does not match the last block: blocks were cut off, or the head was changed',
  rule_state: "what a plan's rules remember is not what the event and the events before it make of it",
  checkpoint: 'the journal up to a block is not the one that was verified before: it was changed since, and perhaps worked out anew',
  payout_share: 'a share is not drawn on by exactly one payout: it could be paid twice, or never',
  deduction: 'what a reversal or a recoupment took from a share is not what the ledger says it took: more or less of it would be paid',
  payout: 'a payout is not what its shares and its plan make it',
  payout_state: 'what a payout says of itself is not what the ledger and its attempts say',
  payout_transfer: 'a movement in the ledger does not agree with the payout, attempt or wallet movement it belongs to',
  settlement: 'a payout counts as paid without the attempt that proves it',
  attempt: 'an attempt and the payouts in it disagree on what became of them',
  proof: 'what is kept of an attempt does not fit together: it was changed, and does not prove what it says',
  approval: 'a plan came to be or a payout left without the approvals that the ledger asked for: somebody went round them',
  recipient_sum: "a recipient's shares are not what waits, is in flight and was paid together",
  statement: "a recipient's statement does not lead from its opening to its closing: what was earned and paid is not what the balances say",
  movement: 'money seen in a wallet is not in the ledger exactly once, or not as its proof says',
  wallet_sum: 'what the ledger says a wallet holds is not what came in less what was paid, taken out and spent on costs',
  inbox: 'a row of the inbox table and its event do not match: one of them was changed or removed',
} as const

export type CheckName = keyof typeof CHECKS

const digits = z.string().regex(/^[0-9]+$/)

/** Where a break is: only what is known of its place. */
export const placeSchema = z.strictObject({
  /** Position of the lane within the ledger, from 0. */
  lane: z.int().optional(),
  block: digits.optional(),
  event: digits.optional(),
  reference: z.string().optional(),
  transfer: digits.optional(),
  account: z.string().optional(),
  asset: z.string().optional(),
  payout: z.string().optional(),
  attempt: z.string().optional(),
  wallet: z.string().optional(),
  plan_version: z.int().optional(),
})

export type BreakPlace = z.infer<typeof placeSchema>

export const breakSchema = z.strictObject({
  check: z.enum(Object.keys(CHECKS) as [CheckName, ...CheckName[]]),
  where: placeSchema,
  expected: z.string(),
  found: z.string(),
  meaning: z.string(),
})

export type Break = z.infer<typeof breakSchema>

/** A place as code holds it. */
export type Place = { readonly [Key in keyof BreakPlace]?: BreakPlace[Key] | bigint | null | undefined }

export type Findings = {
  /** Counts what was looked at, whether it held or not. */
  readonly looked: (check: CheckName, count?: number) => void
  readonly broken: (check: CheckName, where: Place, figures: { readonly expected: string; readonly found: string }) => void
  /** How many more breaks are kept. At zero the work stops: the first break is what counts. */
  readonly room: () => number
  readonly breaks: () => readonly Break[]
  readonly counts: () => readonly { readonly name: CheckName; readonly count: string }[]
  /** All of it as data, and the same added to what was found elsewhere. */
  readonly taken: () => Found
  readonly add: (found: Found) => void
}

/** What was found in a part, as data. */
export type Found = { readonly breaks: readonly Break[]; readonly counts: ReadonlyMap<CheckName, number> }

export function createFindings(limit: number): Findings {
  const breaks: Break[] = []
  const counts = new Map<CheckName, number>()
  return {
    looked: (check, count = 1) => {
      counts.set(check, (counts.get(check) ?? 0) + count)
    },
    broken: (check, where, { expected, found }) => {
      if (breaks.length < limit) breaks.push({ check, where: placeOf(where), expected, found, meaning: CHECKS[check] })
    },
    room: () => limit - breaks.length,
    breaks: () => breaks,
    counts: () => [...counts].map(([name, count]) => ({ name, count: count.toString() })),
    taken: () => ({ breaks, counts }),
    add: (found) => {
      for (const [check, count] of found.counts) counts.set(check, (counts.get(check) ?? 0) + count)
      breaks.push(...found.breaks.slice(0, limit - breaks.length))
    },
  }
}

function placeOf(where: Place): BreakPlace {
  const known = Object.entries(where).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(known.map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value])) as BreakPlace
}
