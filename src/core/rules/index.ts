// The registry of rules. A new rule is one file and one line here.

import { bonus } from './bonus.ts'
import { cap } from './cap.ts'
import { fixedShares } from './fixed-shares.ts'
import { minimum } from './minimum.ts'
import { proRata } from './pro-rata.ts'
import { recoup } from './recoup.ts'
import { ruleEntry, type RuleEntry } from './rule.ts'
import { tieredFee } from './tiered-fee.ts'

const ENTRIES: readonly RuleEntry[] = [
  ruleEntry(bonus),
  ruleEntry(cap),
  ruleEntry(fixedShares),
  ruleEntry(minimum),
  ruleEntry(proRata),
  ruleEntry(recoup),
  ruleEntry(tieredFee),
]

export const rules: ReadonlyMap<string, RuleEntry> = new Map(ENTRIES.map((entry) => [entry.kind, entry]))
