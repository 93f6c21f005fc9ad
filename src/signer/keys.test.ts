// Keys: made once for a wallet's id, taken over in the rail's text form, stored sealed, and never answered.

import { getBase58Decoder } from '@solana/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { present } from '../core/assert.ts'
import { rails } from '../rails/index.ts'
import type { Custodial } from '../rails/rail.ts'
import { addLedger, newMasterKey, RAIL, random, refusalOf, signerDatabase, signerWorld, uuid } from './fixture.ts'
import { inProcessSigner } from './testbed.ts'
import { openKey } from './keys.ts'
import type { WalletRequest } from './signer.ts'
import { findKey } from './store.ts'

let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})
afterAll(() => database.drop())

const newRequest = (): WalletRequest => ({ ledger: uuid(), wallet: uuid(), label: 'main', rail: RAIL })
const newKey = (): Promise<Custodial> => present(rails[RAIL], RAIL).custody.create(random)
const text = ({ secret }: Custodial): string => getBase58Decoder().decode(secret)

describe('a wallet', () => {
  it('gets a key, and asked again the same address', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const request = newRequest()
    const first = await signer.create(request)
    expect(await signer.create(request)).toEqual(first)
    expect(Object.keys(first)).toEqual(['address'])
    expect((await signer.create(newRequest())).address).not.toBe(first.address)
  })

  it('gets one key when it is asked for twenty times at once', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const request = newRequest()
    const answers = await Promise.all(Array.from({ length: 20 }, () => signer.create(request)))
    expect(new Set(answers.map(({ address }) => address)).size).toBe(1)
  })

  it('takes over a key with its address, and again the same key', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const [request, key] = [newRequest(), await newKey()]
    expect(await signer.import({ ...request, key: text(key) })).toEqual({ address: key.address })
    expect(await signer.import({ ...request, key: JSON.stringify([...key.secret]) })).toEqual({ address: key.address })
    expect(await signer.create(request)).toEqual({ address: key.address })
  })

  it('opens with exactly the key that was taken over', async () => {
    const world = signerWorld(database.signing)
    const [request, key] = [newRequest(), await newKey()]
    await inProcessSigner(world).import({ ...request, key: text(key) })
    expect(openKey(world.masterKey, request.wallet, await findKey(world.pool, request.wallet))).toEqual({
      ledger: request.ledger,
      rail: RAIL,
      address: key.address,
      secret: key.secret,
    })
  })

  it('refuses another key than its own (wallet_conflict), repeating neither', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const [request, key, other] = [newRequest(), await newKey(), await newKey()]
    await signer.import({ ...request, key: text(key) })
    const refusal = await refusalOf(() => signer.import({ ...request, key: text(other) }))
    expect(refusal).toMatchObject({ code: 'wallet_conflict', details: { wallet: request.wallet, label: 'main' } })
    for (const secret of [text(key), text(other)]) expect(JSON.stringify(refusal) + refusal.stack).not.toContain(secret)
    expect(await signer.create(request)).toEqual({ address: key.address })
  })

  it('refuses to be made again for another ledger or rail (wallet_conflict)', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const request = newRequest()
    await signer.create(request)
    expect((await refusalOf(() => signer.create({ ...request, ledger: uuid() }))).code).toBe('wallet_conflict')
  })

  it('refuses a rail that does not exist (rail_not_found)', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    for (const rail of ['constructor', 'carrier-pigeon']) {
      expect((await refusalOf(() => signer.create({ ...newRequest(), rail }))).code).toBe('rail_not_found')
    }
  })

  it('refuses to be found under another master key (master_key_mismatch)', async () => {
    const request = newRequest()
    await inProcessSigner(signerWorld(database.signing)).create(request)
    const other = inProcessSigner(signerWorld(database.signing, { masterKey: newMasterKey() }))
    expect((await refusalOf(() => other.create(request))).code).toBe('master_key_mismatch')
  })

  it('refuses to be found when its row was changed (wallet_conflict)', async () => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const request = newRequest()
    await signer.create(request)
    await database.pool.query(`update apportion.wallet_key set sealed_key = set_byte(sealed_key, 20, 255 - get_byte(sealed_key, 20)) where wallet = $1`, [
      request.wallet,
    ])
    expect((await refusalOf(() => signer.create(request))).code).toBe('wallet_conflict')
  })

  const wrong: readonly [string, (key: Custodial) => string][] = [
    ['is not base58', (key) => `${text(key).slice(0, -1)}0`],
    ['was cut', (key) => text(key).slice(0, 60)],
    ['has a public half that is not its own', (key) => getBase58Decoder().decode(new Uint8Array([...key.secret.subarray(0, 63), (key.secret[63] as number) ^ 1]))],
    ['is a list of 63 numbers', (key) => JSON.stringify([...key.secret].slice(1))],
    ['is a list with a number beyond a byte', (key) => JSON.stringify([...key.secret].with(3, 256))],
  ]
  it.each(wrong)('refuses a key that %s (key_malformed), without repeating it', async (_, spoil) => {
    const signer = inProcessSigner(signerWorld(database.signing))
    const spoilt = spoil(await newKey())
    const refusal = await refusalOf(() => signer.import({ ...newRequest(), key: spoilt }))
    expect(refusal.code).toBe('key_malformed')
    expect(JSON.stringify(refusal) + refusal.message + refusal.stack).not.toContain(spoilt.slice(0, 20))
  })

  it('is kept by rows that hold no key in the open', async () => {
    const [request, key] = [newRequest(), await newKey()]
    const world = signerWorld(database.signing)
    await inProcessSigner(world).import({ ...request, key: text(key) })
    const { rows } = await database.pool.query<{ row: string }>(`select wallet_key::text as row from apportion.wallet_key where wallet = $1`, [request.wallet])
    const [{ row }] = rows as [{ row: string }]
    for (const secret of [key.secret.subarray(0, 32).toHex(), text(key), world.masterKey.bytes.toHex()]) expect(row).not.toContain(secret)
    expect(row).toContain(world.masterKey.id)
  })
})

describe('the roles', () => {
  const denied: readonly [string, 'app' | 'signer', string][] = [
    ['the server cannot read a key', 'app', 'select sealed_key from apportion.wallet_key'],
    ['the server cannot write a key', 'app', `insert into apportion.wallet_key values (gen_random_uuid(), '', '', '', now())`],
    ['the server cannot raise a limit', 'app', `update apportion.signing_limit set units_per_day = 1`],
    ['the server cannot set a limit', 'app', `insert into apportion.signing_limit values (gen_random_uuid(), 'SOL/9', 1)`],
    ['the server cannot forget what was counted', 'app', 'delete from apportion.signing'],
    ['the signer cannot change a payout', 'signer', `update apportion.payout set units = 1`],
    ['the signer cannot make a payout', 'signer', `insert into apportion.payout (lane, payout) values (1, gen_random_uuid())`],
    ['the signer cannot change a key', 'signer', `update apportion.wallet_key set sealed_key = ''`],
    ['the signer cannot delete a key', 'signer', 'delete from apportion.wallet_key'],
    ['the signer cannot raise a limit', 'signer', 'update apportion.signing_limit set units_per_day = 1'],
    ['the signer cannot forget what was counted', 'signer', 'delete from apportion.signing'],
    ['the signer cannot change what was counted', 'signer', 'update apportion.signing set units = 1'],
    ['the signer cannot read the API keys', 'signer', 'select secret_hash from apportion.api_key'],
    ['the signer cannot write transfers', 'signer', `insert into apportion.transfer (lane, number) values (1, 1)`],
    ['the signer cannot record a destination', 'signer', `insert into apportion.destination (ledger) values (gen_random_uuid())`],
    ['the signer cannot add a wallet', 'signer', `insert into apportion.wallet (wallet) values (gen_random_uuid())`],
  ]
  it.each(denied)('%s', async (_, role, statement) => {
    await addLedger(database.pool)
    const pool = role === 'app' ? database.appPool : database.signerPool
    await expect(pool.query(statement)).rejects.toMatchObject({ code: '42501' })
  })
})
