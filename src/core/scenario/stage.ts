// What a scenario begins with: a ledger in memory with its plan, facts and funds, and the words of its events.

import { atLine, refusalAt, type JsonDocument } from '../json-document.ts'
import { parseAsset, readUnits, type Asset } from '../money.ts'
import { placeInPlan } from '../plan-problem.ts'
import type { Program } from '../program.ts'
import { createTrial, type Trial } from '../trial.ts'
import type { Body, Given, Scenario, ScenarioFile, Start } from './form.ts'
import { plainEvent } from './plain-event.ts'

/** What a scenario needs of a program. */
export type TriedProgram = Pick<Program, 'asset' | 'firstPlan' | 'amountFields' | 'event' | 'versionInstant' | 'schedule'>

/** Finds the program that a scenario names. Refuses when there is none. */
export type FindProgram = (named: { readonly program: string; readonly file: string | null }) => TriedProgram

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

export function beginningOf({ at }: Start): Temporal.Instant {
  return at === undefined ? BEGINNING : Temporal.Instant.from(at)
}

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
  const terms = { asset, plan: given.plan ?? program.firstPlan, at: beginningOf(given), amountFields, versionInstant, schedule: given.schedule ?? program.schedule, keepsEvents: true }
  const trial = atLine(document, (refusal) => [...pathOf('plan'), ...placeInPlan(given.plan ?? null, refusal)], () => createTrial(terms))
  const read = parseAsset(asset)
  startTrial(trial, { document, given, pathOf, scale: read.scale })
  return { trial, asset: read, event: program.event, defaults: given.event ?? {}, plain: given.program === undefined }
}

/** Keeps the facts and fills the funds that are given. Refuses by the line. */
export function startTrial(trial: Trial, { document, given, pathOf, scale }: { document: JsonDocument; given: Start; pathOf: (field: keyof Start) => Path; scale: number }): void {
  for (const [name, set] of Object.entries(given.facts ?? {})) {
    for (const [subject, value] of Object.entries(set)) {
      atLine(document, () => [...pathOf('facts'), name, subject], () => trial.setFact({ name, subject, value, from: null }))
    }
  }
  for (const [fund, amount] of Object.entries(given.funds ?? {})) {
    atLine(document, () => [...pathOf('funds'), fund], () => trial.fill(fund, readUnits(amount, { field: 'funds', scale })))
  }
}

/** What a scenario says itself counts before what its file says; one that names its own program or asset takes neither from the file. */
function givenOf({ given: common = {} }: ScenarioFile, { given: own = {} }: Scenario): Given {
  const { program, file, asset, plan, ...rest } = common
  const isOwn = own.program !== undefined || own.asset !== undefined
  return { ...rest, ...(isOwn ? {} : { program, file, asset, plan }), ...own, event: { ...common.event, ...own.event } }
}

function programOf({ document, given, pathOf }: Setting, here: Path, findProgram: FindProgram): TriedProgram {
  const { program, file, asset, plan } = given
  if (program !== undefined && asset !== undefined) {
    throw refusalAt(document, here, { code: 'file_malformed', message: 'given names both a program and an asset: which one is meant is not known', details: { field: 'given' } })
  }
  if (program !== undefined) return atLine(document, () => pathOf('program'), () => findProgram({ program, file: file ?? null }))
  if (file !== undefined) throw refusalAt(document, pathOf('file'), { code: 'file_malformed', message: 'given names a file and no program that takes one', details: { field: 'given' } })
  if (asset === undefined || plan === undefined) {
    throw refusalAt(document, here, { code: 'file_malformed', message: 'given names neither a program nor both an asset and a plan', details: { field: 'given' } })
  }
  const read = atLine(document, () => pathOf('asset'), () => parseAsset(asset))
  return { asset, firstPlan: { steps: [] }, amountFields: {}, event: plainEvent(read), versionInstant: ({ eventAt }) => eventAt }
}
