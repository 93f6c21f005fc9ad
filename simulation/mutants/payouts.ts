// Mutants of the law of once: attempts, looks, settlements, approvals and the signer. Each was thought of as a mistake that somebody makes.

import type { Mutant } from './mutant.ts'

const PREPARE = 'src/engine/prepare-attempts.ts'
const LOOK = 'src/engine/look-attempts.ts'
const SOLANA_LOOK = 'src/rails/solana/look.ts'
const CRASHES = ['src/engine/payout-crash.test.ts', 'src/engine/payout-network.test.ts', 'src/engine/payout-looks.test.ts']

export const PAYOUT_MUTANTS: readonly Mutant[] = [
  {
    name: 'submits before the attempt is committed',
    law: 'L1',
    edits: [
      {
        file: PREPARE,
        from: `  const rowsById = new Map(group.map((row) => [row.payout, row]))`,
        to: `  await queue.rail.submit({ identity, bytes, data, payouts })\n  const rowsById = new Map(group.map((row) => [row.payout, row]))`,
      },
    ],
    seeds: 20,
    tests: CRASHES,
  },
  {
    name: 'reserves a payout that has a live attempt already',
    law: 'L1',
    edits: [
      {
        file: 'src/store/attempt.ts',
        from: `'payout.state = any ($12::text[]) and payout.live_attempt is null', ' skip locked')`,
        to: `'$12::text[] is not null')`,
      },
    ],
    seeds: 40,
    tests: ['src/store/attempt.test.ts'],
  },
  {
    name: 'takes a timeout for a failure that never pays',
    law: 'L2',
    edits: [
      {
        file: SOLANA_LOOK,
        from: `  if (!asked.ok) return subjects.map(() => unknown(asked.reason))`,
        to: `  if (!asked.ok) return subjects.map(() => ({ state: 'never', proof: { reason: asked.reason } }))`,
      },
    ],
    seeds: 20,
    tests: CRASHES,
  },
  {
    name: 'takes an answer of submit for the end of the attempt',
    law: 'L2',
    edits: [
      {
        file: LOOK,
        from: `    const look = present(looks[index], 'look')`,
        to: `    const seen = present(looks[index], 'look')\n    const look: Look = seen.state === 'pending' && attempt.state === 'unknown' ? { state: 'never', proof: { reason: attempt.reason } } : seen`,
      },
    ],
    seeds: 20,
    tests: CRASHES,
  },
  {
    name: 'signs a new identity instead of sending the same bytes again',
    law: 'L3',
    edits: [
      {
        file: LOOK,
        from: `    const look = present(looks[index], 'look')`,
        to: `    const seen = present(looks[index], 'look')\n    const look: Look = seen.state === 'pending' && attempt.submit_due ? { state: 'never', proof: {} } : seen`,
      },
    ],
    seeds: 20,
    tests: CRASHES,
  },
  {
    name: 'expires by wall clock instead of block height',
    law: 'L3',
    edits: [
      {
        file: LOOK,
        from: `    const look = present(looks[index], 'look')`,
        to: `    const seen = present(looks[index], 'look')
    const madeAt = Number.parseInt(attempt.attempt.slice(0, 8) + attempt.attempt.slice(9, 13), 16)
    const look: Look = seen.state === 'pending' && world.now().epochMilliseconds - madeAt > 2000 ? { state: 'never', proof: {} } : seen`,
      },
    ],
    seeds: 40,
    tests: CRASHES,
  },
  {
    name: 'believes a node that has forgotten the past',
    law: 'L3',
    edits: [{ file: SOLANA_LOOK, from: `  if (firstAvailable > data.signedAtSlot) return`, to: `  if (firstAvailable < 0n) return` }],
    seeds: 60,
    tests: ['src/rails/solana/look.test.ts'],
  },
  {
    name: 'believes a node that lags behind',
    law: 'L3',
    edits: [{ file: SOLANA_LOOK, from: `  if (statusSlot < before.slot) return`, to: `  if (statusSlot < 0n) return` }],
    seeds: 60,
    tests: ['src/rails/solana/look.test.ts'],
  },
  {
    name: 'gives an attempt up a block too early',
    law: 'L3',
    edits: [{ file: SOLANA_LOOK, from: `  return height > data.lastValidBlockHeight`, to: `  return height + 140n > data.lastValidBlockHeight` }, { file: SOLANA_LOOK, from: `  if (before.height <= data.lastValidBlockHeight) return`, to: `  if (before.height + 140n <= data.lastValidBlockHeight) return` }, { file: SOLANA_LOOK, from: `  if (finality.height <= data.lastValidBlockHeight) return`, to: `  if (finality.height + 140n <= data.lastValidBlockHeight) return` }],
    seeds: 40,
    tests: ['src/rails/solana/look.test.ts'],
  },
  {
    name: 'settles on a block that is not final',
    law: 'L4',
    edits: [
      { file: SOLANA_LOOK, from: `status?.confirmationStatus === 'finalized' ? [{ subject, status }] : []`, to: `status === null ? [] : [{ subject, status }]` },
      { file: 'src/rails/solana/questions.ts', from: `{ commitment: 'finalized', encoding: 'base64', maxSupportedTransactionVersion: 0 }`, to: `{ commitment: 'confirmed', encoding: 'base64', maxSupportedTransactionVersion: 0 }` },
    ],
    seeds: 60,
    tests: ['src/rails/solana/look.test.ts', 'src/rails/solana/rail.test.ts'],
  },
  {
    name: 'ends an attempt that has ended already, and releases its reservation twice',
    law: 'L4',
    edits: [
      { file: 'src/store/attempt.ts', from: ` and attempt.state = any ($15::text[])')}, ended as (`, to: ` and $15::text[] is not null')}, ended as (` },
    ],
    seeds: 60,
    tests: ['src/store/attempt.test.ts', 'src/engine/payouts.test.ts'],
  },
  {
    name: 'posts no settlement to the ledger',
    law: 'I4',
    edits: [{ file: LOOK, from: `    ...payouts.map(({ payout, recipient, units }): Leg => {`, to: `    ...payouts.slice(1).map(({ payout, recipient, units }): Leg => {` }],
    seeds: 5,
    tests: ['src/engine/payouts.test.ts'],
  },
  {
    name: 'forgets the fees',
    law: 'I4',
    edits: [{ file: LOOK, from: `      .filter(({ units }) => units > 0n)`, to: `      .filter(({ units, kind }) => units > 0n && kind !== 'fee')` }],
    seeds: 5,
    tests: ['src/engine/payouts.test.ts'],
  },
  {
    name: 'takes its own payment for a withdrawal by the owner',
    law: 'I4',
    edits: [{ file: 'src/store/attempt.ts', from: `  return new Set(found.map(({ identity }) => identity))`, to: `  return new Set(found.map(({ identity }) => identity).filter((identity) => identity === ''))` }],
    seeds: 5,
    tests: ['src/engine/watch-wallets.test.ts'],
  },
  {
    name: 'releases the whole batch when one member fails, and blames nobody',
    law: 'L5',
    edits: [{ file: LOOK, from: `  if (member !== null) {`, to: `  if (member !== null && payouts.length === 0) {` }],
    seeds: 0,
    tests: ['src/engine/payout-network.test.ts'],
  },
  {
    name: 'gives up after a failure',
    law: 'L5',
    edits: [{ file: 'src/engine/prepare-attempts.ts', from: `    return { payout, reason, detail, dueAt: retryAt(world, tries), enough`, to: `    return { payout, reason, detail, dueAt: tries > 0 ? null : retryAt(world, tries), enough` }],
    seeds: 20,
    tests: ['src/engine/payout-obstacles.test.ts'],
  },
  {
    name: 'pays a share before its lock ends',
    law: 'I5',
    edits: [
      { file: 'src/store/payout.ts', from: `where lane = $1 and wallet = $2 and asset = $3 and state = 'queued' and due_at <= $4\n        and (locked_until is null or locked_until <= $4)`, to: `where lane = $1 and wallet = $2 and asset = $3 and state = 'queued' and due_at <= $4` },
      { file: 'src/store/payout.ts', from: `\n          and (payout.locked_until is null or payout.locked_until <= $2)`, to: `` },
      { file: 'src/store/payout.ts', from: `greatest($14::timestamptz, locked_until) end, $14, $14 from given`, to: `$14::timestamptz end, $14, $14 from given` },
    ],
    seeds: 40,
    tests: ['src/engine/reverse-payouts.test.ts'],
  },
  {
    name: 'lets large payouts go without a person',
    law: 'I10',
    edits: [
      { file: 'src/engine/await-approval.ts', from: `  if (asked.length === 0) return due\n`, to: `  if (asked.length >= 0) return due\n` },
      { file: 'src/signer/policy.ts', from: `    if (above === undefined || units <= BigInt(above)) continue`, to: `    if (above === undefined || units >= 0n) continue` },
    ],
    seeds: 20,
    tests: ['src/engine/payout-approval.test.ts'],
  },
  {
    name: 'has the gate ask nobody, and leaves it to the signer',
    law: 'I10',
    edits: [{ file: 'src/engine/await-approval.ts', from: `  if (asked.length === 0) return due\n`, to: `  if (asked.length >= 0) return due\n` }],
    seeds: 0,
    tests: ['src/engine/payout-approval.test.ts'],
  },
  {
    name: 'has the signer ask for no approval',
    law: 'L6',
    edits: [{ file: 'src/signer/policy.ts', from: `    if (above === undefined || units <= BigInt(above)) continue`, to: `    if (above === undefined || units >= 0n) continue` }],
    seeds: 0,
    tests: ['src/signer/sign.test.ts', 'src/signer/check.test.ts', 'src/engine/payout-approval.test.ts'],
  },
  {
    name: 'has the signer pay another amount than the shares',
    law: 'L6',
    edits: [{ file: 'src/signer/check.ts', from: `  if (shareUnits !== units) {`, to: `  if (shareUnits < 0n) {` }],
    seeds: 0,
    tests: ['src/signer/check.test.ts'],
  },
  {
    name: 'has the signer sign first and count never',
    law: 'L6',
    edits: [{ file: 'src/signer/sign.ts', from: `    if (batch.uncounted.length > 0) checkCount(`, to: `    if (batch.uncounted.length < 0) checkCount(` }],
    seeds: 0,
    tests: ['src/signer/limit.test.ts'],
  },
  {
    name: 'pays to the address of today instead of that of the event',
    law: 'I5',
    edits: [{ file: 'src/store/payout.ts', from: 'earlier.effective_from <= ${at}', to: 'earlier.effective_from is not null' }],
    seeds: 40,
    tests: ['src/engine/set-destinations.test.ts', 'src/store/payout.test.ts', 'src/engine/make-payouts.test.ts'],
  },
]
