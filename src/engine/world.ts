// The world as the engine sees it: the only way to effects. Main makes one of real parts, a simulator one from a seed.

import type { Effects } from '../core/effects.ts'
import type { Programs } from '../core/program.ts'
import type { Rail, RailModule } from '../rails/rail.ts'
import type { Signer } from '../signer/signer.ts'
import type { Store } from '../store/store.ts'

export type World = Effects & {
  readonly store: Store
  readonly programs: Programs
  readonly rails: Readonly<Record<string, RailModule>>
  /** The rail of a ledger, connected. `url` is null for the sandbox's own network. */
  readonly connect: (rail: string, url: string | null) => Rail
  readonly signer: Signer
}

/** What the verbs need that neither pay nor sign: most commands of the CLI have no more. */
export type Desk = Omit<World, 'connect' | 'signer'>
