// Malformed transactions: the strict reader lets no ambiguous bytes through, and nothing that anyone can send ends the
// process.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getBase64Encoder, getCompiledTransactionMessageDecoder, getTransactionDecoder } from '@solana/kit'
import { getCreateAssociatedTokenIdempotentInstruction } from '@solana-program/token'
import { bytesOf, textOf } from './bytes.ts'
import { createGenerator, within, type Generator } from './generator.ts'
import { mintKeyOf, signWith } from './own-keys.ts'
import { hashOfSlot } from './state.ts'
import { fundedWallet, openTestbed, rawTransfer, signed, transfer, wallet, type Testbed } from './testbed.ts'
import { readWire, type Wire } from './wire.ts'

let bed: Testbed
beforeAll(async () => { bed = await openTestbed() })
afterAll(async () => { await bed.close() })

describe('the reader', () => {
  it.each(['legacy', 0] as const)('reads what the client writes (%s), field by field', async (version) => {
    const payer = await fundedWallet(bed, 'payer')
    const mint = (await wallet('mint')).address
    const instructions = [
      transfer(payer, (await wallet('recipient')).address, 5n),
      getCreateAssociatedTokenIdempotentInstruction({ payer, ata: (await wallet('ata')).address, owner: payer.address, mint }),
    ]
    const { wire } = await signed(bed, payer, instructions, { version })
    const bytes = new Uint8Array(getBase64Encoder().encode(wire))
    const read = readWire(bytes) as Wire
    const message = getCompiledTransactionMessageDecoder().decode(getTransactionDecoder().decode(bytes).messageBytes)
    if (!('instructions' in message)) throw new Error('a message of an unexpected version')
    expect(read).toMatchObject({
      version,
      requiredSignatures: message.header.numSignerAccounts,
      readonlySigned: message.header.numReadonlySignerAccounts,
      readonlyUnsigned: message.header.numReadonlyNonSignerAccounts,
    })
    expect(read.keys.map(textOf)).toEqual(message.staticAccounts)
    expect(textOf(read.blockhash)).toBe(message.lifetimeToken)
    expect(read.instructions.map((one) => [one.program, [...one.accounts], [...one.data]])).toEqual(message.instructions
      .map((one) => [one.programAddressIndex, one.accountIndices ?? [], [...(one.data ?? [])]]))
  })

  it('refuses every proper part of a transaction, and every longer one', () => {
    const { wire } = rawTransfer(mintKeyOf('', 'a'), mintKeyOf('', 'b').key, 1n, mintKeyOf('', 'hash').key)
    expect(readWire(wire)).not.toHaveProperty('problem')
    for (let length = 0; length < wire.length; length += 1) expect(readWire(wire.subarray(0, length))).toHaveProperty('problem')
    expect(readWire(new Uint8Array([...wire, 0]))).toHaveProperty('problem', '1 bytes too many')
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 1_300 }), (bytes) => {
      expect(readWire(bytes)).toBeTypeOf('object')
    }), { numRuns: 500 })
  })

  it.each([
    ['a version that is none', [1, ...Array.from({ length: 64 }, () => 0), 0x81], 'transaction version 1 is not supported'],
    ['a length spelled in two bytes that fits one', [0x81, 0x00], 'a length is spelled longer than it needs'],
    ['a length of four bytes', [0xff, 0xff, 0xff, 0x01], 'a length is longer than three bytes'],
    ['too many bytes', Array.from({ length: 1_233 }, () => 0), 'transaction too large: 1233 bytes (max: 1232)'],
  ])('refuses %s', (_name, bytes, problem) => {
    expect(readWire(Uint8Array.from(bytes))).toEqual({ problem })
  })
})

describe('a network that is sent rubbish', () => {
  it('answers each of 600 mutations, signed ones too, and still works after them', async () => {
    const generator = createGenerator('mutations')
    const payer = mintKeyOf('', 'payer')
    await bed.call('requestAirdrop', textOf(payer.key), 1e12)
    bed.slots(9)
    const blockhash = hashOfSlot(bed.node.network, bed.node.network.slot) ?? ''
    const { wire } = rawTransfer(payer, mintKeyOf('', 'recipient').key, 1_000_000n, blockhash)
    const codes = new Map<number, number>()
    for (let n = 0; n < 200; n += 1) {
      const message = mutated(generator, wire.subarray(65))
      // Signed anew, so that the bytes get past the signature check and into the machine.
      const again = Buffer.concat([Uint8Array.of(1), signWith(payer, message), message]).toString('base64')
      const answers = await Promise.all([
        bed.call('sendTransaction', again, { encoding: 'base64', skipPreflight: true }),
        bed.call('simulateTransaction', again, { encoding: 'base64' }),
        bed.call('getFeeForMessage', Buffer.from(message).toString('base64')),
      ])
      for (const { error } of answers) codes.set(error?.code ?? 0, (codes.get(error?.code ?? 0) ?? 0) + 1)
      bed.slots(1)
    }
    expect([...codes.keys()].sort((a, b) => a - b)).toEqual([-32602, 0])
    expect(codes.get(-32602)).toBeGreaterThan(100)
    expect(codes.get(0)).toBeGreaterThan(100)
    bed.slots(9)
    expect((await bed.call('getHealth')).result).toBe('ok')
    expect(bytesOf(payer.key)).toHaveLength(32)
  })
})

function mutated(generator: Generator, message: Uint8Array): Uint8Array {
  let bytes = Buffer.from(message)
  for (let change = within(generator, [1, 3]); change > 0; change -= 1) {
    const at = within(generator, [0, bytes.length - 1])
    const kind = within(generator, [0, 3])
    if (kind === 0) bytes[at] = within(generator, [0, 255])
    if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(within(generator, [0, 255])), bytes.subarray(at)])
    if (kind === 3) bytes[within(generator, [0, 5])] = within(generator, [0, 8])
  }
  return bytes
}
