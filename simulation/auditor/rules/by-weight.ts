// Fixed shares and pro rata: a pool by weights that the plan lists, or by facts.

import { decimal, weights } from '../ratio.ts'
import type { Taker } from '../rounding.ts'
import { accountOf, linesOf, subjectsOf, type FactSet, type Rule, type Target } from './work.ts'

export type FixedShares = { readonly shares: readonly { readonly role: string; readonly to: Target; readonly weight: string }[] }

export const fixedShares: Rule<FixedShares> = (work, { shares }) => {
  const by = weights(shares.map(({ weight }) => decimal(weight.replace(/ ?%$/, ''))))
  const takers = shares.map(({ role, to }, place): Taker => {
    const account = accountOf(to, work)
    return { key: `${role}/${account}`, role, to: account, weight: by[place] ?? 0n }
  })
  return linesOf(work, takers)
}

export type ProRata = { readonly by: FactSet; readonly whenAllZero: Target }

/** A set of facts that names a snapshot in their place: its shares are given out in chunks, from an account of their own. */
export const SNAPSHOT = '@snapshot'

export const proRata: Rule<ProRata> = (work, { by, whenAllZero }) => {
  const set = work.event.facts[by.fact] ?? {}
  if (Object.hasOwn(set, SNAPSHOT) && set['@weights'] !== '0') return [{ role: 'distribution', from: work.from, to: 'distributing', units: work.pool }]
  const subjects = Object.hasOwn(set, SNAPSHOT) ? [] : subjectsOf(work, by)
  const each = weights(subjects.map(([, value]) => decimal(value)))
  if (each.every((weight) => weight === 0n)) return [{ role: 'unshared', from: work.from, to: accountOf(whenAllZero, work), units: work.pool }]
  return linesOf(work, subjects.map(([subject], place) => ({ key: subject, role: 'share', to: `payable:${subject}`, weight: each[place] ?? 0n })), { sorted: true })
}
