// Carries out scenarios on ledgers in memory and says what came otherwise than expected. Pure: whoever calls reads the files.

import type { EventInput } from '../event.ts'
import { orRefusal } from '../event-member.ts'
import { atLine, checkDocument, schemaRefusal, type JsonDocument } from '../json-document.ts'
import { readUnits } from '../money.ts'
import { Refusal } from '../refusal.ts'
import type { Trial, Tried } from '../trial.ts'
import { compareEnd, compareRefusal, compareTried, refusedText, type Difference } from './compare.ts'
import { scenarioFileSchema, type EventStep, type RefusedExpectation, type ReverseStep, type Scenario, type ScenarioStep } from './form.ts'
import { setStage, type FindProgram, type Stage } from './stage.ts'

export type Finding = Omit<Difference, 'path'> & {
  /** Where the file expects it. */
  readonly line: number
}

export type ScenarioResult = { readonly file: string; readonly line: number; readonly it: string; readonly passed: boolean; readonly findings: readonly Finding[] }

type Path = readonly PropertyKey[]

/**
 * Runs all scenarios of a file. Refuses, by its line, what makes them no scenarios at all: another form, a plan or program that is none, an
 * amount that its asset cannot have.
 */
export function runScenarios(document: JsonDocument, findProgram: FindProgram): readonly ScenarioResult[] {
  const file = checkDocument(document, scenarioFileSchema)
  return file.scenarios.map((scenario, index) => {
    const path = ['scenarios', index]
    const stage = setStage(document, { file, scenario, path }, findProgram)
    const findings = [
      ...scenario.when.flatMap((step, at) => {
        const here = [...path, 'when', at]
        const differences = atLine(document, () => here, () => carryOut(stage, step, at + 1))
        return found(document, differences, { here: [...here, 'expect'], part: nameOf(scenario, step, at) })
      }),
      ...endOf(document, { scenario, stage, here: [...path, 'expect'] }),
    ]
    return { file: document.file, line: document.placeOf([...path, 'it']).line, it: scenario.it, passed: findings.length === 0, findings }
  })
}

function endOf(document: JsonDocument, { scenario: { expect }, stage: { trial, asset }, here }: { scenario: Scenario; stage: Stage; here: Path }): readonly Finding[] {
  if (expect === undefined) return []
  return found(document, atLine(document, () => here, () => compareEnd(expect, trial, asset.scale)), { here, part: null })
}

function found(document: JsonDocument, differences: readonly Difference[], { here, part }: { here: Path; part: string | null }): readonly Finding[] {
  return differences.map(({ path, what, expected, actual }) => {
    return { what: part === null ? what : `${part}: ${what}`, expected, actual, line: document.placeOf([...here, ...path]).line }
  })
}

/** `event 2`, counting events alone; nothing where there is only one step. */
function nameOf({ when }: Scenario, step: ScenarioStep, at: number): string | null {
  if (when.length === 1) return null
  const kind = kindOf(step)
  return `${kind} ${when.slice(0, at + 1).filter((each) => kindOf(each) === kind).length}`
}

function kindOf(step: ScenarioStep): string {
  return 'event' in step ? 'event' : 'reverse' in step ? 'reversal' : 'fact' in step ? 'fact' : 'plan' in step ? 'plan' : 'time'
}

function carryOut({ trial, ...stage }: Stage, step: ScenarioStep, number: number): readonly Difference[] {
  if (step.at !== undefined) trial.passTo(Temporal.Instant.from(step.at))
  if ('event' in step) {
    const input = orRefusal(() => readEvent(stage, step, number))
    return compareTried(step.expect, input instanceof Refusal ? { state: 'refused', refusal: input } : trial.record(input), stage.asset.scale)
  }
  if ('reverse' in step) return compareTried(step.expect, reverse(trial, step, stage.asset.scale), stage.asset.scale)
  if ('fact' in step) return compareDone(step.expect, orRefusal(() => trial.setFact({ ...step.fact, from: trial.now() })))
  if ('plan' in step) return compareDone(step.expect, orRefusal(() => trial.addPlan(step.plan)))
  return []
}

function reverse(trial: Trial, { reverse: { event, reference, amount } }: ReverseStep, scale: number): Tried {
  const units = orRefusal(() => (amount === undefined ? null : readUnits(amount, { field: 'amount', scale })))
  return units instanceof Refusal ? { state: 'refused', refusal: units } : trial.reverse({ reference, reverses: event, units })
}

/** Of something that is done or refused. */
function compareDone(expected: RefusedExpectation | undefined, done: unknown): readonly Difference[] {
  const refusal = done instanceof Refusal ? done : null
  if (expected !== undefined) return compareRefusal(expected, refusal)
  return refusal === null ? [] : [{ path: [], what: 'outcome', expected: 'done', actual: refusedText(refusal) }]
}

/** Refuses what the program's words do not take, as its doors do. */
function readEvent({ event, defaults, plain }: Omit<Stage, 'trial'>, { event: own }: EventStep, number: number): EventInput {
  const body = { ...(plain ? { reference: `event-${number}` } : {}), ...defaults, ...own }
  const parsed = event.safeParse(body)
  if (parsed.success) return parsed.data
  throw schemaRefusal(parsed.error, body)
}
