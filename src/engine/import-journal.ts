// The journal of another ledger, from its file, into an empty ledger with as many lanes: blocks, numbers, instants and hashes are kept, so
// that it has the same heads. All of it or nothing. Such a ledger is a copy to read and to prove by: nothing is recorded in it or paid from it.

import type { Pool, PoolClient } from 'pg'
import { present } from '../core/assert.ts'
import { GENESIS_HASH } from '../core/journal.ts'
import { differentFields, fileDigests, readHash, readHeader, readInstant, readNumber, type FileHeader } from '../core/journal-file.ts'
import { parsePlan } from '../core/plan.ts'
import { Refusal } from '../core/refusal.ts'
import type { ChangedState } from '../core/rules/give-back.ts'
import { analyzeJournal, closeLane, copyBlocks, hasHistory, markCopied, replaceLanes } from '../store/copy-journal.ts'
import { eventsByNumber } from '../store/event.ts'
import { insertPlanVersion, lockHeads } from '../store/ledger.ts'
import { reversedUnitsOf, statesChangedBy } from '../store/reversal.ts'
import { inTransaction, rows } from '../store/statement.ts'
import { laneIds } from './create-ledger.ts'
import { beginLane, endBlock, readBlockLine, reversedIn, type OpenBlock, type OpenLane, type Original, type Steps } from './import/blocks.ts'
import type { Ledger } from './ledger.ts'
import { verificationSentences, verifyWithin } from './verify.ts'
import type { Desk } from './world.ts'

export type Imported = { readonly from: string; readonly lanes: readonly { readonly position: number; readonly blocks: bigint; readonly transfers: bigint; readonly head: string }[] }

/** Rows that wait to be written, in transfers: some hundred milliseconds of work, and a few tens of megabytes. */
const CHUNK = 20_000

export type JournalProgress = { readonly transfers: bigint; readonly of: bigint }

type Import = {
  readonly client: PoolClient
  readonly ledger: Ledger
  readonly lanes: readonly bigint[]
  readonly at: Temporal.Instant
  readonly onProgress: (progress: JournalProgress) => void
  readonly done: { lane: number; blocks: bigint; transfers: bigint; head: string }[]
  header: FileHeader | null
  readonly plans: Map<number, Steps>
  /** The newest plan version. */
  plan: { readonly version: number; readonly addedAt: Temporal.Instant } | null
  lane: OpenLane | null
  block: OpenBlock | null
  transfers: bigint
  line: number
}

/**
 * Imports a file's lines with the owner's database role, and verifies the ledger before anything of it is committed. Refuses
 * `journal_malformed` for a file that is none or does not verify, `journal_mismatch` for one of another program, asset or number of lanes or
 * without records, and `journal_conflict` for a ledger that has a history.
 */
export async function importJournal(
  desk: Pick<Desk, 'now' | 'random' | 'rails'> & { readonly owner: Pool },
  ledger: Ledger,
  lines: AsyncIterable<string>,
  onProgress: Import['onProgress'] = () => {},
): Promise<Imported> {
  return await inTransaction(desk.owner, async (client) => {
    await lockHeads(client, ledger.id)
    if (ledger.row.copied_at !== null || (await hasHistory(client, ledger.id))) {
      const message = `the ledger ${ledger.name} has a history already: a journal is copied into a new one, as \`ledger create\` makes it`
      throw new Refusal('journal_conflict', message, { ledger: ledger.name })
    }
    const lanes = laneIds(desk, ledger.lanes.length)
    const at = desk.now()
    await replaceLanes(client, { ledger: ledger.id, lanes, hash: GENESIS_HASH, at })
    const state: Import = { client, ledger, lanes, at, onProgress, done: [], plans: new Map(), header: null, plan: null, lane: null, block: null, transfers: 0n, line: 0 }
    for await (const line of lines) {
      state.line += 1
      const work = readLine(state, line)
      if (work !== undefined) await work
    }
    const header = state.header ?? malformed(state, 'a journal', 'an empty file')
    if (state.lane !== null || state.done.length !== header.lanes) malformed(state, `the end of ${header.lanes} lanes`, 'the end of the file, which was cut off')
    await markCopied(client, ledger.id, at)
    await analyzeJournal(client)
    await requireSound(client, desk, { ...ledger, lanes, row: { ...ledger.row, copied_at: at } })
    return { from: header.ledger, lanes: state.done.map(({ lane: position, ...lane }) => ({ position, ...lane })) }
  })
}

/** The ledger as this transaction sees it must hold in everything that `verify` looks at. */
async function requireSound(client: PoolClient, desk: Pick<Desk, 'now' | 'rails'>, ledger: Ledger): Promise<void> {
  const report = await verifyWithin(client, desk, ledger, { maxBreaks: 1 })
  if (!report.ok) throw new Refusal('journal_malformed', `the journal does not verify. ${verificationSentences(report)[1] ?? ''}`, { ledger: ledger.name })
}

function malformed(state: Pick<Import, 'line'>, expected: string, found: string): never {
  const { line } = state
  throw new Refusal('journal_malformed', `line ${line} of the file: expected ${expected}; found ${found}. Nothing was imported`, { line })
}

/** Takes a line in; answers work to wait for, if there is any. */
function readLine(state: Import, line: string): Promise<void> | undefined {
  if (state.header === null) return openFile(state, line)
  const [type = '', ...fields] = line.split('\t')
  if (state.block !== null && type !== 'H') {
    const problem = readBlockLine(state.block, type, fields)
    if (problem !== null) malformed(state, problem, line.slice(0, 80))
    return undefined
  }
  if (type === 'B' && state.lane !== null) return openBlock(state, fields)
  if (type === 'H' && state.block !== null && state.lane !== null) return closeBlock(state, state.lane, state.block, fields)
  if (type === 'Z' && state.lane !== null) return endLane(state, state.lane, fields)
  if (type === 'P' && state.lane === null) return addPlan(state, fields)
  if (type === 'L' && state.lane === null) return openLane(state, fields)
  return malformed(state, 'a line in its place', line.slice(0, 80))
}

function openFile(state: Import, line: string): undefined {
  const header = readHeader(line) ?? malformed(state, 'the first line of a journal', line.slice(0, 80))
  const { ledger } = state
  const { program_file: file } = ledger.row
  const fields = file === null || header.program_file === null || header.program !== ledger.program.name ? [] : differentFields(header.program_file, fileDigests(file))
  const mismatch = mismatchOf(header, ledger, fields)
  if (mismatch !== null) throw new Refusal('journal_mismatch', `the journal ${mismatch}`, { ledger: ledger.name, ...(fields.length > 0 && { fields }) })
  state.header = header
}

/** Why a journal is not of a ledger like this one, in words; null when it is. `fields`: those in which their programs' files differ. */
function mismatchOf(header: FileHeader, { name, program, asset, row, lanes: { length: lanes } }: Ledger, fields: readonly string[]): string | null {
  if (header.program !== program.name) return `is of the program ${header.program}, the ledger ${name} of ${program.name}`
  if (fields.length > 0) return `is of another program file than that of the ledger ${name}: they differ in ${fields.join(', ')}. Make a ledger from the file that \`ledger show\` has of ${header.ledger}`
  if (row.program_file !== null && header.program_file === null) return 'says nothing of its program file: export it anew'
  if (header.asset !== asset.name) return `is in ${header.asset}, the ledger ${name} in ${asset.name}`
  if (header.lanes !== lanes) return `has ${header.lanes} lanes, the ledger ${name} ${lanes}: create one with --lanes ${header.lanes}`
  if (header.span) return 'holds some blocks only'
  return header.records ? null : 'was exported without the records of its events'
}

async function addPlan(state: Import, [number, from = '', added, hash, content = '']: readonly string[]): Promise<void> {
  const [version, at, effectiveFrom] = [readNumber(number), readInstant(added), from === '' ? null : readInstant(from)]
  if (version === null || at === null || readHash(hash) === null || (from !== '' && effectiveFrom === null)) malformed(state, 'a plan version', `${number}, ${from}, ${added}`)
  const { data, steps } = parsePlan(jsonOf(state, content))
  state.plans.set(Number(version), { steps })
  await insertPlanVersion(state.client, { ledger: state.ledger.id, version: Number(version), effectiveFrom, content: data, hash: present(hash, 'hash'), at })
  state.plan = { version: Number(version), addedAt: at }
}

function jsonOf(state: Import, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return malformed(state, 'JSON', text.slice(0, 80))
  }
}

function openLane(state: Import, [position]: readonly string[]): undefined {
  const plan = state.plan ?? malformed(state, 'a plan version', 'a lane')
  if (position !== state.done.length.toString()) malformed(state, `lane ${state.done.length}`, `lane ${position ?? ''}`)
  state.lane = beginLane(present(state.lanes[state.done.length], 'lane'), { plan: plan.version, recordedAt: plan.addedAt, plans: state.plans })
}

function openBlock(state: Import, fields: readonly string[]): undefined {
  const block = present(state.lane, 'lane').open(fields)
  state.block = typeof block === 'string' ? malformed(state, block, fields.join(', ')) : block
}

function closeBlock(state: Import, lane: OpenLane, block: OpenBlock, [hash = '']: readonly string[]): Promise<void> | undefined {
  const reversed = reversedIn(block)
  return reversed.length === 0 ? endOpenBlock(state, lane, block, { stored: hash, reversed: new Map() }) : closeReversing(state, lane, block, { stored: hash, reversed })
}

/** What a reversal gives back hangs on the event that it reverses, which is written and read again. */
async function closeReversing(state: Import, lane: OpenLane, block: OpenBlock, { stored, reversed }: { stored: string; reversed: readonly bigint[] }): Promise<void> {
  await copyBlocks(state.client, lane.lane, lane.take())
  const originals = new Map<bigint, Original>()
  for (const { number, units, shares } of await eventsByNumber(state.client, lane.lane, reversed)) {
    const changed = await rows<ChangedState>(state.client, statesChangedBy(lane.lane, number))
    const [before] = await rows<{ units: bigint }>(state.client, reversedUnitsOf(lane.lane, number))
    originals.set(number, { units, shares: shares.map((share) => ({ ...share, role: '', recipient: null })), changed, before: before?.units ?? 0n })
  }
  await endOpenBlock(state, lane, block, { stored, reversed: originals })
}

function endOpenBlock(state: Import, lane: OpenLane, block: OpenBlock, ending: Parameters<typeof endBlock>[2]): Promise<void> | undefined {
  const problem = endBlock(lane, block, ending)
  const { stored: hash } = ending
  if (problem !== null) malformed(state, problem, `the hash ${hash.slice(0, 80)}`)
  state.block = null
  state.transfers += BigInt(block.transfers.length)
  state.onProgress({ transfers: state.transfers, of: BigInt(state.header?.transfers ?? 0) })
  return lane.waiting() < CHUNK ? undefined : copyBlocks(state.client, lane.lane, lane.take())
}

async function endLane(state: Import, lane: OpenLane, fields: readonly string[]): Promise<void> {
  const head = lane.head()
  const end = [head.block, head.event, head.transfer, head.hash.toHex()].join(', ')
  if (end !== fields.join(', ')) malformed(state, `the head ${end}`, `the head ${fields.join(', ')}`)
  await copyBlocks(state.client, lane.lane, lane.take())
  await closeLane(state.client, lane.lane, head)
  state.done.push({ lane: state.done.length, blocks: head.block, transfers: head.transfer, head: head.hash.toHex() })
  state.lane = null
}
