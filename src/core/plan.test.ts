// Plans: which data make one, what is refused with its place, the hash, and which version is in force when.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parsePlan, versionInForce, type PlanVersion } from './plan.ts'
import { rules } from './rules/index.ts'

const share = { role: 'ai', to: { recipient: 'ai-wallet' }, weight: '80' }
const step = {
  name: 'split',
  from: 'received',
  rule: 'fixed-shares',
  parameters: { shares: [share, { role: 'creator', to: { party: 'creator' }, weight: '2' }] },
  rounding: 'largest-remainder',
}

it('reads a plan and binds its rule', () => {
  const { data, steps } = parsePlan({ steps: [step] })
  expect(data).toEqual({ steps: [step] })
  expect(steps).toMatchObject([{ name: 'split', from: 'received', rounding: 'largest-remainder', lock: null, rule: { kind: 'fixed-shares', outline: { divides: 'account' } } }])
})

it('hashes the content, whatever the order of its keys', () => {
  const text =
    '{"steps":[{"from":"received","name":"split","parameters":{"shares":[' +
    '{"role":"ai","to":{"recipient":"ai-wallet"},"weight":"80"},{"role":"creator","to":{"party":"creator"},"weight":"2"}' +
    ']},"rounding":"largest-remainder","rule":"fixed-shares"}]}'
  const { hash } = parsePlan({ steps: [step] })
  expect(hash).toBe(createHash('sha256').update(text, 'utf8').digest('hex'))
  const turned = Object.fromEntries(Object.entries(step).toReversed())
  expect(parsePlan({ steps: [turned] }).hash).toBe(hash)
})

it('gives every other content another hash', () => {
  const others = [
    { ...step, name: 'other' },
    { ...step, parameters: { shares: [share] } },
    { ...step, parameters: { shares: [{ ...share, weight: '80.0' }] } },
    { ...step, parameters: { shares: [{ ...share, weight: '79' }] } },
  ]
  const hashes = [step, ...others].map((each) => parsePlan({ steps: [each] }).hash)
  expect(new Set(hashes).size).toBe(hashes.length)
})

it.each([
  ['nothing', undefined, 'plan: ', ''],
  ['a text', '{"steps":[]}', 'plan: ', ''],
  ['no steps', {}, 'plan, steps: ', 'steps'],
  ['an empty list of steps', { steps: [] }, 'plan, steps: a plan has at least one step', 'steps'],
  ['65 steps', { steps: Array.from({ length: 65 }, () => step) }, 'plan, steps: a plan has at most 64 steps, not 65', 'steps'],
  ['a million steps', { steps: Array.from({ length: 1_000_000 }, () => step) }, 'plan, steps: a plan has at most 64 steps, not 1000000', 'steps'],
  ['an unknown key', { steps: [step], note: 'x' }, 'plan: Unrecognized key: "note"', ''],
  ['an unknown key of a step', { steps: [{ ...step, note: 'x' }] }, 'plan, steps.0: Unrecognized key: "note"', 'steps.0'],
  ['a step without name', { steps: [{ ...step, name: undefined }] }, 'plan, steps.0.name: ', 'steps.0.name'],
  ['a name in capitals', { steps: [{ ...step, name: 'Split' }] }, 'plan, steps.0.name: ', 'steps.0.name'],
  ['a name of 41 characters', { steps: [{ ...step, name: 'x'.repeat(41) }] }, 'plan, steps.0.name: ', 'steps.0.name'],
  ['another source', { steps: [{ ...step, from: 'fund' }] }, 'plan, steps.0.from: ', 'steps.0.from'],
  ['another rounding', { steps: [{ ...step, rounding: 'half-up' }] }, 'plan, steps.0.rounding: ', 'steps.0.rounding'],
  ['two residuals', { steps: [{ ...step, rounding: { 'residual-to': ['ai', 'creator'] } }] }, 'plan, steps.0.rounding: a rounding is the name of one policy', 'steps.0.rounding'],
  ['a lock of no days', { steps: [{ ...step, lock: { days: 0 } }] }, 'plan, steps.0.lock', /^steps\.0\.lock/],
  ['a lock until a day that is none', { steps: [{ ...step, lock: { until: '2027-02-30T00:00:00Z' } }] }, 'plan, steps.0.lock', /^steps\.0\.lock/],
  ['a lock of both kinds', { steps: [{ ...step, lock: { days: 1, until: '2027-01-01T00:00:00Z' } }] }, 'plan, steps.0.lock', /^steps\.0\.lock/],
  ['no parameters', { steps: [{ ...step, parameters: undefined }] }, 'plan, steps.0.parameters: ', 'steps.0.parameters'],
  ['parameters that are no JSON', { steps: [{ ...step, parameters: { shares: 1n } }] }, 'plan, steps.0.parameters', /^steps\.0\.param/],
])('refuses %s, naming the place', (_, data, begin, field) => {
  expect(() => parsePlan(data)).toThrow(begin)
  const place: unknown = typeof field === 'string' ? field : expect.stringMatching(field)
  const details = { field: place, problem: expect.any(String) as unknown }
  expect(() => parsePlan(data)).toThrow(expect.objectContaining({ code: 'plan_invalid', details: expect.objectContaining(details) as unknown }))
})

const fundShare = (fund: string, weight = '1') => ({ role: `to-${fund}`, to: { fund }, weight })
const stepOf = (name: string, from: string, ...shares: readonly object[]) => ({ ...step, name, from, parameters: { shares } })

it('takes up to 64 steps, each of which may divide what an earlier one gave a fund', () => {
  const chain = Array.from({ length: 64 }, (_, index) => stepOf(`s${index}`, index === 0 ? 'received' : `fund:f${index - 1}`, fundShare(`f${index}`)))
  expect(parsePlan({ steps: chain }).steps.map(({ from }) => from).at(-1)).toBe('fund:f62')
})

it.each([
  ['the name of an earlier step', [stepOf('a', 'received', fundShare('x')), stepOf('a', 'fund:x', share)], 'step a has the name of an earlier step'],
  ['a first step from a fund', [stepOf('a', 'fund:x', share)], 'step a is the first and divides fund:x: everything that comes in stands in received'],
  ['received divided twice', [stepOf('a', 'received', share), stepOf('b', 'received', share)], 'step b divides received, which an earlier step has divided already'],
  ['a fund that nothing gives to', [stepOf('a', 'received', share), stepOf('b', 'fund:x', share)], 'step b divides fund:x, and no earlier step gives anything to it'],
  ['a fund filled again after it was divided', [stepOf('a', 'received', fundShare('x'), fundShare('y')), stepOf('b', 'fund:x', share), stepOf('c', 'fund:y', fundShare('x'))], 'step c gives to fund:x, which an earlier step has divided already'],
  ['a division of shares', [stepOf('a', 'received', share), stepOf('b', 'shares:a', share)], 'step b divides shares:a, but fixed-shares divides an account'],
])('refuses %s, naming step and account', (_, steps, message) => {
  const { name, from } = steps.at(-1) ?? step
  const details = { step: name, field: 'from', value: from }
  expect(() => parsePlan({ steps })).toThrow(expect.objectContaining({ code: 'plan_invalid', details, message: expect.stringContaining(message) as string }))
})

it('takes the rule’s own rounding for one that is left out, and writes it down', () => {
  const { rounding: _, ...without } = step
  expect(parsePlan({ steps: [without] })).toMatchObject({ hash: parsePlan({ steps: [step] }).hash, data: { steps: [step] } })
  const capped = { name: 'cap', from: 'shares:split', rule: 'cap', parameters: { limit: '5', per: 'event', excess: { fund: 'x' } } }
  expect(parsePlan({ steps: [step, capped] }).steps.map(({ rounding }) => rounding)).toEqual(['largest-remainder', 'none'])
})

const limits = (name: string, from: string, more: object = {}) => ({ name, from, rule: 'cap', parameters: { limit: '5', per: 'event', excess: { fund: name } }, ...more })
const bonusFrom = (fund: string) => ({ name: 'bonus', from: 'shares:a', rule: 'bonus', parameters: { rates: ['5%'], referrers: { fact: 'referrers' }, funding: { platform: { fund } } } })

it.each([
  ['shares that no step gave', [stepOf('a', 'received', share), limits('b', 'shares:c')], 'step b changes the shares of c, and there is no earlier step of that name'],
  ['shares changed twice', [stepOf('a', 'received', share), limits('b', 'shares:a'), limits('c', 'shares:a')], 'step c divides shares:a, which an earlier step has divided already'],
  [
    'a fourth change of the same shares',
    [stepOf('a', 'received', share), limits('b', 'shares:a'), limits('c', 'shares:b'), limits('d', 'shares:c'), limits('e', 'shares:d')],
    'step e is number 4 to change the same shares; there may be 3',
  ],
  ['a limit on an account', [stepOf('a', 'received', fundShare('x')), limits('b', 'fund:x')], 'step b divides fund:x, but cap changes the shares of an earlier step: from shares:<step>'],
  ['a rounding of what leaves nothing over', [stepOf('a', 'received', share), limits('b', 'shares:a', { rounding: 'first' })], 'step b cannot round by first: with these parameters cap rounds by none'],
  ['a bonus out of a fund that nobody fills', [stepOf('a', 'received', share), bonusFrom('promotion')], 'step bonus draws on fund:promotion, and no step gives anything to it'],
  [
    'a bonus out of a fund that is divided',
    [stepOf('a', 'received', share, fundShare('promotion')), stepOf('b', 'fund:promotion', share), bonusFrom('promotion')],
    'step bonus draws on fund:promotion, which another step divides: nothing is left there',
  ],
  ['a residual to nobody', [{ ...step, rounding: { 'residual-to': 'dao' } }], 'step split gives what is left over to dao, which gets no share of it: there are ai, ai-wallet, creator'],
])('refuses %s, naming step and figures', (_, steps, message) => {
  expect(() => parsePlan({ steps })).toThrow(expect.objectContaining({ code: 'plan_invalid', message: expect.stringContaining(message) as string }))
})

it('refuses a rule that there is not, naming those there are', () => {
  expect(() => parsePlan({ steps: [{ ...step, rule: 'guess' }] })).toThrow(
    expect.objectContaining({
      code: 'plan_invalid',
      message: `step split asks for the rule "guess"; there are: ${[...rules.keys()].join(', ')}`,
      details: { step: 'split', field: 'rule', rule: 'guess' },
    }),
  )
  expect(() => parsePlan({ steps: [{ ...step, rule: 'constructor' }] })).toThrow(expect.objectContaining({ code: 'plan_invalid' }))
})

it.each([
  ['no shares', {}, 'step split, shares: ', 'shares'],
  ['an empty list', { shares: [] }, 'step split, shares: ', 'shares'],
  ['a share without recipient', { shares: [{ ...share, to: {} }] }, 'step split, shares.0.to: ', 'shares.0.to'],
  ['a malformed weight', { shares: [{ ...share, weight: '80 of 100' }] }, 'shares.0.weight: a weight is a decimal such as 80', 'shares.0.weight'],
  ['a weight as a number', { shares: [{ ...share, weight: 80 }] }, 'step split, shares.0.weight: ', 'shares.0.weight'],
  ['only zero weights', { shares: [{ ...share, weight: '0' }] }, 'step split: all weights are zero: nobody would get the money', ''],
  ['a role twice', { shares: [share, share] }, 'step split: two shares have the same role', ''],
  ['an unknown key', { shares: [share], extra: 1 }, 'step split: Unrecognized key: "extra"', ''],
])('refuses parameters with %s, naming step and place', (_, parameters, message, field) => {
  expect(() => parsePlan({ steps: [{ ...step, parameters }] })).toThrow(message)
  expect(() => parsePlan({ steps: [{ ...step, parameters }] })).toThrow(
    expect.objectContaining({ code: 'plan_invalid', details: expect.objectContaining({ field }) as unknown }),
  )
})

it('repeats what it refuses short, whatever its length', () => {
  const long = 'x'.repeat(10_000)
  const refused = [
    { steps: [{ ...step, rule: long }] },
    { steps: [step], [long]: 1 },
    { steps: [{ ...step, parameters: { shares: [{ ...share, [long]: 1 }] } }] },
    { steps: [{ ...step, parameters: { [long]: 1n } }] },
  ]
  for (const data of refused) {
    const message = expect.stringMatching(/^.{1,500}$/) as unknown
    expect(() => parsePlan(data)).toThrow(expect.objectContaining({ code: 'plan_invalid', message }))
  }
})

it('refuses data that are nested too deep, also without end', () => {
  const refused: unknown = expect.objectContaining({
    code: 'plan_invalid',
    message: 'a plan has at most 32 levels of objects and lists',
    details: { levels: 32 },
  })
  const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown
  expect(() => parsePlan({ steps: [{ ...step, parameters: { shares: deep } }] })).toThrow(refused)
  const endless: { steps: unknown[] } = { steps: [] }
  endless.steps.push(endless)
  expect(() => parsePlan(endless)).toThrow(refused)
})

const START = Temporal.Instant.from('2026-01-01T00:00:00Z')
const instantAt = (minutes: number) => START.add({ minutes })
const parsed = parsePlan({ steps: [step] })

function versionsAt(...minutes: readonly number[]): readonly PlanVersion[] {
  return [null, ...minutes].map((minute, index) => {
    return { version: index + 1, effectiveFrom: minute === null ? null : instantAt(minute), ...parsed }
  })
}

it.each([
  ['long before anything', [], -1e6, 1],
  ['one microsecond before the second', [10], 10 - 1e-9, 1],
  ['just when the second takes effect', [10], 10, 2],
  ['between the second and the third', [10, 20], 15, 2],
  ['after the third', [10, 20], 1e6, 3],
  ['at an instant given to two versions: the later number', [10, 10], 10, 3],
  ['after a later number with an earlier instant: the later number', [20, 10], 25, 3],
  ['between those two instants', [20, 10], 15, 3],
  ['before those two instants', [20, 10], 5, 1],
])('chooses the version in force %s', (_, minutes, at, version) => {
  const instant = Number.isInteger(at) ? instantAt(at) : instantAt(Math.ceil(at)).subtract({ microseconds: 1 })
  expect(versionInForce(versionsAt(...minutes), instant).version).toBe(version)
})

it('finds the highest number among those whose instant has come', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 8 }), fc.integer({ min: -1, max: 21 }), (minutes, at) => {
      const come = minutes.map((minute, index) => (minute <= at ? index + 2 : 1))
      expect(versionInForce(versionsAt(...minutes), instantAt(at)).version).toBe(Math.max(1, ...come))
    }),
  )
})

it('stops where no version reaches back', () => {
  const [, second] = versionsAt(10)
  expect(() => versionInForce(second === undefined ? [] : [second], START)).toThrow('no plan version reaches back to 2026-01-01T00:00:00Z')
  expect(() => versionInForce([], START)).toThrow('no plan version reaches back')
})
