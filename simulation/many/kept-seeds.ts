// Seeds that failed once, made small, each with a line on what it found. Tests live all of them again.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { HistoryPlan } from '../history.ts'

export const SEEDS_FOLDER = join(import.meta.dirname, '..', 'seeds')

export type KeptSeed = { readonly seed: number; /** What it found. */ readonly found: string; readonly plan: HistoryPlan }

const keptSeed = z.strictObject({
  seed: z.int(),
  found: z.string().min(1),
  plan: z.strictObject({ rates: z.record(z.string(), z.number()), deeds: z.int() }),
})

export function keptSeeds(): readonly KeptSeed[] {
  // A folder without files is none in a repository.
  if (!existsSync(SEEDS_FOLDER)) return []
  const files = readdirSync(SEEDS_FOLDER).filter((name) => name.endsWith('.json'))
  return files.toSorted().map((name) => keptSeed.parse(JSON.parse(readFileSync(join(SEEDS_FOLDER, name), 'utf8'))))
}
