// Each check before a signature refuses by its name, with its figures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addLedger,
  addPayouts,
  addWallet,
  ASSET,
  newAddress,
  refusalOf,
  signerDatabase,
  signingScene,
  uuid,
  type SigningScene,
  type TestPayout,
} from './fixture.ts'

let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})
afterAll(() => database.drop())

const second = ({ payouts }: SigningScene): TestPayout => payouts[1] as TestPayout

type Case = {
  readonly name: string
  readonly reason: string
  /** Breaks the scene; what it gives back is asked for instead. */
  readonly spoil: (scene: SigningScene) => Promise<Parameters<SigningScene['sign']>[0]>
  readonly figures?: Readonly<Record<string, unknown>>
}

/** An attempt that holds the second payout. */
const attemptOf = async (scene: SigningScene): Promise<string> => {
  const { run, home, wallet } = scene
  const attempt = uuid()
  await run(
    `insert into apportion.attempt (lane, attempt, wallet, asset, state, identity, bytes, data, prepared_at)
      values ($1, $2, $3, $4, 'prepared', $5, '', '{}', now())`,
    [home.lane, attempt, wallet.wallet, ASSET, attempt],
  )
  await run(`insert into apportion.attempt_payout (lane, attempt, payout, position) values ($1, $2, $3, 0)`, [home.lane, attempt, second(scene).id])
  return attempt
}

const CASES: readonly Case[] = [
  { name: 'a payout that does not exist', reason: 'payout_not_found', spoil: async ({ payouts }) => ({ payouts: [(payouts[0] as TestPayout).id, uuid()] }) },
  { name: 'a payout twice', reason: 'payout_repeated', spoil: async (s) => ({ payouts: [second(s).id, second(s).id] }) },
  { name: 'a lane that does not exist', reason: 'lane_unknown', spoil: async () => ({ lane: 1n }) },
  {
    name: 'a payout of another lane of the same ledger',
    reason: 'payout_not_found',
    spoil: async (s) => {
      await s.run(`insert into apportion.lane (lane, ledger, position) values ($1, $2, 1)`, [s.home.lane - 1n, s.home.ledger])
      return { lane: s.home.lane - 1n }
    },
  },
  { name: 'a lane of another ledger than the wallet', reason: 'ledger_mismatch', spoil: async () => ({ lane: (await addLedger(database.pool)).lane }) },
  {
    name: 'a payout of another wallet',
    reason: 'wallet_mismatch',
    spoil: async (s) => {
      const { wallet } = await addWallet(database.pool, s.signer, s.home.ledger)
      await s.run(`update apportion.payout set wallet = $2 where payout = $1`, [second(s).id, wallet])
      return undefined
    },
  },
  {
    name: 'two assets',
    reason: 'asset_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set asset = 'USDC/6' where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { asset: 'USDC/6', first: ASSET },
  },
  {
    name: 'a settled payout',
    reason: 'payout_settled',
    spoil: async (s) => {
      const attempt = await attemptOf(s)
      await s.run(`update apportion.payout set state = 'settled', due_at = null where payout = $1`, [second(s).id])
      await s.run(`insert into apportion.settlement (lane, payout, attempt, settled_at) values ($1, $2, $3, now())`, [s.home.lane, second(s).id, attempt])
      return undefined
    },
  },
  {
    name: 'a settled payout that somebody queued again',
    reason: 'payout_settled',
    spoil: async (s) => {
      const attempt = await attemptOf(s)
      await s.run(`insert into apportion.settlement (lane, payout, attempt, settled_at) values ($1, $2, $3, now())`, [s.home.lane, second(s).id, attempt])
      return undefined
    },
  },
  {
    name: 'a payout whose state is settled',
    reason: 'state_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set state = 'settled' where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { state: 'settled', live_attempt: false },
  },
  {
    name: 'a reserved payout',
    reason: 'state_mismatch',
    spoil: async (s) => {
      const attempt = await attemptOf(s)
      await s.run(`update apportion.payout set state = 'reserved', live_attempt = $2 where payout = $1`, [second(s).id, attempt])
      return undefined
    },
    figures: { state: 'reserved', live_attempt: true },
  },
  {
    name: 'a held payout',
    reason: 'state_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set state = 'held', reason = 'frozen' where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { state: 'held' },
  },
  {
    name: 'a held payout without a destination',
    reason: 'state_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set state = 'held', reason = 'no_wallet', destination = null where payout = $1`, [second(s).id])
      return undefined
    },
  },
  {
    name: 'a destination that nobody recorded',
    reason: 'destination_unrecorded',
    spoil: async (s) => {
      await s.run(`update apportion.payout set destination = $2 where payout = $1`, [second(s).id, { address: newAddress() }])
      return undefined
    },
  },
  {
    name: "another recipient's destination",
    reason: 'destination_unrecorded',
    spoil: async (s) => {
      await s.run(`update apportion.payout set destination = $2 where payout = $1`, [second(s).id, { address: (s.payouts[0] as TestPayout).address }])
      return undefined
    },
  },
  {
    name: 'a destination that is none on the rail',
    reason: 'destination_malformed',
    spoil: async (s) => {
      const { recipient, id } = second(s)
      await s.run(`update apportion.destination set destination = '{"address":"0xabc"}' where ledger = $1 and recipient = $2`, [s.home.ledger, recipient])
      await s.run(`update apportion.payout set destination = '{"address":"0xabc"}' where payout = $1`, [id])
      return undefined
    },
  },
  {
    name: 'a unit more than the shares',
    reason: 'units_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set units = units + 1 where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { units: '2000001', share_units: '2000000', shares: '1' },
  },
  {
    name: 'a unit less than the shares',
    reason: 'units_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.payout set units = units - 1 where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { units: '1999999', share_units: '2000000' },
  },
  {
    name: 'a payout without shares',
    reason: 'units_mismatch',
    spoil: async (s) => {
      await s.run(`delete from apportion.payout_share where payout = $1`, [second(s).id])
      return undefined
    },
    figures: { share_units: '0', shares: '0' },
  },
  {
    name: 'a share whose transfer is missing',
    reason: 'share_mismatch',
    spoil: async (s) => {
      await s.run(`delete from apportion.transfer where lane = $1 and number = $2`, [s.home.lane, second(s).transfer])
      return undefined
    },
    figures: { shares: '1', mismatched: '1' },
  },
  {
    name: 'a share that is no share but a release',
    reason: 'share_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.transfer set kind = 'released' where lane = $1 and number = $2`, [s.home.lane, second(s).transfer])
      return undefined
    },
  },
  {
    name: 'a share of a distribution that is not complete',
    reason: 'share_mismatch',
    spoil: async (s) => {
      const digest = crypto.randomUUID()
      await s.run(
        `insert into apportion.distribution (lane, event, digest, part, plan, snapshot, recipients, asset, units) values ($1, 9000, $2, 0, 1, sha256('x'), 1, 'SOL/9', 1)`,
        [s.home.lane, digest],
      )
      await s.run(`update apportion.transfer set kind = 'distributed', event = null, subject = $3 where lane = $1 and number = $2`, [s.home.lane, second(s).transfer, digest])
      return undefined
    },
  },
  {
    name: "another recipient's share",
    reason: 'share_mismatch',
    spoil: async (s) => {
      const [first, other] = s.payouts as [TestPayout, TestPayout]
      await s.run(`update apportion.transfer set credit = $3 where lane = $1 and number = $2`, [s.home.lane, other.transfer, first.transfer + 1n])
      return undefined
    },
  },
  {
    name: 'a share in another asset',
    reason: 'share_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.account set asset = 'USDC/6' where lane = $1 and number = $2`, [s.home.lane, second(s).transfer + 1n])
      return undefined
    },
  },
  {
    name: 'an asset that the ledger does not have',
    reason: 'asset_unknown',
    spoil: async (s) => {
      await s.run(`delete from apportion.asset where ledger = $1`, [s.home.ledger])
      return undefined
    },
    figures: { asset: ASSET },
  },
  {
    name: 'an asset that has no token and is not native',
    reason: 'token_missing',
    spoil: async (s) => {
      await s.run(`insert into apportion.asset (ledger, asset) values ($1, 'USDC/6')`, [s.home.ledger])
      await s.run(`update apportion.payout set asset = 'USDC/6' where lane = $1`, [s.home.lane])
      await s.run(`update apportion.account set asset = 'USDC/6' where lane = $1`, [s.home.lane])
      return undefined
    },
    figures: { asset: 'USDC/6' },
  },
  {
    name: 'more units than the rail can carry',
    reason: 'units_exceeded',
    spoil: async (s) => {
      await s.run(`update apportion.payout set units = 2::numeric ^ 64 where payout = $1`, [second(s).id])
      await s.run(`update apportion.transfer set units = 2::numeric ^ 64 where lane = $1 and number = $2`, [s.home.lane, second(s).transfer])
      return undefined
    },
    figures: { units: (2n ** 64n).toString(), max: (2n ** 64n - 1n).toString() },
  },
  {
    name: 'a payout that was counted with less',
    reason: 'count_mismatch',
    spoil: async (s) => {
      await s.sign({ payouts: [second(s).id] })
      await s.run(`update apportion.signing set units = units - 1 where payout = $1`, [second(s).id])
      return undefined
    },
  },
  {
    name: 'a wallet whose row names another address',
    reason: 'key_mismatch',
    spoil: async (s) => {
      await s.run(`update apportion.wallet set address = $2 where wallet = $1`, [s.wallet.wallet, newAddress()])
      return undefined
    },
  },
  {
    name: 'a wallet that was moved to another ledger',
    reason: 'key_mismatch',
    spoil: async (s) => {
      const other = await addLedger(database.pool)
      const payouts = await addPayouts(database.pool, other, { wallet: s.wallet.wallet, units: [5n] })
      await s.run(`update apportion.wallet set ledger = $2 where wallet = $1`, [s.wallet.wallet, other.ledger])
      return { lane: other.lane, payouts: payouts.map(({ id }) => id) }
    },
  },
  {
    name: 'a wallet without a key',
    reason: 'key_missing',
    spoil: async (s) => {
      await s.run(`delete from apportion.wallet_key where wallet = $1`, [s.wallet.wallet])
      return undefined
    },
  },
]

describe('signing is refused for', () => {
  it.each(CASES)('$name ($reason)', async ({ reason, spoil, figures = {} }) => {
    const set = await signingScene(database)
    const own = await spoil(set)
    const refusal = await refusalOf(() => set.sign(own))
    expect(refusal).toMatchObject({ code: 'signing_refused', details: { reason, ...figures } })
    if ('payout' in refusal.details && own === undefined) expect(set.payouts.map(({ id }) => id)).toContain(refusal.details['payout'])
  })
})
