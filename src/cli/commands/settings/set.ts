// `settings set`: asks for more, at once, or for less, once others agreed.

import { parseAmount, parseAsset } from '../../../core/money.ts'
import { Refusal } from '../../../core/refusal.ts'
import { changeSettings } from '../../../engine/change-settings.ts'
import { ledgerOf, maybeText, type Run } from '../../command.ts'
import { actorOf, wordsOf } from '../../person.ts'
import { showSettings } from '../../settings-lines.ts'

export const run: Run = async (desk, { options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  const above = pairsOf(options['payoutAbove'], 'payout-above').map(([asset, amount]) => {
    return [asset, amount === null ? null : parseAmount(amount, { field: 'payout-above', scale: parseAsset(asset).scale }).toString()] as const
  })
  const notices = pairsOf(options['factNotice'], 'fact-notice').map(([name, seconds]) => [name, seconds === null ? null : integerOf(seconds, 'fact-notice')] as const)
  const changed = await changeSettings(desk, ledger, person, {
    plan_approvals: maybeInteger(options['planApprovals'], 'plan-approvals'),
    plan_notice_seconds: maybeInteger(options['planNotice'], 'plan-notice'),
    recoup_percent: maybeInteger(options['recoupPercent'], 'recoup-percent'),
    payout_approval_above: Object.fromEntries(above),
    fact_notice_seconds: Object.fromEntries(notices),
  })
  showSettings(output, changed)
}

/** `name=value`, with `none` for no value. */
function pairsOf(value: unknown, option: string): readonly (readonly [string, string | null])[] {
  return wordsOf(value).map((word) => {
    const [name, given, ...rest] = word.split('=')
    if (name !== undefined && given !== undefined && rest.length === 0) return [name, given === 'none' ? null : given]
    throw new Refusal('field_malformed', `--${option} takes a name and a value, such as USDC/6=1000 or USDC/6=none, not ${word.slice(0, 60)}`, { field: option })
  })
}

function maybeInteger(value: unknown, option: string): number | undefined {
  const given = maybeText(value)
  return given === null ? undefined : integerOf(given, option)
}

function integerOf(given: string, option: string): number {
  if (/^(0|[1-9][0-9]{0,8})$/.test(given)) return Number(given)
  throw new Refusal('field_malformed', `--${option} takes a whole number, not ${given.slice(0, 60)}`, { field: option })
}
