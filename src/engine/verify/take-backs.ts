// A large distribution that was taken back, chunk by chunk: what had to come back of each share, worked out anew from the shares and from
// what reversals before it took of them, beside the transfers that were posted.

import { isDeepStrictEqual } from 'node:util'
import { accountName } from '../../core/account.ts'
import { chunksOf } from '../../store/distribution.ts'
import { leftOfChunk } from '../../store/take-back.ts'
import { distributionsToVerify, sharePages, type DistributionToVerify } from '../../store/verify-distributions.ts'
import { beginTakeBack, type TakeBackRow, type ToldChunk } from '../take-back-chunks.ts'
import { checkChunk, spoken, textOf, type DistributionReading, type Judging } from './chunk-findings.ts'
import { feedOf, type Feed } from './feed.ts'
import type { Place } from './findings.ts'

type Row = DistributionToVerify & TakeBackRow

export async function checkTakeBack(reading: DistributionReading, row: Row, where: Place): Promise<void> {
  const { findings, snapshot } = reading
  const judging = { findings, where }
  const [given] = await distributionsToVerify(snapshot, row.lane, { after: row.reverses - 1n, limit: 1 })
  if (given?.event !== row.reverses || given.reverses !== null || given.state !== 'complete') {
    return findings.broken('large_distribution', where, { expected: 'a complete distribution that it takes back', found: `event ${row.reverses}` })
  }
  const { snapshot: hash, recipients, chunk, part } = given
  const due = { digest: row.event_digest, plan: row.event_plan, units: row.passed, reverses: row.event_reverses, snapshot: hash, recipients, chunk, part }
  const found = { digest: row.digest, plan: row.plan, units: row.units, reverses: row.reverses, snapshot: row.snapshot, recipients: row.recipients, chunk: row.chunk, part: row.part }
  if (!isDeepStrictEqual(due, found)) findings.broken('large_distribution', where, { expected: textOf(due), found: textOf(found) })
  if (!(await isEnoughLeft(reading, row, judging))) return
  const taken = feedOf(sharePages(snapshot, row))
  await checkTaken(reading, row, { taken, judging })
  await taken.end()
}

/** Whether there was as much to be taken back: else an earlier reversal took too much, and nobody knows what was left for this one. */
async function isEnoughLeft({ snapshot }: DistributionReading, row: Row, { findings, where }: Judging): Promise<boolean> {
  let left = 0n
  for (const chunk of await chunksOf(snapshot.rows, { lane: row.lane, event: row.reverses })) {
    for (const share of await leftOfChunk(snapshot.rows, row, chunk)) {
      if (share.left < 0n) {
        findings.broken('large_distribution', { ...where, transfer: share.share }, { expected: 'no more taken back of a share than it was', found: `${-share.left} units more` })
        return false
      }
      left += share.left
    }
  }
  if (left >= row.units && left > 0n) return true
  findings.broken('large_distribution', where, { expected: `at most ${left} units taken back, which were left`, found: `${row.units}` })
  return false
}

type Asked = { readonly taken: Feed<string>; readonly judging: Judging }

/** Tells what must come back of each share and meets it with the transfers that took it, and each chunk with what is kept of it. */
async function checkTaken({ snapshot, findings }: DistributionReading, row: Row, { taken, judging }: Asked): Promise<void> {
  const { where } = judging
  const { division, told } = await beginTakeBack(snapshot.rows, row)
  const chunks = new Map((await chunksOf(snapshot.rows, row)).map((chunk) => [chunk.first_place, chunk]))
  let [given, count] = [0n, 0]
  for await (const each of told()) {
    const { chunk, tiesBefore } = each
    if (chunk.first_place >= row.next_place || findings.room() === 0) break
    const met = await meetChunk(judging, taken, each)
    if (met === null) return
    given += met.units
    count += met.transfers
    const kept = { first_place: chunk.first_place, places: chunk.places, shares: met.transfers, units: met.units, ties_before: tiesBefore, owed: met.owed }
    checkChunk(judging, chunks.get(chunk.first_place), kept, met.first)
  }
  const cut = division.cut()
  const due = { given, shares: count, threshold: row.next_place === 0 || cut === null ? null : cut.threshold.toString(), ties: row.next_place === 0 ? null : (cut?.ties ?? null) }
  const found = { given: row.given, shares: row.shares, threshold: row.threshold, ties: row.ties }
  if (!isDeepStrictEqual(due, found)) findings.broken('large_distribution', where, { expected: textOf(due), found: textOf(found) })
  const more = taken.peek() ?? (await taken.load())
  if (more === undefined) return
  const [number = '', ...rest] = more.split('\t')
  findings.broken('large_distribution', { ...where, transfer: BigInt(number) }, { expected: `nothing taken back after place ${row.next_place}`, found: spoken(rest.join('\t')) })
}

type Met = { readonly units: bigint; readonly owed: bigint; readonly transfers: number; readonly first: bigint | null }

/** Each share that loses something has one transfer, from what was not paid or from what is owed, or one of each. Null: a break was named. */
async function meetChunk({ findings, where }: Judging, taken: Feed<string>, { shares, units }: ToldChunk): Promise<Met | null> {
  let [sum, owed, transfers, first] = [0n, 0n, 0, null as bigint | null]
  for (const [index, { part, recipient }] of shares.entries()) {
    const due = units[index] as bigint
    if (due === 0n) continue
    findings.looked('distribution')
    const [payable, debt] = [accountName('payable', recipient), accountName('owed_by', recipient)]
    let found = 0n
    for (const account of [payable, debt]) {
      const line = taken.peek() ?? (await taken.load())
      const [number = '', own = '', ownUnits = '', from = ''] = (line ?? '').split('\t')
      if (own !== part.toString() || from !== account) continue
      taken.skip()
      found += BigInt(ownUnits)
      if (account === debt) owed += BigInt(ownUnits)
      transfers += 1
      first ??= BigInt(number)
    }
    sum += found
    if (found === due) continue
    const line = taken.peek() ?? (await taken.load())
    const next = line === undefined ? 'no transfer' : spoken(line.split('\t').slice(1).join('\t'))
    findings.broken('large_distribution', where, { expected: `part ${part}: ${due} units back from ${payable} or ${debt}`, found: `${found} units; next ${next}` })
    return null
  }
  return { units: sum, owed, transfers, first }
}
