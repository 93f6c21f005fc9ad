// The workload of businesses as data: a program file with a random plan of all rules, and events that bring what its plan asks for.

import type { Json, JsonObject } from '../../src/core/effects.ts'
import { namingSnapshot } from '../../src/core/snapshot.ts'
import { custom } from '../../src/programs/custom/program.ts'
import { Refusal } from '../../src/core/refusal.ts'
import { roundingKindOf } from '../../src/core/rules/rule.ts'
import type { Random } from '../random.ts'
import { addressFrom } from './address.ts'
import type { Asked, Business, Made } from './business.ts'
import { PARTIES, type Needs } from './plan-steps.ts'
import { planOf, wrongPlan, type DrawnPlan } from './plans.ts'

/** What a pool may be. */
const MOST = 10n ** 38n

/** Assets with the smallest and the largest ordinary amount, and the tokens that they are on the network. */
const ASSETS = [
  { asset: 'SOL/9', least: 10n ** 7n, most: 2n * 10n ** 10n, tokens: {} },
  { asset: 'USDC/6', least: 1000n, most: 10n ** 9n, tokens: { 'USDC/6': 6 } },
  { asset: 'XOF/0', least: 1n, most: 10n ** 6n, tokens: { 'XOF/0': 0 } },
  { asset: 'GEM/9', least: 1n, most: 10n ** 12n, tokens: { 'GEM/9': 9 } },
] as const

const NAMED = ['ana', 'bo', 'cy', 'di', 'ed']
/** A business of many: an event is many payouts. */
const MANY = Array.from({ length: 40 }, (_, place) => `member-${place}`)
const WIDE = 0.7
const MAKERS = ['mia', 'ned']
const SUBSCRIPTIONS = ['sub-1', 'sub-2']
const PARTY_IDS = [...MAKERS, 'finn', ...SUBSCRIPTIONS]

/** Shapes of which none could be filled, in a row: has never been seen. */
const MOST_SHAPES = 40

type Given = { readonly name: string; readonly lanes: number; readonly start: Temporal.Instant; /** All its plans can divide by a snapshot. */ readonly onlyBySnapshot?: boolean }
type Trade = (typeof ASSETS)[number] & { readonly people: readonly string[]; readonly needs: Needs }

export function customBusiness(random: Random, { name, lanes, start, onlyBySnapshot = false }: Given): Business {
  const money = random.pick(ASSETS)
  const isWide = random.chance(WIDE)
  const people = isWide ? MANY.slice(0, random.between(12, MANY.length)) : NAMED.slice(0, random.between(3, NAMED.length))
  const given = { people, start, plain: money.most / 2n, most: isWide ? 16 : 4, onlyBySnapshot }
  const { shape, first, text } = drawFile(random, given, (drawn) => programFile(random, drawn, { ...money, people, needs: drawn.needs }))
  const trade: Trade = { ...money, people, needs: first.needs }
  const recipients = [...people, ...PARTY_IDS]
  const addressless = random.shuffle(recipients).slice(0, random.below(3))
  return {
    setup: {
      ...{ name, lanes, program: custom.name, programFile: text, schema: null, asset: money.asset, tokens: money.tokens },
      funds: random.chance(0.4) ? {} : { 'SOL/9': random.units(10n ** 6n, 10n ** 12n).toString(), ...(random.chance(0.7) && { [money.asset]: random.units(1n, 10n ** 12n).toString() }) },
      recipients: recipients.filter((each) => !addressless.includes(each)).map((recipient) => ({ recipient, address: addressFrom(random) })),
    },
    ...{ recipients, addressless, wrongPlan, inbox: null, ordinary: money.most, payoutsAnEvent: isWide ? 14 : 4.5 },
    fields: { reference: 'id', at: 'on' },
    event: (chance, asked) => eventOf(chance, asked, trade),
    other: (chance, body) => ({ ...body, units: (BigInt(body['units'] as string) + chance.units(1n, money.most)).toString() }),
    wrong: (chance, reference) => wrongEvent(chance, reference, trade),
    plan: (chance) => (planOf(shape, chance.fork(`plan ${chance.next()}`), given) ?? first).plan,
    facts: first.needs.percent ? SUBSCRIPTIONS.map((subject) => ({ name: 'percent', subject, value: (chance) => chance.pick([chance.below(101).toString(), '12.5']) })) : [],
    snapshots: takesSnapshots(first.steps) ? (chance, { hash, ...asked }) => bySnapshot(chance, asked, { hash, trade }) : null,
  }
}

/** Whether scores may come as a snapshot: one step alone divides by them, in a rounding that can be done in chunks, and nothing changes its shares. */
function takesSnapshots(steps: DrawnPlan['steps']): boolean {
  const [step, ...others] = steps.filter(({ rule: { outline } }) => outline.facts.some(({ name }) => name === 'score'))
  if (step === undefined || others.length > 0 || steps.some(({ from }) => from === `shares:${step.name}`)) return false
  return step.rule.outline.bySnapshot?.roundings.includes(roundingKindOf(step.rounding)) === true
}

/** A shape that can be filled, and its file, which the program takes. */
function drawFile(random: Random, given: Parameters<typeof planOf>[2], write: (drawn: DrawnPlan) => string): { readonly shape: string; readonly first: DrawnPlan; readonly text: string } {
  for (let tried = 0; tried < MOST_SHAPES; tried += 1) {
    const shape = random.uuid()
    const first = planOf(shape, random.fork(`first ${tried}`), given)
    if (first === null) continue
    const text = write(first)
    try {
      custom.read(text, 'program.json')
      return { shape, first, text }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
  }
  throw new Error(`none of ${MOST_SHAPES} shapes could be filled`)
}

function programFile(random: Random, { plan, steps }: DrawnPlan, trade: Trade): string {
  const funds = [...new Set(steps.flatMap(({ rule: { outline } }) => [...outline.gives, ...outline.draws]))]
  const facts = steps.flatMap(({ rule: { outline } }) => outline.facts).filter(({ source }) => source === 'event')
  const sample = eventOf(random.fork('sample'), { reference: 'TEST_sample', size: 'plain', at: null }, trade).body
  return JSON.stringify({
    ...{ summary: 'divides what comes in as its plan says', asset: trade.asset, rail: 'solana', plan },
    accounts: { recipients: trade.people.map((recipient) => ({ recipient, label: recipient })), funds: funds.map((fund) => ({ fund, label: fund })) },
    ...(random.chance(0.2) && { payouts: { approval_above: '1' } }),
    event: {
      ...{ reference: 'id', amount: { field: 'units', in: 'units' }, keep: ['note'], others: 'refused' },
      parties: Object.fromEntries(PARTIES.map((party) => [party, party])),
      facts: Object.fromEntries(facts.map(({ name, optional }) => [name, { each: name, ...(optional === true && { optional }) }])),
      event_at: { field: 'on', optional: true },
    },
    sample: { event: sample, parties: [] },
  })
}

function eventOf(random: Random, { reference, size, at }: Asked, trade: Trade): Made {
  const { needs, least, most } = trade
  // A loss or a contribution comes without money.
  const takesNothing = needs.results || needs.contributors.length > 0
  const units = size === 'huge' ? random.units(MOST / 1000n, MOST) : size === 'dust' ? random.units(1n, 9n) : takesNothing && random.chance(0.15) ? 0n : random.units(least, most)
  const parties = { maker: random.pick(MAKERS), finder: 'finn', subscription: random.pick(SUBSCRIPTIONS) }
  const body = { id: reference, units: units.toString(), ...parties, ...factsOf(random, units, { trade, parties }), ...(random.chance(0.2) && { note: `as ${reference}` }), ...(at !== null && { on: at.toString() }) }
  return { body, units: units === 0n ? 1n : units, sure: !needs.unsure && size !== 'huge' }
}

type Named = { readonly trade: Trade; readonly parties: { readonly maker: string; readonly subscription: string } }

function factsOf(random: Random, units: bigint, { trade: { needs, most }, parties: { maker, subscription } }: Named): JsonObject {
  const some = (): string => random.units(0n, most).toString()
  const now = (set: JsonObject): JsonObject | null => (random.chance(0.3) ? set : null)
  const scored = needs.scored.filter(() => random.chance(0.8))
  const sets: Readonly<Record<string, JsonObject | null>> = {
    score: needs.scored.length === 0 ? null : Object.fromEntries(scored.map((each) => [each, random.pick(['0', random.below(100).toString(), `${random.below(10)}.25`])])),
    // By one who stands before it, so that there is no loop.
    referrers: needs.referrers ? Object.fromEntries(scored.flatMap((each, place) => (random.chance(0.5) ? [[each, place === 0 ? 'friend' : (scored[random.below(place)] ?? 'friend')]] : []))) : null,
    flags: needs.flags.size === 0 ? null : Object.fromEntries([...needs.flags].map((flag) => [flag, random.pick(['0', '1'])])),
    advance: needs.advances ? { [maker]: some() } : null,
    contributed: needs.contributors.length === 0 || !random.chance(0.4) ? null : { [random.pick(needs.contributors)]: random.units(1n, most).toString() },
    ...(needs.results && {
      result: { [subscription]: random.chance(0.6) ? units.toString() : `${random.chance(0.5) ? '-' : ''}${some()}` },
      fees: now({ [subscription]: `${some()}.5` }),
      funding: now({ [subscription]: `-${random.units(1n, most)}` }),
      moved: now({ [subscription]: some() }),
    }),
  }
  return Object.fromEntries(Object.entries(sets).filter((entry): entry is [string, JsonObject] => entry[1] !== null))
}

function wrongEvent(random: Random, reference: string, trade: Trade): JsonObject {
  const { body } = eventOf(random, { reference, size: 'plain', at: null }, trade)
  const { maker: _, ...nobody } = body
  const { id: __, ...nameless } = body
  const [first = ''] = trade.needs.scored
  return random.pick<JsonObject>([
    { ...body, units: '-1' },
    { ...body, units: '1.5' },
    { ...body, units: (MOST * 10n).toString() },
    { ...body, units: '1e3' },
    { ...body, units: 1.5 },
    { ...body, units: null },
    { ...body, surplus: 'field' },
    { ...body, id: `${reference} ` },
    { ...body, id: 'x'.repeat(257) },
    { ...body, maker: 'no id at all' },
    { ...body, on: 'yesterday' },
    ...[nobody, nameless],
    ...(first === '' ? [] : [{ ...body, score: { [first]: 'many' } }, { ...body, score: [first] as Json }]),
  ])
}

function bySnapshot(random: Random, asked: Asked, { hash, trade }: { readonly hash: string; readonly trade: Trade }): Made {
  const { body, units } = eventOf(random, asked, trade)
  return { body: { ...body, score: namingSnapshot(hash) }, units, sure: false }
}
