// The auditors of a history, one a ledger: what each is told, and the few things that it may read. What they find is told apart by ledger.

import type { Pool } from 'pg'
import { escapeIdentifier } from 'pg'
import { present } from '../../src/core/assert.ts'
import { exportJournal } from '../../src/engine/export-journal.ts'
import { createLedgers } from '../../src/engine/ledger.ts'
import type { World } from '../../src/engine/world.ts'
import { createAuditor, type Auditor } from '../auditor/auditor.ts'
import type { Answer, Call, Finding, Offer } from '../history.ts'
import type { LedgerSetup } from '../workload/workload.ts'
import type { Home } from './doors.ts'
import type { LogLine } from './effects.ts'
import type { Network } from './network.ts'

export type AuditParts = {
  readonly ledgers: readonly LedgerSetup[]
  readonly homes: ReadonlyMap<string, Home>
  readonly network: Network
  readonly logged: readonly LogLine[]
  readonly masterKey: Uint8Array
  /** A process that meets no faults, for what the command `export` does. */
  readonly world: Pick<World, 'store' | 'programs' | 'now'>
  /** The view that people read. */
  readonly pool: Pool
  readonly ask: Call
  /** Requests whose answer nobody has heard yet. */
  readonly underWay: ReadonlySet<Offer>
  readonly now: () => Temporal.Instant
}

export type Audit = {
  readonly offered: (offer: Offer) => void
  readonly look: () => readonly Finding[]
  readonly end: () => Promise<readonly Finding[]>
}

export function openAudit(parts: AuditParts): Audit {
  const texts: string[] = []
  const auditors = parts.ledgers.map((setup) => ({ name: setup.name, auditor: auditorOf(parts, setup, texts) }))
  const gather = (): void => {
    for (const line of parts.logged.slice(texts.length)) texts.push(JSON.stringify(line))
  }
  const named = (name: string, findings: readonly Finding[]): readonly Finding[] => findings.map(({ invariant, what }) => ({ invariant, what: `${name}: ${what}` }))
  return {
    offered: (offer) => auditors.forEach(({ auditor }) => auditor.offered(offer)),
    look: () => {
      gather()
      return auditors.flatMap(({ name, auditor }) => named(name, auditor.look()))
    },
    end: async () => {
      gather()
      const found: Finding[] = []
      for (const { name, auditor } of auditors) found.push(...named(name, (await auditor.end()).findings))
      return found
    },
  }
}

function auditorOf({ homes, network, masterKey, world, pool, ask, now, underWay }: AuditParts, setup: LedgerSetup, texts: readonly string[]): Auditor {
  const { name, asset, programFile, schema, recipients } = setup
  const home = present(homes.get(name), name)
  const view = schema === null ? null : `${escapeIdentifier(schema)}.profit_events_status`
  return createAuditor({
    ...{ ledger: name, asset, programFile, recipients, now },
    inbox: schema === null ? null : `${schema}.profit_events`,
    wallets: () => [home.wallet],
    call: async (request): Promise<Answer> => await ask(request),
    books: network.books,
    journal: async () => {
      let text = ''
      await exportJournal(world, await createLedgers(world).open(name), {}, async (part) => void (text += part))
      return text
    },
    secrets: [masterKey.toHex(), ...Object.values(home.keys).map(({ bearer }) => bearer)],
    texts: () => texts,
    underWay: () => [...underWay],
    rows:
      view === null
        ? null
        : async () => {
            const { rows } = await pool.query<{ reference: string; state: string }>(`select transaction_hash as reference, state from ${view} where state <> 'recorded'`)
            return new Map(rows.map(({ reference, state }) => [reference, state]))
          },
    hasForgotten: () => network.counters().historiesForgotten > 0,
  })
}
