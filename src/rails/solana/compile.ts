// Instructions to a compiled message: which accounts it names, in which order, and who may do what with them. Pure. Kit's own compiler takes
// fifteen times as long, for address look-ups that our messages do not need; the order is kit's, as signed messages are composed again to be
// held against what was signed.

import { getAddressComparator, type Address, type Instruction } from '@solana/kit'
import { present } from '../../core/assert.ts'

/** A version 0 message without lookup tables, by the network's rules: signers first, of each kind those that it may write first. */
export type CompiledMessage = {
  readonly signers: number
  readonly readonlySigners: number
  readonly readonlyOthers: number
  readonly accounts: readonly Address[]
  readonly lifetime: string
  readonly instructions: readonly { readonly program: number; readonly accounts: readonly number[]; readonly data: ArrayLike<number> }[]
}

// As kit's roles are numbers: one bit for writing, one for signing.
const WRITES = 1
const SIGNS = 2
/** In the order of the message. */
const KINDS = [SIGNS | WRITES, SIGNS, WRITES, 0] as const

const byAddress = getAddressComparator()

/** Accounts of one kind stand by their addresses, the payer before all. */
export function compileMessage(payer: Address, lifetime: string, instructions: readonly Instruction[]): CompiledMessage {
  const roles = new Map<Address, number>([[payer, SIGNS | WRITES]])
  const name = (address: Address, role: number): void => void roles.set(address, (roles.get(address) ?? 0) | role)
  for (const { programAddress, accounts = [] } of instructions) {
    for (const { address, role } of accounts) name(address, role)
    name(programAddress, 0)
  }
  const order = (one: Address, other: Address): number => (one === payer ? -1 : other === payer ? 1 : byAddress(one, other))
  const ofKind = KINDS.map((kind) => [...roles].flatMap(([address, role]) => (role === kind ? [address] : [])).toSorted(order))
  const [written, readonlySigned, , readonlyOthers] = ofKind.map(({ length }) => length) as [number, number, number, number]
  const accounts = ofKind.flat()
  const places = new Map(accounts.map((address, place) => [address, place]))
  const placeOf = (address: Address): number => present(places.get(address), 'account of the message')
  return {
    signers: written + readonlySigned,
    readonlySigners: readonlySigned,
    readonlyOthers,
    accounts,
    lifetime,
    instructions: instructions.map(({ programAddress, accounts: named = [], data = [] }) => {
      return { program: placeOf(programAddress), accounts: named.map(({ address }) => placeOf(address)), data }
    }),
  }
}
