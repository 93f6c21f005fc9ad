// An explanation in plain words, a sentence or two a figure, for people who check an amount by hand.

import { REVERSING } from '../core/reversal.ts'
import { formatMoney, parseAsset } from '../core/money.ts'
import type { ExplainedPayout, ExplainedShare, Explanation } from './explain-document.ts'

/** The sentences in the order of the money's way: in, divided, each share, paid; at the end whether the ledger agrees. */
export function sentences(explanation: Explanation): string[] {
  const { asked, shares } = explanation
  const told = shares.filter(({ part }) => asked.parts.includes(part))
  const others = shares.length - told.length
  return [
    ...eventSentences(explanation),
    ...planSentences(explanation),
    ...told.flatMap((share) => shareSentences(explanation, share)),
    ...(others === 0 ? [] : [`The other ${others === 1 ? 'share is' : `${others} shares are`} explained with the event ${explanation.event.reference}.`]),
    ...reversalSentences(explanation),
    ...costSentences(told),
    ...agreement(explanation),
  ]
}

function eventSentences({ event, block, received }: Explanation): string[] {
  const parties = Object.entries(event.parties).map(([role, party]) => `its ${role} is ${party}`)
  const place = `event ${event.number} of lane ${event.lane}`
  return [
    `${money(event.units, event.asset)} came in as ${event.reference}, which happened at ${event.event_at}${parties.length === 0 ? '' : ` (${parties.join(', ')})`}.`,
    `By the door "${event.door}" it was recorded at ${event.recorded_at} as ${place}${event.backdated ? ', backdated' : ''}, in block ${block.number} with the hash ${block.hash}${received === null ? '' : `; transfer ${received.number} holds it`}.`,
  ]
}

function planSentences({ plan, steps }: Explanation): string[] {
  const from = plan.effective_from === null ? 'from the beginning' : `from ${plan.effective_from}`
  const [first, ...others] = steps.map(({ name, rule, rounding, pool, from: source }, index) => {
    const divided = index === 0 ? `${pool} units` : `${pool} units of ${source}`
    return `divides ${divided} by ${rule} in the step "${name}"; units that do not divide go by ${rounding}`
  })
  return [
    `Plan version ${plan.version}, in force ${from}, ${first ?? 'divides nothing'} (hash of the plan: ${plan.hash}).`,
    ...others.map((step) => `Then it ${step}.`),
  ]
}

function shareSentences(explanation: Explanation, share: ExplainedShare): string[] {
  const { plan } = explanation
  const { role, recipient, account, grounds, formula, asset, units, claimed, transfer } = share
  const exact = share.remainder === '0' || share.remainder.startsWith('0/')
  const result = exact ? `${units} units, ${share.note}` : `${share.quota}, that is ${share.floor} whole units and ${share.remainder} of one; ${share.note}: ${units} units`
  const first = `Plan version ${plan.version} gives ${role} ${grounds}: ${formula} = ${result} (${money(units, asset)} for ${recipient ?? account}).`
  return [
    first,
    ...(claimed === null || claimed === units ? [] : [`The event came with ${claimed} units for ${role}; the plan's figure counts.`]),
    ...(transfer === null ? [] : [`The ledger holds it as transfer ${transfer.number}, from ${transfer.debit} to ${transfer.credit}, in block ${explanation.block.number}.`]),
    ...(share.deducted === '0' ? [] : [`Before it was paid, ${money(share.deducted, asset)} of it were taken back by reversals, or kept back for what ${recipient ?? account} owed.`]),
    ...pastSentences(share),
    standingSentence(share),
  ]
}

/** Attempts that ended without paying. */
function pastSentences({ payout }: ExplainedShare): string[] {
  return (payout?.attempts ?? [])
    .filter(({ state }) => state === 'failed' || state === 'never')
    .map(({ attempt, identity, state, prepared_at: prepared, ended_at: ended, reason, proof }) => {
      const end = state === 'failed' ? `failed${reason === null ? '' : ` (${reason})`}` : 'can never pay, which is proven'
      return `Attempt ${attempt}, on the network ${identity}, prepared at ${prepared}, ended at ${ended ?? 'an unknown time'}: it ${end}${proofText(proof, identity)}.`
    })
}

function standingSentence({ role, now, payout, account, units, deducted }: ExplainedShare): string {
  const together = payout === null || payout.shares === 1 ? '' : `, of ${payout.shares} shares that are ${payout.amount} together,`
  const own = payout === null ? '' : `Payout ${payout.payout}${payout.destination === null ? '' : ` to ${payout.destination}`}${together}`
  switch (now.state) {
    case 'zero':
      return `That is nothing to pay, so there is no transfer for ${role}.`
    case 'missing':
      return `The ledger has no transfer for ${role}, though the plan gives it: this must be looked at.`
    case 'kept':
      return `It stands in ${now.account}, from which nothing is paid.`
    case 'changed':
      return `The step "${now.by}" changed it, so that this share itself was not posted.`
    case 'running':
      return `It is posted to ${account}, and counts when its distribution is complete.`
    case 'payable':
      return deducted === units ? 'Nothing of it is left to be paid.' : `It stands in ${account}; its payout is made next.`
    case 'queued':
      return `${own} is queued since ${now.since}${now.due_at === null ? '' : `, due at ${now.due_at}`}${now.locked_until === null ? '' : `, locked until ${now.locked_until}`}.`
    case 'awaiting_approval':
      return `${own} waits since ${now.since} for a person's approval: it is more than the ledger pays without asking.`
    case 'held':
      return `${own} is held since ${now.since}: ${now.reason}${now.detail === null ? '' : ` (${now.detail})`}${now.retry_at === null ? '' : `; looked at again at ${now.retry_at}`}.`
    case 'cancelled':
      return `${own} was cancelled at ${now.since}: nothing is left of it to be paid.`
    case 'in_flight':
      return `${own} is on its way since ${now.since} in attempt ${now.attempt}, on the network ${now.identity} (${attemptText(now, payout)}).`
    case 'paid':
      return `${own} was paid in attempt ${now.attempt}, on the network ${now.identity}, settled at ${now.settled_at}${proofText(now.proof, now.identity)}.`
  }
}

/** The state of a live attempt; of one of which nothing is known, also why. */
function attemptText({ attempt, attempt_state: state }: { readonly attempt: string; readonly attempt_state: string }, payout: ExplainedPayout | null): string {
  const reason = payout?.attempts.find((one) => one.attempt === attempt)?.reason ?? null
  return state === 'unknown' && reason !== null ? `${state}: ${reason}` : state
}

/** Each reversal: how much of what, and from which accounts it was taken. */
function reversalSentences({ event, reversals }: Explanation): string[] {
  return reversals.map(({ reference, units, asset, block, transfers }) => {
    const moved = transfers.flatMap(({ kind, debit, credit, units: each, number }) => {
      if (kind === 'reversed' && debit === REVERSING) return [`${money(each, asset)} to be taken back of what was given in chunks (transfer ${number})`]
      if (kind === 'reversed') return [`${money(each, asset)} from ${debit} (transfer ${number})`]
      if (kind === 'taken_back') return [`of that ${money(each, asset)} from ${debit} (transfer ${number})`]
      return kind === 'restored' ? [`${money(each, asset)} given back to ${credit} (transfer ${number})`] : []
    })
    return `${reference} reversed ${money(units, asset)} of ${event.reference} at ${block.recorded_at}, in block ${block.number}: ${moved.join(', ')}.`
  })
}

/** What the network took, once an attempt. */
function costSentences(shares: readonly ExplainedShare[]): string[] {
  const attempts = new Map(shares.flatMap(({ payout }) => payout?.attempts ?? []).map((attempt) => [attempt.attempt, attempt]))
  return [...attempts.values()].filter(({ costs }) => costs.length > 0).map(costSentence)
}

function costSentence({ attempt, payouts, costs }: ExplainedPayout['attempts'][number]): string {
  const taken = costs.map(({ units, asset, kind, number }) => `${money(units, asset)} (${units} units) as ${kind}, transfer ${number}`)
  const shared = payouts === 1 ? 'one payout' : `${payouts} payouts`
  return `For attempt ${attempt} with ${shared} the network took ${taken.join(' and ')}; the account network bears it, no share is less for it.`
}

function agreement({ agrees, differences }: Explanation): string[] {
  if (agrees) return ['All figures were worked out anew from the event and the plan, and the ledger holds the same.']
  return [
    `The ledger does not hold what the event and the plan give: ${differences.length === 1 ? 'one difference' : `${differences.length} differences`}.`,
    ...differences.map(({ what, expected, found }) => `Difference in ${what}: worked out ${expected}; the ledger has ${found}.`),
  ]
}

function money(units: string, asset: string): string {
  return formatMoney(BigInt(units), parseAsset(asset))
}

/** The plain fields of a network's proof, as it names them; what is nested stands in the document. */
function proofText(proof: unknown, identity: string): string {
  if (proof === null || typeof proof !== 'object' || Array.isArray(proof)) return ''
  const fields = Object.entries(proof).filter(([, value]) => value !== null && typeof value !== 'object' && value !== identity)
  return fields.length === 0 ? '' : ` (proof: ${fields.map(([name, value]) => `${name} ${String(value)}`).join(', ')})`
}
