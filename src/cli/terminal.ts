// Where a command stands: what it reads, where it writes, its settings and the signal that ends it. A process hands in its own.

import type { Readable, Writable } from 'node:stream'
import type { Environment } from '../config.ts'

export type CommandInput = Readable & { readonly isTTY?: boolean }

export type CommandScreen = Writable & { readonly isTTY?: boolean }

export type Terminal = {
  /** Standard input, opened only by a command that reads it: an open one keeps its process. */
  readonly input: () => CommandInput
  readonly out: CommandScreen
  readonly err: CommandScreen
  readonly environment: Environment
  /** Aborted when the command is asked to end. */
  readonly asked: AbortSignal
}
