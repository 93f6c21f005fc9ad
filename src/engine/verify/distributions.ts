// Large distributions of one lane: each snapshot against its hash, and each distribution worked out anew from it as a stream, share by share
// beside the transfers that were posted. Memory does not grow with the number of recipients beyond their weights.

import { isDeepStrictEqual } from 'node:util'
import type { Rounding } from '../../core/allocate/rounding.ts'
import { present } from '../../core/assert.ts'
import { leafHash, merkleRoot, shareLeaf } from '../../core/merkle.ts'
import { partOf, stepOfPart } from '../../core/part.ts'
import { scaledWeight, snapshotOf, startSnapshotHash, entriesOf, weightText } from '../../core/snapshot.ts'
import { chunksOf } from '../../store/distribution.ts'
import { snapshotBlocks, snapshotsHashed, type SnapshotRow } from '../../store/snapshot.ts'
import { distributionsToVerify, lostDistributions, rootsToVerify, sharePages, strayDistributed, type DistributionToVerify } from '../../store/verify-distributions.ts'
import { beginDivision } from '../divide-snapshot.ts'
import { isTakeBack } from '../take-back-chunks.ts'
import { checkChunk, spoken, textOf, type DistributionReading, type Judging } from './chunk-findings.ts'
import { feedOf, type Feed } from './feed.ts'
import type { Place } from './findings.ts'
import { factsOf } from './stored.ts'
import { checkTakeBack } from './take-backs.ts'

const PAGE = 100

export async function checkDistributions(reading: DistributionReading): Promise<void> {
  const { lane, position, snapshot, findings } = reading
  const sound = new Map<string, SnapshotRow | null>()
  for (let after = 0n; ; ) {
    const page = await distributionsToVerify(snapshot, lane, { after, limit: PAGE })
    for (const row of page) {
      if (findings.room() === 0) return
      await checkOne(reading, row, sound)
      after = row.event
    }
    if (page.length < PAGE) break
  }
  for (const { event, transfer, units } of await lostDistributions(snapshot, lane, findings.room())) {
    findings.broken('large_distribution', { lane: position, event, transfer }, { expected: `a distribution of ${units} units`, found: 'none' })
  }
  for (const { transfer, subject } of await strayDistributed(snapshot, lane, findings.room())) {
    findings.broken('large_distribution', { lane: position, transfer }, { expected: 'a share of a distribution that there is', found: `one of ${subject ?? 'none'}` })
  }
}

async function checkOne(reading: DistributionReading, row: DistributionToVerify, sound: Map<string, SnapshotRow | null>): Promise<void> {
  const { position, findings, plans, ledger } = reading
  const where: Place = { lane: position, event: row.event }
  findings.looked('large_distribution')
  if (isTakeBack(row)) return await checkTakeBack(reading, row, where)
  const due = { digest: row.event_digest, plan: row.event_plan, units: row.passed, snapshot: snapshotIn(row) }
  const found = { digest: row.digest, plan: row.plan, units: row.units, snapshot: row.snapshot }
  if (!isDeepStrictEqual(due, found)) findings.broken('large_distribution', where, { expected: textOf(due), found: textOf(found) })
  if (!sound.has(row.snapshot)) sound.set(row.snapshot, await checkSnapshot(reading, row.snapshot, where))
  const kept = sound.get(row.snapshot) ?? null
  const rounding = plans.version(row.plan)?.steps[stepOfPart(row.part)]?.rounding
  if (kept === null || rounding === undefined || rounding === 'none' || kept.weights === '0' || kept.recipients !== row.recipients) {
    // What is wrong with the snapshot or the plan was named.
    if (kept !== null) findings.broken('large_distribution', where, { expected: `a division among ${kept.recipients} recipients by a step of the plan`, found: `one among ${row.recipients}` })
    return
  }
  const shares = feedOf(sharePages(reading.snapshot, row))
  await checkShares(reading, row, { rounding, ledger: ledger.id, shares, where })
  await shares.end()
}

function snapshotIn({ event_facts: facts }: DistributionToVerify): string | null {
  const named = Object.values(factsOf(facts) ?? {}).map((set) => {
    try {
      return snapshotOf(set)
    } catch {
      return null
    }
  })
  return named.find((one) => one !== null)?.hash ?? null
}

/** The snapshot, if it is the one that was hashed. */
async function checkSnapshot({ snapshot, findings, ledger }: DistributionReading, hash: string, where: Place): Promise<SnapshotRow | null> {
  findings.looked('snapshot')
  const [row] = await snapshotsHashed(snapshot.rows, ledger.id, [hash])
  if (row === undefined) {
    findings.broken('snapshot', where, { expected: `a snapshot with the hash ${hash}`, found: 'none' })
    return null
  }
  const digest = startSnapshotHash({ name: row.name, recordAt: row.record_at })
  let [entries, weights] = [0, 0n]
  for (;;) {
    const blocks = await snapshotBlocks(snapshot.rows, row.snapshot, { from: entries, limit: PAGE })
    for (const { lines, first_place: place, weights_before: before } of blocks) {
      if (place !== entries || before !== weights) return misplaced({ findings, where }, { row, place: entries })
      digest.add(lines)
      for (const { weight } of entriesOf(lines)) {
        entries += 1
        weights += scaledWeight(weight, row.decimals)
      }
    }
    if (blocks.length < PAGE) break
  }
  const due = { hash: digest.end().toHex(), recipients: entries, weights: weightText(weights, row.decimals) }
  const found = { hash, recipients: row.recipients, weights: row.weights }
  if (isDeepStrictEqual(due, found)) return row
  findings.broken('snapshot', where, { expected: textOf(found), found: textOf(due) })
  return null
}

function misplaced({ findings, where }: { findings: DistributionReading['findings']; where: Place }, { row, place }: { row: SnapshotRow; place: number }): null {
  findings.broken('snapshot', where, { expected: `a block from place ${place} on, with the sum of what comes before`, found: `another in the snapshot ${row.name}` })
  return null
}

type Asked = { readonly rounding: Rounding; readonly ledger: string; readonly shares: Feed<string>; readonly where: Place }

/** Tells each share anew and meets it with the transfer that posted it, and each chunk with what is kept of it. */
async function checkShares({ snapshot, findings }: DistributionReading, row: DistributionToVerify, { rounding, ledger, shares, where }: Asked): Promise<void> {
  const { division, weighed } = await beginDivision(snapshot.rows, { rounding, ledger, row })
  const chunks = new Map((await chunksOf(snapshot.rows, row)).map((chunk) => [chunk.first_place, chunk]))
  const kept = await rootsToVerify(snapshot, row)
  const roots: Uint8Array[] = []
  const [step, prefix] = [stepOfPart(row.part), 'payable:']
  let [given, count] = [0n, 0]
  for await (const { firstPlace, recipients, weights } of weighed(0)) {
    if (firstPlace >= row.next_place || findings.room() === 0) break
    const tiesBefore = division.cut()?.given ?? 0
    const { units } = division.shares(weights)
    const leaves: Uint8Array[] = []
    let [own, first, sum] = [0, null as bigint | null, 0n]
    for (const [index, recipient] of recipients.entries()) {
      const share = units[index] as bigint
      if (kept.size > 0) leaves.push(leafHash(shareLeaf({ recipient, units: share })))
      if (share === 0n) continue
      const line = shares.peek() ?? (await shares.load())
      const [number = '', ...rest] = (line ?? '').split('\t')
      const due = `${partOf(step, firstPlace + index)}\t${share}\t${prefix}${recipient}`
      findings.looked('distribution')
      if (rest.join('\t') !== due) {
        findings.broken('large_distribution', { ...where, transfer: number === '' ? null : BigInt(number) }, { expected: spoken(due), found: line === undefined ? 'no transfer' : spoken(rest.join('\t')) })
        return
      }
      shares.skip()
      first ??= BigInt(number)
      own += 1
      sum += share
    }
    given += sum
    count += own
    checkChunk({ findings, where }, chunks.get(firstPlace), { first_place: firstPlace, places: recipients.length, shares: own, units: sum, ties_before: tiesBefore, owed: 0n }, first)
    if (kept.size > 0) roots.push(checkRoot({ findings, where }, kept.get(firstPlace), { firstPlace, leaves, isDue: row.root !== null }))
  }
  const cut = division.cut()
  const due = { given, shares: count, threshold: row.next_place === 0 || cut === null ? null : cut.threshold.toString(), ties: row.next_place === 0 ? null : (cut?.ties ?? null) }
  const found = { given: row.given, shares: row.shares, threshold: row.threshold, ties: row.ties }
  if (!isDeepStrictEqual(due, found)) findings.broken('large_distribution', where, { expected: textOf(due), found: textOf(found) })
  const more = shares.peek() ?? (await shares.load())
  if (more !== undefined) findings.broken('large_distribution', { ...where, transfer: BigInt(present(more.split('\t')[0], 'number')) }, { expected: `no share after place ${row.next_place}`, found: spoken(more.split('\t').slice(1).join('\t')) })
  if (row.root !== null && merkleRoot(roots).toHex() !== row.root) findings.broken('large_distribution', where, { expected: `the Merkle root ${merkleRoot(roots).toHex()}`, found: row.root })
}

function checkRoot({ findings, where }: Judging, kept: string | undefined, { firstPlace, leaves, isDue }: { firstPlace: number; leaves: readonly Uint8Array[]; isDue: boolean }): Uint8Array {
  const root = merkleRoot(leaves)
  if (kept !== root.toHex() && (isDue || kept !== undefined)) findings.broken('large_distribution', where, { expected: `the root ${root.toHex()} of the places from ${firstPlace} on`, found: kept ?? 'none' })
  return root
}
