// Messages: the same input gives the same bytes, other input other bytes, and kit reads from them what went in.

import {
  compileTransactionMessage,
  decompileTransactionMessage,
  getBase58Decoder,
  getBase58Encoder,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
} from '@solana/kit'
import { parseTransferSolInstruction } from '@solana-program/system'
import { parseCreateAssociatedTokenIdempotentInstruction, parseTransferCheckedInstruction } from '@solana-program/token'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import type { RailPayout } from '../rail.ts'
import { addressBytes, createAddressBook } from './address.ts'
import type { Draft } from './draft.ts'
import { composeMessage, destinationAddress, messageSteps } from './message.ts'
import { accountAt, accountCount, indexOfAccount, packetBytes, packetOf, splitPacket } from './packet.ts'

const text = getBase58Decoder()
const bytes = getBase58Encoder()

const anyAddress = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((value) => text.decode(value))
// One book for all runs: deriving a token account takes half a millisecond. Few owners, so that payouts share destinations.
const book = createAddressBook()
const owners = Array.from({ length: 20 }, (_, index) => text.decode(new Uint8Array(32).fill(index + 1)))
const mint = text.decode(new Uint8Array(32).fill(99))
const wallet = text.decode(new Uint8Array(32).fill(77))

const draft: Draft = {
  blockhash: text.decode(new Uint8Array(32).fill(55)),
  lastValidBlockHeight: 150n,
  computeUnitLimit: 67_200n,
  computeUnitPrice: 0n,
  createTokenAccounts: [],
  memo: 'apportion:01890000-0000-7000-8000-000000000000:0123456789abcdef0123456789abcdef',
}

const units = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })

function payoutsOf(token: string | null) {
  const asset = token === null ? { asset: 'SOL/9', token } : { asset: 'USDC/6', token }
  return fc
    .array(fc.record({ units, address: fc.constantFrom(...owners) }), { minLength: 1, maxLength: token === null ? 18 : 17 })
    .map((list): readonly RailPayout[] =>
      list.map((one, index) => ({ id: `payout ${index}`, units: one.units, asset, destination: { address: one.address } })),
    )
}

/** Payouts and a draft that makes the token accounts of some of them. */
const batch = fc.oneof(
  payoutsOf(null).map((payouts) => ({ payouts, draft })),
  fc.tuple(payoutsOf(mint), fc.nat({ max: 8 })).map(([payouts, creations]) => {
    const firsts = payouts.filter((payout, index) => payouts.findIndex((one) => destinationAddress(one) === destinationAddress(payout)) === index)
    return { payouts, draft: { ...draft, createTokenAccounts: firsts.slice(0, creations).map(({ id }) => id) } }
  }),
)

describe('an address', () => {
  it('has the bytes that kit reads', () => {
    fc.assert(
      fc.property(anyAddress, (address) => {
        expect(addressBytes(address)).toEqual(new Uint8Array(bytes.encode(address)))
      }),
    )
  })

  it('is nothing that kit does not read as 32 bytes', () => {
    const digits = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl'
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...digits), minLength: 28, maxLength: 48 }), (written) => {
        let expected: Uint8Array | null
        try {
          expected = new Uint8Array(bytes.encode(written))
        } catch {
          expected = null
        }
        expect(addressBytes(written)).toEqual(expected?.length === 32 ? expected : null)
      }),
      { numRuns: 2_000 },
    )
  })

  it.for(['', '1', '1'.repeat(33), 'z'.repeat(44), 'JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH', 'ß'.repeat(32)])('is not %s', (written) => {
    expect(addressBytes(written)).toBeNull()
  })
})

describe('a message', () => {
  it('has the same bytes for the same input, whatever was composed before', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (one) => {
        const message = await composeMessage({ wallet, ...one, book })
        expect(await composeMessage({ wallet, ...structuredClone(one), book: createAddressBook() })).toEqual(message)
      }),
      { numRuns: 15 },
    )
  })

  it('has the bytes that kit compiles and encodes', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (one) => {
        const ours = await composeMessage({ wallet, ...one, book })
        const compiled = compileTransactionMessage(decompileTransactionMessage(getCompiledTransactionMessageDecoder().decode(ours)))
        expect(new Uint8Array(getCompiledTransactionMessageEncoder().encode(compiled))).toEqual(ours)
      }),
    )
  })

  it('is as long as was foreseen', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (one) => {
        const message = await composeMessage({ wallet, ...one, book })
        const contents = {
          native: one.payouts[0]?.asset.token === null,
          transfers: one.payouts.length,
          destinations: new Set(one.payouts.map(destinationAddress)).size,
          creations: one.draft.createTokenAccounts.length,
          memoBytes: one.draft.memo.length,
        }
        expect(packetBytes(contents)).toBe(packetOf(new Uint8Array(64), message).length)
      }),
    )
  })

  it('pays at each index the payout that the steps name there', async () => {
    await fc.assert(
      fc.asyncProperty(batch, async (one) => {
        const message = await composeMessage({ wallet, ...one, book })
        const compiled = getCompiledTransactionMessageDecoder().decode(message)
        const { instructions } = decompileTransactionMessage(compiled)
        const steps = messageSteps(one.payouts, one.draft)
        expect(instructions.length).toBe(steps.length)
        for (const [index, step] of steps.entries()) {
          if (step.kind !== 'transfer' && step.kind !== 'create_token_account') continue
          const instruction = present(instructions[index], 'instruction') as never
          const address = destinationAddress(step.payout)
          const account = step.payout.asset.token === null ? address : await book.tokenAccount(address, mint)
          if (step.kind === 'create_token_account') {
            const { accounts } = parseCreateAssociatedTokenIdempotentInstruction(instruction)
            expect([accounts.owner.address, accounts.ata.address, accounts.payer.address]).toEqual([address, account, wallet])
          } else if (step.payout.asset.token === null) {
            const { accounts, data } = parseTransferSolInstruction(instruction)
            expect([accounts.source.address, accounts.destination.address, data.amount]).toEqual([wallet, account, step.payout.units])
          } else {
            const { accounts, data } = parseTransferCheckedInstruction(instruction)
            const source = await book.tokenAccount(wallet, mint)
            expect([accounts.source.address, accounts.destination.address, accounts.mint.address]).toEqual([source, account, mint])
            expect([data.amount, data.decimals]).toEqual([step.payout.units, 6])
          }
        }
      }),
    )
  })

  it.for<[string, Partial<Draft>]>([
    ['blockhash', { blockhash: wallet }],
    ['compute unit limit', { computeUnitLimit: 67_201n }],
    ['compute unit price', { computeUnitPrice: 1n }],
    ['memo', { memo: draft.memo.replace('0189', '0190') }],
    ['token accounts', { createTokenAccounts: ['payout 1'] }],
  ])('changes with the %s', async ([, change]) => {
    const payouts = [1, 2].map((n) => ({
      id: `payout ${n}`,
      units: 5n,
      asset: { asset: 'USDC/6', token: mint },
      destination: { address: present(owners[n], 'owner') },
    }))
    const compose = (changed: Draft): Promise<Uint8Array> => composeMessage({ wallet, payouts, draft: changed, book })
    expect(await compose({ ...draft, ...change })).not.toEqual(await compose(draft))
  })
})

describe('a packet', () => {
  it('gives back its parts and its accounts', async () => {
    const payouts: readonly RailPayout[] = [{ id: 'one', units: 5n, asset: { asset: 'SOL/9', token: null }, destination: { address: present(owners[0], 'owner') } }]
    const message = await composeMessage({ wallet, payouts, draft, book })
    const signature = new Uint8Array(64).fill(7)
    const packet = packetOf(signature, message)
    expect(splitPacket(packet)).toEqual({ signature, message })
    expect(accountCount(packet)).toBe(5)
    expect(accountAt(packet, 0)).toBe(wallet)
    expect(accountAt(packet, 5)).toBeNull()
    expect(accountAt(packet, indexOfAccount(packet, book.bytes(present(owners[0], 'owner'))))).toBe(owners[0])
    expect(indexOfAccount(packet, book.bytes(mint))).toBe(-1)
  })
})
