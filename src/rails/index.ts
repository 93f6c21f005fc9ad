// The rails there are. A new one is a folder and a line here.

import type { RailModule } from './rail.ts'
import { solana } from './solana/rail.ts'

export const rails: Readonly<Record<string, RailModule>> = { solana }
