// A warm start: the whole program on a new data folder, from its command to the first leg that is settled. It is stopped and removed.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment } from '../simulation/process.ts'
import type { Frame, Part } from './part.ts'

const ROOT = join(import.meta.dirname, '..')
const SETTLED = /^ +\S+ +settled\b/m

/** Longer than this nobody waits for a first sign that something works. */
const LIMIT_S = 15

const STARTED: Frame = { name: 'warm start to the first settled leg, of 15 s', pattern: 'sandbox', callers: 1, unit: 's', target: { most: 1 } }

export const startPart: Part = {
  name: 'start',
  frames: [STARTED],
  measure: async ({ nowMs, say, scale: { runs } }, add) => {
    for (let run = 0; run < runs; run += 1) {
      say(`a warm start, run ${run + 1} of ${runs}`)
      add(STARTED, { value: await firstSettledSeconds(nowMs), limit: LIMIT_S })
    }
  },
}

/** Seconds from the command to the first settled leg. Rejects when the program ends before. */
async function firstSettledSeconds(nowMs: () => number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-bench-'))
  const began = nowMs()
  const child = spawn(process.execPath, [join(ROOT, 'scripts', 'run.js'), 'src/main.ts'], { cwd: ROOT, env: environment(directory), stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  try {
    const settled = Promise.withResolvers<number>()
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (SETTLED.test(output)) settled.resolve((nowMs() - began) / 1000)
    })
    child.once('close', () => settled.reject(new Error(`the program ended before anything was settled:\n${output}`)))
    return await settled.promise
  } finally {
    child.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}
