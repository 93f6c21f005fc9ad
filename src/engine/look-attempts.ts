// Looks at live attempts and carries out what the network proves: settled, failed, or never. Everything else waits and is sent again.

import { accountName } from '../core/account.ts'
import { present, unreachable } from '../core/assert.ts'
import { accountsOf, decideBatch, type Leg } from '../core/posting.ts'
import type { Cost, Look, Rail } from '../rails/rail.ts'
import { dueAttempts, endAttempts, postponeLooks, type AttemptEnd, type LiveAttempt, type PayoutEnd } from '../store/attempt.ts'
import { runOnLane } from '../store/posting.ts'
import { walletsOf } from '../store/wallet.ts'
import type { Ledger } from './ledger.ts'
import { railPayout, retryAt, type ReadyAttempt } from './prepare-attempts.ts'
import { railAttempt, submitAttempts, type Pace } from './submit-attempts.ts'
import type { World } from './world.ts'

/** Attempts looked at in one go. */
const MAX_LOOKS = 200

type Ended = { readonly attempt: LiveAttempt; readonly end: AttemptEnd; readonly costs: readonly Cost[] }

/** Looks at what is due on a lane. Answers how many attempts ended. */
export async function lookAttempts(
  world: World,
  ledger: Ledger,
  { lane, rail, pace }: { lane: bigint; rail: Rail; pace: Pace },
): Promise<number> {
  const due = await dueAttempts(world.store.pool, lane, world.now(), MAX_LOOKS)
  if (due.length === 0) return 0
  const module = present(world.rails[rail.name], rail.name)
  const wallets = new Map((await walletsOf(world.store.pool, ledger.id)).map(({ wallet, address }) => [wallet, address]))
  const looks = await rail.look(
    due.map((attempt) => {
      const asset = present(ledger.assets.get(attempt.asset), attempt.asset)
      const wallet = { id: attempt.wallet, address: present(wallets.get(attempt.wallet), 'wallet') }
      const payouts = attempt.payouts.map((row) => railPayout(module, { ...row, units: BigInt(row.units) }, asset))
      return { attempt: railAttempt(ready(attempt)), wallet, payouts }
    }),
  )
  const ended: Ended[] = []
  const open: LiveAttempt[] = []
  for (const [index, attempt] of due.entries()) {
    const look = present(looks[index], 'look')
    const end = endOf(world, attempt, look)
    if (end === null) open.push(attempt)
    else ended.push({ attempt, end, costs: 'costs' in look ? look.costs : [] })
  }
  await postponeOrResend(world, rail, { lane, open, pace })
  if (ended.length > 0) await finish(world, lane, ended)
  return ended.length
}

function ready({ lane, attempt, identity, bytes, data, payouts }: LiveAttempt): ReadyAttempt {
  return { lane, attempt, identity, bytes: new Uint8Array(bytes), data, members: payouts.map(({ payout }) => payout) }
}

async function postponeOrResend(
  world: World,
  rail: Rail,
  { lane, open, pace }: { lane: bigint; open: readonly LiveAttempt[]; pace: Pace },
): Promise<void> {
  const silent = open.filter(({ submit_due: due }) => due)
  const waiting = open.filter(({ submit_due: due }) => !due)
  const lookAt = world.now().add({ milliseconds: pace.lookAfterMs })
  if (waiting.length > 0) await postponeLooks(world.store.pool, lane, waiting.map(({ attempt }) => ({ attempt, lookAt })))
  if (silent.length > 0) await submitAttempts(world, rail, { lane, attempts: silent.map(ready), pace })
}

/** What a look proves about an attempt and its payouts, or null while nothing is proven. */
function endOf(world: World, attempt: LiveAttempt, look: Look): AttemptEnd | null {
  const { payouts } = attempt
  const base = { payouts: [] as PayoutEnd[], reason: null, attempt: attempt.attempt }
  switch (look.state) {
    case 'pending':
    case 'unknown':
      return null
    case 'settled':
      return { ...base, state: 'settled', proof: look.proof, payouts: payouts.map((member) => paid(member)) }
    case 'never':
      // It can never pay: the batch is signed anew as it was.
      return { ...base, state: 'never', proof: look.proof, payouts: payouts.map((member) => queued(member, world.now(), attempt.attempt)) }
    case 'failed':
      return { ...base, state: 'failed', reason: look.reason, proof: look.proof, payouts: afterFailure(world, attempt, look) }
    default:
      return unreachable(look)
  }
}

type Member = LiveAttempt['payouts'][number]

/** The member that the rail names is taken out; where it names none and blames nobody, the batch is halved. */
function afterFailure(world: World, attempt: LiveAttempt, look: Extract<Look, { state: 'failed' }>): PayoutEnd[] {
  const { payouts } = attempt
  const { member, hold, reason } = look
  if (member !== null) {
    return payouts.map((payout) => {
      return payout.payout === member.payout ? held(world, payout, member.hold, reason) : queued(payout, world.now(), attempt.attempt)
    })
  }
  if (hold !== null) return payouts.map((payout) => held(world, payout, hold, reason))
  if (payouts.length === 1) return payouts.map((payout) => held(world, payout, 'rail_refused', reason))
  const halves = [world.id(), world.id()] as const
  return payouts.map((payout, index) => queued(payout, world.now(), index < payouts.length / 2 ? halves[0] : halves[1]))
}

function paid({ payout, tries }: Member): PayoutEnd {
  return { payout, state: 'settled', reason: null, detail: null, dueAt: null, batch: null, tries }
}

function queued({ payout, tries }: Member, dueAt: Temporal.Instant, batch: string): PayoutEnd {
  return { payout, state: 'queued', reason: null, detail: null, dueAt, batch, tries: tries + 1 }
}

function held(world: World, { payout, tries }: Member, reason: PayoutEnd['reason'], detail: string): PayoutEnd {
  return { payout, state: 'held', reason, detail, dueAt: retryAt(world, tries), batch: null, tries: tries + 1 }
}

/** Ends attempts and posts what follows, in one transaction. Attempts that another worker ended meanwhile are left alone. */
async function finish(world: World, lane: bigint, ended: readonly Ended[]): Promise<void> {
  const now = world.now()
  const members = ended.map(({ attempt, end, costs }) => ({ type: 'move' as const, attempt: end.attempt, legs: legsOf(attempt, end, costs) }))
  await runOnLane(world.store, {
    lane,
    digests: [],
    accounts: members.flatMap((member) => accountsOf(member)),
    guards: [endAttempts(lane, ended.map(({ end }) => end), now)],
    decide: ({ head, known, guarded }) => {
      const rows = present(guarded[0], 'ended attempts').rows as { attempt: string; payout: string | null }[]
      const mine = new Set(rows.map(({ attempt }) => attempt))
      const { outcomes, write } = decideBatch(head, known, members.filter(({ attempt }) => mine.has(attempt)), now)
      for (const outcome of outcomes) if (outcome.state === 'refused') throw outcome.refusal
      return { abort: false, write, after: [], result: null }
    },
  })
}

function legsOf({ wallet, asset, payouts, attempt }: LiveAttempt, { state }: AttemptEnd, costs: readonly Cost[]): readonly Leg[] {
  const walletAccount = accountName('wallet', wallet)
  return [
    ...payouts.map(({ payout, recipient, units }): Leg => {
      const flight = accountName('in_flight', recipient)
      const base = { debit: flight, asset, units: BigInt(units), part: null, subject: payout }
      return state === 'settled'
        ? { ...base, kind: 'settled', credit: walletAccount }
        : { ...base, kind: 'released', credit: accountName('payable', recipient) }
    }),
    ...costs
      .filter(({ units }) => units > 0n)
      .map(({ kind, asset: costAsset, units }): Leg => {
        return { kind, debit: 'network', credit: walletAccount, asset: costAsset, units, part: null, subject: attempt }
      }),
  ]
}
