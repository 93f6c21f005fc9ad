// A thousand histories of the pure deciders, and deliberately broken deciders that the oracles must notice: a check that cannot fail checks nothing.

import { expect, it } from 'vitest'
import { advanceAttempt } from '../src/core/attempt.ts'
import { decideSlots } from '../src/core/lane-slots.ts'
import { advancePayout } from '../src/core/payout.ts'
import { runDeciders } from './deciders.ts'
import { playBlock, REAL, type Deciders, type Kind } from './deciders/thread.ts'

it('holds every law through a thousand histories', async () => {
  const lines: string[] = []
  expect(await runDeciders({ histories: 1_000, seed: 0, threads: 1, print: (line) => lines.push(line) })).toBe(true)
  expect(lines.join('\n')).toMatch(/payouts +1,000 histories, .* 0 broken\nslots +100 histories, .* 0 broken/)
})

it('plays the same history for the same seed', () => {
  const [one, other, next] = [0, 0, 500].map((first) => playBlock({ kind: 'payouts', first, count: 500 }).moves)
  expect(one).toBe(other)
  expect(one).not.toBe(next)
})

type Broken = { readonly says: string; readonly kind: Kind; readonly deciders: Partial<Deciders>; readonly finding: RegExp }

const BROKEN: readonly Broken[] = [
  {
    says: 'reserves what is reserved',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'reserve' && now.state === 'reserved' ? { state: 'reserved', attempt: by.attempt } : advancePayout(now, by)) },
    finding: /was made while attempt|gave out more/,
  },
  {
    says: 'takes a timeout for a failure',
    kind: 'payouts',
    deciders: { advanceAttempt: (now, by) => (by.type === 'lost' ? advanceAttempt(now, { type: 'fail', reason: by.reason, proof: { none: true } }) : advanceAttempt(now, by)) },
    finding: /is said to have failed, and the network says/,
  },
  {
    says: 'takes an accepted submit for a settlement',
    kind: 'payouts',
    deciders: { advanceAttempt: (now, by) => (by.type === 'submitted' ? advanceAttempt(now, { type: 'settle', proof: { answer: by.answer } }) : advanceAttempt(now, by)) },
    finding: /is said to have settled, and the network says/,
  },
  {
    says: 'says never of what it does not know',
    kind: 'payouts',
    deciders: { advanceAttempt: (now, by) => (by.type === 'lost' && now.state === 'unknown' ? { state: 'never', proof: { none: true } } : advanceAttempt(now, by)) },
    finding: /is said to have never, and the network says/,
  },
  {
    says: 'settles after never',
    kind: 'payouts',
    deciders: { advanceAttempt: (now, by) => (by.type === 'expire' && now.state === 'settled' ? { state: 'never', proof: by.proof } : by.type === 'expire' && now.state === 'never' ? { state: 'settled', proof: by.proof } : advanceAttempt(now, by)) },
    finding: /went from never to settled/,
  },
  {
    says: 'ends without proof',
    kind: 'payouts',
    deciders: { advanceAttempt: (now, by) => (by.type === 'expire' ? advanceAttempt(now, { type: 'expire', proof: {} }) : advanceAttempt(now, by)) },
    finding: /ended without proof/,
  },
  {
    says: 'lets an old end release a payout of a new attempt',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'release' && now.state === 'reserved' ? { state: 'queued', dueAt: by.dueAt } : advancePayout(now, by)) },
    finding: /was let go while its attempt may still pay/,
  },
  {
    says: 'releases twice',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'release' && now.state === 'settled' ? { state: 'queued', dueAt: by.dueAt } : advancePayout(now, by)) },
    finding: /went from settled to queued/,
  },
  {
    says: 'cancels what is on its way',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'cancel' && now.state === 'reserved' ? { state: 'cancelled' } : advancePayout(now, by)) },
    finding: /went from reserved to cancelled/,
  },
  {
    says: 'lets time wake what a person turned away',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'requeue' && now.state === 'held' ? { state: 'queued', dueAt: by.dueAt } : advancePayout(now, by)) },
    finding: /which a person turned away, went on by requeue/,
  },
  {
    says: 'does not take the end of its attempt',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'fail' ? null : advancePayout(now, by)) },
    finding: /did not take the end of its attempt/,
  },
  {
    says: 'never tries again what was held',
    kind: 'payouts',
    deciders: { advancePayout: (now, by) => (by.type === 'requeue' ? null : advancePayout(now, by)) },
    finding: /is held for ever/,
  },
  {
    says: 'takes what others have',
    kind: 'slots',
    deciders: { decideSlots: (view, memory) => decideSlots({ ...view, others: new Set() }, memory) },
    finding: /took what somebody has/,
  },
  {
    says: 'never leaves its surplus to others',
    kind: 'slots',
    deciders: { decideSlots: (view, memory) => decideSlots({ ...view, workers: 1 }, memory) },
    finding: /more than its part|kept what fails/,
  },
  {
    says: 'forgets to take what nobody has',
    kind: 'slots',
    deciders: { decideSlots: (view, memory) => ({ ...decideSlots(view, memory), take: [] }) },
    finding: /have a worker after a long calm/,
  },
  {
    says: 'shuns what nobody else can try',
    kind: 'slots',
    deciders: {
      decideSlots: (view, memory) => {
        const decided = decideSlots(view, memory)
        return view.workers > 1 ? decided : { ...decided, leave: [...view.mine] }
      },
    },
    finding: /the only worker left/,
  },
]

/** Histories within which each must be noticed. */
const SOON = 200

it.each(BROKEN)('notices a decider that $says', ({ kind, deciders, finding }) => {
  const { findings } = playBlock({ kind, first: 0, count: SOON }, { ...REAL, ...deciders })
  expect(findings.map((found) => found.finding).join('\n')).toMatch(finding)
})
