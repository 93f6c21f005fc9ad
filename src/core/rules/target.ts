// Where a plan's money goes: a recipient, a party of the event, or a fund (an account of the plan's own). Written the same in every rule.

import { z } from 'zod'
import { accountName, checkParty } from '../account.ts'
import { Refusal } from '../refusal.ts'

/** Ids in plans: of recipients, parties, roles, facts. The same form as a party of an account has. */
export const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'an id is 1 to 100 letters, digits, dots, dashes or underscores')

/** `recipient` is an id of the ledger, `party` the name of one of the event's parties, `fund` the name of a fund. */
export const target = z.union([
  z.strictObject({ recipient: identifier }),
  z.strictObject({ party: identifier }),
  z.strictObject({ fund: identifier }),
]).meta({ id: 'WrittenTarget' })

export type Target = z.infer<typeof target>

/** The account that a target stands for. Refuses `recipient_not_found` when the event does not name the party. */
export function accountOf(to: Target, { role, parties }: { role: string; parties: Readonly<Record<string, string>> }): string {
  if ('recipient' in to) return accountName('payable', to.recipient)
  if ('fund' in to) return accountName('fund', to.fund)
  // Own names only: an object has `constructor` without anybody having named it.
  const party = Object.hasOwn(parties, to.party) ? parties[to.party] : undefined
  if (party === undefined) {
    throw new Refusal('recipient_not_found', `the plan gives the share ${role} to the event's ${to.party}, which the event does not name`, {
      field: to.party,
      role,
    })
  }
  return accountName('payable', checkParty(party, to.party))
}

/** The funds among targets. */
export function fundsOf(targets: readonly Target[]): readonly string[] {
  return [...new Set(targets.flatMap((to) => ('fund' in to ? [to.fund] : [])))]
}

/** The id of a target that is one recipient, whatever the event; none for others. */
export function recipientOf(to: Target): readonly string[] {
  return 'recipient' in to ? [to.recipient] : []
}
