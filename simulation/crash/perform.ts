// A run as a program: in a folder of its own, heard of on standard output, ended in order by a signal, and with its verdict as exit code.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodeOf, hearSignals } from '../../src/boot/signals.ts'
import { machineEffects } from '../../src/world.ts'
import { report } from './report.ts'
import { run, type Ran, type RunOptions, type Say } from './run.ts'

/** `more`: what is looked at besides, while everything still runs; false is a fault. */
export async function perform(options: Omit<RunOptions, 'directory' | 'asked'>, more: (ran: Ran, print: Say) => Promise<boolean> = async () => await Promise.resolve(true)): Promise<void> {
  const asked = hearSignals()
  const began = Date.now()
  const print: Say = (line) => void process.stdout.write(`${line}\n`)
  const say: Say = (line) => print(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  const directory = mkdtempSync(join(tmpdir(), 'apportion-crash-'))
  print(`seed ${options.seed}`)
  try {
    const look = async (ran: Ran): Promise<boolean> => (await report(ran, print)) && (await more(ran, print))
    process.exitCode = (await run(machineEffects(() => {}), { ...options, directory, asked: asked.signal }, { say, look })) ? 0 : 1
  } catch (error) {
    if (!asked.signal.aborted) throw error
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  // Callers of an interrupted run still wait for answers that nobody will give.
  if (asked.signal.aborted) process.exit(exitCodeOf(await asked.came))
}
