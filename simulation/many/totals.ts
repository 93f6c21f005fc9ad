// Sums over many histories, and the failures among them. Pure.

import type { Control } from '../control.ts'
import type { History } from '../history.ts'
import type { Ran } from './live.ts'

export type Totals = {
  histories: number
  /** Lived a second time in this process. */
  again: number
  /** Lived on a real server too, and how many of those were the same to the byte. */
  onServer: number
  sameOnServer: number
  payouts: number
  settled: number
  held: number
  statements: number
  requests: number
  virtualSeconds: number
  cpuMilliseconds: number
  /** What the usual sender did under the same kinds of faults. */
  control: Control
  /** Units that left wallets for others, by asset, by the network's books. */
  readonly paid: Map<string, bigint>
  readonly faults: Map<string, number>
  /** Processes that ended at a named point, by its name. */
  readonly points: Map<string, number>
  readonly failures: Failure[]
}

export type Failure = { readonly seed: number; readonly what: readonly string[]; readonly lastSteps: readonly string[] }

export function noTotals(): Totals {
  const sums = { histories: 0, again: 0, onServer: 0, sameOnServer: 0, payouts: 0, settled: 0, held: 0, statements: 0, requests: 0, virtualSeconds: 0, cpuMilliseconds: 0 }
  return { ...sums, control: { payouts: 0, paidTwice: 0, lost: 0 }, paid: new Map(), faults: new Map(), points: new Map(), failures: [] }
}

export function addRan(totals: Totals, ran: Ran): void {
  totals.histories += 1
  totals.again += ran.lived - 1 - (ran.server === null ? 0 : 1)
  totals.onServer += ran.server === null ? 0 : 1
  totals.sameOnServer += ran.server?.same === true ? 1 : 0
  totals.cpuMilliseconds += ran.milliseconds
  if (ran.control !== null) {
    const { payouts, paidTwice, lost } = totals.control
    totals.control = { payouts: payouts + ran.control.payouts, paidTwice: paidTwice + ran.control.paidTwice, lost: lost + ran.control.lost }
  }
  const failure = failureOf(ran)
  if (failure !== null) totals.failures.push(failure)
  if (ran.history !== null) addFigures(totals, ran.history)
}

function addFigures(totals: Totals, { figures }: History): void {
  for (const name of ['payouts', 'settled', 'held', 'statements', 'requests', 'virtualSeconds'] as const) totals[name] += figures[name]
  for (const [asset, units] of Object.entries(figures.paid)) totals.paid.set(asset, (totals.paid.get(asset) ?? 0n) + units)
  for (const [kind, count] of Object.entries(figures.faults)) totals.faults.set(kind, (totals.faults.get(kind) ?? 0) + count)
  for (const [name, count] of Object.entries(figures.points)) totals.points.set(name, (totals.points.get(name) ?? 0) + count)
}

/** What is wrong with a history, in words; null: nothing. */
export function failureOf({ seed, history, error, other, server }: Ran): Failure | null {
  const what = [
    ...(error === null ? [] : [error]),
    ...(history?.findings ?? []).map((finding) => `${finding.invariant}: ${finding.what}`),
    ...(other === null || history === null ? [] : [`again it was another history: hash ${other.hash.slice(0, 16)}…, not ${history.hash.slice(0, 16)}…; ${firstDifference(history, other)}`]),
    ...(server?.history.findings ?? []).map((finding) => `on the server ${finding.invariant}: ${finding.what}`),
  ]
  return what.length === 0 ? null : { seed, what, lastSteps: history?.lastSteps ?? [] }
}

function firstDifference({ lastSteps }: History, other: History): string {
  const at = lastSteps.findIndex((step, index) => step !== other.lastSteps[index])
  return at < 0 ? 'the last steps are the same' : `of the last steps, first "${lastSteps[at]?.trim()}" against "${other.lastSteps[at]?.trim() ?? 'nothing'}"`
}
