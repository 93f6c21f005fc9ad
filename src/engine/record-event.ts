// Recording events: each gets its plan version and shares, and is posted once in its lane. The same reference with the same content
// gets the first answer again; a refusal spends nothing.

import { checkClaims, distribute, stateKeysFor, type Share } from '../core/distribution.ts'
import { differingFields, type Content, type EventInput } from '../core/event.ts'
import { eventMemberOf, orRefusal } from '../core/event-member.ts'
import { formatUnits, parseAsset } from '../core/money.ts'
import { versionInForce } from '../core/plan.ts'
import type { EventMember } from '../core/posting.ts'
import { Refusal } from '../core/refusal.ts'
import type { FactSets } from '../core/rules/rule.ts'
import { planVersion, type Ledger } from './ledger.ts'

/** An event at a door: which one, and whether the caller may record events of the past. */
export type Offer = { readonly input: EventInput; readonly door: string; readonly mayBackdate: boolean }

/** Clocks of honest sources differ by less than this; beyond it the instant is wrong. */
const FUTURE_LIMIT = { minutes: 5 }
/** Older events keep their instant's version, so whoever may send them can choose the version: that takes a right. */
const BACKDATED_AFTER = { hours: 7 * 24 }

const TEST_PREFIX = 'TEST_'

/** Turns an offer into a member of a posting batch, by the plan versions known now. A refusal waits until the reference was looked up. */
export function eventMember(
  ledger: Ledger,
  { input, door, mayBackdate }: Offer,
  { now, standing }: { readonly now: Temporal.Instant; readonly standing: FactSets | Refusal },
): EventMember {
  const event = { ...input, eventAt: input.eventAt ?? now }
  const plan = versionInForce(ledger.plans, ledger.program.versionInstant(event))
  // Only an instant that the source gave can be wrong.
  const backdated = input.eventAt !== null && isBackdated(ledger, input.eventAt, now)
  const refusal = input.eventAt === null ? null : timeRefusal(input.eventAt, { now, backdated, mayBackdate })
  return eventMemberOf(event, plan, {
    ...{ door, backdated, standing },
    refused: testRefusal(ledger, event.reference) ?? refusal,
    amountFields: ledger.program.amountFields,
  })
}

function isBackdated({ plans }: Ledger, eventAt: Temporal.Instant, now: Temporal.Instant): boolean {
  // A later version may be planned already: what counts is the newest that is in force.
  const since = versionInForce(plans, now).effectiveFrom
  return Temporal.Instant.compare(eventAt, now.subtract(BACKDATED_AFTER)) < 0 || (since !== null && Temporal.Instant.compare(eventAt, since) < 0)
}

function timeRefusal(
  eventAt: Temporal.Instant,
  { now, backdated, mayBackdate }: { now: Temporal.Instant; backdated: boolean; mayBackdate: boolean },
): Refusal | null {
  const early = Temporal.Instant.compare(eventAt, now.add(FUTURE_LIMIT)) > 0
  if (!early && (!backdated || mayBackdate)) return null
  const figures = { field: 'event_at', value: eventAt.toString(), now: now.toString() }
  if (early) return new Refusal('event_time_exceeded', `event_at is ${figures.value}, more than five minutes after now (${figures.now})`, figures)
  return new Refusal(
    'event_backdated_forbidden',
    `event_at is ${figures.value}: an event older than seven days, or than the newest plan version, takes the right to backdate`,
    figures,
  )
}

function testRefusal({ row }: Ledger, reference: string): Refusal | null {
  if (row.sandbox || !reference.startsWith(TEST_PREFIX) || row.settings['allow_test_references'] === true) return null
  return new Refusal('reference_test_forbidden', `references beginning with ${TEST_PREFIX} are for the sandbox; this ledger pays real money`, {
    field: 'reference',
    value: reference,
  })
}

/** The refusal for a reference that was recorded before with other content, naming the fields as the program's doors call them. */
export function conflictRefusal(
  { program }: Pick<Ledger, 'program'>,
  given: EventInput,
  recorded: Content & { readonly number: bigint },
): Refusal {
  const fields = differingFields(recorded, given).map((name) => program.contentFields?.[name] ?? name)
  const amounts = { given: amountOf(given), recorded: amountOf(recorded) }
  const figures = given.units === recorded.units ? '' : ` (${amounts.recorded}, not ${amounts.given})`
  return new Refusal(
    'reference_conflict',
    `the reference ${given.reference} was recorded before with another ${fields.join(', ')}${figures}: an event never changes, send a new reference`,
    { field: fields[0] ?? 'content', fields, event: recorded.number.toString(), ...amounts, asset: recorded.asset },
  )
}

function amountOf({ units, asset }: Pick<EventInput, 'asset' | 'units'>): string {
  return formatUnits(units, parseAsset(asset).scale)
}

/** Why amounts that came with a reference recorded before are not those of its event; null when they are, or when none came. */
export function claimRefusal(ledger: Ledger, { claimed }: EventInput, recorded: RecordedContent): Refusal | null {
  const { amountFields } = ledger.program
  const { facts, standing, shares } = recorded
  const event = { ...recorded, facts: { ...facts, ...standing }, claimed }
  const plan = planVersion(ledger, recorded.plan)
  return orRefusal(() => {
    if (stateKeysFor(event, plan).length > 0) checkClaims(event, shares, amountFields)
    else distribute(event, plan, { amountFields })
    return null
  })
}

/** What was recorded of an event, as far as its shares depend on it. */
type RecordedContent = Content & {
  readonly eventAt: Temporal.Instant
  readonly standing: FactSets
  readonly plan: number
  readonly shares: readonly Share[]
}
