// What code may ask of the outside world: the clock, timers, randomness, the network and the log.
// Only main and world make one from the real machine; a simulator makes one from a seed.

/** JSON as it is stored and sent. Money inside it is always text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type JsonObject = { readonly [key: string]: Json }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes one line about what happened. Fields never hold keys, tokens or signed bytes. */
export type Log = (level: LogLevel, message: string, fields?: JsonObject) => void

export type Effects = {
  /** The current instant, cut to microseconds. */
  readonly now: () => Temporal.Instant
  /** Resolves after `ms`, or at once when the signal is aborted (it never rejects). */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  readonly random: (bytes: number) => Uint8Array<ArrayBuffer>
  /** A new UUID v7 in lower case. */
  readonly id: () => string
  readonly fetch: typeof fetch
  readonly log: Log
}
