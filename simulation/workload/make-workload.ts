// Makes the workload of a history: some ledgers, each with a business, and all that happens in them. A function of its random source and
// options; every part draws from a stream of its own.

import type { Random } from '../random.ts'
import type { Business } from './business.ts'
import { customBusiness } from './custom.ts'
import { eventSteps, type Course, type Planned } from './events.ts'
import { lifeSteps } from './life.ts'
import { saleBusiness } from './sale-split.ts'
import { snapshotSteps } from './snapshots.ts'
import type { Caller, Deed, Workload } from './workload.ts'

export type WorkloadOptions = {
  /** When the history begins. */
  readonly start: Temporal.Instant
  /** Payouts that come of it, more or less. */
  readonly payouts?: number
  /** Most ledgers, and fewest. */
  readonly ledgers?: number
  readonly leastLedgers?: number
  /** How long callers are at it, in simulated time. */
  readonly spanMs?: number
  /** Each program has a ledger, as far as there are as many, one divides by snapshots, and in each of them whatever can happen does; else all that is left to chance. */
  readonly everything?: boolean
}

type Generator = (random: Random, given: { readonly name: string; readonly lanes: number; readonly start: Temporal.Instant }) => Business

/** Ledgers of a history, as often as they stand here. */
const LEDGERS = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3]

/** Programs by their generators: a later one brings its own line. */
const BUSINESSES: readonly Generator[] = [saleBusiness, saleBusiness, customBusiness, customBusiness, customBusiness, bySnapshotBusiness]
/** Those of the first ledgers where everything must happen. */
const EACH: readonly Generator[] = [saleBusiness, bySnapshotBusiness, customBusiness]

const SPAN_MS = 120_000
const MOST_LANES = 4

export function makeWorkload(random: Random, { start, payouts = 100, ledgers = 3, leastLedgers = 1, spanMs = SPAN_MS, everything = false }: WorkloadOptions): Workload {
  const count = Math.max(leastLedgers, Math.min(ledgers, random.fork('ledgers').pick(LEDGERS)))
  const courses = Array.from({ length: count }, (_, index): Course => {
    const own = random.fork(`ledger ${index}`)
    const generate = (everything ? EACH[index] : undefined) ?? own.pick(BUSINESSES)
    const business = generate(own.fork('business'), { name: `ledger-${index}`, lanes: own.chance(0.5) ? 1 : own.between(2, MOST_LANES), start })
    return { random: own, business, start, spanMs, everything }
  })
  const planned = courses.flatMap(({ random: own, ...course }): readonly Planned[] => {
    // Where there are snapshots, events by them make as many payouts as the others.
    const ofEvents = course.business.snapshots === null ? payouts : payouts / 2
    const events = Math.max(1, Math.round(ofEvents / course.business.payoutsAnEvent / count))
    const steps = [...eventSteps({ ...course, random: own.fork('events') }, events), ...lifeSteps({ ...course, random: own.fork('life') }), ...snapshotSteps({ ...course, random: own.fork('snapshots') })]
    return steps.map(({ caller, ...step }) => ({ caller: `${course.business.setup.name} ${caller}`, ...step }))
  })
  return { ledgers: courses.map(({ business }) => business.setup), callers: callersOf(planned), ending: courses.flatMap(({ business }) => endingOf(business, planned)) }
}

/** One whose shares come in chunks. */
function bySnapshotBusiness(random: Random, given: Parameters<Generator>[1]): Business {
  return customBusiness(random, { ...given, onlyBySnapshot: true })
}

function callersOf(planned: readonly Planned[]): readonly Caller[] {
  const numbered = planned.toSorted((one, other) => one.atMs - other.atMs).map((each, id) => ({ ...each, id }))
  return [...Map.groupBy(numbered, ({ caller }) => caller)].map(([name, own]) => {
    let clock = 0
    const steps = own.map(({ id, atMs, deed }) => {
      const delayMs = atMs - clock
      clock = atMs
      return { id, delayMs, deed }
    })
    return { name, steps }
  })
}

/** More than all plain events bring; what only a fortune could pay stays unpaid. */
const ENOUGH = 10n ** 15n

function endingOf({ setup: { name: ledger, asset } }: Business, planned: readonly Planned[]): readonly Deed[] {
  const units = ENOUGH.toString()
  const frozen = new Set(planned.flatMap(({ deed }) => (deed.do === 'freeze' && deed.ledger === ledger ? [deed.address] : [])))
  return [
    ...[...frozen].map((address): Deed => ({ do: 'thaw', tag: 'thaw', ledger, asset, address })),
    { do: 'fund', tag: 'fund', ledger, asset, units },
    ...(asset === 'SOL/9' ? [] : [{ do: 'fund', tag: 'fund', ledger, asset: 'SOL/9', units } as const]),
  ]
}
