// Why each part of a waterfall is what it is, tranche by tranche, in words and with every figure.

import { present } from '../../assert.ts'
import { sumOfDecimals } from '../../ratio.ts'
import { formatGrains } from '../grain.ts'
import type { PartExplanation } from '../rule.ts'
import { explainLines } from '../weighted.ts'
import type { Filled } from './flow.ts'
import type { Parameters } from './terms.ts'

export function explainFilled(filled: Filled, given: Parameters, pool: bigint): readonly PartExplanation[] {
  const { tranche, amount, input, entries, divided } = filled
  return explainLines(input, entries, divided, {
    say: (_, index) => ({
      grounds: amount === 0n ? nothingBecause(filled) : groundsOf(filled, index, given),
      ...(amount === 0n ? { formula: '0' } : {}),
      inputs: { pool: pool.toString(), tranche: tranche.name, ...inputsOf(filled, index) },
    }),
  })
}

function nothingBecause({ tranche, reached, room, takenByAll }: Filled): string {
  if (reached === 0n) return `nothing: no money reached the tranche ${tranche.name}`
  if (room === 0n) {
    if (tranche.kind === 'capital') return 'nothing: all capital has been returned'
    if (tranche.kind === 'preferred') return 'nothing: no whole unit of preferred return is due'
    if (tranche.kind === 'catch-up') return `nothing: it has caught up with the preferred return`
  }
  return `nothing: ${takenByAll} units have been paid in all, and the tranche ${tranche.name} ends there or before`
}

function groundsOf({ tranche, members, entries, holdings, amount }: Filled, index: number, { tranches }: Parameters): string {
  const { weight } = present(entries[index], 'entry')
  const { written, contributor } = present(members[index], 'member')
  if (tranche.kind === 'capital') return weight === 0n ? 'nothing: its capital has been returned' : `capital back: ${weight} of its own are still out`
  if (tranche.kind === 'preferred') {
    const { preferred, capital } = present(holdings[contributor ?? index], 'holding')
    const standing = capital === 0n ? '' : `, with ${capital} of its capital still out`
    const kind = tranche.compounding === 'none' ? '' : `, joining the capital each ${tranche.compounding}`
    return `the preferred return of ${tranche.rate} a year${kind}: ${formatGrains(preferred)} have accrued and are not paid${standing}`
  }
  const isRest = tranche.kind === 'catch-up' && index >= tranche.shares.length
  const list = tranche.kind === 'catch-up' && isRest ? (tranche.rest ?? []) : tranche.shares
  const parts = `${written} of ${sumOfDecimals(list.map((each) => each.weight))} parts`
  if (tranche.kind === 'split') return `${parts} of the ${amount} units in the tranche ${tranche.name}${tranche.until === undefined ? '' : `, until ${tranche.until} have been paid in all`}`
  const preferred = tranches.find(({ kind }) => kind === 'preferred')
  const goal = `until ${tranche.target} of what ${preferred?.name ?? 'preferred'} and ${tranche.name} have paid are theirs`
  return isRest ? `${parts} of what a catch-up at ${tranche.rate} leaves` : `${parts} of ${tranche.rate} of the catch-up, ${goal}`
}

function inputsOf({ reached, room, amount, taken, takenByAll, entries, members, holdings }: Filled, index: number): Readonly<Record<string, string>> {
  const { weight } = present(entries[index], 'entry')
  const member = present(members[index], 'member')
  const holding = member.contributor === null ? undefined : holdings[member.contributor]
  return {
    reached: reached.toString(),
    room: room === null ? 'all' : room.toString(),
    amount: amount.toString(),
    taken: taken.toString(),
    taken_by_all: takenByAll.toString(),
    weight: weight.toString(),
    weights: entries.reduce((all, each) => all + each.weight, 0n).toString(),
    ...(holding === undefined ? {} : { capital: holding.capital.toString(), preferred: formatGrains(holding.preferred) }),
  }
}
