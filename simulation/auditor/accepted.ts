// What was offered against what is recorded: what was taken is there, with that content, once; what was refused is not; what nobody knows of is
// there or not; and nothing is there that nobody offered. Each event by the plan of its instant.

import type { Findings } from './findings.ts'
import type { Content } from './intake.ts'
import { canonical, type Journal, type JournalEvent, type PlanVersion } from './journal.ts'
import type { EventAnswer, Offered, Offers } from './offers.ts'
import { SNAPSHOT } from './rules/by-weight.ts'

export type Accepting = {
  readonly findings: Findings
  readonly offers: Offers
  readonly journal: Journal
  readonly events: ReadonlyMap<string, JournalEvent>
  /** Rows of the inbox table that became no event, by reference, with the state that people are shown; null when nobody says. */
  readonly rows: ReadonlyMap<string, string> | null
}

export function checkAccepted(accepting: Accepting): void {
  const { findings, offers, events } = accepting
  for (const [reference, offered] of offers.byReference) checkReference(accepting, reference, offered)
  for (const [reference, event] of events) {
    findings.expect('I8', offers.byReference.has(reference), () => `${reference} is recorded, and nobody offered it`)
    const answer = offers.answered.get(reference)
    if (answer !== undefined) checkAnswer(findings, answer, event)
  }
  for (const reference of offers.answered.keys()) findings.expect('I8', events.has(reference), () => `${reference} was answered as recorded, and is not`)
}

function checkReference({ findings, events, rows }: Accepting, reference: string, offered: readonly Offered[]): void {
  const event = events.get(reference)
  const open = offered.filter(({ verdict }) => verdict !== 'refused')
  if (event === undefined) {
    const taken = offered.find(({ verdict, door }) => verdict === 'taken' && door === 'api')
    findings.expect('I8', taken === undefined, () => `${reference} was taken at ${taken?.at.toString() ?? ''}, and is not recorded`)
    const row = offered.find(({ verdict, door }) => verdict === 'taken' && door === 'sql')
    const state = rows?.get(reference)
    findings.expect('liveness', row === undefined || rows === null || state === 'refused' || state === 'waiting', () => `the row ${reference} was inserted at ${row?.at.toString() ?? ''}, and is ${state ?? 'nothing'}, not recorded`)
    return
  }
  findings.expect('I8', open.length > 0, () => `${reference} is recorded, and was refused whenever it was offered (${offered.map(({ code }) => code ?? 'refused').join(', ')})`)
  const isOf = (each: Offered): boolean => (each.reversal === null ? each.content !== null && isSameContent(each.content, event) : isSameReversal(each.reversal, event, events))
  if (open.length > 0) findings.expect('I8', open.some(isOf), () => `${reference} is recorded with another content than anybody offered: ${wordsOf(event)}`)
  for (const each of offered) {
    if (each.verdict === 'taken' && each.door === 'api') findings.expect('I8', isOf(each), () => `${reference} was taken with another content than it is recorded with: ${wordsOf(event)}`)
    // Whoever came with other content was told so; with the same content nobody is.
    if (each.code === 'reference_conflict') findings.expect('I8', !isOf(each), () => `${reference} was refused as of other content, and is recorded with just that`)
  }
}

/** What counts as the instant is that of the first one recorded, and no part of what makes two the same. */
function isSameContent({ units, parties, facts }: Content, event: JournalEvent): boolean {
  const { recorded } = event
  if (recorded.reverses !== null || units !== event.units || canonical(parties) !== canonical(recorded.parties)) return false
  return canonical(withoutSums(facts)) === canonical(withoutSums(recorded.facts ?? {}))
}

/** Of a snapshot the source says the hash alone. */
function withoutSums(facts: Content['facts']): unknown {
  return Object.fromEntries(Object.entries(facts).map(([name, set]) => [name, Object.hasOwn(set, SNAPSHOT) ? { [SNAPSHOT]: set[SNAPSHOT] } : set]))
}

function isSameReversal({ of, units }: NonNullable<Offered['reversal']>, event: JournalEvent, events: ReadonlyMap<string, JournalEvent>): boolean {
  return event.recorded.reverses !== null && events.get(of)?.number === event.recorded.reverses && (units === null || units === event.units)
}

function wordsOf({ units, asset, recorded: { parties, facts, reverses } }: JournalEvent): string {
  return `${units} ${asset}, ${canonical(parties)}${facts === null ? '' : `, ${canonical(facts)}`}${reverses === null ? '' : `, reverses event ${reverses}`}`
}

function checkAnswer(findings: Findings, answer: EventAnswer, event: JournalEvent): void {
  const { number, units, asset, plan, recorded, transfers } = event
  const found = canonical({ number, units: units.toString(), asset, plan, parties: recorded.parties, reverses: recorded.reverses })
  const said = canonical({ number: answer.event, units: answer.units, asset: answer.asset, plan: answer.plan_version, parties: answer.parties, reverses: answer.reverses })
  findings.expect('I8', found === said, () => `${answer.reference} was answered as ${said}; it is recorded as ${found}`)
  if (recorded.reverses !== null) return
  const moved = transfers.flatMap(({ kind, credit, units: own }) => (kind === 'share' ? [`${credit} ${own}`] : [])).toSorted().join(', ')
  const shown = answer.shares.flatMap(({ account, units: own }) => (own === '0' ? [] : [`${account} ${own}`])).toSorted().join(', ')
  findings.expect('I8', moved === shown, () => `${answer.reference} was answered with ${shown}; the ledger moved ${moved}`)
}

/**
 * Each event is divided by the version of its instant, of those that there were when it was recorded. Which those were, clocks cannot say:
 * they only become more along a lane, and hold every version whose taking was answered before the event was offered.
 */
export function checkVersions({ findings, offers, journal }: Accepting, answeredBy: (version: number) => Temporal.Instant | null): void {
  const { plans, lanes } = journal
  for (const [place, { version, from }] of plans.entries()) {
    const before = plans[place - 1]
    findings.expect('I8', version === place + 1, () => `plan version ${version} stands where version ${place + 1} belongs`)
    const isLater = before === undefined ? from === null : from !== null && (before.from === null || Temporal.Instant.compare(before.from, from) <= 0)
    findings.expect('I8', isLater, () => `plan version ${version} is in force from ${from?.toString() ?? 'ever'}, before the one before it`)
  }
  for (const { position, blocks } of lanes) {
    let known = 1
    for (const event of blocks.flatMap(({ events }) => events)) {
      if (event.recorded.reverses !== null) continue
      const asked = offers.byReference.get(event.recorded.reference)?.map((each) => each.asked) ?? []
      const first = asked.toSorted((a, b) => Temporal.Instant.compare(a, b))[0]
      for (const { version } of plans) {
        const at = answeredBy(version)
        if (version > known && at !== null && first !== undefined && Temporal.Instant.compare(at, first) < 0) known = version
      }
      const least = known
      const sets = plans.filter(({ version }) => version >= least)
      const found = sets.find(({ version }) => inForce(plans.slice(0, version), event.at)?.version === event.plan)
      findings.expect('I8', found !== undefined, () => `${event.recorded.reference} of ${event.at.toString()} (lane ${position}) was divided by plan version ${event.plan}; in force was ${inForce(plans.slice(0, least), event.at)?.version ?? 'none'}`)
      known = found?.version ?? known
    }
  }
}

function inForce(plans: readonly PlanVersion[], at: Temporal.Instant): PlanVersion | undefined {
  return plans.findLast(({ from }) => from === null || Temporal.Instant.compare(from, at) <= 0)
}

type Fact = { readonly name: string; readonly subject: string; readonly value: string }

/** Facts that the ledger kept for an event are some that were announced. */
export function checkFacts({ findings, offers, events }: Accepting): void {
  const announced = new Set(offers.others.flatMap(({ rest, offer, verdict }) => {
    const { name, subject, value } = (offer.request.body ?? {}) as Partial<Fact>
    return rest === 'facts' && verdict !== 'refused' ? [`${name} ${subject} ${value}`] : []
  }))
  for (const [reference, { recorded }] of events) {
    for (const [name, set] of Object.entries(recorded.standing ?? {})) {
      for (const [subject, value] of Object.entries(set)) findings.expect('I8', announced.has(`${name} ${subject} ${value}`), () => `${reference} was divided by ${name} of ${subject} = ${value}, which nobody announced`)
    }
  }
}
