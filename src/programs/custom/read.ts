// Makes a program of a file. Whatever could only go wrong with the first event is looked for here, and told by the file's line.

import { present } from '../../core/assert.ts'
import type { Json } from '../../core/effects.ts'
import { atLine, checkDocument, refusalAt, schemaRefusal, type JsonDocument } from '../../core/json-document.ts'
import { parseAsset, readUnits } from '../../core/money.ts'
import { namedIn } from '../../core/named-in-plan.ts'
import { parsePlan, type PlanVersion } from '../../core/plan.ts'
import { placeInPlan } from '../../core/plan-problem.ts'
import type { Program } from '../../core/program.ts'
import { createTrial } from '../../core/trial.ts'
import { programFileSchema, type ProgramFile } from './form.ts'
import { mappedEvent } from './mapping.ts'

/** Where the sample is tried: any instant does. */
const SOME_INSTANT = Temporal.Instant.from('2026-01-01T00:00:00Z')

/** What a sample may lack: the ledger keeps facts and fills funds in its life. */
const LATER: ReadonlySet<string> = new Set(['fact_not_found', 'floor_exceeded'])

/** Refuses by the line: `file_malformed`, `plan_invalid`, `asset_not_found`, and what the sample is refused for. */
export function programOf(document: JsonDocument): Omit<Program, 'name'> {
  const file = checkDocument(document, programFileSchema)
  const asset = atLine(document, () => ['asset'], () => parseAsset(file.asset))
  const plan = atLine(document, (refusal) => ['plan', ...placeInPlan(file.plan as Json, refusal)], () => parsePlan(file.plan))
  checkAccounts(document, file, plan)
  checkMapping(document, file, plan)
  const { event: mapping, accounts, sample, summary, rail, payouts, schedule } = file
  const limit = payouts?.approval_above
  const above = limit === undefined ? null : atLine(document, () => ['payouts', 'approval_above'], () => readUnits(limit, { field: 'approval_above', scale: asset.scale }))
  const amountField = typeof mapping.amount === 'string' ? mapping.amount : mapping.amount.field
  const parties = Object.entries(mapping.parties ?? {}).map(([name, given]) => [name, typeof given === 'string' ? given : given.field] as const)
  const program: Omit<Program, 'name'> = {
    ...{ summary, asset: asset.name, rail, firstPlan: plan.data },
    recipients: accounts.recipients,
    ...(above !== null && { settings: { payout_approval_above: { [asset.name]: above.toString() } } }),
    ...(schedule !== undefined && { schedule: schedule.payouts }),
    ...(payouts?.policy !== undefined && { payoutPolicy: payouts.policy }),
    amountFields: mapping.claims ?? {},
    contentFields: { units: amountField, ...Object.fromEntries(parties) },
    event: mappedEvent(mapping, asset),
    ...{ inbox: null, install: null, views: null, grants: null },
    sample: { body: sample.event, parties: sample.parties ?? [] },
    versionInstant: ({ eventAt }) => eventAt,
  }
  checkSample(document, program)
  return program
}

type Plan = Pick<PlanVersion, 'steps' | 'data'>

/** Everybody and everything that the plan names is listed, and nothing else: a name with a slip in it would be somebody else's account. */
function checkAccounts(document: JsonDocument, { accounts: { recipients, funds = [] }, plan }: ProgramFile, { steps }: Plan): void {
  const used = new Set(steps.flatMap(({ rule: { outline } }) => [...outline.gives, ...outline.draws]))
  const listed: readonly (readonly [kind: 'recipient' | 'fund', ids: readonly string[], used: ReadonlySet<string>])[] = [
    ['recipient', recipients.map(({ recipient }) => recipient), new Set(namedIn(plan as Json, 'recipient').map(({ id }) => id))],
    ['fund', funds.map(({ fund }) => fund), used],
  ]
  for (const [kind, ids, wanted] of listed) {
    for (const [index, id] of ids.entries()) {
      const path = ['accounts', `${kind}s`, index]
      if (ids.indexOf(id) < index) throw refusalAt(document, path, { code: 'file_malformed', message: `the ${kind} ${id} is listed twice`, details: { field: `accounts.${kind}s` } })
      if (kind === 'fund' && !wanted.has(id)) throw refusalAt(document, path, { code: 'file_malformed', message: `no step of the plan gives to the fund ${id} or draws on it`, details: { field: 'accounts.funds' } })
    }
    const unlisted = namedIn(plan as Json, kind).find(({ id }) => !ids.includes(id))
    if (unlisted === undefined) continue
    const message = `the plan names the ${kind} ${unlisted.id}, which accounts.${kind}s does not list: list it, or correct the name`
    throw refusalAt(document, ['plan', ...unlisted.path], { code: 'file_malformed', message, details: { field: `accounts.${kind}s` } })
  }
}

/** The events bring what the plan asks for, and nothing that it would refuse. */
function checkMapping(document: JsonDocument, { event: { parties = {}, facts = {} }, plan }: ProgramFile, { steps }: Plan): void {
  const nameless = namedIn(plan as Json, 'party').find(({ id }) => !Object.hasOwn(parties, id))
  if (nameless !== undefined) {
    const message = `the plan asks who the event's ${nameless.id} is, which event.parties does not say: map it`
    throw refusalAt(document, ['plan', ...nameless.path], { code: 'file_malformed', message, details: { field: 'event.parties' } })
  }
  const needs = steps.flatMap(({ name, rule: { outline } }) => outline.facts.filter(({ source }) => source === 'event').map((need) => ({ ...need, step: name })))
  const lacking = needs.find(({ name, optional }) => optional !== true && !Object.hasOwn(facts, name))
  if (lacking !== undefined) {
    const message = `step ${lacking.step} needs the fact ${lacking.name} with each event, which event.facts does not map`
    const step = steps.findIndex(({ name }) => name === lacking.step)
    throw refusalAt(document, ['plan', 'steps', step], { code: 'file_malformed', message, details: { field: 'event.facts' } })
  }
  const surplus = Object.keys(facts).find((name) => needs.every((need) => need.name !== name))
  if (surplus !== undefined) {
    throw refusalAt(document, ['event', 'facts', surplus], { code: 'file_malformed', message: `no step of the plan asks for the fact ${surplus} with an event`, details: { field: 'event.facts' } })
  }
  for (const [name, source] of Object.entries(facts)) {
    if ('of' in source && !Object.hasOwn(parties, source.of)) {
      throw refusalAt(document, ['event', 'facts', name, 'of'], { code: 'file_malformed', message: `the fact ${name} is of the event's ${source.of}, which event.parties does not map`, details: { field: 'event.facts' } })
    }
  }
}

/** The sample is read as any event, and divided. */
function checkSample(document: JsonDocument, { event, sample, ...program }: Omit<Program, 'name'>): void {
  const parsed = atLine(document, () => ['sample', 'event'], () => {
    const read = event.safeParse(sample.body)
    if (!read.success) throw schemaRefusal(read.error, sample.body)
    return read.data
  })
  const trial = createTrial({ ...program, plan: program.firstPlan, at: SOME_INSTANT })
  const tried = trial.record(present(parsed, 'sample'))
  if (tried.state === 'refused' && !LATER.has(tried.refusal.code)) throw refusalAt(document, ['sample', 'event'], tried.refusal)
}
