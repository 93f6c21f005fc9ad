// What was taken from shares before they were paid, for `verify`: each deduction beside the transfer that took it. Nothing is written here.

import type { Asked } from './verify-payouts.ts'
import type { Snapshot } from './verify.ts'

export type DeductionFault = {
  readonly transfer: bigint
  readonly kind: string | null
  readonly event: bigint | null
  readonly units: string | null
  /** From which the transfer took them. */
  readonly account: string | null
  readonly share: bigint | null
  readonly deducted: string | null
}

/**
 * Transfers that took from an account of payable shares and are no deduction, and deductions that are not what a transfer took: as many
 * units of a share in the same account, of the event and part that it reverses, or of the payout for which it kept them back.
 */
export async function deductionFaults(on: Snapshot, { lane, limit }: Asked): Promise<DeductionFault[]> {
  return await on.rows({
    text: `with taken as materialized (
        select transfer.number, transfer.kind, transfer.event, transfer.part, transfer.subject, transfer.units, transfer.debit, account.name
        from apportion.transfer
        join apportion.account on account.lane = $1 and account.number = transfer.debit and starts_with(account.name, 'payable:')
        where transfer.lane = $1 and transfer.kind in ('reversed', 'taken_back', 'recouped')
      ), fault as materialized (
        select coalesce(taken.number, deduction.transfer) as transfer, taken.kind, taken.event, taken.units, taken.name, deduction.share, deduction.units as deducted
        from taken
        full join (select share, transfer, units from apportion.deduction where lane = $1) deduction on deduction.transfer = taken.number
        left join apportion.transfer share on share.lane = $1 and share.number = deduction.share
        left join apportion.distribution on taken.kind = 'taken_back' and distribution.lane = $1 and distribution.digest = taken.subject
        left join apportion.event on event.lane = $1 and event.number = coalesce(taken.event, distribution.event)
        left join apportion.event reversed on reversed.lane = $1 and reversed.number = event.reverses
        left join apportion.payout_share on payout_share.lane = $1 and payout_share.transfer = deduction.share
        where not coalesce(
          taken.units = deduction.units and share.kind in ('share', 'distributed') and share.credit = taken.debit
          and case taken.kind
            when 'taken_back' then share.kind = 'distributed' and share.subject = reversed.digest and distribution.reverses = reversed.number and share.part = taken.part
            when 'reversed' then (share.event = event.reverses or share.kind = 'distributed' and share.subject = reversed.digest) and share.part = taken.part
            else payout_share.payout = taken.subject
          end, false)
      )
      select transfer, kind, event, units::text as units, name as account, share, deducted::text as deducted from fault order by transfer limit $2`,
    values: [lane, limit],
  })
}
