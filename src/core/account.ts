// Accounts and the chart: which transfers there are, between which roles, and which side of a role may not fall below zero.

import { assert, present } from './assert.ts'
import { clip, type AssetName } from './money.ts'
import { Refusal } from './refusal.ts'

/**
 * The side that carries a role's balance, whether that balance may fall below zero, and whether its party is a recipient: what stands on
 * the credit side of such accounts is owed to the recipient, what stands on the debit side is owed by it.
 */
type Role = { readonly side: 'debit' | 'credit'; readonly floor: boolean; readonly recipients: boolean }

/**
 * The roles of the chart. `wallet`, `expected`, `owed_by`, `reversing` and `network` carry debit balances. Facts that the network states
 * (money seen in or gone from a wallet) have no floor: they happened, and refusing to write them down would hide them.
 */
const ROLES: Readonly<Record<string, Role>> = {
  expected: { side: 'debit', floor: false, recipients: false },
  wallet: { side: 'debit', floor: false, recipients: false },
  network: { side: 'debit', floor: false, recipients: false },
  owner: { side: 'credit', floor: false, recipients: false },
  received: { side: 'credit', floor: true, recipients: false },
  payable: { side: 'credit', floor: true, recipients: true },
  carried: { side: 'credit', floor: true, recipients: true },
  /** Accounts of the plan's own, by name: reserves, fees, what a later step divides. */
  fund: { side: 'credit', floor: true, recipients: false },
  /** What a step's rounding holds back until it is a whole unit for somebody. */
  rounding: { side: 'credit', floor: true, recipients: false },
  in_flight: { side: 'credit', floor: true, recipients: true },
  /** What large distributions have taken and not yet given out: money on its way to recipients, chunk by chunk. */
  distributing: { side: 'credit', floor: true, recipients: false },
  /** What reversals of large distributions have given back to `received` and not yet taken from their recipients, chunk by chunk. */
  reversing: { side: 'debit', floor: true, recipients: false },
  /** What a recipient had been paid, or was being paid, of an event that was reversed since. Kept back from later shares. */
  owed_by: { side: 'debit', floor: true, recipients: true },
}

/** What changes a recipient's statement: opening + earned + adjusted − fees − paid = closing. */
export type StatementLine = 'earned' | 'adjusted' | 'fee' | 'paid'

/**
 * `statement`: what it is called where it changes what is owed to a recipient; null for what never does. `event`: whether such transfers
 * belong to an event; others are movements of a payout, an attempt or a wallet.
 */
type Kind = {
  readonly debit: readonly string[]
  readonly credit: readonly string[]
  readonly statement: StatementLine | null
  readonly event: boolean
}

/**
 * What a transfer is for, with the roles it may debit and credit. An owner's own movement of a wallet (money taken out
 * without a payout) is `withdrawn`, so that what left a wallet is always settled payouts + costs + recorded movements.
 */
export const TRANSFER_KINDS = {
  received: { debit: ['expected'], credit: ['received'], statement: null, event: true },
  share: { debit: ['received', 'fund', 'carried', 'rounding'], credit: ['payable', 'carried', 'fund', 'rounding', 'distributing'], statement: 'earned', event: true },
  /** A share of a large distribution: it counts when all of them are posted. */
  distributed: { debit: ['distributing'], credit: ['payable'], statement: 'earned', event: false },
  reversed: { debit: ['payable', 'owed_by', 'carried', 'fund', 'reversing'], credit: ['received'], statement: 'adjusted', event: true },
  /** What a reversal takes back of a share of a large distribution: it counts when all of them are posted. */
  taken_back: { debit: ['payable', 'owed_by'], credit: ['reversing'], statement: 'adjusted', event: false },
  restored: { debit: ['received'], credit: ['carried', 'fund'], statement: 'adjusted', event: true },
  refunded: { debit: ['received'], credit: ['expected'], statement: null, event: true },
  recouped: { debit: ['payable'], credit: ['owed_by'], statement: null, event: false },
  reserved: { debit: ['payable'], credit: ['in_flight'], statement: null, event: false },
  released: { debit: ['in_flight'], credit: ['payable'], statement: null, event: false },
  settled: { debit: ['in_flight'], credit: ['wallet'], statement: 'paid', event: false },
  fee: { debit: ['network'], credit: ['wallet'], statement: null, event: false },
  rent: { debit: ['network'], credit: ['wallet'], statement: null, event: false },
  funded: { debit: ['wallet'], credit: ['expected'], statement: null, event: false },
  withdrawn: { debit: ['owner'], credit: ['wallet'], statement: null, event: false },
} as const satisfies Readonly<Record<string, Kind>>

export type TransferKind = keyof typeof TRANSFER_KINDS

/** Whether the chart lets a transfer of this kind go from one account to another, both by name. */
export function isInChart(kind: TransferKind, { debit, credit }: { readonly debit: string; readonly credit: string }): boolean {
  return isBetween(kind, { debit: roleNameOf(debit), credit: roleNameOf(credit) })
}

/** The same by the roles of the accounts. */
export function isBetween(kind: TransferKind, { debit, credit }: { readonly debit: string; readonly credit: string }): boolean {
  const allowed: Kind = TRANSFER_KINDS[kind]
  return allowed.debit.includes(debit) && allowed.credit.includes(credit)
}

/** An account's name within its ledger (`role` or `role:party`) and its asset. One account holds one asset. */
export type AccountName = { readonly name: string; readonly asset: AssetName }

// No separator of the journal's lines, nothing invisible: parties are our ids, never handles or addresses.
const PARTY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** Checks an id that becomes part of an account's name. Refuses `recipient_malformed`. */
export function checkParty(party: string, field: string): string {
  if (PARTY.test(party)) return party
  throw new Refusal('recipient_malformed', `${field} must be 1 to 100 letters, digits, dots, dashes or underscores`, {
    field,
    value: clip(party),
  })
}

export function accountName(role: string, party?: string): string {
  assert(Object.hasOwn(ROLES, role), () => `${role} is no role of the chart`)
  return party === undefined ? role : `${role}:${party}`
}

/** The roles whose parties are recipients. */
export const RECIPIENT_ROLES: readonly string[] = Object.keys(ROLES).filter((role) => ROLES[role]?.recipients === true)

/** All accounts in which something of a recipient may stand. */
export function accountsOfRecipient(recipient: string): readonly string[] {
  return RECIPIENT_ROLES.map((role) => accountName(role, recipient))
}

/** One text for a map's key: names hold no tab. */
export function accountKey({ name, asset }: AccountName): string {
  const known = keysByAsset.getOrInsertComputed(asset, newKeys)
  const key = known.get(name)
  if (key !== undefined) return key
  if (known.size >= MAX_KEYS) known.clear()
  const made = `${name}\t${asset}`
  known.set(name, made)
  return made
}

/** A posting asks for the keys of the same accounts over and over: to make and hash a text anew each time is a tenth of its work. */
const keysByAsset = new Map<AssetName, Map<string, string>>()
const newKeys = (): Map<string, string> => {
  // Assets are few; should somebody have thousands, they begin anew.
  if (keysByAsset.size >= MAX_ASSETS) keysByAsset.clear()
  return new Map()
}
/** About 5 MB an asset. */
const MAX_KEYS = 32_768
const MAX_ASSETS = 16

/** `payable` of `payable:R`. */
export function roleNameOf(name: string): string {
  const end = name.indexOf(':')
  return end === -1 ? name : name.slice(0, end)
}

/** `R` of `payable:R`, for accounts of that role; null for others. */
export function partyOf(role: string, name: string): string | null {
  return name.startsWith(role) && name[role.length] === ':' ? name.slice(role.length + 1) : null
}

/** The role of an account, by its name. */
export function roleOf(name: string): Role {
  const role = roleNameOf(name)
  assert(Object.hasOwn(ROLES, role), () => `${name} has no role of the chart`)
  return present(ROLES[role], role)
}

/** The balance on the side that carries it: above zero in the ordinary case. */
export function balanceOf(name: string, { debits, credits }: { debits: bigint; credits: bigint }): bigint {
  return roleOf(name).side === 'debit' ? debits - credits : credits - debits
}
