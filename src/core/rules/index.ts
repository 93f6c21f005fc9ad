// The registry of rules. A new rule is one file and one line here.

import { bonus } from './bonus.ts'
import { cap } from './cap.ts'
import { fixedShares } from './fixed-shares.ts'
import { minimum } from './minimum.ts'
import { proRata } from './pro-rata.ts'
import { profitShare } from './profit-share/profit-share.ts'
import { recoup } from './recoup.ts'
import { ruleEntry, type RuleEntry } from './rule.ts'
import { tieredFee } from './tiered-fee.ts'
import { waterfall } from './waterfall/waterfall.ts'

const ENTRIES: readonly RuleEntry[] = [
  ruleEntry(bonus),
  ruleEntry(cap),
  ruleEntry(fixedShares),
  ruleEntry(minimum),
  ruleEntry(proRata),
  ruleEntry(profitShare),
  ruleEntry(recoup),
  ruleEntry(tieredFee),
  ruleEntry(waterfall),
]

export const rules: ReadonlyMap<string, RuleEntry> = new Map(ENTRIES.map((entry) => [entry.kind, entry]))
