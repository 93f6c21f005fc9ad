// Who referred whom: from a set of facts or listed in the plan, without loops, up to a depth.

import { z } from 'zod'
import { checkParty, partyOf } from '../account.ts'
import { present } from '../assert.ts'
import { Refusal } from '../refusal.ts'
import { checkStrangers, factSet, factsOf } from './facts.ts'
import type { RuleContext } from './rule.ts'
import { accountOf, identifier } from './target.ts'

const person = z.union([z.strictObject({ recipient: identifier }), z.strictObject({ party: identifier })])

/** `optional`: an event that does not name the party says that nobody referred; otherwise it is refused. */
const pair = z.strictObject({ referred: person, referrer: person, optional: z.boolean().optional() })

/** Most referrals that a plan lists; more are facts. */
const MAX_LISTED = 1000

/** A set whose facts are ids (referred → referrer), or pairs listed in the plan. */
export const referrersSchema = z.union([factSet, z.array(pair).min(1).max(MAX_LISTED)], {
  error: 'referrers are a set of facts, or a list of {referred, referrer}',
})

export type Referrers = z.infer<typeof referrersSchema>

/** What is wrong with the listed pairs, whatever the event; null for nothing. */
export function referrersProblem(referrers: Referrers): string | null {
  if (!Array.isArray(referrers)) return null
  const name = (each: z.infer<typeof person>): string => ('recipient' in each ? each.recipient : `the event's ${each.party}`)
  const pairs = referrers.map(({ referred, referrer }) => [name(referred), name(referrer)] as const)
  const map = new Map(pairs)
  if (map.size < pairs.length) return `${pairs.find(([referred], place) => pairs.findIndex(([other]) => other === referred) < place)?.[0]} is listed twice as referred: one bonus has one referrer`
  const loop = loopIn(map, map.keys())
  return loop === null ? null : `the referrals make a loop: ${loop.join(' → ')}`
}

/** The referrers of a member, the nearest first, at most `depth`. */
export type Chains = (member: string) => readonly string[]

/**
 * Reads who referred whom, for the members of a division. Refuses `fact_conflict` for a loop (also of one who referred themselves),
 * `recipient_malformed` for what is no id, and `fact_mismatch` for a referral of somebody without a part that came with the event.
 */
export function chainsOf(context: RuleContext, { referrers, depth, members }: { referrers: Referrers; depth: number; members: readonly string[] }): Chains {
  const map = mapOf(context, referrers, members)
  const loop = loopIn(map, members)
  if (loop !== null) {
    throw new Refusal('fact_conflict', `step ${context.step} pays a bonus to who referred whom, and the referrals make a loop: ${loop.join(' → ')}`, {
      ...{ field: 'facts', step: context.step, loop },
    })
  }
  return (member) => {
    const chain: string[] = []
    for (let next = map.get(member); next !== undefined && chain.length < depth; next = map.get(next)) chain.push(next)
    return chain
  }
}

function mapOf(context: RuleContext, referrers: Referrers, members: readonly string[]): ReadonlyMap<string, string> {
  if (Array.isArray(referrers)) {
    const id = (to: z.infer<typeof person>): string => present(partyOf('payable', accountOf(to, { ...context, role: 'bonus' })), 'id')
    const isNamed = (to: z.infer<typeof person>): boolean => 'recipient' in to || Object.hasOwn(context.parties, to.party)
    return new Map(referrers.flatMap(({ referred, referrer, optional }) => (optional === true && !(isNamed(referred) && isNamed(referrer)) ? [] : [[id(referred), id(referrer)] as const])))
  }
  const facts = factsOf(context, referrers)
  const map = new Map(Object.entries(facts).map(([referred, referrer]) => [checkParty(referred, referrers.fact), checkParty(referrer, referrers.fact)]))
  // With more than one level, a referrer without a part may have one of their own.
  checkStrangers(context, referrers, new Set([...members, ...map.values()]))
  return map
}

/** The first loop on the way up from anybody; null for none. Each referral is walked once. */
function loopIn(map: ReadonlyMap<string, string>, members: Iterable<string>): readonly string[] | null {
  const done = new Set<string>()
  for (const member of members) {
    const way = new Set<string>()
    for (let at: string | undefined = member; at !== undefined && !done.has(at); at = map.get(at)) {
      if (way.has(at)) return [...[...way].slice([...way].indexOf(at)), at]
      way.add(at)
    }
    for (const each of way) done.add(each)
  }
  return null
}
