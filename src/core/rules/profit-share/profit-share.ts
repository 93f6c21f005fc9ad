// The rule `profit-share`: a percentage of what somebody's results gained, by each win or above a high-water mark.

import { present } from '../../assert.ts'
import { commonWeights, type Ratio } from '../../ratio.ts'
import { partyIn } from '../condition.ts'
import { needOf } from '../facts.ts'
import { grainsOfUnits, ratioOfGrains } from '../grain.ts'
import type { FactNeed, Outline, Rule, RuleContext } from '../rule.ts'
import { accountOf, fundsOf, recipientOf } from '../target.ts'
import { divide, explainLines, linesOf, POLICIES_BY_WEIGHT, recipientsOf, roundingKeys, type Entry } from '../weighted.ts'
import { sayOf } from './explain.ts'
import { giveBack } from './give-back.ts'
import { writeMemory } from './memory.ts'
import { parameters, type Parameters } from './terms.ts'
import { FACTS, keyOf, work, type Worked } from './work.ts'

/**
 * Divides the money that comes with a close into the creator's share and the rest.
 *
 * The event's facts, in units and signed: `result` (what the trade made), `fees` and `funding` (what was paid for it; what was received
 * is negative), `moved` (deposits; withdrawals are negative). Net result = result − fees − funding. Events without money change what
 * is remembered alone: losses, movements, the end of a span.
 *
 * - `each-win`: profit = the net result of the event where it is above zero (with spans: the sum of those of the span)
 * - `high-water-mark`: profit = running net result − its highest earlier value at which profit became a share
 *
 * Worked, at 20 %, results +100 −200 +100 +100 −400 +500: each win gives 20 + 0 + 20 + 20 + 0 + 100 = 160. The running result is
 * 100, −100, 0, 100, −300, 200, so the high-water mark gives 20 for the first 100 and 20 for the second: 40.
 *
 * A share beyond the pool stays due and is taken from the pools that come next: the result has happened, and refusing its event would lose it.
 * What a late close takes back stays owed in the same way, and no share is paid until later ones have made up for it.
 */
export const profitShare: Rule<Parameters> = {
  kind: 'profit-share',
  parameters,
  outline: ({ share, rest, percent }): Outline => ({
    divides: 'account',
    roundings: POLICIES_BY_WEIGHT,
    residuals: [share, rest].flatMap(({ role, to }) => [role, ...recipientOf(to)]),
    parts: [share, rest],
    role: share.role,
    others: share.role,
    gives: fundsOf([share.to, rest.to]),
    draws: [],
    facts: [...FACTS.map((name): FactNeed => ({ name, source: 'event', optional: true })), ...(typeof percent === 'string' ? [] : [needOf({ ...percent, source: 'standing' })])],
    carries: false,
    takesNothing: true,
  }),
  recipients: (context, given) => recipientsOf(accountsOf(context, given)),
  giveBack,
  keys: (context, given) => [keyOf(partyIn(context, given.subject)), ...roundingKeys(context.rounding, () => entriesOf(context, given, [0n, 0n]).map(({ key }) => key))],
  split: (input, given) => {
    const worked = work(input, given)
    const entries = entriesOf(input, given, weightsOf(worked))
    const divided = divide(input, entries)
    return { lines: linesOf(input, entries, divided), state: new Map([...divided.state, [keyOf(worked.subject), writeMemory(worked.memory)]]) }
  },
  quotas: (input, given) => quotasOf(work(input, given)),
  explain: (input, given) => {
    const worked = work(input, given)
    const entries = entriesOf(input, given, weightsOf(worked))
    return explainLines(input, entries, divide(input, entries), { say: (_, place) => sayOf(worked, given, place) })
  },
}

function accountsOf({ parties }: Pick<RuleContext, 'parties'>, { share, rest }: Parameters): readonly string[] {
  return [share, rest].map(({ role, to }) => accountOf(to, { role, parties }))
}

function entriesOf(context: RuleContext, given: Parameters, weights: readonly bigint[]): readonly Entry[] {
  const accounts = accountsOf(context, given)
  return [given.share, given.rest].map(({ role }, place): Entry => {
    const to = present(accounts[place], 'account')
    return { key: `${role}/${to}`, place, role, to, weight: present(weights[place], 'weight') }
  })
}

/** What is payable and what is left of the pool: together the pool itself, so that each quota is its own weight. */
function quotasOf({ payable, poolUnits }: Worked): readonly Ratio[] {
  return [payable, grainsOfUnits(poolUnits) - payable].map(ratioOfGrains)
}

function weightsOf(worked: Worked): readonly bigint[] {
  return commonWeights(quotasOf(worked))
}
