// What a waterfall remembers once a part of an event is reversed: tranches have taken less, and what contributors had got back is out again.

import { present } from '../../assert.ts'
import type { Json } from '../../effects.ts'
import { atLeastZero, givenBack, type GivingBack, type Portion } from '../give-back.ts'
import { DECIMAL } from '../grain.ts'
import type { RuleState } from '../rule.ts'
import { accrue, holdingOn, NO_HOLDING, readHolding, writeHolding, type Holding, type ReturnTerms } from './contributor.ts'
import { keyOf, PAID, readPaid, returnTermsOf, writePaid } from './flow.ts'
import type { Contributor, Parameters } from './terms.ts'

/**
 * Each tranche has taken less by the reversed part of what it took of the event. Of a contributor the part of what the event did comes
 * back: capital and preferred return that it paid are due again, what it brought as contributed is no more, and both as if it had been so
 * since the event: with the return of the days from then on. What time has done (returns, what the plan says was contributed by a day)
 * stays, and so does what later events have paid: nothing falls below zero.
 */
export function giveBack({ changed, now, portion }: GivingBack, { contributors = [], tranches }: Parameters): RuleState {
  const terms = returnTermsOf(tranches)
  const byKey = new Map(changed.map((each) => [each.key, each]))
  const states = new Map<string, Json>()
  const paid = byKey.get(PAID)
  if (paid !== undefined) states.set(PAID, paidAfter(paid, now.get(PAID), portion))
  for (const { recipient, contributed } of contributors) {
    const key = keyOf(recipient)
    const own = byKey.get(key)
    if (own === undefined) continue
    const [before, after] = [readHolding(own.before ?? undefined), readHolding(own.after)]
    const part = partOf({ before, after }, { planned: contributed, terms }, portion)
    states.set(key, writeHolding(plus(readHolding(now.get(key)), part, terms)))
  }
  return states
}

function paidAfter({ before, after }: GivingBack['changed'][number], now: Json | undefined, portion: Portion): Json {
  const [was, became, { day, units }] = [readPaid(before ?? undefined), readPaid(after), readPaid(now)]
  const taken = [...units].map(([tranche, each]) => [tranche, atLeastZero(each - givenBack((became.units.get(tranche) ?? 0n) - (was.units.get(tranche) ?? 0n), portion))] as const)
  return writePaid(present(day ?? undefined, 'day'), new Map(taken))
}

/** The part of what an event took from a holding, on the event's day; below zero what it added. */
function partOf(
  { before, after }: { readonly before: Holding; readonly after: Holding },
  { planned, terms }: { readonly planned: Contributor['contributed']; readonly terms: ReturnTerms },
  portion: Portion,
): Holding {
  const untouched = holdingOn(before, present(after.day ?? undefined, 'day'), { planned, terms })
  return {
    ...NO_HOLDING,
    day: after.day,
    capital: givenBack(untouched.capital - after.capital, portion),
    preferred: givenBack(untouched.preferred - after.preferred, portion, DECIMAL),
    joined: givenBack(untouched.joined - after.joined, portion, DECIMAL),
  }
}

function plus(now: Holding, part: Holding, terms: ReturnTerms): Holding {
  const { capital, preferred, joined } = accrue(part, present(now.day ?? undefined, 'day'), terms)
  const due = atLeastZero(now.preferred + preferred)
  const added = atLeastZero(now.joined + joined)
  return { ...now, capital: atLeastZero(now.capital + capital), preferred: due, joined: added < due ? added : due }
}
