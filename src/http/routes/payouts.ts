// Distributions and the payouts that they became.

import { distribution, distributions } from '../../engine/read-distributions.ts'
import { proof } from '../../engine/prove-shares.ts'
import { payout, payoutCounts, payouts } from '../../engine/read-ledger.ts'
import { callerOf } from '../auth.ts'
import {
  distributionPageSchema,
  distributionSchema,
  ledgerParams,
  pageQuery,
  payoutCountListSchema,
  payoutPageSchema,
  payoutParams,
  payoutQuery,
  payoutSchema,
  proofParams,
  proofSchema,
  referenceParams,
} from '../contract.ts'
import type { App, Parts } from './parts.ts'

export function distributionRoutes(app: App, { desk }: Parts): void {
  const tags = ['distributions']
  app.get(
    '/ledgers/:ledger/distributions',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Distributions, newest first: events with their shares and what became of them',
        operationId: 'listDistributions',
        tags,
        params: ledgerParams,
        querystring: pageQuery,
        response: { 200: distributionPageSchema },
      },
    },
    async (request) => await distributions(desk, callerOf(request).ledger, { cursor: request.query.cursor ?? null, limit: request.query.limit }),
  )

  app.get(
    '/ledgers/:ledger/distributions/:reference',
    {
      config: { right: 'read' },
      schema: {
        summary: "One distribution by its event's source reference",
        operationId: 'getDistribution',
        tags,
        params: referenceParams,
        response: { 200: distributionSchema },
      },
    },
    async (request) => await distribution(desk, callerOf(request).ledger, request.params.reference),
  )

  app.get(
    '/ledgers/:ledger/distributions/:reference/proof/:recipient',
    {
      config: { right: 'read' },
      schema: {
        summary: 'The Merkle proof of one share of a distribution by snapshot',
        operationId: 'getShareProof',
        tags,
        params: proofParams,
        response: { 200: proofSchema },
      },
    },
    async (request) => await proof(desk, callerOf(request).ledger, { reference: request.params.reference, recipient: request.params.recipient }),
  )
}

export function payoutRoutes(app: App, { desk }: Parts): void {
  const tags = ['payouts']
  app.get(
    '/ledgers/:ledger/payouts',
    {
      config: { right: 'read' },
      schema: {
        summary: 'Payouts with their attempts, newest first',
        operationId: 'listPayouts',
        tags,
        params: ledgerParams,
        querystring: payoutQuery,
        response: { 200: payoutPageSchema },
      },
    },
    async (request) => {
      const { state = null, cursor = null, limit } = request.query
      return await payouts(desk, callerOf(request).ledger, { state, cursor, limit })
    },
  )

  app.get(
    '/ledgers/:ledger/payouts/:payout',
    {
      config: { right: 'read' },
      schema: { summary: 'One payout with its attempts', operationId: 'getPayout', tags, params: payoutParams, response: { 200: payoutSchema } },
    },
    async (request) => await payout(desk, callerOf(request).ledger, request.params.payout),
  )

  app.get(
    '/ledgers/:ledger/payout-counts',
    {
      config: { right: 'read' },
      schema: {
        summary: 'How many payouts stand in each state, and how much money',
        operationId: 'countPayouts',
        tags,
        params: ledgerParams,
        response: { 200: payoutCountListSchema },
      },
    },
    async (request) => ({ items: await payoutCounts(desk, callerOf(request).ledger) }),
  )
}
