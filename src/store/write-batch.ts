// A decided batch as the steps that write it: the head, which must be the one that the batch was decided on, then the rows of each
// table as a COPY stream. COPY writes a page of rows at a time and costs the server half of what inserts from arrays cost it.

import { instantText } from '../core/canonical.ts'
import type { Json } from '../core/effects.ts'
import { present } from '../core/assert.ts'
import { claimedJson, factsJson } from '../core/event.ts'
import type { BatchWrite, PostedEvent } from '../core/posting.ts'
import { snapshotOf } from '../core/snapshot.ts'
import type { Statement } from './statement.ts'
import { copyText, type CopyRows, type Step } from './unit.ts'

export const ACCOUNT_COPY = 'copy apportion.account (lane, number, name, asset) from stdin'
export const BALANCE_COPY = 'copy apportion.balance (lane, account, transfer, debits, credits) from stdin'
export const TRANSFER_COPY = 'copy apportion.transfer (lane, number, event, debit, credit, part, units, kind, subject) from stdin'

/** A block whose rows are lines already. `touched`: accounts that there were before, as they stand after it. */
export type WrittenBlock = Pick<BatchWrite, 'head' | 'before' | 'block' | 'touched'> & { readonly rows: readonly CopyRows[] }

/** Everything that a batch writes, the head first: while that is another one by now, all of it fails. */
export function writeBatch(lane: bigint, write: BatchWrite | WrittenBlock): readonly Step[] {
  return [moveHead(lane, write), ...('rows' in write ? write.rows : batchRows(lane, write))]
}

/** The rows of a batch, without its block and its head. */
export function batchRows(lane: bigint, write: BatchWrite): readonly CopyRows[] {
  const rows = [
    accountRows(lane, write),
    balanceRows(lane, write),
    transferRows(lane, write),
    referenceRows(lane, write),
    eventRows(lane, write),
    stateRows(lane, write),
    distributionRows(lane, write),
  ]
  return rows.filter(({ lines }) => lines !== '')
}

// The head must be the one that the batch was decided on, to the hash and the plan: else the division fails, and with it everything. Two
// writes in one statement: where lanes are spread over machines, that is what makes all that follows belong to one transaction there.
const MOVE_HEAD = `with
  moved_head as (
    update apportion.head
    set event = $3, transfer = $4, block = $5, account = $6, hash = $7, recorded_at = $8
    where lane = $1 and block = $2 and hash = $11 and plan = $12
    returning lane
  ),
  block as (
    insert into apportion.block (lane, number, first_transfer, last_transfer, first_event, last_event, recorded_at, hash)
    select $1, $5, $9, $4, $10, $3, $8, $7 from moved_head
  )
  select 1 / count(*) as moved from moved_head`

function moveHead(lane: bigint, { head, before, block }: Pick<BatchWrite, 'head' | 'before' | 'block'>): Statement {
  return {
    name: 'move-head',
    text: MOVE_HEAD,
    values: [
      lane,
      before.block,
      head.event,
      head.transfer,
      head.block,
      head.account,
      Buffer.from(head.hash),
      instantText(head.recordedAt),
      block.firstTransfer,
      block.firstEvent,
      Buffer.from(before.hash),
      before.plan,
    ],
  }
}

function accountRows(lane: bigint, { newAccounts }: BatchWrite): CopyRows {
  let lines = ''
  for (const { number, name, asset } of newAccounts) lines += `${lane}\t${number}\t${copyText(name)}\t${copyText(asset)}\n`
  return { name: 'copy-account', copy: ACCOUNT_COPY, lines }
}

function balanceRows(lane: bigint, { touched }: BatchWrite): CopyRows {
  let lines = ''
  // In the order of their keys, neighbours in the index are written one after the other.
  const sorted = touched.toSorted((a, b) => a.number - b.number)
  for (const { number, transfer, debits, credits } of sorted) lines += `${lane}\t${number}\t${transfer}\t${debits}\t${credits}\n`
  return { name: 'copy-balance', copy: BALANCE_COPY, lines }
}

function transferRows(lane: bigint, { transfers }: BatchWrite): CopyRows {
  let lines = ''
  for (const { number, event, debitNumber, creditNumber, part, units, kind, subject } of transfers) {
    lines += `${lane}\t${number}\t${event ?? '\\N'}\t${debitNumber}\t${creditNumber}\t${part ?? '\\N'}\t${units}\t${kind}\t${subject ?? '\\N'}\n`
  }
  return { name: 'copy-transfer', copy: TRANSFER_COPY, lines }
}

function referenceRows(lane: bigint, { events }: BatchWrite): CopyRows {
  let lines = ''
  for (const { digest, number, fingerprint } of events) lines += `${lane}\t${digest}\t${number}\t\\\\x${fingerprint.toHex()}\n`
  return { name: 'copy-reference', copy: 'copy apportion.reference (lane, digest, event, fingerprint) from stdin', lines }
}

const EVENT_COLUMNS = `lane, number, digest, event_at, block, first_transfer, transfers, plan, backdated, units, asset, door, reference, parties, claimed, details, facts, standing, reverses`

function eventRows(lane: bigint, { head, events }: BatchWrite): CopyRows {
  let lines = ''
  for (const event of events) lines += eventLine(lane, head.block, event)
  return { name: 'copy-event', copy: `copy apportion.event (${EVENT_COLUMNS}) from stdin`, lines }
}

function eventLine(lane: bigint, block: bigint, { number, digest, eventAt, firstTransfer, transfers, plan, units, asset, member, reverses }: PostedEvent): string {
  const { reference, parties, claimed, details, facts } = member.input
  const place = `${lane}\t${number}\t${digest}\t${instantText(eventAt)}\t${block}\t${firstTransfer}\t${transfers}\t${plan}\t${member.backdated}`
  const content = `${units}\t${copyText(asset)}\t${copyText(member.door)}\t${copyText(reference)}`
  const given = `${copyJson(parties)}\t${copyJson(claimedJson(claimed))}\t${copyJson(details)}`
  return `${place}\t${content}\t${given}\t${copyJson(factsJson(facts))}\t${copyJson(factsJson(member.standing))}\t${reverses ?? '\\N'}\n`
}

function stateRows(lane: bigint, { states }: BatchWrite): CopyRows {
  let lines = ''
  for (const { key, event, value } of states) lines += `${lane}\t${copyText(key)}\t${event}\t${copyText(JSON.stringify(value))}\n`
  return { name: 'copy-state', copy: 'copy apportion.rule_state (lane, key, event, value) from stdin', lines }
}

/** What an event passes on to be divided by a snapshot: it is running from now on. */
function distributionRows(lane: bigint, { events }: BatchWrite): CopyRows {
  let lines = ''
  for (const { number, digest, plan, asset, shares, member } of events) {
    const passage = shares.find(({ account }) => account === 'distributing')
    if (passage === undefined) continue
    const { hash, recipients } = present(Object.values(member.input.facts).map(snapshotOf).find((one) => one !== null), 'snapshot of the event')
    lines += `${lane}\t${number}\t${digest}\t${passage.part}\t${plan}\t\\\\x${hash}\t${recipients}\t${copyText(asset)}\t${passage.units}\n`
  }
  return { name: 'copy-distribution', copy: 'copy apportion.distribution (lane, event, digest, part, plan, snapshot, recipients, asset, units) from stdin', lines }
}

function copyJson(value: Json): string {
  return value === null ? '\\N' : copyText(JSON.stringify(value))
}
