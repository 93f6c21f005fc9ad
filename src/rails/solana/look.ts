// What became of attempts. The one place that may say an artefact can never pay, and only with proof. Reads alone, and changes nothing.
//
// A transaction can be in no block higher than its last valid height. So "never" needs, in this order:
// 1. A finalized height past it, read BEFORE the status: read after, the transaction could have landed between the two answers.
// 2. One request that one node answers, with
//    - that node's own finalized height past it too: a node on a dead fork has slots as new, and no status either;
//    - no status, searched in all history, as of a slot not before the finalized one of step 1;
//    - its first available block not after the slot that was final before the signature existed: a node that has forgotten the block also
//      knows no status. Asked AFTER the status: history is forgotten from its old end, so what is there afterwards was there before;
//    - the network that the attempt was signed for: every other network has no status of it, for ever.
// Step 2 is one request because an address may stand for many nodes: from several of them, each with another gap, never is easily composed.

import { assert, present } from '../../core/assert.ts'
import type { JsonObject } from '../../core/effects.ts'
import type { Look, LookInput, RailPayout } from '../rail.ts'
import type { Answer } from './client.ts'
import type { Connection } from './connection.ts'
import { attemptDataSchema, type AttemptData } from './draft.ts'
import { explainFailure, judgeSides, type Explanation } from './failure.ts'
import {
  MAX_STATUSES, accounts, finalizedBlock, firstAvailableBlock, genesisHash, landedTransaction, statuses, type Landed, type Status,
} from './questions.ts'
import { costsOf, recordOf, settlementOf } from './settlement.ts'

/** An attempt as it is looked at: its record read, its payouts in the order of its message. */
type Subject = LookInput & { readonly identity: string; readonly data: AttemptData; readonly payouts: readonly RailPayout[] }

/** Answers in the order of `attempts`. One whose record cannot be read is unknown, and keeps no other from being looked at. */
export async function lookAt(connection: Connection, attempts: readonly LookInput[]): Promise<readonly Look[]> {
  const read = attempts.map(subjectOf)
  const looks = await lookInRounds(connection, read.filter((subject) => 'identity' in subject))
  const left = [...looks]
  return read.map((subject) => ('identity' in subject ? present(left.shift(), 'look') : subject))
}

async function lookInRounds(connection: Connection, subjects: readonly Subject[]): Promise<readonly Look[]> {
  const looks: Look[] = []
  for (let start = 0; start < subjects.length; start += MAX_STATUSES) {
    // One round after the other: a look is no reason to press a node with parallel questions.
    looks.push(...(await lookAtRound(connection, subjects.slice(start, start + MAX_STATUSES))))
  }
  return looks
}

function subjectOf(input: LookInput): Subject | Look {
  const { attempt } = input
  const data = attemptDataSchema.safeParse(attempt.data)
  if (!data.success) return unknown(`the attempt's record is malformed: ${data.error.issues[0]?.message ?? 'unknown form'}`)
  const byId = new Map(input.payouts.map((payout) => [payout.id, payout]))
  const payouts = attempt.payouts.map((id) => present(byId.get(id), `payout ${id} of the attempt`))
  return { ...input, identity: attempt.identity, data: data.data, payouts }
}

type Finality = { readonly slot: bigint; readonly height: bigint }

async function lookAtRound(connection: Connection, subjects: readonly Subject[]): Promise<readonly Look[]> {
  const { client } = connection
  const asked = await client.askTogether(finalizedBlock(), statuses(subjects.map(({ identity }) => identity)))
  if (!asked.ok) return subjects.map(() => unknown(asked.reason))
  const [finality, seen] = asked.value
  connection.sawFinal(finality.slot)
  const found = subjects.map((subject, index) => ({ subject, status: seen.statuses[index] ?? null }))
  const final = found.flatMap(({ subject, status }) => (status?.confirmationStatus === 'finalized' ? [{ subject, status }] : []))
  const expired = found.flatMap(({ subject, status }) => (status === null && isPast(finality, subject.data) ? [subject] : []))
  const answers = new Map<string, Look>([...(await endsOf(connection, final)), ...(await nevers(connection, expired, finality))])
  return found.map(({ subject, status }) => answers.get(subject.identity) ?? pending(subject, status, finality))
}

function isPast({ height }: Finality, data: Pick<AttemptData, 'lastValidBlockHeight'>): boolean {
  return height > data.lastValidBlockHeight
}

function pending({ data }: Subject, status: Status | null, { height }: Finality): Look {
  const detail =
    status === null
      ? `not seen yet; final height ${height}, valid until ${data.lastValidBlockHeight}`
      : `in slot ${status.slot}, ${status.confirmationStatus ?? 'not confirmed'}`
  return { state: 'pending', detail }
}

function unknown(reason: string): Extract<Look, { state: 'unknown' }> {
  return { state: 'unknown', reason }
}

/** Of attempts that had no status when the final height was past theirs: those that can never pay, with the proof. */
async function nevers(connection: Connection, expired: readonly Subject[], before: Finality): Promise<ReadonlyMap<string, Look>> {
  if (expired.length === 0) return new Map()
  // The order is the law's; nodes work through a request in order, and step 1 does not depend on it.
  const asked = await connection.client.askTogether(
    finalizedBlock(),
    genesisHash(),
    statuses(expired.map(({ identity }) => identity)),
    firstAvailableBlock(),
  )
  if (!asked.ok) return new Map(expired.map(({ identity }) => [identity, unknown(asked.reason)]))
  const [finality, genesis, seen, firstAvailable] = asked.value
  const evidence = { before, finality, genesis, statusSlot: seen.slot, firstAvailable }
  return new Map(
    expired.map((subject, index) => [subject.identity, seen.statuses[index] == null ? judgeNever(subject, evidence) : landedMeanwhile()]),
  )
}

// Two nodes, or a fork that won: the next look will see it settled or failed.
function landedMeanwhile(): Look {
  return { state: 'pending', detail: 'seen by one node, not by another' }
}

export type Evidence = {
  /** The finalized block read before the status was asked. */
  readonly before: Finality
  /** The finalized block of the node that answered the status. */
  readonly finality: Finality
  readonly genesis: string
  readonly statusSlot: bigint
  readonly firstAvailable: bigint
}

function judgeNever({ data }: Subject, evidence: Evidence): Look {
  const gap = gapIn(evidence, data)
  if (gap !== null) {
    const missing = unknown(`no status, but no proof that it cannot land: ${gap}`)
    // Of a node whose final block is no proof, and of another network, nothing about validity follows.
    return isPast(evidence.finality, data) && evidence.genesis === data.genesis ? { ...missing, expired: true } : missing
  }
  const proof: JsonObject = {
    finalizedHeight: evidence.before.height.toString(),
    finalizedSlot: evidence.before.slot.toString(),
    lastValidBlockHeight: data.lastValidBlockHeight.toString(),
    statusSlot: evidence.statusSlot.toString(),
    firstAvailableBlock: evidence.firstAvailable.toString(),
    signedAtSlot: data.signedAtSlot.toString(),
    blockhash: data.blockhash,
    genesis: evidence.genesis,
  }
  return { state: 'never', proof }
}

/** The first condition of "never" that the evidence does not meet, or null when it is proof. Pure. */
export function gapIn(evidence: Evidence, data: Pick<AttemptData, 'lastValidBlockHeight' | 'signedAtSlot' | 'genesis'>): string | null {
  const { before, finality, genesis, statusSlot, firstAvailable } = evidence
  if (before.height <= data.lastValidBlockHeight) return `final height ${before.height} is not past ${data.lastValidBlockHeight}`
  if (finality.height <= data.lastValidBlockHeight) return `the node's final height ${finality.height} is not past ${data.lastValidBlockHeight}`
  if (statusSlot < before.slot) return `the status is of slot ${statusSlot}, and ${before.slot} is final`
  if (firstAvailable > data.signedAtSlot) return `the node's history begins at slot ${firstAvailable}, after the signature's ${data.signedAtSlot}`
  if (genesis !== data.genesis) return `the node is of network ${genesis}, the attempt of ${data.genesis}`
  return null
}

type Final = { readonly subject: Subject; readonly status: Status }

// Records asked for in one request: 50 kB of answer at most, and no more questions than nodes that count them take.
const RECORDS_AT_ONCE = 16

/** What final transactions did, from their records. */
async function endsOf(connection: Connection, final: readonly Final[]): Promise<ReadonlyMap<string, Look>> {
  const ends = new Map<string, Look>()
  for (let start = 0; start < final.length; start += RECORDS_AT_ONCE) {
    const group = final.slice(start, start + RECORDS_AT_ONCE)
    const [oldest, ...records] = await connection.client.askEach<bigint | Landed | null>([
      firstAvailableBlock(),
      ...group.map(({ subject }) => landedTransaction(subject.identity)),
    ])
    for (const [index, one] of group.entries()) {
      const record = present(records[index], 'an answer') as Answer<Landed | null>
      ends.set(one.subject.identity, await endOf(connection, { ...one, record, oldest: oldest as Answer<bigint> }))
    }
  }
  return ends
}

type Recorded = Final & { readonly record: Answer<Landed | null>; readonly oldest: Answer<bigint> }

async function endOf(connection: Connection, { subject, status, record, oldest }: Recorded): Promise<Look> {
  connection.sawFinal(status.slot)
  if (!record.ok) return unknown(record.reason)
  const landed = record.value
  if (landed?.meta == null) {
    if (oldest.ok && oldest.value > status.slot) {
      return unknown(`final in slot ${status.slot}, but the node's history begins at ${oldest.value}: its record is forgotten there`)
    }
    return { state: 'pending', detail: `final in slot ${status.slot}; its record is not readable yet` }
  }
  if (landed.slot !== status.slot) return unknown(`the status is of slot ${status.slot}, the record of slot ${landed.slot}`)
  const { identity: signature, attempt, wallet, payouts } = subject
  if (status.err === null) {
    return settlementOf({ signature, packet: attempt.bytes, wallet, payouts, landed, meta: landed.meta, book: connection.book })
  }
  const explanation = await explain(connection, subject, status)
  if (!explanation.ok) return unknown(explanation.reason)
  const proof: JsonObject = { ...recordOf(signature, landed, landed.meta), err: status.err }
  // A failed transaction changes nothing but the fee.
  return { state: 'failed', ...explanation.value, proof, costs: costsOf({ fee: landed.meta.fee, rent: 0n }) }
}

async function explain({ client, book }: Connection, subject: Subject, status: Status): Promise<Answer<Explanation>> {
  const { attempt, payouts, data } = subject
  const wallet = subject.wallet.address
  const found = explainFailure(status.err, { packet: attempt.bytes, payouts, data, wallet })
  if (!('undecided' in found)) return { ok: true, value: found }
  const mint = found.undecided.asset.token
  const owner = found.undecided.destination['address']
  assert(mint !== null && typeof owner === 'string', 'only a token transfer has two sides')
  const sides = await Promise.all([book.tokenAccount(wallet, mint), book.tokenAccount(owner, mint)])
  const shown = await client.ask(accounts(sides, status.slot))
  if (!shown.ok) return shown
  const [walletAccount = null, destinationAccount = null] = shown.value.accounts
  return { ok: true, value: judgeSides(found, { mint, wallet, walletAccount, destinationAccount, book }) }
}
