// What a profit share remembers after reversals: results, mark and hurdle as if the reversed part had not been, as far as closes are kept.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../effects.ts'
import type { ChangedState } from '../give-back.ts'
import { formatGrains, grainsOf } from '../grain.ts'
import { rules } from '../index.ts'
import type { BoundRule } from '../rule.ts'
import { readMemory, walk, type Memory } from './memory.ts'
import { parameters, termsOf } from './terms.ts'

type State = Map<string, Json>
type Event = { readonly day: number; readonly net: bigint; readonly moved: bigint; readonly pool: bigint }

const FIRST = Temporal.Instant.from('2026-01-01T12:00:00Z')
const KEY = 'subject/s1'
const BASE = {
  ...{ policy: 'high-water-mark', subject: 'account', percent: '20%', crystallised: 'event', keep: 60 },
  share: { role: 'creator', to: { recipient: 'c1' } },
  rest: { role: 'subscriber', to: { recipient: 's1' } },
}

function bind(given: object): BoundRule {
  const entry = rules.get('profit-share')
  if (entry === undefined) throw new Error('the registry has no profit-share')
  return entry.bind(given)
}

/** Answers what the event changed, and what pools covered by it. */
function close(rule: BoundRule, state: State, { day, net, moved, pool }: Event): { readonly changed: readonly ChangedState[]; readonly covered: bigint } {
  const input = {
    ...{ step: 'share', parties: { account: 's1' }, at: FIRST.add({ hours: 24 * day }), pool, given: [] },
    facts: { result: { s1: net.toString() }, moved: { s1: moved.toString() } },
    rounding: 'largest-remainder' as const,
    state,
  }
  const payable = rule.explain(input)[0]?.inputs['payable'] ?? ''
  const changed = [...rule.split(input).state].map(([key, after]) => ({ key, before: state.get(key) ?? null, after }))
  for (const { key, after } of changed) state.set(key, after)
  return { changed, covered: grainsOf(payable) }
}

function giveBack(rule: BoundRule, state: State, changed: readonly ChangedState[], portion: { units: bigint; of: bigint; before: bigint }): void {
  for (const [key, value] of rule.giveBack({ step: 'share', changed, now: state, portion })) state.set(key, value)
}

const memory = (state: State): Memory => readMemory(state.get(KEY))

const event = fc.record({ day: fc.integer({ min: 0, max: 90 }), net: fc.bigInt({ min: -500n, max: 500n }), moved: fc.constantFrom(0n, 0n, 100n, -50n), pool: fc.bigInt({ min: 1n, max: 400n }) })
const hurdle = fc.constantFrom({}, { hurdle: { kind: 'hard', units: '30' } }, { hurdle: { kind: 'soft', rate: '8%' } })
const crystallised = fc.constantFrom('event', { every: 'month', zone: 'UTC' })

describe('reversing an event of a profit share', () => {
  it('lowers the mark, so that the next gain up to it is shared anew', () => {
    const rule = bind(BASE)
    const state: State = new Map()
    const [first] = [100n, -200n, 100n, 100n].map((net, day) => close(rule, state, { day, net, moved: 0n, pool: 100n }))
    expect(formatGrains(memory(state).now.mark)).toBe('100')
    giveBack(rule, state, first?.changed ?? [], { units: 100n, of: 100n, before: 0n })
    // −200, +100, +100: nothing above zero yet, and the 20 that had been covered went back with the money.
    const { now, due } = memory(state)
    expect([now.value, now.mark, due].map(formatGrains)).toEqual(['0', '0', '0'])
    expect(formatGrains(close(rule, state, { day: 9, net: 500n, moved: 0n, pool: 500n }).covered)).toBe('100')
  })

  it('whose share later ones were spared for makes that share due again', () => {
    const rule = bind(BASE)
    const state: State = new Map()
    const lost = close(rule, state, { day: 0, net: -50n, moved: 0n, pool: 10n })
    close(rule, state, { day: 1, net: 80n, moved: 0n, pool: 80n })
    giveBack(rule, state, lost.changed, { units: 5n, of: 10n, before: 0n })
    expect(formatGrains(memory(state).due)).toBe('5')
    giveBack(rule, state, lost.changed, { units: 5n, of: 10n, before: 5n })
    expect(formatGrains(memory(state).due)).toBe('10')
  })

  it('in any parts and any order, with others between, leaves what there would be without it', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 8 }),
        fc.array(fc.record({ of: fc.nat(), parts: fc.integer({ min: 1, max: 4 }), after: fc.nat() }), { maxLength: 6 }),
        fc.constantFrom('high-water-mark', 'each-win'),
        hurdle,
        crystallised,
        (events, reversals, policy, bar, spans) => {
          const monthly = spans !== 'event'
          fc.pre(policy === 'high-water-mark' || monthly)
          const given = { ...BASE, ...bar, policy, crystallised: spans }
          const rule = bind(given)
          const state: State = new Map()
          const done = new Map<number, ReturnType<typeof close>>()
          const due = new Map(reversals.map(({ of, parts, after }) => [of % events.length, { left: parts, parts, after: after % 3 }]))
          const reversePart = (index: number): void => {
            const open = due.get(index)
            const one = done.get(index)
            if (open === undefined || one === undefined || open.left === 0) return
            const before = BigInt(open.parts - open.left)
            giveBack(rule, state, one.changed, { units: 1n, of: BigInt(open.parts), before })
            open.left -= 1
          }
          for (const [index, each] of events.entries()) {
            done.set(index, close(rule, state, each))
            for (const [other, { after }] of due) if (index >= other + after) reversePart(other)
          }
          for (const [index, open] of due) while (open.left > 0) reversePart(index)
          const left = [...done].filter(([index]) => !due.has(index))
          const texts = left.map(([, { changed }]) => readMemory(changed.find(({ key }) => key === KEY)?.after).brought ?? '')
          const ordered = texts.toSorted((a, b) => Temporal.Instant.compare(a.split(' ')[0] ?? '', b.split(' ')[0] ?? ''))
          const base = readMemory(undefined).base
          const expected = walk(base, ordered, termsOf(parameters.parse(given)))
          const covered = left.reduce((all, [, each]) => all + each.covered, 0n)
          const found = memory(state)
          expect(found.closes).toEqual(ordered)
          expect(found.now).toEqual(expected.standing)
          expect(found.due).toBe(expected.shares - covered)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('where no close is kept restores standing and dues when nothing came since, in any parts', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 4 }), event, fc.integer({ min: 1, max: 5 }), fc.constantFrom({ policy: 'each-win', keep: undefined }, { keep: 0 }), (earlier, last, parts, own) => {
        const { keep, ...rest } = { ...BASE, ...own }
        const rule = bind(keep === undefined ? rest : { ...rest, keep })
        const state: State = new Map()
        for (const each of earlier) close(rule, state, { ...each, day: 0 })
        const before = memory(state)
        const { changed } = close(rule, state, { ...last, day: 1 })
        for (let part = 0; part < parts; part += 1) giveBack(rule, state, changed, { units: 1n, of: BigInt(parts), before: BigInt(part) })
        const { now, due } = memory(state)
        expect([now.value, now.mark, now.hurdle, now.wins, due]).toEqual([before.now.value, before.now.mark, before.now.hurdle, before.now.wins, before.due])
      }),
      { numRuns: 300 },
    )
  })

  it('that is too old to be kept gives its part of value and mark back, and shares that later ones made stay', () => {
    const rule = bind({ ...BASE, keep: 1 })
    const state: State = new Map()
    close(rule, state, { day: 0, net: -100n, moved: 0n, pool: 1n })
    const { changed } = close(rule, state, { day: 1, net: 150n, moved: 0n, pool: 150n })
    for (const day of [2, 3]) close(rule, state, { day, net: 50n, moved: 0n, pool: 50n })
    giveBack(rule, state, changed, { units: 150n, of: 150n, before: 0n })
    const { now, due } = memory(state)
    expect([now.value, now.mark, due].map(formatGrains)).toEqual(['0', '50', '-10'])
  })
})
