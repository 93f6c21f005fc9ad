// Reads a journal as docs/reference/journal-format.md has it, and recomputes from its lines alone: hashes, numbers, digests, balances.

import { createHash } from 'node:crypto'
import type { Findings } from './findings.ts'
import type { Plan } from './plan.ts'

export type Transfer = {
  readonly number: bigint
  readonly event: string
  readonly kind: string
  readonly part: string
  readonly subject: string
  readonly debit: string
  readonly credit: string
  readonly asset: string
  readonly units: bigint
}

/** What was recorded with an event. */
export type Recorded = {
  readonly reference: string
  readonly parties: Readonly<Record<string, string>>
  readonly claimed: Readonly<Record<string, string>> | null
  readonly door: string
  readonly facts: Readonly<Record<string, Readonly<Record<string, string>>>> | null
  readonly standing: Readonly<Record<string, Readonly<Record<string, string>>>> | null
  readonly reverses: string | null
}

export type JournalEvent = {
  /** Position of its lane. */
  readonly lane: number
  readonly number: string
  readonly digest: string
  readonly at: Temporal.Instant
  /** The instant of its block. */
  readonly recordedAt: Temporal.Instant
  readonly asset: string
  readonly units: bigint
  readonly plan: number
  readonly recorded: Recorded
  readonly transfers: Transfer[]
}

export type Block = { readonly number: string; readonly at: string; readonly hash: string; readonly events: JournalEvent[]; readonly transfers: Transfer[] }
export type Lane = { readonly position: number; readonly blocks: Block[]; readonly head: string }
export type PlanVersion = { readonly version: number; readonly from: Temporal.Instant | null; readonly added: Temporal.Instant; readonly plan: Plan }
export type Journal = { readonly plans: readonly PlanVersion[]; readonly lanes: readonly Lane[] }

type OpenLane = { position: number; hash: string; block: bigint; event: bigint; transfer: bigint; at: string; blocks: Block[] }
type OpenBlock = { number: string; at: string; lines: string[]; events: Map<string, JournalEvent>; transfers: Transfer[]; fields: Map<string, readonly string[]> }
type Reading = { readonly findings: Findings; plans: PlanVersion[]; lanes: Lane[]; lane: OpenLane; block: OpenBlock }

const NO_BLOCK = (): OpenBlock => ({ number: '', at: '', lines: [], events: new Map(), transfers: [], fields: new Map() })

/** Reads all of it; what is wrong with it is found, and the rest is read on. */
export function readJournal(text: string, findings: Findings): Journal {
  const lane: OpenLane = { position: -1, hash: '', block: 0n, event: 0n, transfer: 0n, at: '', blocks: [] }
  const reading: Reading = { findings, plans: [], lanes: [], lane, block: NO_BLOCK() }
  for (const line of text.split('\n')) {
    const [type = '', ...fields] = line.split('\t')
    READERS[type]?.(reading, fields, line)
  }
  findings.expect('I7', text.startsWith('apportion-journal\t1\t') && text.endsWith('\n') && reading.lanes.length > 0, () => 'the export is no whole journal')
  return { plans: reading.plans, lanes: reading.lanes }
}

const READERS: Readonly<Record<string, (reading: Reading, fields: readonly string[], line: string) => void>> = {
  P: ({ plans, findings }, [version = '', from = '', added = '', hash = '', content = '{}']) => {
    findings.expect('I7', sha256(content) === hash, () => `plan version ${version} has another content than its hash says`)
    const at = from === '' ? null : Temporal.Instant.from(from)
    plans.push({ version: Number(version), from: at, added: Temporal.Instant.from(added), plan: JSON.parse(content) as Plan })
  },
  L: (reading, [position = '', , , , , hash = '']) => {
    reading.lane = { position: Number(position), hash, block: 0n, event: 0n, transfer: 0n, at: '', blocks: [] }
    reading.findings.expect('I7', hash === '0'.repeat(64), () => `lane ${position} does not begin at its beginning`)
  },
  B: (reading, [, number = '', at = ''], line) => {
    const { lane, findings } = reading
    lane.block += 1n
    findings.expect('I7', number === lane.block.toString(), () => `lane ${lane.position}: block ${number} stands where block ${lane.block} belongs`)
    findings.expect('I7', at >= lane.at, () => `lane ${lane.position}: block ${number} was recorded at ${at}, before the one before it`)
    lane.at = at
    reading.block = { ...NO_BLOCK(), number, at, lines: [line] }
  },
  E: ({ lane, block, findings }, fields, line) => {
    const [number = ''] = fields
    lane.event += 1n
    findings.expect('I7', number === lane.event.toString(), () => `lane ${lane.position}: event ${number} stands where event ${lane.event} belongs`)
    block.lines.push(line)
    block.fields.set(number, fields)
  },
  R: (reading, [number = '', ...rest]) => {
    const { block, findings, lane } = reading
    const fields = block.fields.get(number) ?? []
    const [, digest = '', fingerprint = '', at = '', asset = '', units = '', plan = '', , record = ''] = fields
    const content = JSON.parse(rest.join('\t')) as Recorded & Readonly<Record<string, unknown>>
    findings.expect('I7', areDigestsOf(content, { digest, fingerprint, asset, units, record }), () => `lane ${lane.position}: event ${number} (${content.reference}) is not what its digests were made of`)
    const event = { lane: lane.position, number, digest, at: Temporal.Instant.from(at), recordedAt: Temporal.Instant.from(block.at), asset, units: BigInt(units), plan: Number(plan), recorded: content, transfers: [] }
    block.events.set(number, event)
  },
  T: ({ lane, block, findings }, [number = '', event = '', kind = '', part = '', subject = '', debit = '', credit = '', asset = '', units = ''], line) => {
    lane.transfer += 1n
    findings.expect('I7', number === lane.transfer.toString(), () => `lane ${lane.position}: transfer ${number} stands where transfer ${lane.transfer} belongs`)
    block.lines.push(line)
    block.transfers.push({ number: BigInt(number), event, kind, part, subject, debit, credit, asset, units: BigInt(units) })
  },
  H: ({ lane, block, findings }, [hash = '']) => {
    const made = createHash('sha256').update(Buffer.from(lane.hash, 'hex')).update(`${block.lines.join('\n')}\n`).digest('hex')
    findings.expect('I7', made === hash, () => `lane ${lane.position}: the lines of block ${block.number} do not make its hash`)
    for (const transfer of block.transfers) if (transfer.event !== '') block.events.get(transfer.event)?.transfers.push(transfer)
    findings.expect('I7', block.transfers.every(({ event }) => event === '' || block.events.has(event)), () => `lane ${lane.position}: block ${block.number} moves money for an event of another block`)
    lane.blocks.push({ number: block.number, at: block.at, hash, events: [...block.events.values()], transfers: block.transfers })
    lane.hash = hash
  },
  Z: ({ lanes, lane, findings }, [blocks = '', events = '', transfers = '', head = '']) => {
    const said = [blocks, events, transfers, head].join(' ')
    findings.expect('I7', said === [lane.block, lane.event, lane.transfer, lane.hash].join(' '), () => `lane ${lane.position} does not end with the head it says`)
    lanes.push({ position: lane.position, blocks: lane.blocks, head: lane.hash })
  },
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** JSON with sorted keys and no white space. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}

export function digestOf(reference: string): string {
  return sha256(reference).slice(0, 32)
}

type Line = { readonly digest: string; readonly fingerprint: string; readonly asset: string; readonly units: string; readonly record: string }

function areDigestsOf(content: Recorded & Readonly<Record<string, unknown>>, { digest, fingerprint, asset, units, record }: Line): boolean {
  const { reference, parties, facts, standing, reverses, reversed, ...rest } = content
  const reversal = (size: string): string => sha256(`3\n${asset}\n${size}\n${canonical({ reverses: reversed })}\n`)
  const plain = sha256(`${facts === null ? '1' : '2'}\n${asset}\n${units}\n${canonical(parties)}\n${facts === null ? '' : `${canonical(facts)}\n`}`)
  const prints = reverses === null ? [plain] : [reversal('rest'), reversal(units)]
  const recorded = { ...rest, ...(reverses === null ? (standing === null ? {} : { standing }) : { reverses }) }
  return digestOf(reference) === digest.replaceAll('-', '') && prints.includes(fingerprint) && sha256(`1\n${canonical(recorded)}\n`) === record
}
