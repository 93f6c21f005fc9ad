// Which payouts have a destination that can take them, judged from the accounts as they stand. Pure; finds, for each payout, what keeps it
// or what paying it needs. Whether the wallet has the money is another question (choose.ts).

import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import { SYSTEM_PROGRAM_ADDRESS } from '@solana-program/system'
import type { HoldReason, RailPayout, Unpayable } from '../rail.ts'
import { PROGRAM_ADDRESSES, type AddressBook } from './address.ts'
import type { Payable } from './choose.ts'
import { destinationAddress } from './message.ts'
import type { Account } from './questions.ts'
import { readTokenAccount } from './token-account.ts'

export type Assessed = { readonly payables: readonly Payable[]; readonly unpayable: readonly Unpayable[] }

export type Surroundings = {
  readonly wallet: string
  readonly book: AddressBook
  /** What stands at a payout's destination address; null when nothing does. */
  readonly owner: (address: string) => Account | null
  /** For a token: its mint and what stands at the destination's token account. Null for the native asset. */
  readonly token: { readonly mint: string; readonly account: (owner: string) => Account | null } | null
  /** Lamports that an account without data must hold. */
  readonly minimum: bigint
}

type Obstacle = { readonly reason: HoldReason; readonly detail: string }

export function assessPayouts(payouts: readonly RailPayout[], surroundings: Surroundings): Assessed {
  const payables: Payable[] = []
  const unpayable: Unpayable[] = []
  for (const payout of payouts) {
    const address = destinationAddress(payout)
    const needs = ownerNeeds(address, surroundings)
    const found = 'reason' in needs ? needs : { payout, address, ...needs }
    if ('reason' in found) unpayable.push({ payout: payout.id, ...found })
    else payables.push(found)
  }
  return { payables, unpayable }
}

type Needs = Pick<Payable, 'shortfall' | 'creates'>

function ownerNeeds(address: string, surroundings: Surroundings): Needs | Obstacle {
  const { wallet, book, owner, token, minimum } = surroundings
  if (address === wallet) return invalid('is the wallet that pays')
  if (PROGRAM_ADDRESSES.has(address)) return invalid('is a program')
  const account = owner(address)
  const problem = account === null ? absentProblem(address, book) : ownerProblem(account)
  if (problem !== null) return invalid(problem)
  if (token !== null) return tokenNeeds(address, token, book)
  const lamports = account?.lamports ?? 0n
  // Only an account without data can be below the minimum of one: every other was made with its own.
  const shortfall = (account?.space ?? 0n) === 0n && lamports < minimum ? minimum - lamports : 0n
  return { shortfall, creates: false }
}

// A program's address that holds money is a vault somebody set up; one where nothing stands is a slip: nobody may ever open it.
function absentProblem(address: string, book: AddressBook): string | null {
  return book.isOffCurve(address) ? 'is off the curve: no key exists for it, and no account stands there' : null
}

function ownerProblem({ owner, executable }: Account): string | null {
  if (executable) return 'is a program'
  if (owner === SYSTEM_PROGRAM_ADDRESS) return null
  if (owner === TOKEN_PROGRAM_ADDRESS) return 'is a token account or a mint: the address of the wallet that owns it is needed'
  return `belongs to the program ${owner}`
}

function tokenNeeds(address: string, { mint, account }: NonNullable<Surroundings['token']>, book: AddressBook): Needs | Obstacle {
  const existing = account(address)
  // Lamports that somebody sent to the address beforehand do not make it a token account.
  if (existing === null || (existing.owner === SYSTEM_PROGRAM_ADDRESS && existing.space === 0n)) return { shortfall: 0n, creates: true }
  const held = readTokenAccount(existing, { mint, owner: address, book })
  if (held === null) return invalid('has given its token account to another owner')
  return held.frozen ? { reason: 'frozen', detail: 'the token account of the destination is frozen' } : { shortfall: 0n, creates: false }
}

function invalid(problem: string): Obstacle {
  return { reason: 'destination_invalid', detail: `the destination ${problem}` }
}
