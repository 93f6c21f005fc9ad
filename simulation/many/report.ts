// What many histories came to, for people and for programs.

import Table from 'cli-table3'
import { formatUnits } from '../../src/core/money.ts'
import { POINTS } from '../points.ts'
import type { Failure, Totals } from './totals.ts'

export type Run = { readonly milliseconds: number; readonly peakBytes: number }

const MINUTE_MS = 60_000
const MEBIBYTE = 1_048_576
/** Of a failed history's last steps. */
const STEPS_SHOWN = 40

const figure = (count: number): string => Math.round(count).toLocaleString('en')

function plain(): { readonly style: { head: []; border: [] }; readonly colAligns: ('left' | 'right')[] } {
  return { style: { head: [], border: [] }, colAligns: ['left', 'right'] }
}

export function reportTotals(totals: Totals, { milliseconds, peakBytes }: Run): string {
  const { histories, failures, control } = totals
  const rows: readonly (readonly [string, string])[] = [
    ['histories', figure(histories)],
    ['histories a minute', figure((histories * MINUTE_MS) / Math.max(1, milliseconds))],
    ['CPU a history', `${figure(totals.cpuMilliseconds / Math.max(1, histories))} ms`],
    ['lived again, with the same hash', figure(totals.again)],
    ...(totals.onServer === 0 ? [] : [['lived on a real server too', `${figure(totals.onServer)}, ${figure(totals.sameOnServer)} to the byte the same`] as const]),
    ['simulated time', `${figure(totals.virtualSeconds / 3600)} h`],
    ['payouts', figure(totals.payouts)],
    ['… settled', figure(totals.settled)],
    ['… held, with a reason', figure(totals.held)],
    ...[...totals.paid].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([asset, units]) => ['paid, by the network’s books', moneyText(asset, units)] as const),
    ['batches of statements', figure(totals.statements)],
    ['requests to the network', figure(totals.requests)],
    ['peak memory', `${figure(peakBytes / MEBIBYTE)} MiB`],
    ['the usual sender, under such faults', `${figure(control.paidTwice)} of ${figure(control.payouts)} payouts made twice`],
    ['histories with something broken', figure(failures.length)],
  ]
  const sums = new Table(plain())
  sums.push(...rows.map((row) => [...row]))
  const faults = new Table({ ...plain(), head: ['faults', 'times'] })
  faults.push(...[...totals.faults].toSorted(([, one], [, other]) => other - one).map(([kind, count]) => [kind, figure(count)]))
  const points = new Table({ ...plain(), head: ['ended at the point', 'times'] })
  points.push(...POINTS.map(({ name }) => [name, figure(totals.points.get(name) ?? 0)]))
  return `${sums.toString()}\n${faults.toString()}${totals.points.size === 0 ? '' : `\n${points.toString()}`}`
}

/** An asset is its name and its scale. */
function moneyText(asset: string, units: bigint): string {
  const [name = '', scale = '0'] = asset.split('/')
  return `${formatUnits(units, Number(scale))} ${name}`
}

/** A failure with the command that replays it. */
export function reportFailure({ seed, what, lastSteps }: Failure, { server }: { readonly server: boolean }): string {
  return [
    '',
    `seed ${seed}:`,
    ...what.map((each) => `  ${each}`),
    ...(lastSteps.length === 0 ? [] : ['  the last steps:', ...lastSteps.slice(-STEPS_SHOWN).map((step) => `    ${step}`)]),
    `  replay: npm run simulate -- --seed ${seed}${server ? ' --server' : ''}`,
    `  make it smaller: node scripts/run.js simulation/minimise.ts --seed ${seed}`,
  ].join('\n')
}

export function totalsDocument({ paid, faults, points, failures, ...sums }: Totals, run: Run): object {
  const texts = [...paid].map(([asset, units]) => [asset, units.toString()] as const)
  return { ...run, ...sums, paid: Object.fromEntries(texts), faults: Object.fromEntries(faults), points: Object.fromEntries(points), failures: failures.map(({ seed, what }) => ({ seed, what })) }
}
