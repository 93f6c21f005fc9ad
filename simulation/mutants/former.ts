// Mutants that put a fault back which this program once had and a history or a run of crashes found. A seed that shows one is kept in
// simulation/seeds.

import type { Mutant } from './mutant.ts'

const DISTRIBUTIONS = 'src/engine/read-distributions.ts'

export const FORMER_MUTANTS: readonly Mutant[] = [
  {
    name: 'lets a payout wait for an approval that nobody asks for any more',
    law: 'I5',
    edits: [{ file: 'src/engine/make-payouts.ts', from: `  if (waits.approval) await recheckAwaiting(`, to: `  if (waits.approval && lane < 0n) await recheckAwaiting(` }],
    seeds: 40,
    tests: ['src/engine/payout-approval.test.ts'],
  },
  {
    name: 'answers an event that comes again with its shares in another order',
    law: 'I8',
    edits: [{ file: 'src/engine/recorder.ts', from: `reverses, shares: shownShares(ledger, { plan, parties }, shares) }`, to: `reverses, shares }` }],
    seeds: 40,
    tests: ['src/engine/rule-plans.test.ts'],
  },
  {
    name: 'shows of each share the payout of whoever has the same role',
    law: 'I5',
    edits: [
      { file: DISTRIBUTIONS, from: '${row.lane} ${row.event} ${row.part}`', to: '${row.lane} ${row.event} ${row.role}`' },
      { file: DISTRIBUTIONS, from: `\${present(event.shares[index], 'share').part}\``, to: `\${present(event.shares[index], 'share').role}\`` },
    ],
    seeds: 40,
    tests: ['src/engine/rule-plans.test.ts'],
  },
  {
    name: 'waits within a preview’s transaction for a second connection',
    law: 'door',
    edits: [{ file: 'src/engine/preview/subject.ts', from: `  if (known) await refreshPlans({ store }, ledger, on)`, to: `  if (known) await refreshPlans({ store }, ledger)` }],
    seeds: 40,
    tests: ['src/engine/preview.test.ts'],
  },
  {
    name: 'holds for another reason what a person has turned away, and lets it go in time',
    law: 'I10',
    edits: [{ file: 'src/store/held-payout.ts', from: ` and payout.reason is distinct from 'rejected'`, to: `` }],
    seeds: 40,
    tests: ['src/store/held-payout.test.ts'],
  },
  {
    name: 'answers one of two who name an address at one moment by an error',
    law: 'door',
    edits: [{ file: 'src/store/wallet.ts', from: `        on conflict do nothing\n        returning recipient`, to: `        returning recipient` }],
    // Transactions of a history take turns whole.
    seeds: 0,
    tests: ['src/engine/set-destinations.test.ts'],
  },
]
