// What a program brings to the workload: its events, its plans, and what is wrong about either. A later program brings a file with one.

import type { JsonObject } from '../../src/core/effects.ts'
import type { Random } from '../random.ts'
import type { LedgerSetup } from './workload.ts'

/** How much an event brings. */
export type Size = 'plain' | 'dust' | 'huge'

/** What an event is made of besides chance. */
export type Asked = { readonly reference: string; readonly size: Size; readonly at: Temporal.Instant | null }

/** An event in the program's words. */
export type Made = {
  readonly body: JsonObject
  /** What it brings. */
  readonly units: bigint
  /** Whether a ledger takes it in any state, under any of the business's plans. */
  readonly sure: boolean
}

export type Business = {
  readonly setup: LedgerSetup
  /** Fields of the body. */
  readonly fields: { readonly reference: string; readonly at: string }
  readonly event: (random: Random, asked: Asked) => Made
  /** The same reference with other content. */
  readonly other: (random: Random, body: JsonObject) => JsonObject
  /** What no ledger of it takes, whatever happened before. */
  readonly wrong: (random: Random, reference: string) => JsonObject
  /** Another plan under which its events can go on; and one that is none. */
  readonly plan: (random: Random) => JsonObject
  readonly wrongPlan: (random: Random) => JsonObject
  /** Recipients who get money, those of events too, with what their first addresses are. */
  readonly recipients: readonly string[]
  /** Who has no address yet. */
  readonly addressless: readonly string[]
  /** Standing facts that its plans ask for; none for most. */
  readonly facts: readonly { readonly name: string; readonly subject: string; readonly value: (random: Random) => string }[]
  /** Events divided by a snapshot; null where its plan cannot. */
  readonly snapshots: ((random: Random, asked: Asked & { readonly hash: string }) => Made) | null
  /** Its inbox table; null for a program without one. */
  readonly inbox: Inbox | null
  /** Units of an ordinary event, at most. */
  readonly ordinary: bigint
  /** Payouts that an event becomes, as it was counted. */
  readonly payoutsAnEvent: number
}

export type Inbox = {
  readonly table: string
  /** The column of the instant. */
  readonly at: string
  readonly row: (body: JsonObject) => JsonObject
  /** A row that the table refuses. */
  readonly wrong: (random: Random, reference: string) => JsonObject
  /** Where somebody's wallet is kept: the table, and its row with an address or without one. */
  readonly wallets: { readonly table: string; readonly recipients: readonly string[]; readonly row: (recipient: string, address: string | null) => JsonObject } | null
}
