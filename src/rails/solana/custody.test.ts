// Custody: keys come in and go out in the usual form, and nothing is signed but what payouts and draft make.

import { createKeyPairFromBytes, getBase58Decoder, verifySignature, type SignatureBytes } from '@solana/kit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import type { RailPayout } from '../rail.ts'
import { PROGRAM_ADDRESSES } from './address.ts'
import { createCustody } from './custody.ts'
import { splitPacket } from './packet.ts'

const text = getBase58Decoder()
const custody = createCustody()
const seeded = (fill: number) => custody.create((length) => new Uint8Array(length).fill(fill))
const addressOf = (fill: number): string => text.decode(new Uint8Array(32).fill(fill))

const held = await seeded(1)
const wallet = { id: 'wallet', address: held.address }
const mint = addressOf(99)
const USDC = { asset: 'USDC/6', token: mint }
const SOL = { asset: 'SOL/9', token: null }

const MEMO = 'apportion:01890000-0000-7000-8000-000000000000:0123456789abcdef0123456789abcdef'

const draft: JsonObject = {
  blockhash: addressOf(55),
  lastValidBlockHeight: '150',
  computeUnitLimit: '67200',
  computeUnitPrice: '1000',
  createTokenAccounts: [],
  memo: MEMO,
}

const payout = (id: string, change: Partial<RailPayout> = {}): RailPayout => ({ id, units: 5n, asset: SOL, destination: { address: addressOf(2) }, ...change })
const tokenPayout = (id: string, fill: number): RailPayout => payout(id, { asset: USDC, destination: { address: addressOf(fill) } })

const sign = (payouts: readonly RailPayout[], changed: JsonObject = draft, secret = held.secret) =>
  custody.sign({ secret, wallet, payouts, draft: changed })

async function expectRefused(signing: Promise<unknown>, words: string): Promise<void> {
  const error = await signing.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Refusal)
  expect((error as Refusal).code).toBe('signing_refused')
  expect((error as Refusal).message).toContain(words)
}

describe('a key', () => {
  it('is read back from both usual forms', async () => {
    for (const form of [text.decode(held.secret), JSON.stringify([...held.secret]), ` [${[...held.secret].join(',\n ')}]\n`]) {
      expect(await custody.read(form)).toEqual(held)
    }
  })

  it('is the pair that kit makes of its 64 bytes', async () => {
    const { publicKey } = await createKeyPairFromBytes(held.secret)
    const { identity, bytes } = await sign([payout('one')])
    const { signature, message } = splitPacket(bytes)
    expect(identity).toBe(text.decode(signature))
    expect(await verifySignature(publicKey as CryptoKey, signature as SignatureBytes, message)).toBe(true)
  })

  const other = new Uint8Array(held.secret).fill(9, 32)
  it.for<[string, string]>([
    ['nothing', ''],
    ['a seed without its public key', text.decode(held.secret.slice(0, 32))],
    ['another public key', text.decode(other)],
    ['another public key as numbers', JSON.stringify([...other])],
    ['too few numbers', JSON.stringify([...held.secret].slice(1))],
    ['a number above 255', JSON.stringify([256, ...held.secret.slice(1)])],
    ['broken JSON', JSON.stringify([...held.secret]).slice(0, -1)],
    ['a letter that base58 has not', `0${text.decode(held.secret).slice(1)}`],
    ['a page of text', text.decode(held.secret).repeat(100)],
  ])('is refused without a word of it: %s', async ([, form]) => {
    const error = await custody.read(form).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(Refusal)
    const { code, message, details, stack = '', cause } = error as Refusal
    expect([code, details, cause]).toEqual(['key_malformed', { field: 'key' }, undefined])
    for (let at = 0; at + 12 <= form.length; at += 12) expect(`${message} ${stack}`).not.toContain(form.slice(at, at + 12))
  })

  it('signs for its own array even when the caller uses that array for another key', async () => {
    const array = new Uint8Array(held.secret)
    const first = await sign([payout('one')], draft, array)
    array.set((await seeded(3)).secret)
    await expectRefused(sign([payout('one')], draft, array), 'not that of wallet')
    expect(await sign([payout('one')])).toEqual(first)
  })

  it('signs for no other wallet', async () => {
    await expectRefused(sign([payout('one')], draft, (await seeded(3)).secret), 'not that of wallet')
    await expectRefused(sign([payout('one')], draft, new Uint8Array(64)), 'not a Solana key')
    await expectRefused(sign([payout('one')], draft, new Uint8Array(10)), 'not a Solana key')
  })
})

describe('a draft', () => {
  const tampered: readonly [string, JsonObject, string][] = [
    ['a field too many', { ...draft, note: 'hello' }, 'draft'],
    ['a field too few', { blockhash: addressOf(55) }, 'memo'],
    ['a blockhash of 31 bytes', { ...draft, blockhash: text.decode(new Uint8Array(31).fill(5)) }, 'blockhash'],
    ['a blockhash that is a number', { ...draft, blockhash: 5 }, 'blockhash'],
    ['a height of nothing', { ...draft, lastValidBlockHeight: '0' }, 'lastValidBlockHeight'],
    ['a height that is a number', { ...draft, lastValidBlockHeight: 150 }, 'lastValidBlockHeight'],
    ['a height with a sign', { ...draft, lastValidBlockHeight: '-1' }, 'lastValidBlockHeight'],
    ['a height above 64 bits', { ...draft, lastValidBlockHeight: '18446744073709551616' }, 'lastValidBlockHeight'],
    ['no compute units', { ...draft, computeUnitLimit: '0' }, 'computeUnitLimit'],
    ['too many compute units', { ...draft, computeUnitLimit: '600001' }, 'computeUnitLimit'],
    ['too high a price', { ...draft, computeUnitPrice: '1000001' }, 'computeUnitPrice'],
    ['a price with a fraction', { ...draft, computeUnitPrice: '0.5' }, 'computeUnitPrice'],
    ['a memo of one\'s own', { ...draft, memo: 'I agree to sell the house' }, 'memo'],
    ['a memo with more behind', { ...draft, memo: `${MEMO} and more` }, 'memo'],
    ['a memo with a line more', { ...draft, memo: `${MEMO}\n` }, 'memo'],
    ['a memo with something before', { ...draft, memo: ` ${MEMO}` }, 'memo'],
    ['a memo in capitals', { ...draft, memo: MEMO.toUpperCase() }, 'memo'],
    ['a token account for SOL', { ...draft, createTokenAccounts: ['one'] }, 'no token accounts'],
    ['token accounts that are no list', { ...draft, createTokenAccounts: 'one' }, 'createTokenAccounts'],
  ]

  it.for(tampered)('is refused with %s', async ([, changed, words]) => {
    await expectRefused(sign([payout('one')], changed), words)
  })

  const tokens = [tokenPayout('one', 2), tokenPayout('two', 3), tokenPayout('three', 2)]
  it.for<[string, readonly string[], string]>([
    ['a payout that is not in the batch', ['four'], 'not in the batch'],
    ['one twice', ['one', 'one'], 'twice'],
    ['one after its first transfer', ['three'], 'belongs before payout one'],
  ])('is refused when it makes the token account of %s', async ([, createTokenAccounts, words]) => {
    await expectRefused(sign(tokens, { ...draft, createTokenAccounts }), words)
  })

  it('makes token accounts where they belong, eight at most', async () => {
    expect((await sign(tokens, { ...draft, createTokenAccounts: ['two', 'one'] })).bytes.length).toBeGreaterThan(0)
    const nine = Array.from({ length: 9 }, (_, index) => tokenPayout(`payout ${index}`, index + 2))
    await expectRefused(sign(nine, { ...draft, createTokenAccounts: nine.map(({ id }) => id) }), 'at most 8')
  })

  it('that is anything else is refused, and never signed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(draft)), fc.jsonValue(), async (field, value) => {
        const changed = { ...draft, [field]: value } as JsonObject
        const outcome = await sign([payout('one')], changed).then(
          () => 'signed',
          (error: unknown) => (error as Refusal).code,
        )
        // A whole number as text may be a good height, limit or price, and an empty list is the one that stands there.
        const good = (typeof value === 'string' && /^[0-9]+$/.test(value)) || (Array.isArray(value) && value.length === 0)
        expect(outcome === 'signing_refused' || good).toBe(true)
      }),
    )
  })
})

describe('payouts', () => {
  const program = [...PROGRAM_ADDRESSES][0] ?? ''
  it.for<[string, readonly RailPayout[], string]>([
    ['there are none', [], 'needs a payout'],
    ['one is there twice', [payout('one'), payout('one')], 'twice'],
    ['they are of two assets', [payout('one'), tokenPayout('two', 3)], 'the batch in SOL/9'],
    ['they are of two mints', [tokenPayout('one', 3), payout('two', { asset: { asset: 'USDC/6', token: addressOf(98) } })], 'the batch in'],
    ['the asset names no token', [payout('one', { asset: { asset: 'USDC/6', token: null } })], 'names no token'],
    ['SOL names a token', [payout('one', { asset: { asset: 'SOL/9', token: mint } })], 'has no token'],
    ['the token is no address', [payout('one', { asset: { asset: 'USDC/6', token: 'USDC' } })], 'must be a mint'],
    ['one pays nothing', [payout('one', { units: 0n })], 'no transfer can hold'],
    ['one takes', [payout('one', { units: -5n })], 'no transfer can hold'],
    ['one pays more than 64 bits', [payout('one', { units: 2n ** 64n })], 'no transfer can hold'],
    ['together they pay more than 64 bits', [payout('one', { units: 2n ** 64n - 1n }), payout('two')], 'more than an account'],
    ['one pays the wallet', [payout('one', { destination: { address: wallet.address } })], 'the wallet itself'],
    ['one pays a program', [payout('one', { destination: { address: program } })], 'a program'],
    ['one has no address', [payout('one', { destination: {} })], 'not one address'],
    ['one has a broken address', [payout('one', { destination: { address: 'nowhere' } })], 'not one address'],
    ['one has more than an address', [payout('one', { destination: { address: addressOf(2), tag: '7' } })], 'not one address'],
    ['there are nineteen', Array.from({ length: 19 }, (_, index) => payout(`payout ${index}`)), 'at most 18'],
    ['there are eighteen of a token', Array.from({ length: 18 }, (_, index) => tokenPayout(`payout ${index}`, 3)), 'at most 17'],
  ])('are refused when %s', async ([, payouts, words]) => {
    await expectRefused(sign(payouts), words)
  })

  it('that make too long a packet are refused', async () => {
    const payouts = Array.from({ length: 16 }, (_, index) => tokenPayout(`payout ${index}`, index + 2))
    await expectRefused(sign(payouts, { ...draft, createTokenAccounts: payouts.slice(0, 8).map(({ id }) => id) }), 'a packet holds 1232')
  })
})
