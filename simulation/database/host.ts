// The two places where a simulated server's statements are carried out: PostgreSQL in this process, or a real server. Sessions see no
// difference; each gives them lines, one a session, and never decides when one of them speaks.

import type { Batch } from './framing.ts'

export type DatabaseUrls = { readonly owner: string; readonly app: string; readonly signer: string }

/** Who begins a session, as it says itself. */
export type Startup = { readonly user: string; readonly options: string }

/** A session at the database. Nobody else speaks while its transaction is open. */
export type Line = {
  /** Carries a batch out; answers all that the server says, ended by ReadyForQuery. */
  readonly run: (batch: Batch) => Uint8Array | Promise<Uint8Array>
  /** Ends the session; when this is done its transaction is rolled back and its locks are gone. */
  readonly end: () => void | Promise<void>
}

export type Host = {
  /** Addresses that pools are opened with, one a role. */
  readonly urls: DatabaseUrls
  /** Opens a line for a session; `number` is its own among all that there ever were on this host. */
  readonly open: (startup: Startup, number: number) => Line | Promise<Line>
  /** What stands now is what every reset from now on brings back. No session may be open. */
  readonly keep: () => Promise<void>
  /** Takes away everything that was written since. No session may be open. */
  readonly reset: () => Promise<void>
  /**
   * Takes away what was written, and prepares anew and for good what was asked since: the histories to come parse and plan nothing of it.
   * Answers differ in nothing but their time. No session may be open.
   */
  readonly learn: () => Promise<void>
  readonly close: () => Promise<void>
}
