// Runs the parts whose rows are wanted, one after the other, and prints their rows with what they were measured on.

import { present } from '../src/core/assert.ts'
import type { Effects } from '../src/core/effects.ts'
import { rails } from '../src/rails/index.ts'
import { inDatabase } from './database.ts'
import { databaseSettings, machine, type Machine } from './machine.ts'
import { watchMemory, type PeakMemory } from './memory.ts'
import type { Options } from './options.ts'
import { wantedBy, type Bench, type Frame, type Sample } from './part.ts'
import { partsOf } from './parts.ts'
import { lineOf, tableMarkdown, tableText, type Line } from './report.ts'

type Ran = {
  readonly lines: readonly Line[]
  readonly failures: readonly string[]
  readonly machine: Machine
  readonly settings: Readonly<Record<string, string>>
  readonly memory: PeakMemory
  readonly seconds: number
}

/** Whether every wanted row was measured. A missed target is a result, not a failure. */
export async function runRows(effects: Effects, options: Options, nowMs: () => number): Promise<boolean> {
  const ran = await measureAll(effects, options, nowMs)
  process.stdout.write(`${PRINTERS[options.print](ran)}\n`)
  for (const failure of ran.failures) process.stderr.write(`${failure}\n`)
  return ran.failures.length === 0
}

async function measureAll(effects: Effects, { scale, only }: Options, nowMs: () => number): Promise<Ran> {
  const began = performance.now()
  const parts = partsOf(scale)
  const wants = wantedBy(parts, only)
  if (!parts.some(({ frames }) => frames.some(wants))) throw new Error(`no row is like ${only.source}: \`npm run bench\` prints all`)
  const memory = watchMemory()
  const settings = await inDatabase(effects, async ({ owner }) => await databaseSettings(owner))
  const bench: Bench = {
    ...{ effects, scale, nowMs, rail: present(Object.values(rails)[0], 'rail') },
    say: (text) => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0).padStart(5)} s  ${text} …\n`),
    wants,
  }
  const lines: Line[] = []
  const failures: string[] = []
  for (const { name, frames, measure } of parts) {
    nowMs()
    const wanted = frames.filter(bench.wants)
    if (wanted.length === 0) continue
    const samples = new Map<Frame, Sample[]>()
    try {
      await measure(bench, (frame, sample) => void samples.getOrInsertComputed(frame, () => []).push(sample))
    } catch (error) {
      failures.push(`the part ${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
    lines.push(...wanted.map((frame) => lineOf(frame, samples.get(frame) ?? [])))
  }
  return { lines, failures, machine: machine(), settings, memory: await memory.stop(), seconds: (performance.now() - began) / 1000 }
}

const PRINTERS: Readonly<Record<Options['print'], (ran: Ran) => string>> = {
  json: ({ lines, machine, settings, memory, seconds }) =>
    JSON.stringify({ rows: lines.map(({ row }) => row), spread: lines.map(({ spread }) => spread), machine, settings, memory, seconds }, null, 2),
  table: (ran) => [tableText(ran.lines), ...notesOf(ran)].join('\n\n'),
  markdown: (ran) => [tableMarkdown(ran.lines), ...notesOf(ran)].join('\n\n'),
}

function notesOf({ lines, machine: { cpus, model, memoryGiB, system, node }, settings, memory, seconds }: Ran): readonly string[] {
  const { server_version: version, ...others } = settings
  const runs = Math.max(...lines.map(({ spread }) => spread.runs))
  const listed = (values: Readonly<Record<string, string | number>>): string => Object.entries(values).map(([name, value]) => `${name} ${value}`).join(', ')
  return [
    `${runs === 1 ? 'One run' : `Medians of up to ${runs} runs`} in ${Math.round(seconds)} s on ${cpus} × ${model}, ${memoryGiB} GiB, ${system}, Node ${node}.`,
    `PostgreSQL ${version}: ${listed(others)}.`,
    memory === null ? 'This system does not tell the peak memory of processes.' : `Peak memory in MiB: ${listed(memory)}.`,
  ]
}
