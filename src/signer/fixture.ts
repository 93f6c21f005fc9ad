// For tests: a ledger with a wallet and payouts that a signer may sign, written as the owner, and the check of what was signed. It uses the
// first rail of the registry, whose custody is the real one.

import { createPublicKey, verify } from 'node:crypto'
import {
  getAddressDecoder,
  getBase58Decoder,
  getBase58Encoder,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
} from '@solana/kit'
import type { Pool } from 'pg'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { machine } from '../../test/effects.ts'
import { assert, present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { rails } from '../rails/index.ts'
import type { Signed } from '../rails/rail.ts'
import { masterKeyOf, type MasterKey } from './envelope.ts'
import { inProcessSigner } from './testbed.ts'
import type { Signer, SignerWorld, WalletRequest } from './signer.ts'
import { openSignerPool } from './store.ts'

export const RAIL = present(Object.keys(rails)[0], 'a rail')
export const ASSET = present(rails[RAIL]?.nativeAssets[0], 'a native asset')

export const random = machine.random
export const newMasterKey = (): MasterKey => masterKeyOf(random(32))

/** A UUID, version 7. */
export const uuid = machine.id

/** A database with a pool of the signer's own kind besides. */
export async function signerDatabase(): Promise<TestDatabase & { readonly signing: Pool }> {
  const database = await testDatabase()
  const signing = openSignerPool({ url: database.signerUrl, max: 4 })
  return {
    ...database,
    signing,
    drop: async () => {
      await signing.end()
      await database.drop()
    },
  }
}

/** A world on this pool with the real clock, unless told otherwise. */
export function signerWorld(pool: Pool, own: Partial<SignerWorld> = {}): SignerWorld {
  return { effects: machine, pool, masterKey: newMasterKey(), rails, ...own }
}

export type TestLedger = { readonly ledger: string; readonly lane: bigint }

export async function addLedger(owner: Pool): Promise<TestLedger> {
  const ledger = uuid()
  const lane = new DataView(random(8).buffer).getBigInt64(0) & (2n ** 63n - 1n)
  const now = machine.now().toString()
  await owner.query(
    `insert into apportion.ledger (ledger, name, program, sandbox, rail, created_at) values ($1, $2, 'custom', true, $3, $4)`,
    [ledger, `t${ledger}`, RAIL, now],
  )
  await owner.query(`insert into apportion.lane (lane, ledger, position) values ($1, $2, 0)`, [lane, ledger])
  await owner.query(`insert into apportion.asset (ledger, asset, token) values ($1, $2, null)`, [ledger, ASSET])
  return { ledger, lane }
}

/** Creates a wallet's key and writes the wallet's row, as the server does. */
export async function addWallet(owner: Pool, signer: Pick<Signer, 'create'>, ledger: string): Promise<WalletRequest & { address: string }> {
  const request: WalletRequest = { ledger, wallet: uuid(), label: `wallet ${uuid()}`, rail: RAIL }
  const { address } = await signer.create(request)
  await addWalletRow(owner, request, address)
  return { ...request, address }
}

export async function addWalletRow(owner: Pool, { ledger, wallet, label, rail }: WalletRequest, address: string): Promise<void> {
  await owner.query(`insert into apportion.wallet (wallet, ledger, label, rail, address, created_at) values ($1, $2, $3, $4, $5, $6)`, [
    wallet,
    ledger,
    label,
    rail,
    address,
    machine.now().toString(),
  ])
}

export type TestPayout = { readonly id: string; readonly recipient: string; readonly units: bigint; readonly address: string; readonly transfer: bigint }

/** Queued payouts of `units` each, with recipient, recorded destination, account, and one share each. */
export async function addPayouts(
  owner: Pool,
  { ledger, lane }: TestLedger,
  { wallet, units }: { wallet: string; units: readonly bigint[] },
): Promise<readonly TestPayout[]> {
  const { rows } = await owner.query<{ last: bigint }>(`select coalesce(max(number), 0) as last from apportion.transfer where lane = $1`, [lane])
  const last = present(rows[0], 'a row').last
  const payouts = units.map((amount, place): TestPayout => {
    const transfer = last + 1n + BigInt(place)
    return { id: uuid(), recipient: `r${transfer}`, units: amount, address: newAddress(), transfer }
  })
  const now = machine.now().toString()
  const recipients = payouts.map(({ recipient }) => recipient)
  const destinations = payouts.map(({ address }) => JSON.stringify({ address }))
  const transfers = payouts.map(({ transfer }) => transfer)
  await owner.query(`insert into apportion.recipient (ledger, recipient, created_at) select $1, unnest($2::text[]), $3`, [ledger, recipients, now])
  await owner.query(
    `insert into apportion.destination (ledger, recipient, effective_from, destination, created_at)
      select $1, r, $4, d, $4 from unnest($2::text[], $3::jsonb[]) as row (r, d)`,
    [ledger, recipients, destinations, now],
  )
  await owner.query(
    `insert into apportion.account (lane, number, name, asset)
      select $1, n + 1, 'payable:' || r, $4 from unnest($2::bigint[], $3::text[]) as row (n, r)`,
    [lane, transfers, recipients, ASSET],
  )
  await owner.query(
    `insert into apportion.transfer (lane, number, event, debit, credit, part, units, kind)
      select $1, n, n, 1, n + 1, 0, u, 'share' from unnest($2::bigint[], $3::numeric[]) as row (n, u)`,
    [lane, transfers, units],
  )
  await owner.query(
    `insert into apportion.payout (lane, payout, event, part, role, recipient, wallet, asset, units, destination, state, due_at, created_at, changed_at)
      select $1, p, n, 0, 'share', r, $2, $3, u, d, 'queued', $4, $4, $4
      from unnest($5::uuid[], $6::bigint[], $7::text[], $8::numeric[], $9::jsonb[]) as row (p, n, r, u, d)`,
    [lane, wallet, ASSET, now, payouts.map(({ id }) => id), transfers, recipients, units, destinations],
  )
  await owner.query(`insert into apportion.payout_share (lane, transfer, payout) select $1, * from unnest($2::bigint[], $3::uuid[])`, [
    lane,
    transfers,
    payouts.map(({ id }) => id),
  ])
  return payouts
}

export async function setLimit(owner: Pool, { ledger }: TestLedger, units: bigint): Promise<void> {
  await owner.query(
    `insert into apportion.signing_limit (ledger, asset, units_per_day) values ($1, $2, $3)
      on conflict (ledger, asset) do update set units_per_day = excluded.units_per_day`,
    [ledger, ASSET, units],
  )
}

export function newAddress(): string {
  return getAddressDecoder().decode(random(32))
}

/** A draft as the rail makes it. */
export function newDraft(own: JsonObject = {}): JsonObject {
  return {
    blockhash: newAddress(),
    lastValidBlockHeight: '1000',
    computeUnitLimit: '10000',
    computeUnitPrice: '0',
    createTokenAccounts: [],
    memo: `apportion:${uuid()}:${random(16).toHex()}`,
    ...own,
  }
}

/** The refusal of something that must refuse. */
export async function refusalOf(act: () => unknown): Promise<Refusal> {
  try {
    await act()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** A signer in process with a ledger and a wallet of its own. */
export async function signerWithWallet(owner: Pool, pool: Pool): Promise<{
  readonly world: SignerWorld
  readonly signer: Signer
  readonly home: TestLedger
  readonly wallet: WalletRequest & { readonly address: string }
}> {
  const world = signerWorld(pool)
  const signer = inProcessSigner(world)
  const home = await addLedger(owner)
  return { world, signer, home, wallet: await addWallet(owner, signer, home.ledger) }
}

export type SigningScene = {
  readonly world: SignerWorld
  readonly signer: Signer
  readonly home: TestLedger
  readonly wallet: WalletRequest & { readonly address: string }
  readonly payouts: readonly TestPayout[]
  readonly sign: (own?: { payouts?: readonly string[]; wallet?: string; lane?: bigint; draft?: ReturnType<typeof newDraft> }) => Promise<Signed>
  readonly run: (text: string, values?: readonly unknown[]) => Promise<unknown>
}

/** Three payouts of 1, 2 and 3 million units, ready to be signed. */
export async function signingScene(
  { pool, signing }: { readonly pool: Pool; readonly signing: Pool },
  units: readonly bigint[] = [1_000_000n, 2_000_000n, 3_000_000n],
): Promise<SigningScene> {
  const { world, signer, home, wallet } = await signerWithWallet(pool, signing)
  const payouts = await addPayouts(pool, home, { wallet: wallet.wallet, units })
  return {
    ...{ world, signer, home, wallet, payouts },
    sign: (own = {}) =>
      signer.sign({ lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: newDraft(), ...own }),
    run: (text, values = []) => pool.query(text, [...values]),
  }
}

/** Asserts that the bytes are a message of this wallet with exactly these transfers, signed by its key, and nobody else's. */
export function checkSigned({ identity, bytes }: Signed, wallet: string, payouts: readonly TestPayout[]): void {
  const { messageBytes, signatures } = getTransactionDecoder().decode(bytes)
  const signature = present(Object.values(signatures)[0], 'a signature')
  assert(Object.keys(signatures).join(',') === wallet, 'the wallet alone signs')
  assert(getBase58Decoder().decode(signature) === identity, 'the identity is the signature')
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(getBase58Encoder().encode(wallet)).toString('base64url') },
    format: 'jwk',
  })
  assert(verify(null, new Uint8Array(messageBytes), key, new Uint8Array(signature)), 'the signature is good')
  const message = getCompiledTransactionMessageDecoder().decode(messageBytes)
  assert('instructions' in message, 'a message with instructions')
  const paid = message.instructions
    .filter(({ accountIndices, data }) => accountIndices?.length === 2 && data?.length === 12)
    .map(({ accountIndices, data }) => {
      const view = new DataView(new Uint8Array(present(data, 'data')).buffer)
      const [from, to] = present(accountIndices, 'accounts').map((index) => message.staticAccounts[index])
      assert(from === wallet && view.getUint32(0, true) === 2, 'a transfer from the wallet')
      return `${to} ${view.getBigUint64(4, true)}`
    })
  const owed = payouts.map(({ address, units }) => `${address} ${units}`)
  assert(paid.join('\n') === owed.join('\n'), `pays ${paid.join(', ')}; owed ${owed.join(', ')}`)
}
