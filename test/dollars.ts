// A program made for tests, whose shares are paid in a token: two thirds to the shop, a sixth each to two helpers. It has no inbox table.

import { z } from 'zod'
import type { EventInput } from '../src/core/event.ts'
import { parseAmount } from '../src/core/money.ts'
import type { Program } from '../src/core/program.ts'

export const USDC = 'USDC/6'

const share = (recipient: string, weight: string) => ({ role: recipient, to: { recipient }, weight })

/** Cents as they come, in the token's own units. */
export function dollarEvent(reference: string, units: string): EventInput {
  return { reference, asset: USDC, units: parseAmount(units, { field: 'units', scale: 0 }), parties: {}, facts: {}, eventAt: null, claimed: null, details: null }
}

export const dollars: Program = {
  name: 'dollars',
  summary: 'shares dollars among a shop and its helpers',
  asset: USDC,
  rail: 'solana',
  recipients: ['shop', 'first', 'second'].map((recipient) => ({ recipient, label: recipient })),
  firstPlan: {
    steps: [
      {
        name: 'split',
        from: 'received',
        rule: 'fixed-shares',
        parameters: { shares: [share('shop', '4'), share('first', '1'), share('second', '1')] },
        rounding: 'largest-remainder',
      },
    ],
  },
  amountFields: {},
  event: z.strictObject({ reference: z.string(), units: z.string() }).transform(({ reference, units }) => dollarEvent(reference, units)),
  inbox: null,
  install: null,
  views: null,
  grants: null,
  sample: { body: { reference: 'sample', units: '1000000' }, parties: [] },
  versionInstant: ({ eventAt }) => eventAt,
}
