// What one event makes of a profit share: its facts read and checked, its close put in its place, and what its pool covers of what is due.

import { Refusal } from '../../refusal.ts'
import { partyIn } from '../condition.ts'
import { checkStrangers, factOf, malformed, optionalFact } from '../facts.ts'
import { grainsOf, grainsOfUnits, percentOf } from '../grain.ts'
import type { SplitInput } from '../rule.ts'
import { readMemory, record, type Memory, type Recorded } from './memory.ts'
import { isShare, termsOf, type Parameters } from './terms.ts'

/** Facts of an event, each under the subject's id. Each but `result` counts as zero where it is missing. */
export const FACTS = ['result', 'fees', 'funding', 'moved'] as const

/** An event's figures, in grains where no name says otherwise. */
export type Worked = {
  readonly subject: string
  readonly figures: Figures
  readonly recorded: Recorded
  readonly poolUnits: bigint
  /** What the pool covers of what is due: never more than the pool, never less than zero. */
  readonly payable: bigint
  readonly due: bigint
  readonly memory: Memory
}

export type Figures = { readonly result: bigint; readonly fees: bigint; readonly funding: bigint; readonly moved: bigint; readonly percent: bigint }

export function work(input: SplitInput, given: Parameters): Worked {
  const subject = partyIn(input, given.subject)
  const figures = figuresOf(input, subject, given)
  const { result, fees, funding, moved, percent } = figures
  const close = { at: input.at, net: result - fees - funding, moved, percent }
  const recorded = record(readMemory(input.state.get(keyOf(subject))), close, termsOf(given), input.step)
  const due = recorded.dueBefore + recorded.added
  const pool = grainsOfUnits(input.pool)
  const payable = due < 0n ? 0n : due < pool ? due : pool
  const memory = { ...recorded.memory, due: recorded.memory.due - payable }
  return { subject, figures, recorded, poolUnits: input.pool, payable, due, memory }
}

function figuresOf(input: SplitInput, subject: string, { percent }: Parameters): Figures {
  const read = (fact: (typeof FACTS)[number]): bigint => {
    checkStrangers(input, { fact }, new Set([subject]))
    const value = optionalFact(input, { fact }, subject)
    if (value === undefined) return 0n
    if (SIGNED.test(value)) return grainsOf(value)
    throw malformed({ step: input.step, fact, subject, value }, 'units as a plain decimal with at most 39 digits and 18 decimals, such as -200 or 12.5')
  }
  if (input.pool > 0n && optionalFact(input, { fact: 'result' }, subject) === undefined) throw withoutResult(input, subject)
  return {
    result: read('result'),
    fees: read('fees'),
    funding: read('funding'),
    moved: read('moved'),
    percent: percentOf(typeof percent === 'string' ? percent : standingPercent(input, percent.fact, subject)),
  }
}

// Minus zero would be another text for the same.
const SIGNED = /^(?!-0(\.0+)?$)-?(0|[1-9][0-9]{0,38})(\.[0-9]{1,18})?$/

function withoutResult({ step, pool }: SplitInput, subject: string): Refusal {
  return new Refusal(
    'fact_not_found',
    `step ${step} needs the fact result of ${subject}, which there is not: say with the event what the trade made in units, or 0 where its ${pool} units pay what is due`,
    { field: 'facts', fact: 'result', subject, step },
  )
}

function standingPercent(input: SplitInput, fact: string, subject: string): string {
  const value = factOf(input, { fact, source: 'standing' }, subject)
  if (isShare(value)) return value
  throw malformed({ step: input.step, fact, subject, value }, 'a percentage from 0 to 100 with at most four decimals, such as 20 or 2.5')
}

/** Under which a subject is remembered. */
export function keyOf(subject: string): string {
  return `subject/${subject}`
}
