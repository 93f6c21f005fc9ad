// The registry of rules. A new rule is one file and one line here.

import { fixedShares } from './fixed-shares.ts'
import { ruleEntry, type RuleEntry } from './rule.ts'

export const rules: ReadonlyMap<string, RuleEntry> = new Map([ruleEntry(fixedShares)].map((entry) => [entry.kind, entry]))
