// What a process of the bench's own tells when it is done.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Runs a script beside this file in a new process, which has compiled nothing yet and holds nothing of what others left in this one's memory.
 * Answers the one thing that it sends; rejects, naming `what`, when it ends without.
 */
export async function toldBy<Told>(script: string, what: string, args: readonly string[]): Promise<Told> {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const [told] = (await Promise.race([once(child, 'message'), ended.then(() => Promise.reject(new Error(`${what} of the bench failed`)))])) as [Told]
  await ended
  return told
}
