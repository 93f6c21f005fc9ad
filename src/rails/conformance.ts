// What every rail must do, as cases that run against its sandbox. A rail's author runs them first, and the simulation trusts them.
// A case that a rail or its sandbox cannot express is reported as skipped with the reason, never as passed.

import { describe, it } from 'vitest'
import { inexpressible, type ConformanceBench, type ConformanceCase } from './conformance-bench.ts'
import { depositCases } from './conformance-deposits.ts'
import { onceCases } from './conformance-once.ts'
import { paymentCases } from './conformance-payments.ts'

export const conformanceCases: readonly ConformanceCase[] = [...paymentCases, ...onceCases, ...depositCases]

export type Conformance = { readonly name: string; readonly setup: () => Promise<ConformanceBench> }

/** Declares the suite for one rail and asset. */
export function railConformance({ name, setup }: Conformance): void {
  describe(`${name}, as every rail`, () => {
    it.for(conformanceCases)('$name', async (one, { skip }) => {
      const unable = await checkCase(one, setup)
      skip(unable !== null, `cannot be expressed: ${unable}`)
    })
  })
}

/** Runs one case on a bench of its own; throws when the rail fails it. Returns why it could not be run, or null. */
export async function checkCase(one: ConformanceCase, setup: Conformance['setup']): Promise<string | null> {
  const bench = await setup()
  try {
    const unable = inexpressible(one, bench)
    if (unable === null) await one.run(bench)
    return unable
  } finally {
    await bench.close()
  }
}
