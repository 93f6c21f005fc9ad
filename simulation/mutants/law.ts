// All mutants of the law, in the order in which they are shown.

import { FORMER_MUTANTS } from './former.ts'
import { LEDGER_MUTANTS } from './ledger.ts'
import type { Mutant } from './mutant.ts'
import { PAYOUT_MUTANTS } from './payouts.ts'

export const LAW_MUTANTS: readonly Mutant[] = [...PAYOUT_MUTANTS, ...LEDGER_MUTANTS, ...FORMER_MUTANTS]

/** Breakages of what no rail or program has yet; they come with the first that has it, and count for nothing until then. */
export const NOT_YET: readonly { readonly name: string; readonly until: string }[] = [
  { name: 'settles from a webhook alone', until: 'a rail that sends webhooks' },
  { name: 'takes a callback for the answer to another payout', until: 'a rail that calls back' },
  { name: 'lets a claim be made twice', until: 'a program with claims' },
]
