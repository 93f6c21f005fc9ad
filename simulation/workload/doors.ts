// What callers can do to a server and to a network, and nothing else. Whoever carries out a workload gives these; each tells its listener
// every offer and its answer.

import type { Answer, Call, Insert, Person } from '../history.ts'

export type Doors = {
  /** The path names the ledger, whose key of that person is sent. A body that is text is sent as lines of JSON. */
  readonly call: Call
  readonly insert: Insert
  /** The same, but a row whose key is there already is changed. */
  readonly upsert: Insert
  /** Names where a recipient is paid from now on, as the command does. Status 200, or that of the refusal. */
  readonly name: (ledger: string, recipient: string, address: string) => Promise<Answer>
  /** Signs with a person's seal; base64. */
  readonly seal: (ledger: string, person: Person, text: string) => string
  readonly hands: Hands
  readonly now: () => Temporal.Instant
  readonly sleep: (ms: number) => Promise<void>
}

/** The network's own hand. `asset` is the ledger's name of it. */
export type Hands = {
  readonly fund: (ledger: string, asset: string, units: bigint) => void
  readonly give: (ledger: string, asset: string, address: string, units: bigint) => void
  /** An owner's token account, which is made if there is none. */
  readonly freeze: (ledger: string, asset: string, owner: string, frozen: boolean) => void
}

/** What each person of a ledger may do: the second one approves alone, and only the owner records what is old. */
export const PERSON_RIGHTS: Readonly<Record<Person, readonly string[]>> = {
  owner: ['read', 'record', 'backdate', 'propose', 'approve', 'administer'],
  first: ['read', 'record', 'propose', 'approve'],
  second: ['read', 'approve'],
}
