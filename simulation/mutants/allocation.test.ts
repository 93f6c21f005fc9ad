// A sample of the faults that `simulation/mutants/allocation.ts` puts into the allocation's code, as people run it; all of them take some minutes.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('notices every fault of a sample in the allocation', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'allocation.ts'), '--every', '47'])
  expect(stdout).toMatch(/^([0-9]+) of \1 faults were noticed; [0-9]+ of [0-9]+ change nothing/)
})
