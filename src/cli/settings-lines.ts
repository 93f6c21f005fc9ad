// Settings as lines for people.

import { formatMoney, parseAsset } from '../core/money.ts'
import type { Settings } from '../core/settings.ts'
import type { SettingsDocument } from '../engine/settings.ts'
import type { Output } from './output.ts'

export function showSettings(output: Output, document: SettingsDocument): void {
  const { settings, pending } = document
  output.result(document, () => {
    for (const line of linesOf(settings)) output.line(line)
    if (pending === null) return
    const { change, number, proposed_by: by, approvals_needed: needed, approved_by: given, hash } = pending
    output.line(`\nChange ${number} by ${by} asks for less and waits: ${given.length} of ${needed} approvals${given.length === 0 ? '' : ` (${given.join(', ')})`}.`)
    for (const line of linesOf(pending.settings)) output.line(`  ${line}`)
    output.line(`Next: apportion settings approve ${change} --hash ${hash}`)
  })
}

function linesOf({ plan_approvals: approvals, plan_notice_seconds: notice, payout_approval_above: above, recoup_percent: recouped, fact_notice_seconds: facts }: Settings): string[] {
  return [
    `plans: ${approvals} approvals by other persons, ${notice} s of notice`,
    ...Object.entries(above).map(([asset, units]) => `payouts above ${formatMoney(BigInt(units), parseAsset(asset))}: a person's approval`),
    `what a recipient owes: kept back from later shares, up to ${recouped} % of each`,
    ...Object.entries(facts).map(([name, seconds]) => `a raise of ${name}: ${seconds} s of notice; a lowering counts at once`),
  ]
}
