// The distribution of one event: its shares by the plan version in force, and why each is what it is. Pure; nothing is stored here.

import { accountName, partyOf } from './account.ts'
import { assert, present } from './assert.ts'
import type { EventInput } from './event.ts'
import { clip, formatUnits, parseAsset } from './money.ts'
import { changesOf as changesBefore, partOf, placeIn, placeOf } from './part.ts'
import type { PlanVersion } from './plan.ts'
import { namedSnapshot } from './snapshot.ts'
import { compareRatios, formatRatio, ratio, type Ratio } from './ratio.ts'
import { Refusal } from './refusal.ts'
import { formatStepRounding, roundingKindOf, type FactNeed, type GivenShare, type Line, type PartExplanation, type RuleContext, type RuleState, type SplitInput } from './rules/rule.ts'
import { accountOf } from './rules/target.ts'
import type { Step } from './step.ts'

/** One movement of a distribution. A share of zero units makes no transfer and no payout, but is shown. */
export type Share = {
  readonly part: number
  readonly role: string
  /** The account it comes from and the one it goes to, by name. */
  readonly from: string
  readonly account: string
  /** Whose it is, where it goes to somebody's account. */
  readonly recipient: string | null
  readonly units: bigint
}

/** The shares, step by step, and what the rules remember from now on: keys are `<step>/<asset>/<the rule's own key>`, changed ones alone. */
export type Distribution = { readonly shares: readonly Share[]; readonly state: RuleState }

/** What a program's doors call the amount of a role, for refusals. */
export type AmountFields = Readonly<Record<string, string>>

/** What of an event decides its distribution. */
export type Divisible = Pick<EventInput, 'asset' | 'units' | 'parties' | 'claimed' | 'facts'> & { readonly eventAt: Temporal.Instant }

const NO_STATE: RuleState = new Map()

/**
 * Divides an event's units by a plan version, step by step. What comes from `received` adds up to the units.
 * Refuses `recipient_not_found` when the event names no party the plan asks for, and `event_share_mismatch` when an amount that
 * came with the event is one unit or more from its exact quota, or `event_amounts_mismatch` when they do not add up.
 */
export function distribute(
  event: Divisible,
  version: Pick<PlanVersion, 'steps'>,
  { state = NO_STATE, amountFields = {} }: { readonly state?: RuleState; readonly amountFields?: AmountFields } = {},
): Distribution {
  checkEvent(event, version)
  const worked = work(event, version, state)
  const shares = worked.flatMap(({ kept }) => kept)
  const total = shares.reduce((all, { from, units }) => (from === 'received' ? all + units : all), 0n)
  assert(total === event.units, () => `shares of ${total} units were made of ${event.units}`)
  if (event.claimed !== null) checkClaimed(event, event.claimed, { shares, quotas: quotasOf(worked), amountFields })
  return { shares, state: memoryOf(event, worked) }
}

/** Refuses an event without money where no rule can use it, and one without, or with other, facts than its plan asks for. */
function checkEvent({ units, facts }: Divisible, { steps }: Pick<PlanVersion, 'steps'>): void {
  if (units === 0n && !steps.some(({ rule }) => rule.outline.takesNothing)) {
    throw new Refusal('amount_not_positive', 'the event has 0 units: its plan has nothing to divide', { field: 'units', value: '0' })
  }
  const needed = needsOf(steps)
  const missing = needed.find(({ name, optional }) => optional !== true && !Object.hasOwn(facts, name))
  if (missing !== undefined) {
    const { name, source, step } = missing
    const remedy = source === 'event' ? 'send it with the event' : 'set it for the ledger'
    throw new Refusal('fact_not_found', `step ${step} needs the fact ${name}, which there is not: ${remedy}`, { field: 'facts', fact: name, step, source })
  }
  checkSnapshots(facts, steps)
  const surplus = Object.keys(facts).find((name) => needed.every((need) => need.name !== name))
  if (surplus === undefined) return
  const wanted = needed.length === 0 ? 'none' : needed.map(({ name }) => name).join(', ')
  throw new Refusal('fact_mismatch', `the event comes with the fact ${clip(surplus)}, which no step of its plan asks for; they ask for: ${wanted}`, {
    field: 'facts',
    fact: clip(surplus),
  })
}

type Need = FactNeed & { readonly step: string }

/** Plans are immutable: what a plan asks for is worked out once. */
const needsBySteps = new WeakMap<readonly Step[], readonly Need[]>()

function needsOf(steps: readonly Step[]): readonly Need[] {
  return needsBySteps.getOrInsertComputed(steps, () => steps.flatMap(({ name, rule }) => rule.outline.facts.map((need) => ({ ...need, step: name }))))
}

/** Refuses a snapshot where the plan needs each fact by itself, or more than one division would be made of snapshots. */
function checkSnapshots(facts: Divisible['facts'], steps: readonly Step[]): void {
  const named = Object.keys(facts).filter((fact) => namedSnapshot(facts[fact] ?? {}) !== null)
  for (const fact of named) {
    const users = steps.filter(({ rule }) => rule.outline.facts.some(({ name }) => name === fact))
    const problem = (named.length > 1 ? 'the event names more than one snapshot' : null) ?? (users.length > 1 ? 'more than one step divides by it' : null) ?? users.map((step) => snapshotProblem(step, steps, fact)).find((found) => found !== null)
    if (problem === null || problem === undefined) continue
    throw new Refusal('snapshot_unsupported', `the fact ${fact} cannot come as a snapshot here: ${problem}`, { field: 'facts', fact, problem })
  }
}

function snapshotProblem({ name, rule, rounding }: Step, steps: readonly Step[], fact: string): string | null {
  const { bySnapshot } = rule.outline
  if (bySnapshot?.fact !== fact) return `step ${name} by ${rule.kind} needs each fact by itself`
  if (!bySnapshot.roundings.includes(roundingKindOf(rounding))) return `step ${name} rounds by ${formatStepRounding(rounding)}; by snapshot it may round by ${bySnapshot.roundings.join(' or ')}`
  const later = steps.find(({ from }) => from === `shares:${name}`)
  return later === undefined ? null : `step ${later.name} changes the shares of step ${name}, which are posted later`
}

/** A step as it was carried out: what its rule was asked, the lines it gave, and which of them no later step changed. */
type Worked = {
  readonly step: Step
  readonly input: SplitInput
  readonly lines: readonly Share[]
  readonly remembered: RuleState
  kept: readonly Share[]
  changedBy: string | null
}

function work(event: Divisible, { steps }: Pick<PlanVersion, 'steps'>, state: RuleState): readonly Worked[] {
  const standing = new Map([['received', event.units]])
  const done: Worked[] = []
  for (const [index, step] of steps.entries()) {
    const earlier = step.rule.outline.divides === 'shares' ? present(done.find(({ step: { name } }) => step.from === `shares:${name}`), step.from) : null
    const taken = earlier === null ? [] : earlier.kept.filter(({ recipient, account }) => recipient !== null && account === accountName('payable', recipient))
    const given = taken.map(({ role, recipient, units }): GivenShare => ({ role, recipient: present(recipient, 'recipient'), units }))
    const pool = earlier === null ? (standing.get(step.from) ?? 0n) : given.reduce((all, { units }) => all + units, 0n)
    const input: SplitInput = { ...contextOf(event, step), pool, rounding: step.rounding, given, state: stateOf(event, step, state) }
    const { lines, state: remembered } = step.rule.split(input)
    checkLines(step, { pool, given }, lines)
    const changes = changesBefore(steps, step)
    const shares = lines.map((line) => shareOf(line, { index, step, taken, changes }))
    if (earlier === null) standing.delete(step.from)
    else {
      const gone = new Set(taken)
      earlier.kept = earlier.kept.filter((share) => !gone.has(share))
      earlier.changedBy = step.name
    }
    for (const { account, units } of shares) if (account.startsWith('fund:')) standing.set(account, (standing.get(account) ?? 0n) + units)
    done.push({ step, input, lines: shares, remembered, kept: shares, changedBy: null })
  }
  return done
}

function contextOf({ parties, facts, eventAt }: Undivided, { name }: Step): RuleContext {
  return { step: name, parties, facts, at: eventAt }
}

/** How the keys of what a step remembers begin. What it remembers of one asset says nothing of another: limits, advances and fractions are units of one. */
export function prefixOf({ asset }: Pick<Divisible, 'asset'>, { name }: Pick<Step, 'name'>): string {
  return `${name}/${asset}/`
}

/** A step's own part of the state: its keys without what they begin with. */
function stateOf(event: Divisible, step: Step, state: RuleState): RuleState {
  if (state.size === 0) return state
  const prefix = prefixOf(event, step)
  return new Map([...state].flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])))
}

function memoryOf(event: Divisible, worked: readonly Worked[]): RuleState {
  if (worked.every(({ remembered }) => remembered.size === 0)) return NO_STATE
  return new Map(worked.flatMap(({ step, remembered }) => [...remembered].map(([key, value]) => [`${prefixOf(event, step)}${key}`, value] as const)))
}

/** Everything the step was given went somewhere, and nothing else was touched that its outline does not name. */
function checkLines({ name, rule }: Step, { pool, given }: { pool: bigint; given: readonly GivenShare[] }, lines: readonly Line[]): void {
  const left = [...given.map(({ units }) => units)]
  let fromPool = 0n
  for (const { from, units } of lines) {
    assert(units >= 0n, () => `step ${name} gives ${units} units`)
    if (from === null) fromPool += units
    else if (typeof from === 'number') left[from] = present(left[from], `given share ${from}`) - units
    else {
      const own = from === accountName('rounding', name) || (rule.outline.carries && partyOf('carried', from) !== null)
      assert(own || rule.outline.draws.some((fund) => from === `fund:${fund}`), () => `step ${name} draws on ${from}, which its outline does not name`)
    }
  }
  if (rule.outline.divides === 'account') assert(fromPool === pool, () => `step ${name} made shares of ${fromPool} units of ${pool}`)
  else assert(fromPool === 0n && left.every((units) => units === 0n), () => `step ${name} lost or made units of the shares it changes`)
}

type Context = { readonly index: number; readonly step: Step; readonly taken: readonly Share[]; readonly changes: number }

function shareOf(line: Line, { index, step, taken, changes }: Context): Share {
  const { role, from, to, units } = line
  const source = from === null ? step.from : typeof from === 'number' ? present(taken[from], 'given share').from : from
  return { part: partOf(index, placeOfLine(line, { step, taken, changes })), role, from: source, account: to, recipient: partyOf('payable', to) ?? partyOf('carried', to), units }
}

/** A step that changes shares leaves them the places that they have. */
function placeOfLine({ zone = 'shares', place }: Pick<Line, 'zone' | 'place'>, { step, taken, changes }: Omit<Context, 'index'>): number {
  if (zone !== 'shares' || step.rule.outline.divides === 'account') return placeIn(zone, { place, changes })
  return placeOf(present(taken[place], 'given share').part)
}

/** The exact quota of each share: only a plan of one step has any but its units themselves. */
function quotasOf(worked: readonly Worked[]): ((share: Share) => Ratio) {
  const [only] = worked
  const quotas = worked.length === 1 && only !== undefined ? (only.step.rule.quotas?.(only.input) ?? null) : null
  return ({ part, units }) => quotas?.[part] ?? ratio(units, 1n)
}

/** The shares that a plan lists by name, without units: what its steps give to whom, whatever the event. */
export function listedShares({ steps }: Pick<PlanVersion, 'steps'>, { parties }: Pick<EventInput, 'parties'>): readonly Share[] {
  return steps.flatMap(({ name, from, rule: { outline } }, index) => {
    const changed = steps.some((later) => later.from === `shares:${name}`)
    return (changed ? [] : (outline.parts ?? [])).map(({ role, to }, place): Share => {
      const account = accountOf(to, { role, parties })
      return { part: partOf(index, place), role, from, account, recipient: partyOf('payable', account), units: 0n }
    })
  })
}

/** The same check on shares that were worked out before, on a state that is gone: each amount must be less than one unit from its share. */
export function checkClaims(event: Divisible, shares: readonly Share[], amountFields: AmountFields): void {
  if (event.claimed !== null) checkClaimed(event, event.claimed, { shares, quotas: ({ units }) => ratio(units, 1n), amountFields })
}

const NOTHING = { units: 0n, quota: ratio(0n, 1n) }

/**
 * Amounts given with the event: each less than one unit from its exact quota (for a role without a share that leaves zero), and
 * all of them together the pool.
 */
function checkClaimed(
  { units, asset }: Divisible,
  claimed: Readonly<Record<string, bigint>>,
  { shares, quotas, amountFields }: { shares: readonly Share[]; quotas: (share: Share) => Ratio; amountFields: AmountFields },
): void {
  const { scale } = parseAsset(asset)
  const planned = new Map(shares.map((share) => [share.role, { units: share.units, quota: quotas(share) }]))
  for (const [role, amount] of Object.entries(claimed)) {
    const { units: share, quota } = planned.get(role) ?? NOTHING
    const difference = ratio(amount * quota.denominator - quota.numerator, quota.denominator)
    const distance = difference.numerator < 0n ? ratio(-difference.numerator, difference.denominator) : difference
    if (compareRatios(distance, ratio(1n, 1n)) >= 0) {
      const expected = formatUnits(share, scale)
      const field = amountFields[role] ?? role
      throw new Refusal(
        'event_share_mismatch',
        `the amount for ${field} is ${formatUnits(amount, scale)}, but the plan gives ${expected} (exactly ${formatRatio(quota)} units): correct it or leave it out`,
        { field, given: formatUnits(amount, scale), expected, asset },
      )
    }
  }
  const whole = shares.every(({ role }) => Object.hasOwn(claimed, role))
  const sum = Object.values(claimed).reduce((all, amount) => all + amount, 0n)
  if (sum > units || (whole && sum !== units)) throw amountsMismatch({ sum, units, asset })
}

/** The refusal for amounts that do not add up to their event's. */
export function amountsMismatch({ sum, units, asset }: { sum: bigint; units: bigint; asset: string }): Refusal {
  const { scale } = parseAsset(asset)
  return new Refusal(
    'event_amounts_mismatch',
    `the amounts given add up to ${formatUnits(sum, scale)}, but the event has ${formatUnits(units, scale)}: correct them or leave them out`,
    { given: formatUnits(sum, scale), expected: formatUnits(units, scale), asset },
  )
}

type Undivided = Pick<Divisible, 'asset' | 'parties' | 'facts' | 'eventAt'>

/** Keys of what rules remember that dividing the event may need; none for a plan whose rules remember nothing. Refuses `snapshot_unsupported`. */
export function stateKeysFor(event: Undivided, { steps }: Pick<PlanVersion, 'steps'>): readonly string[] {
  // Before any rule takes the name of a snapshot for facts.
  checkSnapshots(event.facts, steps)
  return steps.flatMap((step) => step.rule.keys({ ...givenTo(event, steps, step), rounding: step.rounding }).map((key) => `${prefixOf(event, step)}${key}`))
}

/** Names of all accounts that its shares may touch, whatever rules remember. Refuses `recipient_not_found`. */
export function accountsFor(event: Undivided, { steps }: Pick<PlanVersion, 'steps'>): readonly string[] {
  const accounts = steps.flatMap((step) => {
    const { name, rule } = step
    const recipients = rule.recipients(givenTo(event, steps, step))
    return [
      accountName('rounding', name),
      ...[...rule.outline.gives, ...rule.outline.draws].map((fund) => accountName('fund', fund)),
      ...recipients.map((recipient) => accountName('payable', recipient)),
      ...(rule.outline.carries ? recipients.map((recipient) => accountName('carried', recipient)) : []),
    ]
  })
  const isLarge = Object.values(event.facts).some((set) => namedSnapshot(set) !== null)
  return [...new Set(['received', ...accounts, ...(isLarge ? ['distributing'] : [])])]
}

function givenTo(event: Undivided, steps: readonly Step[], step: Step): RuleContext & { readonly given: readonly string[] } {
  const earlier = step.rule.outline.divides === 'shares' ? steps.find(({ name }) => step.from === `shares:${name}`) : undefined
  const given = earlier === undefined ? [] : earlier.rule.recipients(givenTo(event, steps, earlier))
  return { ...contextOf(event, step), given }
}

export type ExplainedPart = Omit<PartExplanation, 'place' | 'zone'> & {
  readonly part: number
  readonly step: string
  readonly from: string
  readonly account: string
  readonly recipient: string | null
  readonly rounding: string
  /** The later step that changed this share, so that this one was not posted; null when it was. */
  readonly changedBy: string | null
}

export type DistributionExplanation = {
  readonly plan: { readonly version: number; readonly hash: string; readonly effectiveFrom: string | null }
  readonly steps: readonly { readonly name: string; readonly rule: string; readonly rounding: string; readonly from: string; readonly pool: string }[]
  readonly shares: readonly ExplainedPart[]
}

/**
 * Works the distribution out anew from the event, the plan version and the state before it, with every figure. It reads no stored
 * result, so that comparing it with the ledger proves something.
 */
export function explainDistribution(event: Divisible, version: PlanVersion, state: RuleState = NO_STATE): DistributionExplanation {
  const worked = work(event, version, state)
  return {
    plan: { version: version.version, hash: version.hash, effectiveFrom: version.effectiveFrom?.toString() ?? null },
    steps: worked.map(({ step, input }) => ({ name: step.name, rule: step.rule.kind, rounding: formatStepRounding(step.rounding), from: step.from, pool: input.pool.toString() })),
    shares: worked.flatMap(({ step, input, lines, kept, changedBy }, index) => {
      const standing = new Set(kept)
      return step.rule.explain(input).map(({ place, zone = 'shares', ...figures }, at) => {
        const line = present(lines[at], 'line of the explanation')
        const { part, from, account, recipient, role } = line
        assert(role === figures.role && (zone !== 'shares' || step.rule.outline.divides === 'shares' || part === partOf(index, place)), `step ${step.name} explains ${figures.role} where it has ${role} as part ${part}`)
        return { part, step: step.name, from, account, recipient, rounding: formatStepRounding(step.rounding), ...figures, changedBy: standing.has(line) ? null : changedBy }
      })
    }),
  }
}
