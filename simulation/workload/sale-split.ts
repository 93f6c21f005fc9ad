// The workload of token sales: events of the API and rows of the inbox table, plans with the same four roles, creators whose wallets
// stand in the table of tokens.

import type { Json, JsonObject } from '../../src/core/effects.ts'
import { formatUnits } from '../../src/core/money.ts'
import type { Random } from '../random.ts'
import { addressFrom } from './address.ts'
import type { Asked, Business, Inbox, Made } from './business.ts'
import { wrongPlan } from './plans.ts'

const SCALE = 9
const COIN = 10n ** 9n
const ORDINARY = 20n * COIN
/** The largest amount of a sale. */
const MOST = 2n ** 64n - 1n

const NAMES = ['ai', 'dao', 'lucky'] as const
const ROLES = [...NAMES, 'creator'] as const
/** Tokens that are sold in one ledger. */
const TOKENS = 3

export function saleBusiness(random: Random, { name, lanes }: { readonly name: string; readonly lanes: number }): Business {
  const schema = name.replaceAll('-', '_')
  const tokens = Array.from({ length: TOKENS }, () => random.uuid())
  const recipients = [...NAMES, ...tokens]
  const addressless = random.shuffle(recipients).slice(0, random.below(3))
  return {
    setup: {
      ...{ name, lanes, schema, program: 'sale-split', programFile: null, asset: 'SOL/9', tokens: {} },
      funds: random.chance(0.4) ? {} : { 'SOL/9': random.units(COIN / 100n, 500n * COIN).toString() },
      recipients: recipients.filter((each) => !addressless.includes(each)).map((recipient) => ({ recipient, address: addressFrom(random) })),
    },
    ...{ recipients, addressless },
    fields: { reference: 'reference', at: 'event_at' },
    event: (chance, asked) => sale(chance, asked, chance.pick(tokens)),
    other: otherSale,
    wrong: (chance, reference) => wrongSale(chance, { reference, token_id: chance.pick(tokens), sale_amount: '1.5' }),
    plan: planOf,
    wrongPlan,
    facts: [],
    snapshots: null,
    inbox: profitEvents(schema, tokens),
    ordinary: ORDINARY,
    payoutsAnEvent: 4.5,
  }
}

function amountOf(random: Random, size: Asked['size']): bigint {
  if (size === 'dust') return random.units(1n, 60n)
  if (size === 'huge') return MOST - random.units(0n, MOST / 2n)
  return random.units(COIN / 100n, ORDINARY)
}

function sale(random: Random, { reference, size, at }: Asked, token: string): Made {
  const units = amountOf(random, size)
  // Amounts that come along must be those of the plan, which may be another one by now.
  const claims = random.chance(0.1) ? { dao_amount: formatUnits((units * 15n) / 100n, SCALE) } : {}
  const details = random.chance(0.2) ? { note: `sold as ${reference}`, metadata: { market: random.pick(['main', 'side']) } } : {}
  const body = { reference, token_id: token, sale_amount: formatUnits(units, SCALE), ...claims, ...details, ...(at !== null && { event_at: at.toString() }) }
  return { body, units, sure: Object.keys(claims).length === 0 }
}

function otherSale(random: Random, body: JsonObject): JsonObject {
  if (random.chance(0.3)) return { ...body, token_id: random.uuid() }
  return { ...body, sale_amount: formatUnits(amountOf(random, 'plain') + MOST / 4n, SCALE) }
}

function wrongSale(random: Random, body: JsonObject & { readonly reference: string; readonly token_id: string }): JsonObject {
  return random.pick<JsonObject>([
    { ...body, sale_amount: '0' },
    { ...body, sale_amount: '-1' },
    { ...body, sale_amount: '0.0000000001' },
    { ...body, sale_amount: '18446744073.709551616' },
    { ...body, sale_amount: '1e3' },
    { ...body, sale_amount: 1.5 },
    { ...body, token_id: 'no token' },
    { ...body, reference: ` ${body.reference}` },
    { ...body, reference: 'x'.repeat(257) },
    { ...body, other: 'field' },
    { ...body, dao_amount: '1', creator_amount: '1', lucky_amount: '1', reinvestment_amount: '1' },
    { token_id: body.token_id, sale_amount: '1' },
  ])
}

/** The four roles under other weights, another rounding, and now and then a minimum, a cap or a lock besides. */
function planOf(random: Random): JsonObject {
  const shares = ROLES.map((role) => ({
    role,
    to: role === 'creator' ? { party: 'creator' } : { recipient: role },
    weight: random.between(1, 90).toString(),
  }))
  const rounding: Json = random.pick<Json>(['largest-remainder', 'first', 'largest-ratio', 'cumulative', 'prefix', 'rotate', { 'residual-to': random.pick(ROLES) }])
  const lock = random.chance(0.08) ? { lock: { days: random.between(1, 30) } } : {}
  const split = { name: 'split', from: 'received', rule: 'fixed-shares', parameters: { shares }, rounding, ...lock }
  if (rounding === 'cumulative') return { steps: [split] }
  const minimum = { name: 'minimum', from: 'shares:split', rule: 'minimum', parameters: { minimum: random.units(1n, COIN).toString(), roles: [random.pick(ROLES)] } }
  const cap = {
    ...{ name: 'cap', from: 'shares:split', rule: 'cap' },
    parameters: { limit: random.units(1n, 10n * COIN).toString(), per: random.pick(['event', 'day', 'month', 'lifetime']), excess: { fund: 'commons' } },
  }
  return { steps: [split, ...(random.chance(0.25) ? [cap] : []), ...(random.chance(0.25) ? [minimum] : [])] }
}

function profitEvents(schema: string, tokens: readonly string[]): Inbox {
  return {
    table: `${schema}.profit_events`,
    at: 'timestamp',
    row: ({ reference = null, token_id: token = null, sale_amount: amount = null, dao_amount: dao, event_at: at }) => ({
      ...{ token_id: token, sale_amount: amount, transaction_hash: reference },
      ...(dao !== undefined && { dao_amount: dao }),
      ...(at !== undefined && { timestamp: at }),
    }),
    wrong: (random, reference) => {
      const row = { token_id: random.pick(tokens), sale_amount: '1.5', transaction_hash: reference, timestamp: '2026-01-01T00:00:00Z' }
      return random.pick<JsonObject>([
        { ...row, sale_amount: '-1' },
        { ...row, sale_amount: '0' },
        { ...row, sale_amount: 'NaN' },
        { ...row, sale_amount: '0.0000000001' },
        { ...row, sale_amount: '99999999999' },
        { ...row, token_id: null },
        { ...row, transaction_hash: ` ${reference}` },
        { ...row, dao_amount: '1', creator_amount: '1', lucky_amount: '1', reinvestment_amount: '1' },
      ])
    },
    wallets: { table: `${schema}.tokens`, recipients: tokens, row: (recipient, address) => ({ id: recipient, creator_wallet_address: address }) },
  }
}
