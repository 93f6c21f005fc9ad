// Commands in the test's own process, on a terminal of their own: what a process around them would add is tested by a few that are one.

import { Readable, Writable } from 'node:stream'
import type { Environment } from '../config.ts'
import { runCommand } from './run-command.ts'

export type Ended = { readonly code: number; readonly out: string; readonly err: string }

const written = (): { readonly stream: Writable; readonly text: () => string } => {
  const parts: Buffer[] = []
  const stream = new Writable({
    write: (part: Buffer, _encoding, done) => {
      parts.push(part)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(parts).toString() }
}

/** Runs a command to its end, with nothing of the settings around but those given. */
export async function runHere(words: readonly string[], environment: Environment, input: string | Buffer = ''): Promise<Ended> {
  const [out, err] = [written(), written()]
  const asked = new AbortController().signal
  const code = await runCommand(words, { input: () => Readable.from([Buffer.from(input)], { objectMode: false }), out: out.stream, err: err.stream, environment, asked })
  return { code, out: out.text(), err: err.text() }
}
