// How far a long run is, on stderr: a bar on a terminal, a line now and then elsewhere.

import { SingleBar } from 'cli-progress'

export type Progress = { readonly show: (done: number, said: { readonly histories: number; readonly broken: number }) => void; readonly stop: () => void }

const LINE_EVERY_MS = 15_000

/** `of`: how much there is to do, in `noun`s. `passed`: milliseconds since the run began. */
export function startProgress({ of, noun, passed }: { readonly of: number; readonly noun: string; readonly passed: () => number }): Progress {
  const { stderr } = process
  const bar = new SingleBar({ format: `  {bar} {value}/{total} ${noun}, {histories} histories, {broken} broken`, stream: stderr, hideCursor: true })
  if (stderr.isTTY) bar.start(of, 0, { histories: 0, broken: 0 })
  let told = 0
  return {
    show: (done, { histories, broken }) => {
      if (stderr.isTTY) bar.update(Math.min(done, of), { histories, broken })
      else if (passed() - told >= LINE_EVERY_MS) {
        told = passed()
        stderr.write(`  ${Math.min(done, of)} of ${of} ${noun}, ${histories} histories, ${broken} broken\n`)
      }
    },
    stop: () => {
      if (stderr.isTTY) bar.stop()
    },
  }
}
