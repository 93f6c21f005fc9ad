// A ledger of paper in the middle of its work, and somebody with the owner's rights who changes something in it.

import type { PoolClient } from 'pg'
import { expect } from 'vitest'
import { recordDigest, type Recorded } from '../src/core/event.ts'
import { blockHash, GENESIS_HASH, type EventLine, type TransferLine } from '../src/core/journal.ts'
import { exportWithin } from '../src/engine/export-journal.ts'
import { verificationSchema, verificationSentences, verify, verifyWithin, type Verification } from '../src/engine/verify.ts'
import type { RangeSize } from '../src/engine/verify/ranges.ts'
import { breakOutside } from './stand-alone.ts'
import { ASSET, paperDatabase, paperEvent, settled, type PaperDatabase, type PaperLedger } from './paper-ledger.ts'

export type Tampering = {
  readonly name: string
  /** SQL as the owner; `$lane` and `$ledger` are filled in. */
  readonly change: string
  /** Somebody who also works out every balance and hash anew after it. */
  readonly rechained?: true
  readonly check: Verification['breaks'][number]['check']
  readonly where: Verification['breaks'][number]['where']
  /** A part of what the break says. */
  readonly expected: string | RegExp
  readonly found: string | RegExp
  /** The checks that break, each once, in the order in which they first do; where others than the first do. */
  readonly all?: readonly Verification['breaks'][number]['check'][]
  /** Whether an exported journal shows it; it does when left out. */
  readonly outside?: 'seen' | 'unseen'
  /** `all` where each block is checked by itself, when others follow then: a range takes what is stored before it for granted. */
  readonly cut?: readonly Verification['breaks'][number]['check'][]
}

/**
 * Blocks 1 to 3 hold the events a, b and c (with claim and details) of 1,000 units each (700 house, 200 fund, 100 guest-1; transfers 1 to 12), block 4 money
 * coming in (13), block 5 the payouts of house and fund reserved in three attempts of two (14 to 19), and block 6 two of those
 * attempts settled with their fees (20 to 25). Guests have no drawer, so their payouts are held.
 */
async function workOn(paper: PaperDatabase): Promise<PaperLedger> {
  const worked = await paper.open('worked', { inbox: true })
  for (const reference of ['a', 'b']) await worked.record([paperEvent(reference, 1000n)])
  await worked.record([paperEvent('c', 1000n, { claimed: { house: 700n }, details: { note: 'as agreed', rate: 1.5, of: ['a', null] } })])
  worked.network.movements.push({ identity: 'in', asset: ASSET, units: 5000n, direction: 'in', at: null, proof: { receipt: 'in' } })
  await worked.watch()
  await worked.nameDrawers(['house', 'fund'])
  await worked.makePayouts()
  await worked.send()
  let looks = 0
  worked.network.look = (identity) => ((looks += 1) > 2 ? { state: 'pending', detail: 'slow' } : settled(identity))
  await worked.look()
  return worked
}

export type WorkedLedger = {
  /** Makes the change, expects `verify` to name it, and takes everything back. */
  readonly expectNamed: (tampering: Tampering) => Promise<void>
  readonly drop: () => Promise<void>
}

/** Each block a range of its own: what is broken must be named wherever the cuts are. */
const SMALLEST: RangeSize = { transfers: 1n, transfersAnAccount: 0n, ranges: 100n }

export async function workedLedger(work: (paper: PaperDatabase) => Promise<PaperLedger> = workOn): Promise<WorkedLedger> {
  const paper = await paperDatabase()
  const { world, ledger, lane } = await work(paper)
  const { pool } = paper.database
  const expectSound = async () => expect((await verify(world, ledger)).breaks).toEqual([])
  await expectSound()
  const exported = async (client: PoolClient): Promise<string> => {
    let text = ''
    await exportWithin(client, world, ledger, {}, async (more) => void (text += await Promise.resolve(more)))
    return text
  }
  return {
    drop: async () => {
      try {
        await expectSound()
      } finally {
        await paper.drop()
      }
    },
    expectNamed: async (tampering) => {
      const text = tampering.change.replaceAll('$lane', lane.toString()).replaceAll('$ledger', `'${ledger.id}'`)
      const client = await pool.connect()
      try {
        await client.query(`begin; set local session_replication_role = replica; ${text}`)
        if (tampering.rechained === true) await rechain(client, lane)
        expectBreak(await verifyWithin(client, world, ledger), tampering)
        expectOutside(await breakOutside(await exported(client)), tampering)
        expectBreak(await verifyWithin(client, world, ledger, { rangeSize: SMALLEST }), { ...tampering, all: tampering.cut ?? tampering.all ?? [tampering.check] })
      } finally {
        await client.query('rollback')
        client.release()
      }
    },
  }
}

function expectBreak(report: Verification, { check, where, expected, found, all = [check] }: Tampering): void {
  expect(report.ok).toBe(false)
  expect(verificationSchema.parse(report)).toEqual(report)
  const [first] = report.breaks
  expect(first).toMatchObject({ check, where })
  if (typeof expected === 'string') expect(first?.expected).toContain(expected)
  else expect(first?.expected).toMatch(expected)
  if (typeof found === 'string') expect(first?.found).toContain(found)
  else expect(first?.found).toMatch(found)
  expect([...new Set(report.breaks.map((broken) => broken.check))]).toEqual(all)
  expect(verificationSentences(report).slice(0, 2).join('\n')).toMatch(/^The ledger worked is broken: .*\nFirst break: /)
}

/** Whoever has nothing but the file finds a fault in the same block, if he can find it at all. */
function expectOutside(outside: string | null, { outside: seen = 'seen', rechained, where }: Tampering): void {
  if (seen === 'unseen') return expect(outside).toBeNull()
  expect(outside).toMatch(/^line [0-9]+/)
  const block = /^line [0-9]+, lane 0, block ([0-9]+)/.exec(outside ?? '')?.[1]
  if (rechained !== true && block !== undefined && where.block !== undefined) expect(block).toBe(where.block)
}

type Block = { number: bigint; recorded_at: Temporal.Instant; first_transfer: bigint; last_transfer: bigint; first_event: bigint; last_event: bigint }

/** What an attacker with all rights does who wants nobody to notice: balances, hashes and head as if it had always been so. */
async function rechain(pool: PoolClient, lane: bigint): Promise<void> {
  const read = async <Row extends object>(text: string): Promise<Row[]> => (await pool.query<Row>(text, [lane])).rows
  const blocks = await read<Block>('select * from apportion.block where lane = $1 order by number')
  const events = await read<EventLine & Recorded & { event_at: Temporal.Instant }>(
    `select number, digest, fingerprint, event_at, asset, units, plan, plan_version.hash as "planHash", backdated, claimed, details, standing, reverses::text as reverses, door
     from apportion.event join apportion.reference using (lane, digest) join apportion.lane using (lane)
     join apportion.plan_version on plan_version.ledger = lane.ledger and plan_version.version = event.plan where lane = $1 order by number`,
  )
  const transfers = await read<TransferLine>(
    `select transfer.number, event, kind, part, subject, debit.name as debit, credit.name as credit, credit.asset, units
     from apportion.transfer join apportion.account debit on debit.lane = transfer.lane and debit.number = debit
     join apportion.account credit on credit.lane = transfer.lane and credit.number = credit where transfer.lane = $1 order by transfer.number`,
  )
  let hash: Uint8Array = GENESIS_HASH
  for (const block of blocks) {
    const { number, recorded_at: recordedAt } = block
    hash = blockHash(hash, {
      ...{ number, recordedAt },
      events: events.filter((event) => event.number >= block.first_event && event.number <= block.last_event).map((event) => ({ ...event, eventAt: event.event_at, recorded: recordDigest(event) })),
      transfers: transfers.filter((transfer) => transfer.number >= block.first_transfer && transfer.number <= block.last_transfer),
    })
    await pool.query('update apportion.block set hash = $3 where lane = $1 and number = $2', [lane, number, Buffer.from(hash)])
  }
  await pool.query('update apportion.head set hash = $2, account = (select max(number) from apportion.account where lane = $1) where lane = $1', [lane, Buffer.from(hash)])
  await pool.query('delete from apportion.balance where lane = $1', [lane])
  await pool.query(
    `insert into apportion.balance (lane, account, transfer, debits, credits)
     select $1, side.account, max(side.number), sum(sum(side.debit)) over running, sum(sum(side.credit)) over running
     from apportion.block join (
       select number, debit as account, units as debit, 0 as credit from apportion.transfer where lane = $1
       union all select number, credit, 0, units from apportion.transfer where lane = $1
     ) side on side.number between block.first_transfer and block.last_transfer
     where block.lane = $1
     group by side.account, block.number
     window running as (partition by side.account order by block.number)`,
    [lane],
  )
}
