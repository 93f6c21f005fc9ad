// How tests run: in threads that share their modules, on one PostgreSQL for the whole run.

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification, type Vitest } from 'vitest/node'

/** Small files that take seconds. Vitest begins with those that took longest last time, and on a new clone with the largest: with these last,
 * all threads but one would wait for the end. */
const LONG = [
  'simulation/simulate.test.ts',
  'src/boot/start.test.ts',
  'src/worker/worker.test.ts',
  'src/engine/recorder-faults.test.ts',
  'simulation/conformance.test.ts',
  'simulation/mutants/allocation.test.ts',
  'src/store/embedded/start.test.ts',
  'test/bootstrap.test.ts',
  'simulation/control.test.ts',
  'src/engine/recorder-kill.test.ts',
  'src/engine/chunk-kill.test.ts',
  'src/rails/solana/sandbox/process.test.ts',
  'src/engine/payout-crash.test.ts',
  'src/boot/networks.test.ts',
  'simulation/database/image.test.ts',
  'src/core/allocate/allocate.test.ts',
  'src/core/allocate/rounding.test.ts',
]

/** Vitest makes one with `new`, and takes what is answered. */
function LongestFirst(context: Vitest): BaseSequencer {
  const sequencer = new BaseSequencer(context)
  const place = ({ moduleId }: TestSpecification): number => LONG.findIndex((name) => moduleId.endsWith(`/${name}`))
  const sort = async (files: TestSpecification[]): Promise<TestSpecification[]> => {
    const sorted = await BaseSequencer.prototype.sort.call(sequencer, files)
    return [...sorted.filter((file) => place(file) >= 0).toSorted((a, b) => place(a) - place(b)), ...sorted.filter((file) => place(file) < 0)]
  }
  return Object.assign(sequencer, { sort })
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'simulation/**/*.test.ts', 'bench/**/*.test.ts'],
    sequence: { sequencer: LongestFirst as unknown as typeof BaseSequencer },
    globalSetup: 'test/global-setup.ts',
    pool: 'threads',
    isolate: false,
    // One more than two processors: a thread waits for PostgreSQL and for processes for an eighth of its time and more.
    maxWorkers: 3,
    // For tests that hang. On a machine with ten times as much to do as it has processors, the longest takes 45 s.
    testTimeout: 180_000,
    hookTimeout: 240_000,
  },
})
