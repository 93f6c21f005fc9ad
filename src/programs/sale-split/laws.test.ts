// Holds the split to its laws on any amount. What single sales give stands in scenarios/.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TOKEN } from '../../../test/sale-scenarios.ts'
import { distribute, explainDistribution, type Share } from '../../core/distribution.ts'
import type { EventInput } from '../../core/event.ts'
import { parsePlan, type PlanVersion } from '../../core/plan.ts'
import { AMOUNT_FIELDS, formatSol, MAX_LAMPORTS, ROLES } from './amounts.ts'
import { saleSplit } from './program.ts'

function amountsOf(shares: readonly Share[]): Record<string, string> {
  return Object.fromEntries(ROLES.map((role) => [AMOUNT_FIELDS[role], formatSol(shares.find((share) => share.role === role)?.units ?? 0n)]))
}

/** The event as it is recorded: what has no instant of its own happened then. */
function dated(event: EventInput): EventInput & { readonly eventAt: Temporal.Instant } {
  return { ...event, eventAt: event.eventAt ?? Temporal.Instant.from('2026-01-31T12:00:00Z') }
}

describe('the split of any sale', () => {
  const plan: PlanVersion = { version: 1, effectiveFrom: null, ...parsePlan(saleSplit.firstPlan) }
  const weights = { ai: 80n, dao: 15n, lucky: 3n, creator: 2n }
  const lamports = fc.oneof(fc.bigInt(1n, 1000n), fc.bigInt(1n, MAX_LAMPORTS))
  const event = (units: bigint) => dated(saleSplit.event.parse({ reference: 'TEST_any', token_id: TOKEN, sale_amount: formatSol(units) }))

  it('adds up to the sale, and each share is less than a lamport from its exact quota', () => {
    fc.assert(
      fc.property(lamports, (units) => {
        const { shares } = distribute(event(units), plan)
        expect(shares.map(({ role }) => role)).toEqual(['ai', 'dao', 'lucky', 'creator'])
        expect(shares.reduce((all, share) => all + share.units, 0n)).toBe(units)
        for (const share of shares) {
          const hundredths = share.units * 100n - units * weights[share.role as keyof typeof weights]
          expect(hundredths > -100n && hundredths < 100n).toBe(true)
        }
      }),
    )
  })

  it('gives the creator share to the token, and the others to the fixed recipients', () => {
    const [ai, dao, lucky, creator] = distribute(event(100n), plan).shares
    expect([ai?.recipient, dao?.recipient, lucky?.recipient, creator?.recipient]).toEqual(['ai', 'dao', 'lucky', TOKEN])
    expect(saleSplit.recipients.map(({ recipient }) => recipient)).toEqual(['ai', 'dao', 'lucky'])
  })

  it('is accepted again with its own shares as the claimed amounts', () => {
    fc.assert(
      fc.property(lamports, (units) => {
        const { shares } = distribute(event(units), plan)
        const claimed = { reference: 'TEST_any', token_id: TOKEN, sale_amount: formatSol(units), ...amountsOf(shares) }
        expect(distribute(dated(saleSplit.event.parse(claimed)), plan).shares).toEqual(shares)
      }),
    )
  })

  it('explains itself by the same figures', () => {
    fc.assert(
      fc.property(lamports, (units) => {
        const { shares } = distribute(event(units), plan)
        const explained = explainDistribution(event(units), plan).shares
        expect(explained.map((share) => share.units)).toEqual(shares.map((share) => share.units.toString()))
      }),
    )
  })
})
