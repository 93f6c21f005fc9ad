// How what was given out, or taken back, in chunks is told where it is not as it must be.

import { isDeepStrictEqual } from 'node:util'
import type { ChunkRow } from '../../store/distribution.ts'
import type { Ledger } from '../ledger.ts'
import type { Reading } from './books.ts'
import type { Place } from './findings.ts'
import type { Plans } from './plans.ts'

export type DistributionReading = Reading & { readonly ledger: Ledger; readonly plans: Plans }

export type Judging = { readonly findings: DistributionReading['findings']; readonly where: Place }

export function spoken(share: string): string {
  const [part, units, account] = share.split('\t')
  return `part ${part ?? ''}: ${units ?? ''} units to ${account ?? ''}`
}

export function checkChunk({ findings, where }: Judging, chunk: ChunkRow | undefined, due: Omit<ChunkRow, 'account' | 'first_transfer'>, first: bigint | null): void {
  const { account: _, first_transfer: start, ...found } = chunk ?? { account: 0, first_transfer: null }
  if (isDeepStrictEqual(found, due) && (first === null || first === start)) return
  findings.broken('large_distribution', where, { expected: `a chunk: ${textOf({ ...due, first_transfer: first })}`, found: chunk === undefined ? 'none' : textOf({ ...chunk }) })
}

export function textOf(figures: Readonly<Record<string, unknown>>): string {
  return Object.entries(figures).map(([name, value]) => `${name} ${String(value)}`).join(', ')
}
