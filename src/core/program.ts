// What a program tells the engine: which events it takes in and how, its first plan, its recipients. It holds no engine of its own.

import type { z } from 'zod'
import type { AmountFields, Share } from './distribution.ts'
import type { JsonObject } from './effects.ts'
import type { EventInput } from './event.ts'
import { clip, quote, type AssetName } from './money.ts'
import type { PlanData } from './plan.ts'
import { Refusal } from './refusal.ts'
import type { Schedule } from './schedule.ts'
import type { Settings } from './settings.ts'

/** A row of an inbox table as text, column by column, exactly as PostgreSQL prints it; null stays null. */
export type InboxRow = Readonly<Record<string, string | null>>

/**
 * A table by which events come in as plain SQL inserts. Its trigger refuses wrong content and queues the row; the engine turns each
 * committed row into one event. Doors of our own write row and event in one transaction.
 */
export type Inbox = {
  readonly table: string
  /** The column that holds the source reference. */
  readonly reference: string
  /** Columns that the engine reads and writes, with the type to cast text to when writing. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly toEvent: (row: InboxRow) => EventInput
  readonly toRow: (event: EventInput & { readonly eventAt: Temporal.Instant }, shares: readonly Share[]) => InboxRow
  /** Says how a stored row differs from its event, for `verify`: null when it does not. */
  readonly compare: (row: InboxRow, event: EventInput, shares: readonly Share[]) => string | null
}

/** A fixed recipient of the program, named when a ledger is created. */
export type ProgramRecipient = { readonly recipient: string; readonly label: string }

export type Program = {
  readonly name: string
  readonly summary: string
  readonly asset: AssetName
  /** The rail on which its shares are paid. */
  readonly rail: string
  readonly recipients: readonly ProgramRecipient[]
  readonly firstPlan: PlanData
  /** What a new ledger asks for besides what each does: the first change of its settings. */
  readonly settings?: Partial<Pick<Settings, 'payout_approval_above'>>
  /** Whether shares of one recipient that go to one destination are paid together; left out: each share is a payout of its own. */
  readonly payoutPolicy?: 'per_share' | 'per_destination'
  /** When payouts are made; left out: of each share as soon as it is recorded. */
  readonly schedule?: Schedule
  /** What its doors call the amounts that may come with an event, by the plan's roles. */
  readonly amountFields: AmountFields
  /** What its doors call `units`, `asset` and the parties, for refusals; what is left out is called so there too. */
  readonly contentFields?: Readonly<Record<string, string>>
  /** The body of an event in the API, the CLI's options and files: the program's own words. */
  readonly event: z.ZodType<EventInput>
  readonly inbox: Inbox | null
  /** SQL that gives a ledger its tables and triggers; `:schema`, `:ledger` and `:app` are replaced. */
  readonly install: string | null
  /** SQL that gives it its views: those with a trigger `apportion_read_only` are dropped by migrations that need it and made anew. */
  readonly views: string | null
  /** SQL that lets the server's role use them, run after `views` and again at each start: the role may be another one then. */
  readonly grants: string | null
  /** An event to try the program with in the sandbox, and who its parties are, for people. */
  readonly sample: { readonly body: JsonObject; readonly parties: readonly ProgramRecipient[] }
  /** The instant whose plan version counts. */
  readonly versionInstant: (event: { readonly eventAt: Temporal.Instant }) => Temporal.Instant
}

/** A program whose ledgers bring their terms themselves, each in a file of its own: business as data. */
export type FileProgram = {
  readonly name: string
  readonly summary: string
  /** What may come in, whatever the file says: for descriptions. */
  readonly event: z.ZodType
  /** The program that a file's text is. `file` is its name, for people. Refuses by the line: `file_malformed`, `plan_invalid`, … */
  readonly read: (text: string, file: string) => Program
  /** The folder whose folders are examples to begin with. */
  readonly templates: string
}

export type InstalledProgram = Program | FileProgram

export type Programs = ReadonlyMap<string, InstalledProgram>

/** What a ledger's row says of its program: its name, and the text of its file where it takes one. */
export type ProgramChoice = { readonly program: string; readonly file: string | null }

/**
 * The program of a ledger. Refuses `program_not_found`, `field_malformed` for a file too many or too few, and what its file is refused for.
 */
export function chosenProgram(programs: Programs, { program: name, file }: ProgramChoice, fileName = 'file'): Program {
  const found = programs.get(name)
  if (found === undefined) throw new Refusal('program_not_found', `there is no program ${quote(name)}; there are: ${[...programs.keys()].join(', ')}`, { program: clip(name) })
  if (!isFileProgram(found)) {
    if (file === null) return found
    throw new Refusal('field_malformed', `the program ${name} takes no file: leave it out`, { field: 'file' })
  }
  if (file !== null) return found.read(file, fileName)
  throw new Refusal('field_malformed', `the program ${name} takes its terms from a file: name it (\`apportion init\` writes one to begin with)`, { field: 'file' })
}

export function isFileProgram(program: InstalledProgram): program is FileProgram {
  return 'read' in program
}
