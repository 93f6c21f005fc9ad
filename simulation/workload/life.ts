// What happens in a ledger besides events: plans change, settings change, people approve and reject, recipients get and change addresses,
// money comes late, accounts are frozen and thawed, and people look.

import type { JsonObject } from '../../src/core/effects.ts'
import type { Person } from '../history.ts'
import type { Random } from '../random.ts'
import { addressFrom } from './address.ts'
import { insistence, ONCE, post, type Course, type Planned } from './events.ts'
import type { Decision, Deed, HandDeed, PlanDeed, RequestDeed, SettingsDeed, Tag } from './workload.ts'

const SECOND_MS = 1000
/** Approvals in one request. */
const MOST_AT_ONCE = 200

/** A history is about some of these, as faults are: what never meets in a short one would otherwise take turns with everything. */
const FAMILIES = [...[planSteps, factSteps, handSteps, readSteps, addressSteps].map((steps) => [steps]), [settingsSteps, decisionSteps]] as const
const FAMILY = 0.5

export function lifeSteps(course: Course): readonly Planned[] {
  const { random, everything } = course
  return FAMILIES.filter(() => random.chance(FAMILY) || everything).flatMap((steps) => steps.flatMap((each) => each(course)))
}

const several = <Item>(random: Random, most: number, make: (index: number) => Item): readonly Item[] => Array.from({ length: random.below(most + 1) }, (_, index) => make(index))

/** Early, so that the history is about what they ask for; and now and then something else later. */
function settingsSteps({ random, business, spanMs, everything }: Course): readonly Planned[] {
  const { name: ledger, asset } = business.setup
  const change = (index: number, content: JsonObject, atMs: number): Planned => {
    const decisions: readonly Decision[] = random.shuffle<Decision>([
      { by: 'owner', verb: 'approve', delayMs: random.below(5 * SECOND_MS) },
      { by: random.pick(['first', 'second']), verb: random.chance(0.8) ? 'approve' : 'withdraw', delayMs: random.below(20 * SECOND_MS) },
    ])
    const deed: SettingsDeed = { do: 'settings', tag: 'settings', ledger, expect: 'any', by: 'owner', key: `settings-${index}`, change: content, decisions, ...insistence(random), atOnce: 1 }
    return { caller: 'manager', atMs, deed }
  }
  // So that some payouts are above it, and some below.
  const limit = (): string => (business.ordinary / BigInt(random.between(1, 200))).toString()
  const content = (): JsonObject => ({
    ...(random.chance(0.5) && { plan_approvals: random.below(3) }),
    ...(random.chance(0.3) && { plan_notice_seconds: random.below(60) }),
    ...(random.chance(0.5) && { payout_approval_above: { [asset]: random.chance(0.3) ? null : limit() } }),
    ...(random.chance(0.3) && { recoup_percent: random.pick([0, 1, 50, 99, 100]) }),
  })
  const wrong = (): Planned => {
    const body = random.pick<JsonObject>([{ plan_approvals: 99 }, { recoup_percent: 101 }, { payout_approval_above: { [asset]: '-1' } }, { no_setting: 1 }, { plan_notice_seconds: -1 }])
    return { caller: 'manager', atMs: random.below(spanMs), deed: post({ random, business }, 'settings-invalid', { path: 'settings', body, expect: 'refused' }) }
  }
  return [
    ...(random.chance(0.5) ? [change(0, { plan_approvals: 1, ...content() }, random.below(SECOND_MS))] : []),
    ...(everything || random.chance(0.6) ? [change(1, { payout_approval_above: { [asset]: limit() } }, random.below(spanMs / 4))] : []),
    ...several(random, 2, (index) => change(2 + index, content(), random.below(spanMs))),
    ...(random.chance(0.3) ? [wrong()] : []),
  ]
}

function planSteps(course: Course): readonly Planned[] {
  const { random, business, spanMs } = course
  const { name: ledger } = business.setup
  const draft = (index: number): Planned => {
    const edit = random.chance(0.4) ? business.plan(random) : null
    const deed: PlanDeed = {
      ...{ do: 'plan', tag: edit === null ? 'plan' : 'plan-edited', ledger, expect: 'any', by: random.pick<Person>(['owner', 'first']), key: `plan-${index}` },
      plan: business.plan(random),
      effectiveInMs: random.chance(0.5) ? null : random.between(SECOND_MS, spanMs),
      look: random.shuffle(['preview', 'diff'] as const).slice(0, random.below(3)),
      edit,
      decisions: decisionsOf(random, edit !== null),
      ...insistence(random),
      atOnce: 1,
    }
    return { caller: 'planner', atMs: random.below(spanMs), deed }
  }
  const single = (tag: Tag, path: string, body: JsonObject, expect: 'refused' | 'any'): Planned => {
    return { caller: 'planner', atMs: random.below(spanMs), deed: post(course, tag, { path, body, expect, person: random.pick(['owner', 'first']), key: path === 'plans/validate' ? null : `${tag}-${path}` }) }
  }
  return [
    ...several(random, 2, draft),
    ...(random.chance(0.3) ? [single('plan-invalid', random.pick(['plans', 'plans/add', 'plans/validate']), { plan: business.wrongPlan(random) }, 'refused')] : []),
    ...(random.chance(0.2) ? [single('plan-added', 'plans/add', { plan: business.plan(random) }, 'any')] : []),
    ...(random.chance(0.2) ? [single('plan-validated', 'plans/validate', { plan: business.plan(random) }, 'any')] : []),
    ...(random.chance(0.2) ? [single('preview', 'plans/preview', { plan: { content: business.plan(random) }, sample: true }, 'any')] : []),
  ]
}

function decisionsOf(random: Random, isEdited: boolean): readonly Decision[] {
  const soon = (): number => random.below(10 * SECOND_MS)
  const others = random.shuffle<Person>(['first', 'second', 'owner'])
  return [
    ...(isEdited ? [{ by: random.pick(others), verb: 'stale', delayMs: soon() } as const] : []),
    ...(random.chance(0.4) ? [{ by: 'owner', verb: 'approve', delayMs: soon() } as const] : []),
    ...(random.chance(0.15) ? [{ by: random.pick<Person>(['second', 'first']), verb: random.pick(['reject', 'withdraw'] as const), delayMs: soon() }] : []),
    ...others.slice(0, random.between(1, 3)).map((by) => ({ by, verb: 'approve', delayMs: soon() }) as const),
  ]
}

/** Persons who look now and then at what waits. */
function decisionSteps({ random, business, spanMs }: Course): readonly Planned[] {
  const { name: ledger } = business.setup
  const decide = (by: Person): Planned => {
    const wrong = random.chance(0.15) ? random.pick(['hash', 'signature', 'clock'] as const) : 'nothing'
    const verb = wrong === 'nothing' && random.chance(0.12) ? 'reject' : 'approve'
    const tag = wrong !== 'nothing' ? 'approve-wrong' : verb
    const expect = wrong === 'nothing' ? 'any' : 'refused'
    const most = random.pick([1, 2, 10])
    return { caller: by, atMs: random.below(spanMs), deed: { do: 'decide', tag, ledger, expect, by, verb, most, together: random.chance(0.5), thinksMs: random.chance(0.5) ? 0 : random.below(spanMs / 10), wrong, ...insistence(random), atOnce: 1 } }
  }
  const looks = Array.from({ length: random.between(2, 4) }, () => decide(random.pick(['first', 'second', 'second'])))
  // Nobody looks away for ever, mostly.
  const last: Planned = { caller: 'second', atMs: spanMs, deed: { do: 'decide', tag: 'approve', ledger, expect: 'any', by: 'second', verb: 'approve', most: MOST_AT_ONCE, together: true, thinksMs: 0, wrong: 'nothing', ...insistence(random), atOnce: 1 } }
  return [...looks, ...(random.chance(0.85) ? [last] : [])]
}

function addressSteps({ random, business, spanMs }: Course): readonly Planned[] {
  const { inbox, recipients, addressless, setup: { name: ledger } } = business
  const name = (tag: Tag, recipient: string): Planned => {
    return { caller: 'registrar', atMs: random.below(spanMs), deed: { do: 'name', tag, ledger, expect: 'taken', recipient, address: addressFrom(random), ...insistence(random) } }
  }
  const wallet = (tag: Tag, recipient: string, address: string | null): Planned[] => {
    if (inbox?.wallets == null) return []
    const { table, row } = inbox.wallets
    return [{ caller: 'registrar', atMs: random.below(spanMs), deed: { do: 'upsert', tag, ledger, expect: 'taken', table, row: row(recipient, address), stamp: null, ...insistence(random) } }]
  }
  const ofInbox = inbox?.wallets?.recipients ?? []
  return [
    ...addressless.flatMap((each) => (random.chance(0.85) ? [name('address-first', each)] : [])),
    ...several(random, 3, () => name('address', random.pick(recipients))),
    ...(ofInbox.length === 0 ? [] : several(random, 2, () => wallet('wallet', random.pick(ofInbox), addressFrom(random))).flat()),
    ...(ofInbox.length === 0 ? [] : several(random, 1, () => wallet('wallet-gone', random.pick(ofInbox), random.pick([null, ''])))).flat(),
  ]
}

function factSteps(course: Course): readonly Planned[] {
  const { random, business, spanMs } = course
  const set = (tag: Tag, body: JsonObject, expect: 'taken' | 'refused', index: number): Planned => {
    return { caller: 'keeper', atMs: index === 0 ? random.below(SECOND_MS) : random.below(spanMs), deed: post(course, tag, { path: 'facts', body, expect, key: `fact-${tag}-${index}` }) }
  }
  const wrong = { name: 'a fact', subject: 'somebody', value: 'much' }
  return [
    ...business.facts.map(({ name, subject, value }) => set('fact', { name, subject, value: value(random) }, 'taken', 0)).map((planned, index) => keyed(planned, `fact-${index}`)),
    ...several(random, 3, (index) => {
      // A ledger keeps facts that no plan asks for as well.
      const { name, subject, value } = business.facts.length === 0 ? { name: 'level', subject: random.pick(business.recipients), value: () => random.below(100).toString() } : random.pick(business.facts)
      return set('fact', { name, subject, value: value(random) }, 'taken', 1 + index)
    }),
    ...(random.chance(0.3) ? [set('fact-invalid', random.pick<JsonObject>([wrong, { ...wrong, name: 'level' }, { ...wrong, value: '1' }]), 'refused', 9)] : []),
  ]
}

function keyed({ deed, ...planned }: Planned, idempotencyKey: string): Planned {
  const asked = deed as RequestDeed
  return { ...planned, deed: { ...asked, request: { ...asked.request, idempotencyKey } } }
}

function handSteps({ random, business, spanMs }: Course): readonly Planned[] {
  const { recipients, setup: { name: ledger, asset, tokens } } = business
  const hand = (deed: HandDeed, atMs = random.below(spanMs)): Planned => ({ caller: 'network', atMs, deed })
  const known = business.setup.recipients
  const frozen = Object.keys(tokens).length > 0 && known.length > 0 ? several(random, 2, () => random.pick(known).address) : []
  const units = (): string => random.units(1n, 10n ** 12n).toString()
  return [
    ...several(random, 3, () => hand({ do: 'fund', tag: 'fund', ledger, asset, units: units() })),
    ...(asset !== 'SOL/9' && random.chance(0.7) ? [hand({ do: 'fund', tag: 'fund', ledger, asset: 'SOL/9', units: units() })] : []),
    ...(recipients.length === 0 || known.length === 0 ? [] : several(random, 2, () => hand({ do: 'give', tag: 'give', ledger, asset, address: random.pick(known).address, units: units() }))),
    ...frozen.flatMap((address) => {
      const atMs = random.below(spanMs)
      return [hand({ do: 'freeze', tag: 'freeze', ledger, asset, address }, atMs), ...(random.chance(0.7) ? [hand({ do: 'thaw', tag: 'thaw', ledger, asset, address }, atMs + random.below(spanMs - atMs))] : [])]
    }),
  ]
}

/** Whoever looks must always find books that add up. */
function readSteps({ random, business, spanMs }: Course): readonly Planned[] {
  const { recipients, setup: { name } } = business
  const one = (): string => encodeURIComponent(random.pick(recipients))
  return Array.from({ length: random.below(5) }, (): Planned => {
    const path = random.pick([
      ...['events', 'distributions', 'payouts', 'plans', 'settings', 'facts', 'balances', 'blocks', 'wallets', 'payout-counts', 'recipients', 'reports/totals', 'reports/ageing', 'reports/top?by=earned'],
      ...[`recipients/${one()}`, `recipients/${one()}/statement`, `recipients/${one()}/statement/lines`, `explain/${name}-0`],
    ])
    const deed: Deed = { do: 'request', tag: 'read', ledger: name, expect: 'any', person: 'second', request: { method: 'GET', path: `/v1/ledgers/${name}/${path}` }, stamp: null, ...ONCE }
    return { caller: 'reader', atMs: random.below(spanMs), deed }
  })
}
