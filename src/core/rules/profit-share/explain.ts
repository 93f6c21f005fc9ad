// Why a profit share is what it is, in words that the creator and the subscriber understand, with every figure of it.

import { formatGrains, formatPercent, grainsOfUnits } from '../grain.ts'
import type { Said } from '../weighted.ts'
import type { Charge } from './standing.ts'
import { termsOf, type Parameters } from './terms.ts'
import type { Worked } from './work.ts'

/** Of the share (place 0) and of the rest. */
export function sayOf(worked: Worked, given: Parameters, place: number): Said {
  const { poolUnits, payable } = worked
  const rest = { grounds: 'the rest of the pool', formula: `${poolUnits} − ${formatGrains(payable)}` }
  return { ...(place === 0 ? explainDue(worked, given) : rest), inputs: inputsOf(worked) }
}

/** What is due in words and as a formula: what the event adds, what was due before it, and how much of it the pool covers. */
function explainDue(worked: Worked, given: Parameters): { readonly grounds: string; readonly formula: string } {
  const { recorded, due, payable, poolUnits } = worked
  const { dueBefore } = recorded
  const added = explainAdded(worked, given)
  const before =
    dueBefore === 0n ? '' : dueBefore > 0n ? `, and ${formatGrains(dueBefore)} due before that no pool has covered` : `, less ${formatGrains(-dueBefore)} taken back by a late close`
  const sum = dueBefore === 0n ? added.formula : `${added.formula} ${dueBefore > 0n ? '+' : '−'} ${formatGrains(dueBefore > 0n ? dueBefore : -dueBefore)}`
  if (due < 0n) return { grounds: `${added.grounds}${before}; nothing is paid, and ${formatGrains(-due)} stay owed`, formula: `max(0, ${sum})` }
  if (payable === due) return { grounds: `${added.grounds}${before}`, formula: sum }
  const left = `; the pool of ${poolUnits} covers ${formatGrains(payable)} of it, and ${formatGrains(due - payable)} stay due`
  return { grounds: `${added.grounds}${before}${left}`, formula: `min(${poolUnits}, ${sum})` }
}

function explainAdded({ recorded, figures }: Worked, given: Parameters): { readonly grounds: string; readonly formula: string } {
  const { charge, isLate, added } = recorded
  if (isLate) {
    const change = added < 0n ? `${formatGrains(-added)} less` : `${formatGrains(added)} more`
    return { grounds: `${change} than was counted before, since this close belongs before others`, formula: formatGrains(added) }
  }
  if (charge === null) return { grounds: 'nothing yet: the span has not ended', formula: '0' }
  if (charge.isPassed) return explainShared(charge, given)
  return { grounds: `nothing: ${reasonOf(charge, given, figures.result - figures.fees - figures.funding)}${whenOf(charge)}`, formula: '0' }
}

function explainShared(charge: Charge, given: Parameters): { readonly grounds: string; readonly formula: string } {
  const { value, mark, profit, hurdle, percent } = charge
  const [rate, above] = [formatPercent(percent), formatGrains(hurdle)]
  const isHard = termsOf(given).hurdle?.kind === 'hard'
  const what = given.policy === 'each-win' ? `the profit of ${formatGrains(profit)}` : `the profit of ${formatGrains(profit)} above the high-water mark of ${formatGrains(mark)}`
  const terms = given.hurdle === undefined ? '' : isHard ? `, as far as it is above the hurdle of ${above}` : `, all of it because it is above the hurdle of ${above}`
  const from = given.policy === 'each-win' ? formatGrains(profit) : `${formatGrains(value)} − ${formatGrains(mark)}`
  const base = isHard ? `${from} − ${above}` : from
  const formula = `${base.includes(' ') ? `(${base})` : base} × ${rate} ÷ 100`
  return { grounds: `${rate} % of ${what}${terms}${whenOf(charge)}`, formula }
}

function reasonOf({ value, mark, profit, hurdle }: Charge, { policy }: Parameters, net: bigint): string {
  if (profit > 0n) return `the profit of ${formatGrains(profit)} is not above the hurdle of ${formatGrains(hurdle)}`
  if (policy === 'high-water-mark') return `the running result of ${formatGrains(value)} is not above the high-water mark of ${formatGrains(mark)}`
  return `there was no profit, but a result of ${formatGrains(net)} net of fees and funding`
}

function whenOf({ spanEnd }: Charge): string {
  return spanEnd === null ? '' : `, settled for the span that ended before ${spanEnd.toString()}`
}

function inputsOf({ poolUnits, figures, recorded, due, payable }: Worked): Said['inputs'] {
  const { result, fees, funding, moved, percent } = figures
  const { before, after, dueBefore, added } = recorded
  const amounts = {
    pool: grainsOfUnits(poolUnits),
    ...{ result, fees, funding, moved },
    value_before: before.value,
    value_after: after.value,
    mark_before: before.mark,
    mark_after: after.mark,
    due_before: dueBefore,
    ...{ added, due, payable },
  }
  return { ...Object.fromEntries(Object.entries(amounts).map(([name, grains]) => [name, formatGrains(grains)])), percent: formatPercent(percent) }
}
