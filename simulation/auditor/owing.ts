// The most that anybody can be owed by what was offered so far: from answers where there are some, else by the model.

import type { Content } from './intake.ts'
import type { Offers } from './offers.ts'
import { carryOut, type Plan } from './plan.ts'

export type Owing = { readonly atMost: (recipient: string, asset: string) => bigint }

/** Plans that may be in force: the first one, and every one that was offered since. */
export function createOwing(offers: Offers, { asset, plans }: { asset: string; plans: () => readonly Plan[] }): Owing {
  return {
    atMost: (recipient, of) => {
      if (of !== asset) return 0n
      let all = 0n
      for (const [reference, offered] of offers.byReference) {
        const answer = offers.answered.get(reference)
        if (answer !== undefined && !answer.shares.some(({ account }) => account === 'distributing')) {
          for (const { account, units } of answer.shares) if (account === `payable:${recipient}`) all += BigInt(units)
          continue
        }
        const open = offered.filter(({ verdict, content }) => verdict !== 'refused' && content !== null)
        all += open.reduce((most, { content }) => larger(most, content === null ? 0n : mostOf(content, recipient, { asset, plans: plans() })), 0n)
      }
      return all
    },
  }
}

/** Exact where a plan divides each event by itself; where it remembers, the whole event could be anybody's. */
function mostOf(content: Content, recipient: string, { asset, plans }: { asset: string; plans: readonly Plan[] }): bigint {
  const { units, parties, facts } = content
  return plans.reduce((most, plan) => {
    const isAlone = plan.steps.every(({ rule, from, rounding }) => rule === 'fixed-shares' && from === 'received' && rounding !== 'cumulative' && rounding !== 'rotate')
    if (!isAlone) return larger(most, units)
    const lines = carryOut(plan, { asset, units, parties, facts, at: Temporal.Instant.fromEpochMilliseconds(0) }, new Map())
    return larger(most, lines.reduce((all, { to, units: own }) => (to === `payable:${recipient}` ? all + own : all), 0n))
  }, 0n)
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
