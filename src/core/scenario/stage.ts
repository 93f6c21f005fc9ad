// What a scenario begins with: a ledger in memory with its plan, facts and funds, and the words of its events.

import { refusalAt, type JsonDocument } from '../json-document.ts'
import { parseAsset, readUnits, type Asset } from '../money.ts'
import { placeInPlan } from '../plan-problem.ts'
import type { Program } from '../program.ts'
import { Refusal } from '../refusal.ts'
import { createTrial, type Trial } from '../trial.ts'
import type { Body, Given, Scenario, ScenarioFile } from './form.ts'
import { plainEvent } from './plain-event.ts'

/** What a scenario needs of a program. */
export type TriedProgram = Pick<Program, 'asset' | 'firstPlan' | 'amountFields' | 'event' | 'versionInstant'>

/** Finds the program that a scenario names. Refuses when there is none. */
export type FindProgram = (named: { readonly program: string }) => TriedProgram

export type Stage = {
  readonly trial: Trial
  readonly asset: Asset
  readonly event: TriedProgram['event']
  /** Fields that each event has unless it says otherwise. */
  readonly defaults: Body
  /** Whether events are written in no program's words: then they may leave their reference out. */
  readonly plain: boolean
}

type Path = readonly PropertyKey[]

type Setting = {
  readonly document: JsonDocument
  readonly given: Given
  /** Where the file says it, for this scenario. */
  readonly pathOf: (field: keyof Given) => Path
}

const BEGINNING = Temporal.Instant.from('2026-01-01T00:00:00Z')

/** Sets the stage for one scenario of a file, which stands at `path`. Refuses by the line what is no plan, asset, program, fact or fund. */
export function setStage(document: JsonDocument, { file, scenario, path }: { file: ScenarioFile; scenario: Scenario; path: Path }, findProgram: FindProgram): Stage {
  const setting: Setting = {
    document,
    given: givenOf(file, scenario),
    pathOf: (field) => (scenario.given?.[field] === undefined ? ['given', field] : [...path, 'given', field]),
  }
  const { given, pathOf } = setting
  const program = programOf(setting, [...path, 'it'], findProgram)
  const { asset, amountFields, versionInstant } = program
  const at = given.at === undefined ? BEGINNING : Temporal.Instant.from(given.at)
  const terms = { asset, plan: given.plan ?? program.firstPlan, at, amountFields, versionInstant }
  const trial = atLine(document, (refusal) => [...pathOf('plan'), ...placeInPlan(given.plan ?? null, refusal)], () => createTrial(terms))
  const read = parseAsset(asset)
  for (const [name, set] of Object.entries(given.facts ?? {})) {
    for (const [subject, value] of Object.entries(set)) {
      atLine(document, () => [...pathOf('facts'), name, subject], () => trial.setFact({ name, subject, value, from: null }))
    }
  }
  for (const [fund, amount] of Object.entries(given.funds ?? {})) {
    atLine(document, () => [...pathOf('funds'), fund], () => trial.fill(fund, readUnits(amount, { field: 'funds', scale: read.scale })))
  }
  return { trial, asset: read, event: program.event, defaults: given.event ?? {}, plain: given.program === undefined }
}

/** What a scenario says itself counts before what its file says; one that names its own program or asset takes neither from the file. */
function givenOf({ given: common = {} }: ScenarioFile, { given: own = {} }: Scenario): Given {
  const { program, asset, plan, ...rest } = common
  const isOwn = own.program !== undefined || own.asset !== undefined
  return { ...rest, ...(isOwn ? {} : { program, asset, plan }), ...own, event: { ...common.event, ...own.event } }
}

function programOf({ document, given, pathOf }: Setting, here: Path, findProgram: FindProgram): TriedProgram {
  const { program, asset, plan } = given
  if (program !== undefined && asset !== undefined) {
    throw refusalAt(document, here, { code: 'file_malformed', message: 'given names both a program and an asset: which one is meant is not known', details: { field: 'given' } })
  }
  if (program !== undefined) return atLine(document, () => pathOf('program'), () => findProgram({ program }))
  if (asset === undefined || plan === undefined) {
    throw refusalAt(document, here, { code: 'file_malformed', message: 'given names neither a program nor both an asset and a plan', details: { field: 'given' } })
  }
  const read = atLine(document, () => pathOf('asset'), () => parseAsset(asset))
  return { asset, firstPlan: { steps: [] }, amountFields: {}, event: plainEvent(read), versionInstant: ({ eventAt }) => eventAt }
}

/** What the work refuses, with the line of the document that it is about. A refusal that names a file's line already is left as it is. */
export function atLine<Result>(document: JsonDocument, pathOf: (refusal: Refusal) => Path, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Refusal) || typeof error.details['line'] === 'number') throw error
    throw refusalAt(document, pathOf(error), error)
  }
}
