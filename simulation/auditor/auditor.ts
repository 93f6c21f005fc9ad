// The auditor: an outsider with a small model of what should be. It is told what was offered at the doors and what came back, reads the rails'
// own books and what the public API and the exported journal say, and shares no code with what it judges. It never reads a table.

import type { Books, Call, Finding, Offer } from '../history.ts'
import { checkAccepted, checkFacts, checkVersions, type Accepting } from './accepted.ts'
import { createAddresses, takeNamed, type Addresses } from './addresses.ts'
import { checkDates, checkPayoutsAgreed, checkPlansAgreed, checkSettings, type Approval } from './agreed.ts'
import { checkAlive } from './alive.ts'
import { recompute } from './balances.ts'
import { createWatch, look, type Looking } from './chain-watch.ts'
import { createFindings } from './findings.ts'
import { mappedReader, readSale, unitsOf, type Mapping } from './intake.ts'
import { readJournal } from './journal.ts'
import { createOffers, take, withOpen, type Offers, type Other } from './offers.ts'
import { createOwing, type Owing } from './owing.ts'
import { checkPaid, keysOf } from './paid.ts'
import type { Plan } from './plan.ts'
import { readOne, readRecords, type Reader, type Records, type Statement } from './reading.ts'
import { replay, type Snapshots } from './replay.ts'
import { createSecrets } from './secrets.ts'
import { checkBalances, checkBlocks, checkDistributions, checkHeads, checkStatement, recipientsOf } from './shown.ts'

export type AuditorInput = {
  readonly ledger: string
  /** What it divides, as `CODE/scale`. */
  readonly asset: string
  /** The text of its program's file; null for the program of token sales. */
  readonly programFile: string | null
  /** Its inbox table as it is named at the SQL door; null without one. */
  readonly inbox: string | null
  /** Who had an address before anybody called. */
  readonly recipients: readonly { readonly recipient: string; readonly address: string }[]
  /** Addresses of its wallets. */
  readonly wallets: () => readonly string[]
  readonly call: Call
  readonly books: Books
  /** The whole journal as `apportion export` writes it. */
  readonly journal: () => Promise<string>
  readonly now: () => Temporal.Instant
  /** Keys, tokens, the master key: in hexadecimal where they are bytes. */
  readonly secrets: readonly string[]
  /** Lines of logs and backups that there are by now, of which earlier ones stay where they are. */
  readonly texts: () => readonly string[]
  /** States of rows of the inbox table that are no events, by reference; null where nobody can say. */
  readonly rows: (() => Promise<ReadonlyMap<string, string>>) | null
  /** Whether the network's nodes lost history for good: then nobody can prove what became of some attempts, or see what came in. */
  readonly hasForgotten?: () => boolean
  /** Requests whose answer nobody has heard yet: they may be carried out already. None when left out. */
  readonly underWay?: () => readonly Offer[]
}

export type AuditFigures = {
  readonly events: number
  readonly payouts: number
  readonly settled: number
  /** Payouts that wait, by state or reason. */
  readonly waiting: Readonly<Record<string, number>>
  readonly sharesExact: number
  readonly sharesByLaws: number
  readonly statements: number
  readonly transactions: number
}

export type Auditor = {
  readonly offered: (offer: Offer) => void
  /** What is broken by now; cheap enough for every step. */
  readonly look: () => readonly Finding[]
  /** Everything, when faults have stopped and what can be paid had the time to be. */
  readonly end: () => Promise<{ readonly findings: readonly Finding[]; readonly figures: AuditFigures }>
}

/** The first plan of token sales, from its own page (src/programs/sale-split/README.md). */
const SALE_PLAN: Plan = {
  steps: [{
    name: 'split', from: 'received', rule: 'fixed-shares', rounding: 'largest-remainder',
    parameters: {
      shares: [
        { role: 'ai', to: { recipient: 'ai' }, weight: '80' },
        { role: 'dao', to: { recipient: 'dao' }, weight: '15' },
        { role: 'lucky', to: { recipient: 'lucky' }, weight: '3' },
        { role: 'creator', to: { party: 'creator' }, weight: '2' },
      ],
    },
  }],
}

type ProgramFile = { readonly plan: Plan; readonly event: Mapping; readonly payouts?: { readonly approval_above: string }; readonly schedule?: unknown }

/** Statements are read of so many recipients, taken evenly from all: each costs a request of seven statements of SQL. */
const MOST_STATEMENTS = 8

export function createAuditor(input: AuditorInput): Auditor {
  const { ledger, asset, books } = input
  const file = input.programFile === null ? null : (JSON.parse(input.programFile) as ProgramFile)
  const scale = Number(asset.split('/')[1])
  const findings = createFindings()
  const offers = createOffers()
  const addresses = createAddresses(input.recipients)
  const watch = createWatch()
  const secrets = createSecrets(input.secrets, findings)
  const read = file === null ? readSale : mappedReader(file.event, asset)
  const reader = { ledger, read, scale, inbox: input.inbox, findings }
  const first = file?.plan ?? SALE_PLAN
  const owing = owingBy(offers, { asset, first })
  const everything = (): Owed => withUnderWay({ offers, addresses, reader }, input.underWay?.() ?? [], { asset, first })
  let scanned = 0
  const scanTexts = (): void => {
    const texts = input.texts()
    for (; scanned < texts.length; scanned += 1) secrets.scan('a log or a backup', texts[scanned] ?? '')
  }
  const lookNow = (): readonly Finding[] => {
    look(watch, { books, wallets: new Set(input.wallets()), addresses, owing, findings, now: input.now(), everything })
    scanTexts()
    return findings.all()
  }
  return {
    offered: (offer) => {
      secrets.hear(offer)
      const known = offers.others.length
      take(offers, offer, reader)
      for (const other of offers.others.slice(known)) takeNamed(addresses, other)
    },
    look: lookNow,
    end: async () => {
      lookNow()
      const api: Reader = { call: input.call, ledger, heard: (body) => secrets.scan('an answer', JSON.stringify(body)) }
      const records = await readRecords(api)
      const journal = readJournal(await input.journal(), findings)
      const balances = recompute(journal, findings)
      const keys = keysOf(records)
      const replayed = replay(journal, { findings, keysOf: keys, snapshots: snapshotsOf(offers, records) })
      const rows = input.rows === null ? null : await input.rows()
      const accepting: Accepting = { findings, offers, journal, events: replayed.events, rows }
      checkAccepted(accepting)
      checkVersions(accepting, (version) => answeredAt(offers, records, version))
      checkFacts(accepting)
      checkBalances(findings, records, balances)
      checkBlocks(findings, records, journal)
      checkHeads(findings, offers.heads, journal)
      checkDistributions(findings, records, replayed)
      const lastRun = file?.schedule === undefined ? null : await lastRunOf(api)
      const hasForgotten = input.hasForgotten?.() ?? false
      checkPaid({ findings, records, replayed, keysOf: keys, journal, balances, books, transactions: watch.bySignature, addresses, hasForgotten })
      const limit = (of: string): bigint | null => {
        const above = records.settings.settings.payout_approval_above[of]
        return above === undefined ? null : BigInt(above)
      }
      checkAlive({ findings, records, replayed, keysOf: keys, books, addresses, now: input.now(), limit, hasForgotten, lastRun })
      const approvalsOf = async (subject: string): Promise<readonly Approval[]> => (await readOne<{ items: readonly Approval[] }>(api, `approvals/${subject}`)).items
      const agreeing = { findings, offers, asset, first: firstLimit(file, scale), records, seenAt: watch.seenAt, approvalsOf }
      await checkPayoutsAgreed(agreeing)
      checkSettings(agreeing)
      checkDates(agreeing)
      checkPlansAgreed({ findings, offers, plans: records.plans }, journal.plans)
      const recipients = evenly(recipientsOf(journal), MOST_STATEMENTS)
      for (const recipient of recipients) checkStatement(findings, await readOne<Statement>(api, `recipients/${encodeURIComponent(recipient)}/statement`), journal)
      scanTexts()
      return { findings: findings.all(), figures: figuresOf(records, { events: replayed.events.size, exact: replayed.exact, byLaws: replayed.byLaws, statements: recipients.length, transactions: watch.bySignature.size }) }
    },
  }
}

function evenly<Item>(items: readonly Item[], most: number): readonly Item[] {
  return items.length <= most ? items : items.filter((_, place) => Math.floor((place * most) / items.length) !== Math.floor(((place + 1) * most) / items.length))
}

/** Above which a payout asks for a person from the beginning; null: none does. */
function firstLimit(file: ProgramFile | null, scale: number): bigint | null {
  return file?.payouts === undefined ? null : unitsOf(file.payouts.approval_above, scale)
}

type Owed = Pick<Looking, 'owing' | 'addresses'>
type Dividing = { readonly asset: string; readonly first: Plan }

/** By every plan that may be in force. */
function owingBy(offers: Offers, { asset, first }: Dividing): Owing {
  return createOwing(offers, { asset, plans: () => [first, ...offeredPlans(offers)] })
}

/** All that was offered, what has no answer yet too. */
function withUnderWay({ offers, addresses, reader }: { offers: Offers; addresses: Addresses; reader: Parameters<typeof take>[2] }, underWay: readonly Offer[], dividing: Dividing): Owed {
  const open = createOffers()
  for (const offer of underWay) take(open, offer, reader)
  const all: Addresses = new Map([...addresses].map(([recipient, named]) => [recipient, [...named]]))
  for (const other of open.others) takeNamed(all, other)
  return { owing: owingBy(withOpen(offers, open), dividing), addresses: all }
}

/** Payouts of a ledger with a schedule are made at instants, of the shares recorded before. */
async function lastRunOf(api: Reader): Promise<Temporal.Instant> {
  const { schedule } = await readOne<{ schedule: { last_run_at: string } | null }>(api, '')
  return Temporal.Instant.from(schedule?.last_run_at ?? '1970-01-01T00:00:00Z')
}

function offeredPlans({ others }: Offers): readonly Plan[] {
  return others.flatMap(({ rest, offer, verdict }) => {
    const { plan } = (offer.request.body ?? {}) as { plan?: unknown }
    const isPlan = typeof plan === 'object' && plan !== null && 'steps' in plan && Array.isArray(plan.steps)
    return verdict !== 'refused' && /^plans(\/add|\/[^/]+\/edit)?$/.test(rest) && isPlan ? [plan as Plan] : []
  })
}

/** When an answer first said that a version was taken; null when no answer did. */
function answeredAt({ others }: Offers, { plans }: Pick<Records, 'plans'>, version: number): Temporal.Instant | null {
  const draft = plans.find((row) => row.version === version)?.draft ?? null
  const said = others.find(({ rest, offer, verdict }: Other) => {
    const body = (offer.answer?.body ?? {}) as { version?: unknown; state?: unknown }
    return verdict === 'taken' && (rest === 'plans/add' || (draft !== null && rest === `plans/${draft}/approve`)) && body.version === version
  })
  return said?.offer.at ?? null
}

/** Entries by the hash that the API shows, as far as they were offered. */
function snapshotsOf({ others }: Offers, { snapshots }: Pick<Records, 'snapshots'>): Snapshots {
  const found: [string, readonly { recipient: string; weight: string }[]][] = []
  for (const { name, hash } of snapshots) {
    const offer = others.find(({ rest, verdict, offer: { answer } }) => rest === `snapshots/${encodeURIComponent(name)}` && verdict === 'taken' && (answer?.body as { hash?: unknown } | null)?.hash === hash)
    const body = offer?.offer.request.body
    if (typeof body !== 'string') continue
    const lines = body.split('\n').filter((line) => line.trim() !== '')
    found.push([hash, lines.map((line) => JSON.parse(line) as { recipient: string; weight: string })])
  }
  return new Map(found)
}

type Counts = { readonly events: number; readonly exact: number; readonly byLaws: number; readonly statements: number; readonly transactions: number }

function figuresOf({ payouts }: Records, { events, exact, byLaws, statements, transactions }: Counts): AuditFigures {
  const waiting: Record<string, number> = {}
  for (const { state, reason } of payouts) {
    if (state === 'settled' || state === 'cancelled') continue
    const name = reason === null ? state : `${state}: ${reason}`
    waiting[name] = (waiting[name] ?? 0) + 1
  }
  const settled = payouts.filter(({ state }) => state === 'settled').length
  return { events, payouts: payouts.length, settled, waiting, sharesExact: exact, sharesByLaws: byLaws, statements, transactions }
}
