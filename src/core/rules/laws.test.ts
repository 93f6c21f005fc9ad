// The laws of dividing, for every rule and every rounding it does: what always holds is asserted, and where the others cannot hold,
// the counter-example that was found is written into docs/reference/rule-laws.md (by `vitest run -u`; without it, the page must agree).

import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SAMPLES } from '../../../test/rule-samples/all.ts'
import { bind, happen, paidOf, roundingName, roundingsOf, type Amounts, type Happened } from '../../../test/rule-samples/run.ts'
import type { Case, Sample } from '../../../test/rule-samples/sample.ts'
import { POLICIES } from '../allocate/rounding.ts'
import type { Json } from '../effects.ts'
import { rules } from './index.ts'
import type { BoundRule, Line, PartExplanation, StepRounding } from './rule.ts'

/** The same on every machine: a page that changes by chance could not be kept. */
const SEED = 20_261_121

/** Cases of each law, rule and rounding. Growth fails so seldom that it needs more than the others that some rules break. */
const ALWAYS = 80
const SOMETIMES = 300
const SELDOM = 1000

const PAGE = join(import.meta.dirname, '../../../docs/reference/rule-laws.md')

type Pair = { readonly sample: Sample; readonly rounding: StepRounding }

const PAIRS: readonly Pair[] = SAMPLES.flatMap((sample) => roundingsOf(sample).map((rounding) => ({ sample, rounding })))
const NAMED: readonly (readonly [name: string, pair: Pair])[] = PAIRS.map((pair) => [`${nameOf(pair.sample)}, ${roundingName(pair.rounding)}`, pair])

function nameOf({ kind, form }: Sample): string {
  return form === null ? kind : `${kind} (${form})`
}

const small = fc.bigInt({ min: 0n, max: 40n })
const large = fc.bigInt({ min: 0n, max: 10n ** 30n })

/** A case, and amounts of so many events: the pool, or one for each given share. */
function worlds({ sample: { cases, kind }, rounding }: Pair, { units, events }: { units: fc.Arbitrary<bigint>; events: number }): fc.Arbitrary<World> {
  const fitting = roundingName(rounding) === 'residual-to' ? cases.filter((given) => takes(kind, given, rounding)) : cases
  return fitting
    .chain((given) => {
      const amounts = fc.array(units, { minLength: sizeOf(given), maxLength: sizeOf(given) })
      return fc.array(amounts, { minLength: events, maxLength: events }).map((list) => ({ given, events: list }))
    })
}

type World = { readonly given: Case; readonly events: readonly Amounts[] }

function sizeOf({ given }: Case): number {
  return Math.max(given.length, 1)
}

/** The one named for the rest must take part: where it does not, the rule refuses, which its own test shows. */
function takes(kind: string, given: Case, rounding: StepRounding): boolean {
  try {
    happen(bind(kind, given.parameters), given, { events: [Array.from({ length: sizeOf(given) }, () => 97n)], rounding })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'residual_not_found') return false
    throw error
  }
}

const run = ({ sample, rounding }: Pair, given: Case, events: readonly Amounts[]): readonly Happened[] => happen(bind(sample.kind, given.parameters), given, { events, rounding })

it('has a sample of every rule', () => {
  expect([...new Set(SAMPLES.map(({ kind }) => kind))].toSorted()).toEqual([...rules.keys()].toSorted())
})

/** What a division does wrong; none when it gives out what it was given and its explanation is itself. `standing`: of its rounding account. */
function wrongs(rule: BoundRule, { input, split: { lines } }: Happened, standing: bigint): readonly string[] {
  const left = new Map<number | null | string, bigint>(input.given.map(({ units }, place) => [place, units]))
  if (rule.outline.divides === 'account') left.set(null, input.pool)
  let kept = standing
  for (const { from, to, units } of lines) {
    left.set(from, (left.get(from) ?? 0n) - units)
    kept += (to === 'rounding:step' ? units : 0n) - (from === 'rounding:step' ? units : 0n)
  }
  const explained = rule.explain(input)
  const same = explained.length === lines.length && lines.every((line, place) => isOf(line, explained[place]))
  return [
    ...(lines.every(({ units }) => units >= 0n) ? [] : ['a line below zero']),
    ...([...left].every(([from, units]) => typeof from === 'string' || units === 0n) ? [] : ['units lost or made']),
    ...(kept >= 0n ? [] : ['a rounding account short']),
    ...(new Set(lines.map(({ zone, place }) => `${zone ?? 'shares'} ${place}`)).size === lines.length ? [] : ['two lines of one place']),
    ...(same ? [] : ['an explanation that is not the division']),
  ]
}

function isOf({ place, zone, role, units }: Line, explained: PartExplanation | undefined): boolean {
  if (explained === undefined || explained.place !== place || explained.zone !== zone || explained.role !== role) return false
  return BigInt(explained.units) === units && BigInt(explained.floor) + BigInt(explained.extra) === units
}

function standingAfter(happened: readonly Happened[]): bigint {
  const lines = happened.flatMap(({ split }) => split.lines)
  return lines.reduce((sum, { from, to, units }) => sum + (to === 'rounding:step' ? units : 0n) - (from === 'rounding:step' ? units : 0n), 0n)
}

it.each(NAMED)('%s: gives out what it was given, and says so line by line', (_, pair) => {
  fc.assert(
    fc.property(worlds(pair, { units: fc.oneof(small, large), events: 3 }), ({ given, events }) => {
      const rule = bind(pair.sample.kind, given.parameters)
      const happened = run(pair, given, events)
      expect(happened.flatMap((each, place) => wrongs(rule, each, standingAfter(happened.slice(0, place))))).toEqual([])
    }),
    { seed: SEED, numRuns: ALWAYS },
  )
})

it.each(NAMED)('%s: does the same again, touches only what it named before, and remembers text', (_, pair) => {
  fc.assert(
    fc.property(worlds(pair, { units: small, events: 3 }), ({ given, events }) => {
      const rule = bind(pair.sample.kind, given.parameters)
      const first = run(pair, given, events)
      const context = { ...given, step: 'step', at: present(first).input.at, given: given.given.map(({ recipient }) => recipient), rounding: pair.rounding }
      const keys = new Set(rule.keys(context))
      const accounts = new Set(['rounding:step', ...rule.recipients(context).flatMap((id) => [`payable:${id}`, ...(rule.outline.carries ? [`carried:${id}`] : [])])])
      for (const fund of [...rule.outline.gives, ...rule.outline.draws]) accounts.add(`fund:${fund}`)
      const touched = first.flatMap(({ split }) => split.lines.flatMap(({ from, to }) => [to, ...(typeof from === 'string' ? [from] : [])]))
      const remembered = first.flatMap(({ split }) => [...split.state])
      expect({
        again: textOf(run(pair, given, events)) === textOf(first),
        accounts: touched.filter((name) => !accounts.has(name)),
        state: remembered.filter(([key, value]) => !keys.has(key) || hasNumber(value)),
      }).toEqual({ again: true, accounts: [], state: [] })
    }),
    { seed: SEED, numRuns: ALWAYS },
  )
})

/** A number of money would not survive JSON. */
function hasNumber(value: Json): boolean {
  return typeof value === 'number' || (typeof value === 'object' && value !== null && Object.values(value).some(hasNumber))
}

function textOf(happened: readonly Happened[]): string {
  return JSON.stringify(happened.map(({ split }) => [split.lines, [...split.state]]), (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
}

function present(happened: readonly Happened[]): Happened {
  const [first] = happened
  if (first === undefined) throw new Error('nothing happened')
  return first
}

/** A law compares two runs: `left` must equal `right`, or nowhere be above it. Null where the law says nothing of the rule.
 * The text is of what fails alone: one in hundreds. */
type Compared = { readonly left: ReadonlyMap<string, bigint>; readonly right: ReadonlyMap<string, bigint>; readonly text: () => string }
type Law = {
  readonly name: string
  readonly says: string
  readonly runs: number
  readonly compare: (pair: Pair) => fc.Arbitrary<Compared> | null
  readonly holds: (compared: Compared) => boolean
}

const LAWS: readonly Law[] = [
  {
    name: 'permutation',
    says: 'The same recipients, given in another order, get the same units.',
    runs: SOMETIMES,
    compare: (pair) => {
      const turned = pair.sample.turned
      if (turned === null) return null
      return worlds(pair, { units: small, events: 2 }).map(({ given, events }) => {
        const other = { ...turned(given), given: given.given.toReversed() }
        return {
          left: paidOf(run(pair, given, events)),
          right: paidOf(run(pair, other, given.given.length === 0 ? events : events.map((amounts) => amounts.toReversed()))),
          text: () => `${worldText(given, events)}, and in reverse`,
        }
      })
    },
    holds: equal,
  },
  {
    name: 'growth',
    says: 'A larger pool, the event before being the same, makes nobody’s share smaller.',
    runs: SELDOM,
    compare: (pair) =>
      fc.tuple(worlds(pair, { units: small, events: 2 }), fc.array(fc.oneof(fc.bigInt({ min: 0n, max: 2n }), small), { minLength: 4, maxLength: 4 })).map(([{ given, events }, more]) => {
        const [before = [], less = []] = events
        const grown = less.map((units, place) => units + (more[place] ?? 0n))
        return {
          left: paidOf(run(pair, given, [before, less])),
          right: paidOf(run(pair, given, [before, grown])),
          text: () => `${worldText(given, [before])}, then ${amountsText(less)} or ${amountsText(grown)}`,
        }
      }),
    holds: ({ left, right }) => accountsOf(left, right).every((name) => (left.get(name) ?? 0n) <= (right.get(name) ?? 0n)),
  },
  {
    name: 'scale',
    says: 'The same proportions in larger numbers give the same. For rules that count in units (cap, minimum, recoup): all amounts times k make all shares times k.',
    runs: SOMETIMES,
    compare: (pair) => {
      const scaled = pair.sample.scaled
      if (scaled === null) return null
      return fc.tuple(worlds(pair, { units: small, events: 2 }), fc.bigInt({ min: 2n, max: 1000n })).map(([{ given, events }, k]) => {
        const factor = scaled.amounts ? k : 1n
        const left = paidOf(run(pair, given, events))
        return {
          left: new Map([...left].map(([name, units]) => [name, units * factor])),
          right: paidOf(run(pair, scaled.by(given, k), events.map((amounts) => amounts.map((units) => units * factor)))),
          text: () => `${worldText(given, events)}, and times ${k}`,
        }
      })
    },
    holds: equal,
  },
  {
    name: 'splitting',
    says: 'One event, divided into two, gives everybody the same in the end.',
    runs: SOMETIMES,
    compare: (pair) => {
      if (pair.sample.splits === false) return null
      return worlds(pair, { units: small, events: 2 }).map(({ given, events }) => {
        const [first = [], second = []] = events
        const whole = first.map((units, place) => units + (second[place] ?? 0n))
        return {
          left: paidOf(run(pair, given, [whole])),
          right: paidOf(run(pair, given, events)),
          text: () => `${given.text}: ${amountsText(whole)}, or ${amountsText(first)} then ${amountsText(second)}`,
        }
      })
    },
    holds: equal,
  },
]

function equal({ left, right }: Compared): boolean {
  return accountsOf(left, right).every((name) => (left.get(name) ?? 0n) === (right.get(name) ?? 0n))
}

function accountsOf(left: ReadonlyMap<string, bigint>, right: ReadonlyMap<string, bigint>): readonly string[] {
  return [...new Set([...left.keys(), ...right.keys()])].toSorted()
}

function amountsText(amounts: Amounts): string {
  return amounts.join(' and ')
}

function worldText({ text }: Case, events: readonly Amounts[]): string {
  return `${text}: ${events.map(amountsText).join(' then ')}`
}

function totalsText({ left, right }: Compared): string {
  const words = (totals: ReadonlyMap<string, bigint>): string =>
    accountsOf(left, right).map((name) => `${name.replace(/^payable:/, '')} ${totals.get(name) ?? 0n}`).join(', ')
  return `${words(left)}; then ${words(right)}`
}

/** The smallest counter-example; null where none was found among the cases; nothing where the law says nothing of the rule. */
function counterExample(law: Law, pair: Pair): Compared | null | undefined {
  const arbitrary = law.compare(pair)
  if (arbitrary === null) return undefined
  const { counterexample } = fc.check(
    fc.property(arbitrary, (compared) => law.holds(compared)),
    { seed: SEED, numRuns: law.runs },
  )
  return counterexample?.[0] ?? null
}

const FOUND = PAIRS.map((pair) => ({ pair, laws: LAWS.map((law) => counterExample(law, pair)) }))

it('finds the laws to hold of fixed shares exactly where the table of policies says so', () => {
  for (const { pair, laws } of FOUND.filter(({ pair: { sample } }) => sample.kind === 'fixed-shares')) {
    const policy = POLICIES[roundingName(pair.rounding) as keyof typeof POLICIES]
    expect([roundingName(pair.rounding), laws[1] === null]).toEqual([roundingName(pair.rounding), policy.growsWithPool])
    // Ties go by the plan's order, so that only a policy without any ties is free of it.
    if (policy.isAboutOrder) expect([roundingName(pair.rounding), laws[0] === null]).toEqual([roundingName(pair.rounding), false])
    expect(laws[2]).toBe(null)
    expect([roundingName(pair.rounding), laws[3] === null]).toEqual([roundingName(pair.rounding), policy.state === 'fractions'])
  }
})

it('writes the page of laws with the counter-examples it found', async () => {
  const cell = (found: Compared | null | undefined): string => (found === undefined ? '–' : found === null ? 'held' : '**fails**')
  const table = FOUND.map(({ pair, laws }) => `| ${nameOf(pair.sample)} | ${roundingName(pair.rounding)} | ${laws.map(cell).join(' | ')} |`)
  const failing = FOUND.flatMap(({ pair, laws }) =>
    laws.flatMap((found, place) =>
      found === undefined || found === null ? [] : [`| ${nameOf(pair.sample)} | ${roundingName(pair.rounding)} | ${LAWS[place]?.name} | ${found.text()} | ${totalsText(found)} |`],
    ),
  )
  const page = `# Laws of rules

This page is written by the tests (\`src/core/rules/laws.test.ts\`); they fail when it says something else than they find.

Two laws hold of every rule under every rounding, asserted on ${ALWAYS} random cases of three events each, with amounts up to 10^30:
**conservation** (a step gives out exactly what it was given, nothing below zero, its rounding account never short; and its explanation
is the division, line by line) and **replay** (the same events in the same order give the same shares and leave the same to remember).

The others hold only of some. A cell says what at most ${SOMETIMES} random cases (${SELDOM} of growth) of small amounts and weights that are often equal, where
such laws break, have shown: *held* in all of them, or *fails*, with a small counter-example below; – where the law says nothing of the rule.

${LAWS.map(({ name, says }) => `- **${name}**: ${says}`).join('\n')}

| rule | rounding | ${LAWS.map(({ name }) => name).join(' | ')} |
|---|---|${LAWS.map(() => '---').join('|')}|
${table.join('\n')}

${PAIRS.length} pairs of rule and rounding; at most ${FOUND.flatMap(({ laws }) => laws.map((found, place) => (found === undefined ? 0 : (LAWS[place]?.runs ?? 0)))).reduce((sum, runs) => sum + runs, 0)} cases of these laws, and ${PAIRS.length * 2 * ALWAYS} of those that always hold.

## Counter-examples

Amounts are events in their order; of a rule that changes shares, the units of each share. The last column has what was paid the first
way, then the other.

| rule | rounding | law | case | paid |
|---|---|---|---|---|
${failing.join('\n')}
`
  await expect(page).toMatchFileSnapshot(PAGE)
})
