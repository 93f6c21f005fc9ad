// Puts one fault at a time into a copy of the allocation's code and runs its properties against it: every fault must be noticed.
// `node simulation/mutants/allocation.ts [--every 10] [--show]`: all of them, or each tenth. Ends with 1 when a fault went unnoticed.

import { once } from 'node:events'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { EQUIVALENT } from './allocation/equivalent.ts'
import { faultsIn, type Fault } from './allocation/faults.ts'
import { noticed } from './allocation/noticed.ts'

const ROOT = join(import.meta.dirname, '../..')
/** A fault may make a loop endless. It is known by the processor's time, which other work on the machine does not stretch: a sound run of all
 * properties takes about a second of it, and no fault that ends takes many of them. */
const HANGS_AFTER_SOUND_RUNS = 4
const LOOK_EVERY_MS = 100

/** What the allocation needs of the core; the first are those that faults are put into. */
const FAULTY = globSync(['src/core/allocate.ts', 'src/core/allocate/*.ts'], { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts')).toSorted()
const SOUND = ['assert', 'money', 'ratio', 'refusal'].map((name) => `src/core/${name}.ts`)

if (isMainThread) {
  const { values } = parseArgs({ options: { every: { type: 'string', default: '1' }, show: { type: 'boolean', default: false } } })
  process.exitCode = await main(Number(values.every), values.show)
} else {
  parentPort?.on('message', (folder: string) => void noticed(folder).then((by) => parentPort?.postMessage(by)))
}

async function main(every: number, isShown: boolean): Promise<number> {
  const all = FAULTY.flatMap((file) => faultsIn(file, readFileSync(join(ROOT, file), 'utf8')))
  const isEquivalent = (fault: Fault): boolean => EQUIVALENT.some(({ file, line, to }) => fault.file.endsWith(file) && fault.line.includes(line) && fault.to.trim() === to)
  const stale = EQUIVALENT.filter(({ file, line, to }) => !all.some((fault) => fault.file.endsWith(file) && fault.line.includes(line) && fault.to.trim() === to))
  for (const { file, line, to } of stale) process.stdout.write(`no fault is like the listed ${file}: ${line} with ${to}\n`)
  const tried = all.filter((fault) => !isEquivalent(fault)).filter((_, index) => index % every === 0)
  const folder = mkdtempSync(join(tmpdir(), 'apportion-mutants-'))
  const unnoticed: Fault[] = []
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
    const sound = await ask(await startWorker(), copyWith(folder, 'sound', null), Infinity)
    if (sound.by !== null) throw new Error(`the code without a fault does not hold: ${sound.by}`)
    sound.worker?.unref()
    const queue = [...tried.entries()]
    await Promise.all(
      Array.from({ length: availableParallelism() }, async () => {
        let worker: Worker | null = null
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const [index, fault] = next
          const answer = await ask(worker ?? (await startWorker()), copyWith(folder, String(index), fault), sound.cpuMs * HANGS_AFTER_SOUND_RUNS)
          worker = answer.worker
          if (answer.by === null) unnoticed.push(fault)
          if (isShown || answer.by === null) process.stdout.write(`${answer.by === null ? 'UNNOTICED' : 'noticed'} ${where(fault)}${answer.by === null ? '' : ` by: ${answer.by}`}\n`)
        }
        await worker?.terminate()
      }),
    )
    await sound.worker?.terminate()
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  process.stdout.write(`${tried.length - unnoticed.length} of ${tried.length} faults were noticed; ${all.length - all.filter((fault) => !isEquivalent(fault)).length} of ${all.length} change nothing (simulation/mutants/allocation/equivalent.ts)\n`)
  return unnoticed.length + stale.length === 0 && tried.length > 0 ? 0 : 1
}

function where({ file, number, line, from, to }: Fault): string {
  return `${file}:${number} ${from.trim()} → ${to.trim() || 'nothing'} in ${line.trim()}`
}

async function startWorker(): Promise<Worker> {
  const worker = new Worker(import.meta.filename, { stdout: false })
  await once(worker, 'online')
  return worker
}

type Answer = { readonly by: string | null; readonly worker: Worker | null; readonly cpuMs: number }

/** By which property a fault was noticed; a worker that hangs or dies has noticed it too, and is gone. */
async function ask(worker: Worker, folder: string, limitMs: number): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Pick<Answer, 'by' | 'worker'>>()
  const died = (): void => resolve({ by: 'it dies', worker: null })
  const told = (by: string | null): void => resolve({ by, worker })
  worker.on('message', told).on('error', died).on('exit', died)
  const before = await cpuOf(worker)
  worker.postMessage(folder)
  // Who has ended meanwhile is told as dead above.
  const look = setInterval(() => void cpuOf(worker).then((now) => now - before > limitMs && resolve({ by: 'it hangs', worker: null }), died), LOOK_EVERY_MS)
  const answer = await promise
  clearInterval(look)
  const cpuMs = answer.worker === null ? limitMs : (await cpuOf(worker)) - before
  worker.off('message', told).off('error', died).off('exit', died)
  if (answer.worker === null) await worker.terminate()
  return { ...answer, cpuMs }
}

async function cpuOf(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage()
  return (user + system) / 1000
}

/** A folder with the core's files, one of them with the fault. */
function copyWith(folder: string, name: string, fault: Fault | null): string {
  const target = join(folder, name)
  mkdirSync(join(target, 'allocate'), { recursive: true })
  for (const file of [...FAULTY, ...SOUND]) {
    const place = join(target, basename(dirname(file)) === 'allocate' ? 'allocate' : '', basename(file))
    if (file === fault?.file) writeFileSync(place, fault.text)
    else cpSync(join(ROOT, file), place)
  }
  return target
}
