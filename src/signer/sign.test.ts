// Signing: what is signed is exactly what the tables say, and every check refuses by its name, with its figures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addWallet,
  checkSigned,
  newAddress,
  newDraft,
  newMasterKey,
  refusalOf,
  signerDatabase,
  signerWorld,
  signingScene,
  uuid,
  type TestPayout,
} from './fixture.ts'
import { openSignerPool } from './store.ts'
import { inProcessSigner } from './testbed.ts'

let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})
afterAll(() => database.drop())

describe('signing', () => {
  it('signs a message of the wallet that pays each payout its units at its destination, in the order asked', async () => {
    const { payouts, sign, wallet } = await signingScene(database)
    checkSigned(await sign(), wallet.address, payouts)
    const turned = payouts.toReversed()
    checkSigned(await sign({ payouts: turned.map(({ id }) => id) }), wallet.address, turned)
  })

  it('gives the same bytes for the same payouts and draft', async () => {
    const { sign } = await signingScene(database)
    const draft = newDraft()
    const [first, again] = [await sign({ draft }), await sign({ draft })]
    expect(again).toEqual(first)
    expect((await sign({ draft: newDraft() })).identity).not.toBe(first.identity)
  })

  it('signs a payout that draws on several shares', async () => {
    const { home, payouts, run, sign, wallet } = await signingScene(database, [5n])
    const [payout] = payouts as [TestPayout]
    await run(
      `insert into apportion.transfer (lane, number, event, debit, credit, part, units, kind) values ($1, 900, 2, 1, $2, 0, 37, 'share')`,
      [home.lane, payout.transfer + 1n],
    )
    await run(`insert into apportion.payout_share (lane, transfer, payout) values ($1, 900, $2)`, [home.lane, payout.id])
    await run(`update apportion.payout set units = 42 where payout = $1`, [payout.id])
    checkSigned(await sign(), wallet.address, [{ ...payout, units: 42n }])
  })

  it('signs a share of a large distribution once it is complete', async () => {
    const { home, payouts, run, sign, wallet } = await signingScene(database, [5n])
    const [payout] = payouts as [TestPayout]
    const digest = crypto.randomUUID()
    await run(
      `insert into apportion.distribution (lane, event, digest, part, plan, snapshot, recipients, asset, units, state, next_place, given, completed_at)
        values ($1, 9001, $2, 0, 1, sha256('x'), 1, 'SOL/9', 5, 'complete', 1, 5, now())`,
      [home.lane, digest],
    )
    await run(`update apportion.transfer set kind = 'distributed', event = null, subject = $3 where lane = $1 and number = $2`, [home.lane, payout.transfer, digest])
    checkSigned(await sign(), wallet.address, [payout])
  })

  it('takes the destination that the payout has, as long as it was recorded for its recipient', async () => {
    const { home, payouts, run, sign, wallet } = await signingScene(database, [7n])
    const [payout] = payouts as [TestPayout]
    const address = newAddress()
    await run(
      `insert into apportion.destination (ledger, recipient, effective_from, destination, created_at)
        values ($1, $2, now() + interval '1 day', $3, now())`,
      [home.ledger, payout.recipient, { address }],
    )
    checkSigned(await sign(), wallet.address, payouts)
    await run(`update apportion.payout set destination = $2 where payout = $1`, [payout.id, { address }])
    checkSigned(await sign(), wallet.address, [{ ...payout, address }])
  })
})

describe('signing is refused for', () => {
  it('a wallet that does not exist (wallet_not_found)', async () => {
    const { sign } = await signingScene(database)
    expect((await refusalOf(() => sign({ wallet: uuid() }))).code).toBe('wallet_not_found')
  })

  it('a wallet of a rail that the signer does not know (rail_not_found), also by names that every object has', async () => {
    for (const rail of ['constructor', '__proto__', 'carrier-pigeon']) {
      const { run, sign, wallet } = await signingScene(database)
      await run(`update apportion.wallet set rail = $2 where wallet = $1`, [wallet.wallet, rail])
      expect((await refusalOf(() => sign())).code).toBe('rail_not_found')
    }
  })

  const drafts: readonly [string, ReturnType<typeof newDraft>][] = [
    ['an opaque message', { message: 'AQAB', ...newDraft() }],
    ['a fee beyond all reason', newDraft({ computeUnitPrice: '999999999999' })],
    ['a memo of its own', newDraft({ memo: 'pay me more' })],
    ['no blockhash', newDraft({ blockhash: null })],
    ['nothing at all', {}],
  ]
  it.each(drafts)("a draft with %s, as the rail's custody checks it", async (_, draft) => {
    const { sign } = await signingScene(database)
    expect((await refusalOf(() => sign({ draft }))).code).toBe('signing_refused')
  })

  it('no payouts, and more than a message can ever hold (field_malformed)', async () => {
    const { sign } = await signingScene(database)
    expect((await refusalOf(() => sign({ payouts: [] }))).code).toBe('field_malformed')
    expect((await refusalOf(() => sign({ payouts: Array.from({ length: 1_001 }, uuid) }))).code).toBe('field_malformed')
  })
})

describe("a wallet's key", () => {
  it("does not sign for another wallet when the two wallets' rows are exchanged", async () => {
    const a = await signingScene(database)
    const b = await addWallet(database.pool, inProcessSigner(a.world), a.home.ledger)
    await a.run(
      `update apportion.wallet_key set sealed_key = other.sealed_key, sealed_data_key = other.sealed_data_key
        from apportion.wallet_key other where (wallet_key.wallet, other.wallet) in (($1, $2), ($2, $1))`,
      [a.wallet.wallet, b.wallet],
    )
    expect(await refusalOf(() => a.sign())).toMatchObject({ code: 'signing_refused', details: { reason: 'key_damaged', wallet: a.wallet.wallet } })
  })

  it('does not sign under a wrong master key, and says which one is needed', async () => {
    const a = await signingScene(database)
    const wrong = newMasterKey()
    const other = inProcessSigner(signerWorld(database.signing, { masterKey: wrong }))
    const refusal = await refusalOf(() =>
      other.sign({ lane: a.home.lane, wallet: a.wallet.wallet, payouts: a.payouts.map(({ id }) => id), draft: newDraft() }),
    )
    expect(refusal.code).toBe('master_key_mismatch')
    expect(refusal.details).toMatchObject({ needed: a.world.masterKey.id, given: wrong.id })
  })
})

describe('the number of statements', () => {
  it('is the same for one payout and for eighteen', async () => {
    const pool = openSignerPool({ url: database.signerUrl, max: 1 })
    const texts: string[] = []
    pool.on('connect', (client) => {
      const query = client.query.bind(client) as (...given: unknown[]) => unknown
      Object.assign(client, {
        query: (...given: unknown[]) => {
          texts.push(typeof given[0] === 'string' ? given[0] : (given[0] as { text: string }).text)
          return query(...given)
        },
      })
    })
    const counts: number[] = []
    for (const size of [1, 18]) {
      const { home, wallet, payouts, world } = await signingScene(database, Array.from({ length: size }, () => 10n))
      const signer = inProcessSigner({ ...world, pool })
      for (const round of ['first', 'again']) {
        texts.length = 0
        await signer.sign({ lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: newDraft() })
        counts.push(texts.length)
        expect(texts.length, round).toBeGreaterThan(0)
      }
    }
    await pool.end()
    expect(counts).toEqual([5, 1, 5, 1])
  })
})
