// The bytes of a transaction: compiled message to bytes, signature and message to packet, and how long a batch would be. Pure.
// Layout: solana.com/docs/core/transactions (version 0, no lookup tables). Never decides what is in a message.

import { getAddressDecoder, type Address } from '@solana/kit'
import { assert, present } from '../../core/assert.ts'
import { ADDRESS_BYTES, type AddressBook } from './address.ts'
import type { CompiledMessage } from './compile.ts'

/** One packet of the network: IPv6's smallest MTU less its headers. */
export const MAX_TRANSACTION_BYTES = 1_232
export const SIGNATURE_BYTES = 64

// A count below 128 is one byte of its own; everything counted here is far below.
const MAX_COUNT = 127
const VERSION_0 = 0x80
// Longer than any batch within its limits, fitting the packet or not.
const MAX_MESSAGE_BYTES = 4_096
const SIGNATURES_BYTES = 1 + SIGNATURE_BYTES
/** Version, three counts of signers, count of accounts. */
const HEADER_BYTES = 5

/** The bytes that kit's own encoder makes of such a message, in a fiftieth of its time. A property test holds the two encoders equal. */
export function encodeMessage({ signers, readonlySigners, readonlyOthers, accounts, lifetime, instructions }: CompiledMessage, book: AddressBook): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MAX_MESSAGE_BYTES)
  let length = 0
  const put = (part: ArrayLike<number>): void => {
    bytes.set(part, length)
    length += part.length
  }
  const putCounted = (part: ArrayLike<number>): void => {
    bytes[length] = counted(part.length)
    length += 1
    put(part)
  }
  put([VERSION_0, signers, readonlySigners, readonlyOthers, counted(accounts.length)])
  for (const account of accounts) put(book.bytes(account))
  put(book.bytes(lifetime))
  put([counted(instructions.length)])
  for (const { program, accounts: named, data } of instructions) {
    bytes[length] = program
    length += 1
    putCounted(named)
    putCounted(data)
  }
  const lookupTables = 0
  put([lookupTables])
  return bytes.slice(0, length)
}

function counted(length: number): number {
  assert(length <= MAX_COUNT, `a message counts ${length}`)
  return length
}

/** The packet that is sent: one signature and its message. */
export function packetOf(signature: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  assert(signature.length === SIGNATURE_BYTES, `a signature has ${SIGNATURE_BYTES} bytes, not ${signature.length}`)
  const packet = new Uint8Array(SIGNATURES_BYTES + message.length)
  packet[0] = 1
  packet.set(signature, 1)
  packet.set(message, SIGNATURES_BYTES)
  return packet
}

/** Splits a packet of one signature. Throws when it is none: only our own bytes come here. */
export function splitPacket(packet: Uint8Array): { readonly signature: Uint8Array; readonly message: Uint8Array } {
  assert(packet[0] === 1 && packet.length > SIGNATURES_BYTES, 'a packet of ours has one signature')
  return { signature: packet.subarray(1, SIGNATURES_BYTES), message: packet.subarray(SIGNATURES_BYTES) }
}

const addressDecoder = getAddressDecoder()

/** How many accounts the message of a packet names. */
export function accountCount(packet: Uint8Array): number {
  return present(splitPacket(packet).message[HEADER_BYTES - 1], 'count of accounts')
}

/** The account that the network means by an index, or null when the message has none there. */
export function accountAt(packet: Uint8Array, index: number): Address | null {
  if (index >= accountCount(packet)) return null
  const start = SIGNATURES_BYTES + HEADER_BYTES + index * ADDRESS_BYTES
  return addressDecoder.decode(packet.subarray(start, start + ADDRESS_BYTES))
}

/** Where the message names an account, or -1. */
export function indexOfAccount(packet: Uint8Array, account: Uint8Array): number {
  const first = SIGNATURES_BYTES + HEADER_BYTES
  return Array.from({ length: accountCount(packet) }, (_, index) => first + index * ADDRESS_BYTES).findIndex((start) =>
    account.every((byte, offset) => packet[start + offset] === byte),
  )
}

export type Contents = {
  readonly native: boolean
  readonly transfers: number
  /** Different destinations among the transfers. */
  readonly destinations: number
  /** Token accounts made, each for another owner. */
  readonly creations: number
  readonly memoBytes: number
}

// Program, count and indices of accounts, count and bytes of data.
const TRANSFER_BYTES = 1 + 1 + 2 + 1 + 12
const TOKEN_TRANSFER_BYTES = 1 + 1 + 4 + 1 + 10
const CREATION_BYTES = 1 + 1 + 6 + 1 + 1
const LIMIT_BYTES = 1 + 1 + 0 + 1 + 5
const PRICE_BYTES = 1 + 1 + 0 + 1 + 9

/** Bytes of the packet that composing such a batch gives, without composing it. A test holds it equal to the composed one. */
export function packetBytes({ native, transfers, destinations, creations, memoBytes }: Contents): number {
  // Wallet, compute budget, memo, and either the system program or token program, mint and the wallet's token account; an account
  // that is made names its owner, and the first brings the system and the associated token program.
  const accounts = destinations + (native ? 4 : 6) + (creations === 0 ? 0 : creations + 2)
  const instructions =
    LIMIT_BYTES +
    PRICE_BYTES +
    transfers * (native ? TRANSFER_BYTES : TOKEN_TRANSFER_BYTES) +
    creations * CREATION_BYTES +
    (1 + 1 + 0 + 1 + memoBytes)
  const blockhashBytes = ADDRESS_BYTES
  const countBytes = 2
  return SIGNATURES_BYTES + HEADER_BYTES + accounts * ADDRESS_BYTES + blockhashBytes + countBytes + instructions
}
