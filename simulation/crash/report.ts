// A run in figures: what was killed and how long it was away, which points were met, what callers were told, and chain, ledger and shares
// side by side. Says what is wrong, and whether anything is.

import { POINTS } from '../points.ts'
import { tryApportion } from '../process.ts'
import type { Audited, Side } from './audit.ts'
import { PARTS, type Kill } from './kills.ts'
import type { Ran, Say } from './run.ts'

/** Prints it all. Answers whether nothing is wrong: nothing lost, nothing double, each point met, `verify` sound. */
export async function report(ran: Ran, print: Say): Promise<boolean> {
  printKills(ran.kills, print)
  printPoints(ran, print)
  printCalls(ran, print)
  for (const audited of ran.audited) printSides(audited, print)
  for (const what of ran.standing.moving) print(`at the end ${what}`)
  const faults = [
    ...ran.missing.map((point) => `nothing ever ended at the point "${point}"`),
    ...ran.audited.flatMap(({ ledger, findings }) => findings.map(({ invariant, what }) => `${ledger}: ${invariant}: ${what}`)),
    ...ran.audited.flatMap(({ ledger, sides }) => sides.flatMap((side) => (agrees(side) ? [] : [`${ledger}: ${side.what} is not the same on all sides`]))),
    ...(await verifyAll(ran, print)),
  ]
  for (const fault of faults) print(`FAULT   ${fault}`)
  print(faults.length === 0 ? `${ran.kills.length} kills: nothing was lost, nothing was paid twice` : `${faults.length} faults`)
  return faults.length === 0
}

function printKills(kills: readonly Kill[], print: Say): void {
  print('killed                times   at points   away: median      longest')
  for (const part of PARTS) {
    const own = kills.filter((kill) => kill.part === part)
    if (own.length === 0) continue
    const away = own.flatMap(({ awayMs }) => awayMs ?? []).toSorted((one, other) => one - other)
    const [median, most] = [away[Math.floor(away.length / 2)], away.at(-1)]
    const ms = (value: number | undefined): string => (value === undefined ? '' : `${value} ms`).padStart(13)
    print(`  ${part.padEnd(16)} ${String(own.length).padStart(8)} ${String(own.filter(({ point }) => point !== null).length).padStart(11)} ${ms(median)} ${ms(most)}`)
  }
}

function printPoints({ kills, missing }: Ran, print: Say): void {
  const times = Map.groupBy(kills, ({ point }) => point)
  const met = POINTS.flatMap(({ name }) => (times.has(name) ? [`${name} ${times.get(name)?.length ?? 0}`] : []))
  if (met.length === 0) return
  print(`points: ${POINTS.length - missing.length} of ${POINTS.length} ended a process`)
  for (let start = 0; start < met.length; start += 4) print(`  ${met.slice(start, start + 4).map((one) => one.padEnd(34)).join('')}`.trimEnd())
}

function printCalls({ offers, audited, workload }: Ran, print: Say): void {
  const count = (is: (status: number | null) => boolean): number => offers.filter(({ answer }) => is(answer === null || answer.status >= 500 ? null : answer.status)).length
  const [taken, refused, unanswered] = [count((status) => status !== null && status < 300), count((status) => status !== null && status >= 300), count((status) => status === null)]
  print(`calls by ${workload.callers.length} callers: ${offers.length}; answered as done ${taken}, refused ${refused}, not answered ${unanswered}`)
  const sum = (of: (figures: Audited['figures']) => number): number => audited.reduce((all, { figures }) => all + of(figures), 0)
  print(`events ${sum(({ events }) => events)}, payouts ${sum(({ payouts }) => payouts)}, settled ${sum(({ settled }) => settled)}, transactions on the chain ${sum(({ transactions }) => transactions)}`)
}

function agrees({ chain, accounts, payouts }: Side): boolean {
  return new Set([chain, accounts, payouts].filter((units) => units !== null)).size === 1
}

function printSides({ ledger, sides, figures }: Audited, print: Say): void {
  const cell = (units: bigint | null): string => (units === null ? '' : units.toString()).padStart(26)
  print(`${ledger.padEnd(32)}${'chain'.padStart(26)}${'ledger'.padStart(26)}${'shares'.padStart(26)}`)
  for (const { what, chain, accounts, payouts } of sides) print(`  ${what.padEnd(30)}${cell(chain)}${cell(accounts)}${cell(payouts)}`)
  const waiting = Object.entries(figures.waiting).map(([why, payouts]) => `${payouts} ${why}`)
  if (waiting.length > 0) print(`  waiting: ${waiting.join(', ')}`)
}

/** Each ledger by its own command: what ends otherwise than sound is a fault. */
async function verifyAll({ place, workload }: Ran, print: Say): Promise<readonly string[]> {
  const faults: string[] = []
  for (const { name } of workload.ledgers) {
    const { code, printed, complaints } = await tryApportion(place.directory, ['verify', '--ledger', name], place.settings())
    const [first = ''] = (printed || complaints).split('\n')
    print(first)
    if (code !== 0) faults.push(`verify of ${name} ended with ${code}: ${printed || complaints}`)
  }
  return faults
}
