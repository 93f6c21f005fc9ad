// Looks at live attempts and carries out what the network proves: settled, failed, or never. Everything else waits and is sent again.

import { accountName } from '../core/account.ts'
import { assert, present, unreachable } from '../core/assert.ts'
import { advanceAttempt, lookBackoffMs, type AttemptAction, type AttemptState } from '../core/attempt.ts'
import type { JsonObject } from '../core/effects.ts'
import { advancePayout, type PayoutAction, type PayoutHold } from '../core/payout.ts'
import { accountsOf, decideBatch, type Leg } from '../core/posting.ts'
import { Refusal } from '../core/refusal.ts'
import type { Cost, Look, LookInput, Rail } from '../rails/rail.ts'
import { dueAttempts, endAttempts, recordLooks, type AttemptEnd, type LiveAttempt, type OpenLook, type PayoutEnd } from '../store/attempt.ts'
import { queueNeighbours } from '../store/held-payout.ts'
import { runOnLane } from '../store/posting.ts'
import { walletsOf } from '../store/wallet.ts'
import type { Ledger } from './ledger.ts'
import { railPayout, retryAt, type ReadyAttempt } from './prepare-attempts.ts'
import { railAttempt, submitAttempts, type Pace } from './submit-attempts.ts'
import type { World } from './world.ts'

/** Attempts looked at in one go. */
const MAX_LOOKS = 200
/** Payouts that one settlement lets go because their destination is there now; theirs let go the next. */
const MAX_NEIGHBOURS = 1000

type Open = { readonly attempt: LiveAttempt; readonly look: Extract<Look, { state: 'pending' | 'unknown' }> }

type Ended = { readonly attempt: LiveAttempt; readonly end: AttemptEnd; readonly costs: readonly Cost[] }

/** Looks at what is due on a lane. Answers how many attempts ended. */
export async function lookAttempts(
  world: World,
  ledger: Ledger,
  { lane, rail, pace }: { lane: bigint; rail: Rail; pace: Pace },
): Promise<number> {
  const due = await dueAttempts(world.store.pool, lane, world.now(), MAX_LOOKS)
  if (due.length === 0) return 0
  const ended: Ended[] = []
  const open: Open[] = []
  const looks = await looksAt(world, ledger, rail, due)
  for (const [index, attempt] of due.entries()) {
    const look = present(looks[index], 'look')
    if (look.state === 'pending' || look.state === 'unknown') open.push({ attempt, look })
    else ended.push({ attempt, end: endOf(world, attempt, look), costs: 'costs' in look ? look.costs : [] })
  }
  if (open.length > 0) await keepOpen(world, rail, { lane, open, pace })
  if (ended.length > 0) await finish(world, lane, ended)
  return ended.length
}

/** A look at each, in the order of `due`. What cannot be read, or breaks the rail, is unknown by itself and keeps no other from being seen. */
async function looksAt(world: World, ledger: Ledger, rail: Rail, due: readonly LiveAttempt[]): Promise<readonly Look[]> {
  const module = present(world.rails[rail.name], rail.name)
  const wallets = new Map((await walletsOf(world.store.pool, ledger.id)).map(({ wallet, address }) => [wallet, address]))
  const looks = new Map<string, Look>()
  const inputs: LookInput[] = []
  const readable: LiveAttempt[] = []
  for (const attempt of due) {
    try {
      const asset = present(ledger.assets.get(attempt.asset), attempt.asset)
      const wallet = { id: attempt.wallet, address: present(wallets.get(attempt.wallet), 'wallet') }
      const payouts = attempt.payouts.map((row) => railPayout(module, { ...row, units: BigInt(row.units) }, asset))
      inputs.push({ attempt: railAttempt(ready(attempt)), wallet, payouts })
      readable.push(attempt)
    } catch (error) {
      looks.set(attempt.attempt, unreadable(error))
    }
  }
  const seen = await lookSeparately(rail, inputs)
  for (const [index, { attempt }] of readable.entries()) looks.set(attempt, present(seen[index], 'look'))
  return due.map(({ attempt }) => present(looks.get(attempt), 'look'))
}

/** All at once; should one of them break the rail, each by itself. */
async function lookSeparately(rail: Rail, inputs: readonly LookInput[]): Promise<readonly Look[]> {
  if (inputs.length === 0) return []
  try {
    return await rail.look(inputs)
  } catch (error) {
    if (error instanceof Refusal) throw error
    if (inputs.length === 1) return [unreadable(error)]
    const looks: Look[] = []
    for (const input of inputs) looks.push(...(await lookSeparately(rail, [input])))
    return looks
  }
}

function unreadable(error: unknown): Look {
  return { state: 'unknown', reason: `it cannot be looked at: ${error instanceof Error ? error.message : String(error)}` }
}

function ready({ lane, attempt, identity, bytes, data, payouts }: LiveAttempt): ReadyAttempt {
  return { lane, attempt, identity, bytes: new Uint8Array(bytes), data, members: payouts.map(({ payout }) => payout) }
}

/** Keeps what looks said that ended nothing. What may still land is sent again when its time has come. */
async function keepOpen(
  world: World,
  rail: Rail,
  { lane, open, pace }: { lane: bigint; open: readonly Open[]; pace: Pace },
): Promise<void> {
  const now = world.now()
  const rows = open.map((one) => openLook(one, now, pace))
  for (const [index, { attempt, look }] of open.entries()) {
    if (look.state !== 'unknown' || isKnown(attempt, look.reason)) continue
    const { looks } = present(rows[index], 'row')
    world.log('warn', 'a look at an attempt proved nothing and is repeated', { attempt: attempt.attempt, identity: attempt.identity, reason: look.reason, looks })
  }
  await recordLooks(world.store.pool, lane, rows)
  const silent = open.filter(({ attempt, look }) => attempt.submit_due && !isExpired(look))
  if (silent.length > 0) await submitAttempts(world, rail, { lane, attempts: silent.map(({ attempt }) => ready(attempt)), pace })
}

function isExpired(look: Open['look']): boolean {
  return look.state === 'unknown' && look.expired === true
}

/** Whether the last look said the same. Heights and slots in it are others each time, and no news. */
function isKnown({ looks, reason }: LiveAttempt, now: string): boolean {
  const words = (text: string): string => text.replaceAll(/\d+/g, '0')
  return looks > 0 && reason !== null && words(reason) === words(now)
}

function openLook({ attempt, look }: Open, now: Temporal.Instant, { lookAfterMs }: Pace): OpenLook {
  const base = { attempt: attempt.attempt, expired: isExpired(look) }
  if (look.state === 'unknown') {
    const { state } = advanced(attempt, { type: 'lost', reason: look.reason })
    const lookAt = now.add({ milliseconds: lookBackoffMs(lookAfterMs, attempt.looks) })
    return { ...base, state, reason: look.reason, looks: attempt.looks + 1, lookAt }
  }
  const lookAt = now.add({ milliseconds: lookAfterMs })
  // Of what was never sent, or not taken, the network's silence says no more than is known.
  const isNews = attempt.state === 'submitted' || attempt.looks > 0
  if (!isNews) return { ...base, state: attempt.state, reason: attempt.reason, looks: 0, lookAt }
  const { state } = advanced(attempt, { type: 'submitted', answer: look.detail })
  return { ...base, state, reason: look.detail, looks: 0, lookAt }
}

/** A live attempt after an action: every action is allowed while it is live. */
function advanced({ state, reason }: LiveAttempt, action: AttemptAction): AttemptState {
  const current: AttemptState =
    state === 'submitted' ? { state, answer: reason ?? '' } : state === 'unknown' ? { state, reason: reason ?? '' } : { state: 'prepared' }
  return present(advanceAttempt(current, action), `${action.type} of a live attempt`)
}

/** What a look proves about an attempt and its payouts. */
function endOf(world: World, attempt: LiveAttempt, look: Exclude<Look, Open['look']>): AttemptEnd {
  const { payouts } = attempt
  const base = { reason: null, attempt: attempt.attempt, proof: look.proof }
  switch (look.state) {
    case 'settled':
      return { ...base, state: ended(attempt, { type: 'settle', proof: look.proof }), payouts: payouts.map((member) => paid(member, attempt)) }
    case 'never':
      // It can never pay: the batch is signed anew as it was.
      return {
        ...base,
        state: ended(attempt, { type: 'expire', proof: look.proof }),
        payouts: payouts.map((member) => queued(member, attempt, world.now(), attempt.attempt)),
      }
    case 'failed': {
      const state = ended(attempt, { type: 'fail', reason: look.reason, proof: look.proof })
      return { ...base, state, reason: look.reason, payouts: afterFailure(world, attempt, look) }
    }
    default:
      return unreachable(look)
  }
}

function ended(attempt: LiveAttempt, action: Extract<AttemptAction, { proof: JsonObject }>): AttemptEnd['state'] {
  const { state } = advanced(attempt, action)
  assert(state === 'settled' || state === 'failed' || state === 'never', 'a proof ends an attempt')
  return state
}

type Member = LiveAttempt['payouts'][number]

/** The member that the rail names is taken out; where it names none and blames nobody, the batch is halved. */
function afterFailure(world: World, attempt: LiveAttempt, look: Extract<Look, { state: 'failed' }>): PayoutEnd[] {
  const { payouts } = attempt
  const { member, hold, reason } = look
  const now = world.now()
  if (member !== null) {
    return payouts.map((payout) => {
      return payout.payout === member.payout ? held(world, payout, attempt, member.hold, reason) : queued(payout, attempt, now, attempt.attempt)
    })
  }
  if (hold !== null) return payouts.map((payout) => held(world, payout, attempt, hold, reason))
  if (payouts.length === 1) return payouts.map((payout) => held(world, payout, attempt, 'rail_refused', reason))
  const halves = [world.id(), world.id()] as const
  return payouts.map((payout, index) => queued(payout, attempt, now, index < payouts.length / 2 ? halves[0] : halves[1]))
}

function paid(member: Member, attempt: LiveAttempt): PayoutEnd {
  return moved(member, attempt, { type: 'settle', attempt: attempt.attempt }, { batch: null, tries: member.tries })
}

function queued(member: Member, attempt: LiveAttempt, dueAt: Temporal.Instant, batch: string): PayoutEnd {
  return moved(member, attempt, { type: 'release', attempt: attempt.attempt, dueAt }, { batch, tries: member.tries + 1 })
}

function held(world: World, member: Member, attempt: LiveAttempt, reason: PayoutHold, detail: string): PayoutEnd {
  const action = { type: 'fail', attempt: attempt.attempt, reason, detail, dueAt: retryAt(world, member.tries) } as const
  return moved(member, attempt, action, { batch: null, tries: member.tries + 1 })
}

/** A member after the end of the attempt that it stands on, as the payout's decider has it. */
function moved({ payout }: Member, { attempt }: LiveAttempt, action: PayoutAction, rest: Pick<PayoutEnd, 'batch' | 'tries'>): PayoutEnd {
  const next = present(advancePayout({ state: 'reserved', attempt }, action), `${action.type} of a reserved payout`)
  assert(next.state === 'settled' || next.state === 'queued' || next.state === 'held', `the end of an attempt leaves no payout ${next.state}`)
  const dueAt = next.state === 'settled' ? null : next.dueAt
  const [reason, detail] = next.state === 'held' ? [next.reason, next.detail] : [null, null]
  return { payout, state: next.state, reason, detail, dueAt, ...rest }
}

/** Ends attempts and posts what follows, in one transaction. Attempts that another worker ended meanwhile are left alone. */
async function finish(world: World, lane: bigint, ended: readonly Ended[]): Promise<void> {
  const now = world.now()
  const members = ended.map(({ attempt, end, costs }) => ({ type: 'move' as const, attempt: end.attempt, legs: legsOf(attempt, end, costs) }))
  await runOnLane(world.store, {
    lane,
    digests: [],
    states: [],
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
  const settled = ended.flatMap(({ end }) => (end.state === 'settled' ? end.payouts.map(({ payout }) => payout) : []))
  // After it, and not within: nobody waits for payouts while the lane is locked.
  if (settled.length > 0) await queueNeighbours(world.store.pool, { lane, settled, now, limit: MAX_NEIGHBOURS })
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
