// The pure deciders alone through random histories, many at a time, each held against what the oracles say: payouts and attempts, and the lanes'
// slots. `node simulation/deciders.ts [--histories 1000000] [--seed 0] [--threads 2]`. Ends with 1 when a law was broken.

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { KINDS, type Block, type Kind, type Played } from './deciders/thread.ts'

/** Histories a thread plays before it says how it went: often enough for a progress line, seldom enough to cost nothing. */
const BLOCK = 5_000
/** Findings shown of each kind; one is enough to begin with. */
const SHOWN = 5
/** A history of slots costs as much as four of payouts, and there is far less to go wrong. */
const SHARE: Readonly<Record<Kind, number>> = { payouts: 10, slots: 1 }

type Sum = { histories: number; moves: number; findings: { readonly seed: number; readonly finding: string }[] }

export async function runDeciders(options: { readonly histories: number; readonly seed: number; readonly threads: number; readonly print: (line: string) => void }): Promise<boolean> {
  const { histories, seed, threads, print } = options
  const queue = KINDS.flatMap((kind) => blocksOf(kind, { first: seed, count: Math.ceil((histories * SHARE[kind]) / SHARE.payouts) }))
  const sums = new Map<Kind, Sum>(KINDS.map((kind) => [kind, { histories: 0, moves: 0, findings: [] }]))
  const began = performance.now()
  let told = began
  const workers = Array.from({ length: Math.min(threads, queue.length) }, () => new Worker(new URL('./deciders/thread.ts', import.meta.url)))
  await Promise.all(
    workers.map(async (worker) => {
      for (let block = queue.shift(); block !== undefined; block = queue.shift()) {
        const { moves, findings } = await ask(worker, block)
        const sum = sums.get(block.kind) as Sum
        sum.histories += block.count
        sum.moves += moves
        sum.findings.push(...findings)
        if (performance.now() - told < 10_000) continue
        told = performance.now()
        print(`  ${lineOf(block.kind, sum)}`)
      }
      await worker.terminate()
    }),
  )
  const seconds = (performance.now() - began) / 1000
  for (const [kind, sum] of sums) {
    print(`${lineOf(kind, sum)}, ${sum.findings.length} broken`)
    for (const { seed: failed, finding } of sum.findings.slice(0, SHOWN)) print(`  ${finding}\n    node simulation/deciders.ts --histories 1 --seed ${failed}`)
  }
  const played = [...sums.values()].reduce((all, { histories: some }) => all + some, 0)
  print(`${figure(played)} histories in ${seconds.toFixed(1)} s on ${workers.length} threads: ${figure(Math.round((played / seconds) * 60))} a minute`)
  return [...sums.values()].every(({ findings }) => findings.length === 0)
}

function blocksOf(kind: Kind, { first, count }: { readonly first: number; readonly count: number }): Block[] {
  return Array.from({ length: Math.ceil(count / BLOCK) }, (_, index) => {
    return { kind, first: first + index * BLOCK, count: Math.min(BLOCK, count - index * BLOCK) }
  })
}

async function ask(worker: Worker, block: Block): Promise<Played> {
  const failing = new AbortController()
  worker.postMessage(block)
  try {
    const failed = once(worker, 'error', { signal: failing.signal }).then(([error]) => Promise.reject(error as Error))
    const [played] = (await Promise.race([once(worker, 'message', { signal: failing.signal }), failed])) as [Played]
    return played
  } finally {
    failing.abort()
  }
}

const figure = (count: number): string => count.toLocaleString('en')

function lineOf(kind: Kind, { histories, moves }: Sum): string {
  return `${kind.padEnd(8)} ${figure(histories)} histories, ${figure(moves)} moves`
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '0' },
      threads: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  const isSound = await runDeciders({ histories: Number(values.histories), seed: Number(values.seed), threads: Number(values.threads), print })
  process.exitCode = isSound ? 0 : 1
}
