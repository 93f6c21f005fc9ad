// Runs a copy of the program with a mutant in it, first through the simulator, then through its tests, and says what noticed it.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Mutant } from './mutant.ts'

/** `seeds`: of the first seed that noticed it, and how many were run before; null where a test noticed it. */
export type Caught = { readonly by: string; readonly seeds: number | null }

/** Sound tests need a tenth of it; what is not done by then hangs, and whoever waits for it has noticed. */
const HANGS_AFTER_MS = 600_000
/** Beside it for each history, which is a tenth of this long: the simulator itself says of one that hangs, and of many sound ones nobody must say that they do. */
const HISTORY_MS = 30_000

type Ended = { readonly code: number | null; readonly output: string }

function run(folder: string, args: readonly string[], timeout = HANGS_AFTER_MS): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const options = { cwd: folder, timeout, killSignal: 'SIGTERM', maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: '1' } } as const
  execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
    const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
    resolve({ code, output: `${stdout}\n${stderr}` })
  })
  return promise
}

/** Whether the changed files still load: what does not even load proves nothing about those who notice. Throws when one does not. */
export async function requireLoading(folder: string, { name, edits }: Pick<Mutant, 'name' | 'edits'>): Promise<void> {
  const files = [...new Set(edits.map(({ file }) => join(folder, file)))]
  const { code, output } = await run(folder, ['--input-type=module', '--eval', files.map((file) => `await import(${JSON.stringify(file)})`).join('\n')])
  if (code !== 0) throw new Error(`the mutant that ${name} does not load:\n${output}`)
}

const totals = z.object({ histories: z.int(), failures: z.array(z.object({ seed: z.int(), what: z.array(z.string()) })) })

/** The first history among so many that is broken, or null when all hold. */
export async function bySimulator(folder: string, seeds: number): Promise<Caught | null> {
  if (seeds === 0) return null
  const { code, output } = await run(folder, [join(folder, 'simulation', 'simulate.ts'), '--seeds', String(seeds), '--threads', '1', '--until-broken', '--json'], HANGS_AFTER_MS + seeds * HISTORY_MS)
  if (code === null) return { by: 'simulator: it hangs', seeds: null }
  const begin = output.indexOf('{\n')
  if (begin < 0) throw new Error(`the simulator ended with ${code} and said nothing:\n${output.slice(-4000)}`)
  const { histories, failures } = totals.parse(JSON.parse(output.slice(begin, output.lastIndexOf('\n}') + 2)))
  const [first] = failures
  return first === undefined ? null : { by: `simulator, seed ${first.seed}: ${first.what[0]?.split('\n', 1)[0] ?? ''}`, seeds: histories }
}

const report = z.object({
  testResults: z.array(z.object({ name: z.string(), message: z.string(), assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) })),
})

/** The first test that fails, or null when all hold. */
export async function byTests(folder: string, tests: readonly string[]): Promise<Caught | null> {
  if (tests.length === 0) return null
  const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs')
  const written = join(folder, 'report.json')
  const { code, output } = await run(folder, [vitest, 'run', '--bail', '1', '--reporter', 'json', '--outputFile', written, ...tests])
  if (code === 0) return null
  if (code === null) return { by: `${tests.join(', ')}: it hangs`, seeds: null }
  if (!existsSync(written)) throw new Error(`the tests ended with ${code} and wrote no report:\n${output.slice(-4000)}`)
  const { testResults } = report.parse(JSON.parse(readFileSync(written, 'utf8')))
  for (const { name, assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    const file = name.slice(folder.length + 1)
    if (failed !== undefined) return { by: `${file}: ${failed.fullName}`, seeds: null }
    if (message !== '') return { by: `${file}: ${message.split('\n', 1)[0] ?? ''}`, seeds: null }
  }
  throw new Error(`the tests ended with ${code} and none failed:\n${output.slice(-4000)}`)
}
