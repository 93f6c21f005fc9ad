// The program sale-split: the profit of each token sale goes to four wallets by fixed shares, in SOL on Solana. What is particular to
// it stands in this folder; it holds no engine of its own.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlanData } from '../../core/plan.ts'
import type { Program } from '../../core/program.ts'
import { AMOUNT_FIELDS, ASSET } from './amounts.ts'
import { profitEvents } from './inbox.ts'
import { saleEvent } from './intake.ts'

/** The order is the plan's: where remainders are equal, the earlier share gets the lamport. */
const firstPlan: PlanData = {
  steps: [
    {
      name: 'split',
      from: 'received',
      rule: 'fixed-shares',
      parameters: {
        shares: [
          { role: 'ai', to: { recipient: 'ai' }, weight: '80' },
          { role: 'dao', to: { recipient: 'dao' }, weight: '15' },
          { role: 'lucky', to: { recipient: 'lucky' }, weight: '3' },
          // The creator of the token that was sold: the event names it by the token's id.
          { role: 'creator', to: { party: 'creator' }, weight: '2' },
        ],
      },
      rounding: 'largest-remainder',
    },
  ],
}

const SAMPLE_TOKEN = '5a1e0001-0000-4000-8000-000000000001'

export const saleSplit: Program = {
  name: 'sale-split',
  summary: "shares each token sale's profit among AI, DAO, Lucky and the token's creator",
  asset: ASSET,
  rail: 'solana',
  recipients: [
    { recipient: 'ai', label: 'AI (reinvestment and autonomous operation)' },
    { recipient: 'dao', label: 'System/DAO (treasury and governance)' },
    { recipient: 'lucky', label: 'Lucky (community rewards)' },
  ],
  firstPlan,
  amountFields: AMOUNT_FIELDS,
  contentFields: { units: 'sale_amount', creator: 'token_id' },
  event: saleEvent,
  inbox: profitEvents,
  install: readFileSync(join(import.meta.dirname, 'install.sql'), 'utf8'),
  views: readFileSync(join(import.meta.dirname, 'views.sql'), 'utf8'),
  grants: readFileSync(join(import.meta.dirname, 'grants.sql'), 'utf8'),
  sample: {
    body: { reference: 'TEST_first-sale', token_id: SAMPLE_TOKEN, sale_amount: '100' },
    parties: [{ recipient: SAMPLE_TOKEN, label: 'the creator of the token' }],
  },
  versionInstant: ({ eventAt }) => eventAt,
}
