// That workloads are functions of their seed and stay themselves when steps are left out; and, against a real database with everything
// answered, that what must be taken is taken and what must be refused is refused.

import { describe, expect, it } from 'vitest'
import { present } from '../../src/core/assert.ts'
import { rules } from '../../src/core/rules/index.ts'
import { problemSchema } from '../../src/http/contract.ts'
import { randomOf } from '../random.ts'
import { codeOf, surpriseOf, type Played } from './insist.ts'
import { makeWorkload } from './make-workload.ts'
import { carryOut, play } from './play.ts'
import { openStage, type Stage } from '../../test/stage.ts'
import { TAGS, timetable, withSteps, type Deed, type Tag, type Workload } from './workload.ts'

/** The rarest kind comes in every tenth. */
const MOST_SEEDS = 200

const START = Temporal.Instant.from('2026-01-01T00:00:00Z')

const workloadOf = (seed: number | string): Workload => makeWorkload(randomOf(`${seed}`), { start: START })

describe('a workload', () => {
  it('is a function of its seed', () => {
    expect(workloadOf(1)).toEqual(workloadOf(1))
    expect(workloadOf(1)).not.toEqual(workloadOf(2))
  })

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(workloadOf(3)))).toEqual(workloadOf(3))
  })

  it('keeps each step and its moment when others are left out', () => {
    const workload = workloadOf(4)
    const half = timetable(withSteps(workload, ({ id }) => id % 2 === 0))
    expect(half).toEqual(timetable(workload).filter(({ step: { id } }) => id % 2 === 0).map((each) => expect.objectContaining({ atMs: each.atMs, caller: each.caller, step: expect.objectContaining({ id: each.step.id, deed: each.step.deed }) })))
  })

  it('holds every kind of thing within some seeds', () => {
    const seen = new Set<Tag>()
    for (let seed = 0; seed < MOST_SEEDS && seen.size < TAGS.length; seed += 1) for (const { step } of timetable(workloadOf(seed))) seen.add(step.deed.tag)
    expect(TAGS.filter((tag) => !seen.has(tag))).toEqual([])
  })

  it('leaves nothing of it to chance where everything must happen: rows, limits, and what is divided by snapshots, under each of its plans', () => {
    for (let seed = 0; seed < 10; seed += 1) {
      const workload = makeWorkload(randomOf(`${seed}`), { start: START, ledgers: 2, leastLedgers: 2, everything: true })
      expect(workload.ledgers.map(({ schema }) => schema === null)).toEqual([false, true])
      const ofLedger = (name: string): readonly Deed[] => timetable(workload).flatMap(({ step: { deed } }) => (deed.ledger === name ? [deed] : []))
      expect(ofLedger('ledger-0').map(({ tag }) => tag)).toEqual(expect.arrayContaining(['row', 'settings']))
      expect(ofLedger('ledger-1').map(({ tag }) => tag)).toEqual(expect.arrayContaining(['snapshot', 'by-snapshot', 'settings']))
      const plans = ofLedger('ledger-1').flatMap((deed) => (deed.do === 'plan' ? [deed.plan, ...(deed.edit === null ? [] : [deed.edit])] : []))
      for (const plan of plans) expect(plan).toMatchObject({ steps: [{ rule: 'pro-rata', rounding: expect.stringMatching(/^(largest-remainder|prefix)$/) }] })
    }
  })
})

describe('plans drawn at random', () => {
  it('are of all rules, nested, under every rounding that there is, some of them locked', () => {
    const steps = Array.from({ length: MOST_SEEDS / 2 }, (_, seed) => workloadOf(seed)).flatMap(stepsOf)
    const namesOf = (given: Iterable<string>): readonly string[] => [...new Set(given)].toSorted()
    expect(namesOf(steps.map(({ rule }) => rule))).toEqual([...rules.keys()].toSorted())
    const roundings = steps.map(({ rounding = 'none' }) => (typeof rounding === 'string' ? rounding : present(Object.keys(rounding)[0], 'rounding')))
    expect(namesOf(roundings)).toEqual(['cumulative', 'first', 'largest-ratio', 'largest-remainder', 'none', 'prefix', 'residual-to', 'rotate'])
    const fundings = steps.filter(({ rule }) => rule === 'bonus').map(({ parameters: { funding } }) => (typeof funding === 'string' ? funding : present(Object.keys(funding ?? {})[0], 'funding')))
    expect(namesOf(fundings)).toEqual(['platform', 'pool', 'referred'])
    expect(steps.filter(({ from }) => from.startsWith('fund:')).length).toBeGreaterThan(10)
    expect(steps.filter(({ lock }) => lock !== undefined).length).toBeGreaterThan(10)
  })

  function stepsOf({ ledgers, callers }: Workload): readonly WrittenStep[] {
    const files = ledgers.flatMap(({ programFile }) => (programFile === null ? [] : [JSON.parse(programFile) as { plan: WrittenPlan }]))
    const drafts = callers.flatMap(({ steps }) => steps.flatMap(({ deed }) => (deed.do === 'plan' ? [deed.plan as unknown as WrittenPlan] : [])))
    return [...files.map(({ plan }) => plan), ...drafts].flatMap(({ steps }) => steps)
  }
})

type WrittenStep = { rule: string; from: string; lock?: object; rounding?: string | object; parameters: { funding?: string | object } }
type WrittenPlan = { steps: readonly WrittenStep[] }

describe('with everything answered', () => {
  /** Rounds of the worker after the end, until what can be paid is. */
  const ROUNDS = 10

  async function checkPlayed(seed: string, run: (stage: Stage, workload: Workload, note: (played: readonly Played[]) => void) => Promise<void>): Promise<void> {
    const workload = makeWorkload(randomOf(seed), { start: Temporal.Now.instant(), payouts: 15 })
    const stage = await openStage(workload)
    try {
      const surprises: string[] = []
      await run(stage, workload, (played) => void surprises.push(...played.flatMap((each) => surpriseOf(each) ?? [])))
      for (const deed of workload.ending) await play(deed, stage.doors)
      for (let rounds = 0; rounds < ROUNDS; rounds += 1) await stage.work()
      expect(surprises).toEqual([])
      expect(stage.offers.filter(({ answer }) => answer === null || answer.status >= 500)).toEqual([])
      for (const { door, answer } of stage.offers) if (door === 'api' && codeOf(answer) !== null) problemSchema.parse(answer?.body)
      expect(await stage.breaks()).toEqual([])
    } finally {
      await stage.close()
    }
  }

  it('one step after the other: what must be taken is taken, what must be refused is refused', async () => {
    await checkPlayed('in turn', async (stage, workload, note) => {
      for (const [index, { step }] of timetable(workload).entries()) {
        await stage.doors.sleep(1000)
        note(await play(step.deed, stage.doors))
        if (index % 10 === 9) await stage.work()
      }
    })
  })

  it('and all callers at once', async () => {
    await checkPlayed('at once', async (stage, workload, note) => {
      await carryOut(workload, stage.doors, (_, __, played) => note(played))
    })
  })
})
