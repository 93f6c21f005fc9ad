// What callers do in one history, as plain data: each step holds everything that it needs, so that any of them can be left out and the
// others do the same as before. Nothing here is carried out; play.ts does that.

import type { JsonObject } from '../../src/core/effects.ts'
import type { Person, Request } from '../history.ts'

export type Workload = {
  readonly ledgers: readonly LedgerSetup[]
  readonly callers: readonly Caller[]
  /** When callers and faults have ended: money for all that is payable, and every account thawed. Never left out. */
  readonly ending: readonly Deed[]
}

/** A ledger as it is made before anybody calls. */
export type LedgerSetup = {
  readonly name: string
  readonly program: string
  /** The text of its file, for a program that takes one. */
  readonly programFile: string | null
  readonly lanes: number
  /** The schema of its inbox table; null without one. */
  readonly schema: string | null
  /** What it divides. */
  readonly asset: string
  /** Tokens that the network must have, with their decimals. */
  readonly tokens: Readonly<Record<string, number>>
  /** Units that its wallet has at first, by asset. */
  readonly funds: Readonly<Record<string, string>>
  /** Who has an address from the start. */
  readonly recipients: readonly Addressed[]
}

export type Addressed = { readonly recipient: string; readonly address: string }

export type Caller = { readonly name: string; readonly steps: readonly Step[] }

export type Step = {
  /** Unique within the workload. */
  readonly id: number
  /** Pause after the step before. */
  readonly delayMs: number
  readonly deed: Deed
}

/** What must become of an offer, whatever else happens; `any` where that depends on others. For a batch: of each of its events. */
export type Expect = 'taken' | 'refused' | 'any' | readonly ('taken' | 'refused' | 'any')[]

/** How a caller insists: as a sound client, always with the same reference and key. */
export type Insistence = {
  /** Most times that it sends until an answer comes that is one. */
  readonly tries: number
  readonly pauseMs: number
  /** So many copies at the same moment. */
  readonly atOnce: number
}

type Offering = Insistence & {
  /** What kind of thing is done, for figures. */
  readonly tag: Tag
  readonly ledger: string
  readonly expect: Expect
}

export type RequestDeed = Offering & {
  readonly do: 'request'
  readonly person: Person
  readonly request: Request
  /** The field of the body that gets the instant of the first try, as an event's source writes when it happened. */
  readonly stamp: string | null
}

/** A row by somebody who knows only SQL. */
export type InsertDeed = Offering & { readonly do: 'insert' | 'upsert'; readonly table: string; readonly row: JsonObject; readonly stamp: string | null }

/** A decision about a draft or a change: `stale` approves what was read before it was written anew. */
export type Decision = { readonly by: Person; readonly verb: 'approve' | 'stale' | 'reject' | 'withdraw'; readonly delayMs: number }

export type PlanDeed = Offering & {
  readonly do: 'plan'
  readonly by: Person
  readonly key: string
  readonly plan: JsonObject
  /** From the instant of drafting on; null: as soon as the notice allows. */
  readonly effectiveInMs: number | null
  readonly look: readonly ('preview' | 'diff')[]
  /** What it is written anew as, before it is decided. */
  readonly edit: JsonObject | null
  readonly decisions: readonly Decision[]
}

export type SettingsDeed = Offering & {
  readonly do: 'settings'
  readonly by: Person
  readonly key: string
  readonly change: JsonObject
  readonly decisions: readonly Decision[]
}

/** Decides about payouts that wait, as the list of what waits shows them. */
export type DecideDeed = Offering & {
  readonly do: 'decide'
  readonly by: Person
  readonly verb: 'approve' | 'reject'
  readonly most: number
  /** All in one request, or each by itself. */
  readonly together: boolean
  /** Between looking at what waits and deciding about it: it may be something else by then. */
  readonly thinksMs: number
  /** What is wrong with the approval, if anything. */
  readonly wrong: 'nothing' | 'hash' | 'signature' | 'clock'
}

/** Where somebody is paid from now on, by the command's verb: the API has none for it. */
export type NameDeed = Offering & { readonly do: 'name'; readonly recipient: string; readonly address: string }

/** The network's own hand. `fund` the ledger's wallet, `give` somebody else something, freeze or thaw a token account. */
export type HandDeed = { readonly tag: Tag; readonly ledger: string; readonly asset: string } & (
  | { readonly do: 'fund'; readonly units: string }
  | { readonly do: 'give'; readonly address: string; readonly units: string }
  | { readonly do: 'freeze' | 'thaw'; readonly address: string }
)

export type Deed = RequestDeed | InsertDeed | PlanDeed | SettingsDeed | DecideDeed | NameDeed | HandDeed

/** Kinds of things that callers do. */
export const TAGS = [
  ...['plain', 'dust', 'huge', 'late', 'in-order-of-its-own', 'invalid', 'too-old', 'in-the-future', 'of-an-approver'],
  ...['duplicate', 'other-content', 'key-again', 'key-other-content', 'batch', 'batch-with-wrong'],
  ...['row', 'row-again', 'row-other-content', 'row-invalid'],
  ...['reversal-whole', 'reversal-part', 'reversal-exceeding', 'reversal-of-reversal', 'reversal-in-other-lane'],
  ...['fact', 'fact-invalid', 'snapshot', 'snapshot-again', 'snapshot-other-content', 'snapshot-invalid', 'by-snapshot'],
  ...['plan', 'plan-edited', 'plan-invalid', 'plan-added', 'plan-validated', 'preview'],
  ...['settings', 'settings-invalid', 'approve', 'approve-wrong', 'reject'],
  ...['address', 'address-first', 'wallet', 'wallet-gone', 'fund', 'give', 'freeze', 'thaw', 'read'],
] as const

export type Tag = (typeof TAGS)[number]

/** The same with only those steps that are kept; the pauses of the others go to those after them. */
export function withSteps(workload: Workload, keep: (step: Step) => boolean): Workload {
  const callers = workload.callers.map(({ name, steps }) => {
    let waited = 0
    const kept = steps.flatMap((step): readonly Step[] => {
      waited += step.delayMs
      if (!keep(step)) return []
      const delayMs = waited
      waited = 0
      return [{ ...step, delayMs }]
    })
    return { name, steps: kept }
  })
  return { ...workload, callers: callers.filter(({ steps }) => steps.length > 0) }
}

/** All steps with the moment at which each begins if nothing takes time, in that order. */
export function timetable({ callers }: Workload): readonly { readonly atMs: number; readonly caller: string; readonly step: Step }[] {
  const all = callers.flatMap(({ name, steps }) => {
    let atMs = 0
    return steps.map((step) => ({ atMs: (atMs += step.delayMs), caller: name, step }))
  })
  return all.toSorted((one, other) => one.atMs - other.atMs || one.step.id - other.step.id)
}
