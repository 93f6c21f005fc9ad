// One step, carried out by hand: for tests with worked numbers.

import { parsePlan } from '../../src/core/plan.ts'
import type { FactSets, PartExplanation, RuleState, Split, SplitInput, StepRounding } from '../../src/core/rules/rule.ts'
import { AT, bind } from './run.ts'

export type Asked = {
  /** Of the account that the step divides. */
  readonly pool?: bigint
  /** Or the shares that it changes. */
  readonly shares?: readonly (readonly [recipient: string, units: bigint, role?: string])[]
  readonly rounding?: StepRounding
  readonly parties?: Readonly<Record<string, string>>
  readonly facts?: FactSets
  readonly at?: string
  readonly state?: RuleState
}

function inputOf({ pool, shares = [], rounding, parties = {}, facts = {}, at, state = new Map() }: Asked, own: StepRounding): SplitInput {
  const given = shares.map(([recipient, units, role = 'share']) => ({ role, recipient, units }))
  return {
    ...{ step: 'step', parties, facts, at: at === undefined ? AT : Temporal.Instant.from(at), rounding: rounding ?? own, given, state },
    pool: pool ?? given.reduce((sum, { units }) => sum + units, 0n),
  }
}

export type Step = {
  readonly split: (asked: Asked) => Split
  readonly explain: (asked: Asked) => readonly PartExplanation[]
  /** The lines in short: `from` where it is not the step's account, whom to, units. */
  readonly lines: (asked: Asked) => readonly string[]
  /** Event after event, each on what the one before left. */
  readonly follow: (events: readonly Asked[]) => readonly (readonly string[])[]
}

export function stepOf(kind: string, parameters: unknown): Step {
  const rule = bind(kind, parameters)
  const [first = 'none'] = rule.outline.roundings
  const own: StepRounding = first === 'residual-to' ? { 'residual-to': '' } : first
  const split = (asked: Asked): Split => rule.split(inputOf(asked, own))
  const inShort = ({ lines }: Split): readonly string[] =>
    lines.map(({ role, from, to, units }) => `${role}: ${from === null ? '' : `${typeof from === 'number' ? `share ${from + 1}` : from} → `}${to} ${units}`)
  return {
    split,
    explain: (asked) => rule.explain(inputOf(asked, own)),
    lines: (asked) => inShort(split(asked)),
    follow: (events) => {
      let state: RuleState = new Map()
      return events.map((asked) => {
        const done = split({ ...asked, state })
        state = new Map([...state, ...done.state])
        return inShort(done)
      })
    },
  }
}

/** What a plan of one step with these parameters is refused for, in words. */
export function refusalOf(kind: string, parameters: unknown, { from = 'received', rounding }: { from?: string; rounding?: unknown } = {}): string {
  const fixed = { name: 'first', from: 'received', rule: 'fixed-shares', parameters: { shares: [{ role: 'a', to: { recipient: 'a' }, weight: '1' }, { role: 'b', to: { fund: 'b' }, weight: '1' }] } }
  const step = { name: 'step', from, rule: kind, parameters, ...(rounding === undefined ? {} : { rounding }) }
  try {
    parsePlan({ steps: from === 'received' ? [step] : [fixed, step] })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'plan_invalid') return error.message
    throw error
  }
  return 'accepted'
}
