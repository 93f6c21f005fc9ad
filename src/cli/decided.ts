// What became of payouts that a person decided about.

import { Refusal } from '../core/refusal.ts'
import type { Decided } from '../engine/approve-payouts.ts'
import type { Output } from './output.ts'

/** Shows each decision. Refuses with the first refusal when there was no other outcome. */
export function showDecided(output: Output, decided: readonly Decided[], done: string): void {
  const refused = decided.flatMap(({ refusal }) => refusal ?? [])
  const [first] = refused
  if (first !== undefined && refused.length === decided.length) throw first
  const shown = decided.map(({ payout, refusal }) => ({ payout, state: refusal === null ? done : 'refused', code: refusal?.code ?? null, reason: refusal?.message ?? null }))
  output.result(shown, () => {
    for (const { payout, state, code, reason } of shown) output.line(`${payout} ${state}${code === null ? '' : ` (${code}): ${reason ?? ''}`}`)
  })
  if (refused.length > 0) throw new Refusal(refused[0]?.code ?? 'payout_locked', `${refused.length} of ${decided.length} were refused; the others are done`, { refused: refused.length })
}
