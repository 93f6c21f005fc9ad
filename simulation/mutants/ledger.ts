// Mutants of recording: references, batches, plans, reversals, doors and the journal.

import type { Mutant } from './mutant.ts'

const POSTING = 'src/core/posting.ts'
const RECORDER = 'src/engine/recorder.ts'

export const LEDGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'forgets the fingerprint: other content under a reference is taken for the same',
    law: 'I8',
    edits: [{ file: POSTING, from: `    const same = Buffer.compare(earlier.fingerprint, member.fingerprint) === 0`, to: `    const same = earlier.fingerprint.length > 0` }],
    seeds: 10,
    tests: ['src/core/posting.test.ts', 'src/engine/recorder.test.ts'],
  },
  {
    name: 'skips the floor',
    law: 'I3',
    edits: [{ file: POSTING, from: `  if (balance >= 0n || !account.floor) return null`, to: `  if (balance >= 0n || !account.floor || balance < 0n) return null` }],
    seeds: 40,
    tests: ['src/core/posting.test.ts'],
  },
  {
    name: 'records an event twice when it comes twice in one batch',
    law: 'I8',
    edits: [{ file: POSTING, from: `  draft.references.set(digest, { fingerprint, event: number })`, to: `  if (digest === '') draft.references.set(digest, { fingerprint, event: number })` }],
    seeds: 20,
    tests: ['src/core/posting.test.ts', 'src/engine/recorder.test.ts'],
  },
  {
    name: 'leaves the transfers of a refused member in the block',
    law: 'I2',
    edits: [{ file: POSTING, from: `    draft.transfers.length = lastPosted\n`, to: `` }],
    seeds: 0,
    tests: ['src/core/posting.test.ts', 'src/core/posting-model.test.ts'],
  },
  {
    name: 'lets instants of blocks run backwards with the clock',
    law: 'I6',
    edits: [{ file: POSTING, from: `Temporal.Instant.compare(recordedAt, head.recordedAt) < 0 ? head.recordedAt : recordedAt`, to: `Temporal.Instant.compare(recordedAt, head.recordedAt) < 0 ? recordedAt : recordedAt` }],
    seeds: 60,
    tests: ['src/core/posting.test.ts'],
  },
  {
    name: 'answers before the commit',
    law: 'L1',
    edits: [
      {
        file: 'src/store/posting.ts',
        from: `    await runUnit(client, [...(write === null ? [] : writeBatch(work.lane, write)), ...after, COMMIT])`,
        to: `    runUnit(client, [...(write === null ? [] : writeBatch(work.lane, write)), ...after, COMMIT]).catch(() => {})`,
      },
      { file: 'src/store/posting.ts', from: `    sent()\n    await answer\n`, to: `    sent()\n    answer.catch(() => {})\n` },
    ],
    seeds: 20,
    tests: ['src/engine/recorder-crash.test.ts', 'src/engine/recorder-faults.test.ts'],
  },
  {
    name: 'has two lanes for one reference',
    law: 'I8',
    edits: [
      {
        file: 'src/engine/ledger.ts',
        from: `  return present(ledger.lanes[lanePosition(reference, ledger.lanes.length)], 'lane')`,
        to: `  return present(ledger.lanes[(lanePosition(reference, ledger.lanes.length) + ledger.plans.length) % ledger.lanes.length], 'lane')`,
      },
    ],
    seeds: 40,
    tests: ['src/engine/recorder.test.ts', 'src/engine/plan-version.test.ts'],
  },
  {
    name: 'divides by the plan of today instead of the event’s',
    law: 'I8',
    edits: [{ file: 'src/engine/record-event.ts', from: `  const plan = versionInForce(ledger.plans, ledger.program.versionInstant(event))`, to: `  const plan = versionInForce(ledger.plans, now)` }],
    seeds: 40,
    tests: ['src/engine/plan-version.test.ts'],
  },
  {
    name: 'divides by a plan that another server has replaced',
    law: 'I8',
    edits: [
      { file: RECORDER, from: `      if (head.plan > newest) return { abort: true, result: 'new plan' }`, to: `      if (head.plan < 0) return { abort: true, result: 'new plan' }` },
    ],
    seeds: 60,
    tests: ['src/engine/plan-version.test.ts'],
  },
  {
    name: 'swallows a refusal: a row that is no event vanishes without a word',
    law: 'I5',
    edits: [{ file: 'src/engine/take-inbox.ts', from: `references.filter((reference) => !judged.has(reference)))`, to: `references)` }],
    seeds: 20,
    tests: ['src/engine/take-inbox.test.ts'],
  },
  {
    name: 'gives the units left over to the largest weights whatever the plan says',
    law: 'I1',
    edits: [{ file: 'src/core/allocate/extras.ts', from: `    case 'largest remainder':\n      return byCut('remainder', total)`, to: `    case 'largest remainder':\n      return byCut('weight', total)` }],
    seeds: 10,
    tests: ['src/core/allocate/allocate.test.ts', 'src/core/allocate.test.ts'],
  },
  {
    name: 'keeps no answer under an idempotency key’s content',
    law: 'door',
    edits: [{ file: 'src/engine/idempotency.ts', from: `  return Buffer.compare(one, other) === 0`, to: `  return one.length === other.length` }],
    seeds: 20,
    tests: ['src/engine/idempotency.test.ts', 'src/http/idempotent.test.ts'],
  },
  {
    name: 'spends an idempotency key on a refusal that time heals',
    law: 'door',
    edits: [{ file: 'src/http/idempotent.ts', from: `spent: !refusedByState }`, to: `spent: true }` }],
    seeds: 40,
    tests: ['src/http/idempotent.test.ts'],
  },
  {
    name: 'makes a new draft or version each time that a request under a key is done again',
    law: 'door',
    edits: [{ file: 'src/http/idempotent.ts', from: `slot === null ? null : idUnder(slot)`, to: `null` }],
    seeds: 40,
    tests: ['src/http/idempotent.test.ts'],
  },
  {
    name: 'lets the proposer approve',
    law: 'I10',
    edits: [{ file: 'src/engine/check-approval.ts', from: `  if (except.has(key)) {`, to: `  if (except.has(key) && key === '') {` }, { file: 'src/core/approval.ts', from: `!isSame || except.has(key) ||`, to: `!isSame ||` }],
    seeds: 20,
    tests: ['src/engine/plan-version.test.ts', 'src/http/approvals.test.ts'],
  },
  {
    name: 'approves what stands there now, not what was looked at',
    law: 'I10',
    edits: [{ file: 'src/engine/check-approval.ts', from: `  if (given === hash) return\n`, to: `  if (given !== '') return\n` }],
    seeds: 0,
    tests: ['src/http/approvals.test.ts', 'src/engine/payout-approval.test.ts', 'src/engine/plan-version.test.ts'],
  },
  {
    name: 'reverses more than is left',
    law: 'I2',
    edits: [{ file: 'src/core/reversal-work.ts', from: `  if (units > left || units === 0n) throw exceeded(`, to: `  if (units === 0n) throw exceeded(` }],
    seeds: 20,
    tests: ['src/core/reversal.test.ts', 'src/engine/reverse-event.test.ts'],
  },
  {
    name: 'takes back what was paid as if it were there',
    law: 'I5',
    edits: [{ file: 'src/engine/reverse-event.ts', from: `: (UNPAID as readonly string[]).includes(payout.state)\n`, to: `: (UNPAID as readonly string[]).length > 0\n` }],
    seeds: 40,
    tests: ['src/engine/reverse-payouts.test.ts', 'src/engine/reverse-event.test.ts'],
  },
  {
    name: 'never recoups what a recipient owes',
    law: 'I5',
    edits: [{ file: 'src/engine/keep-back.ts', from: `    if (kept <= 0n) return`, to: `    if (kept <= 0n || kept > 0n) return` }],
    seeds: 40,
    tests: ['src/engine/reverse-event.test.ts', 'src/engine/reverse-plans.test.ts'],
  },
  {
    name: 'pays what was carried and carries it on',
    law: 'I1',
    edits: [{ file: 'src/core/rules/minimum.ts', from: `    const after = total.pays ? 0n : total.before + total.now`, to: `    const after = total.before + total.now` }],
    seeds: 40,
    tests: ['src/core/rules/limits.test.ts'],
  },
  {
    name: 'chains blocks to nothing',
    law: 'I7',
    edits: [{ file: POSTING, from: `blockHash(head.hash, {`, to: `blockHash(new Uint8Array(32), {` }],
    seeds: 5,
    tests: ['src/core/posting.test.ts', 'src/engine/verify/verify.test.ts'],
  },
  {
    name: 'shows in an error what stood where a key should be',
    law: 'I11',
    edits: [{ file: 'src/http/auth.ts', from: `throw invalidKey('was not sent as a bearer token')`, to: `throw invalidKey(\`\${authorization} was not sent as a bearer token\`)` }],
    seeds: 0,
    tests: ['src/http/auth.test.ts', 'src/http/refusals.test.ts'],
  },
  {
    name: 'pays a large distribution before its last chunk',
    law: 'I5',
    edits: [{ file: 'src/store/distribution.ts', from: `lane = $1 and state = 'complete' and payout_transfer < last_transfer`, to: `lane = $1 and payout_transfer < last_transfer` }],
    seeds: 0,
    tests: ['src/engine/large-payouts.test.ts'],
  },
  {
    name: 'takes back of a large distribution once more what an earlier part took',
    law: 'I1',
    edits: [{ file: 'src/store/take-back.ts', from: `left: BigInt(units) - (back.get(part) ?? 0n) }`, to: `left: BigInt(units) }` }],
    seeds: 20,
    tests: ['src/engine/take-back.test.ts'],
  },
  {
    name: 'takes of a large distribution what was paid as if it were there',
    law: 'I3',
    edits: [{ file: 'src/engine/take-back-chunks.ts', from: `const isUnpaid = state === null ? share > reached : UNPAID.has(state)`, to: `const isUnpaid = state === null ? share > reached : UNPAID.size > 0` }],
    seeds: 0,
    tests: ['src/engine/take-back.test.ts'],
  },
  {
    name: 'posts a chunk of a large distribution twice when two carry it on',
    law: 'I1',
    edits: [
      { file: 'src/store/distribution.ts', from: `where lane = $1 and event = $2 and next_place = $3 and state = 'running'`, to: `where lane = $1 and event = $2 and $3::integer is not null` },
      { file: 'src/engine/post-chunks.ts', from: `if (standsAt?.event !== row.event || standsAt.next_place !== ready.firstPlace) return`, to: `if (standsAt?.event !== row.event) return` },
    ],
    seeds: 0,
    tests: ['src/engine/carry-distributions.test.ts'],
  },
]
