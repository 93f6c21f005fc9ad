// The program custom: business as data. Its ledgers bring asset, accounts, plan and the reading of their events in one JSON file each; there
// is no code for any of them.

import { join } from 'node:path'
import { z } from 'zod'
import { programOf } from './read.ts'
import { readJsonDocument } from '../../core/json-document.ts'
import type { FileProgram, Program } from '../../core/program.ts'

const NAME = 'custom'

/** Files that were read and found sound, the newest of them: a server meets the same text wherever a ledger is made, opened or compared. */
const sound = new Map<string, Program>()
const MOST_SOUND = 16

/** The name of a file stands in refusals alone, and a refusal is made anew each time. */
function readOnce(text: string, read: () => Program): Program {
  const known = sound.get(text) ?? read()
  sound.delete(text)
  sound.set(text, known)
  const [oldest] = sound.keys()
  if (sound.size > MOST_SOUND && oldest !== undefined) sound.delete(oldest)
  return known
}

export const custom: FileProgram = {
  name: NAME,
  summary: 'divides by a file of its own',
  event: z.record(z.string(), z.unknown()),
  read: (text, file) => readOnce(text, () => ({ name: NAME, ...programOf(readJsonDocument(text, file)) })),
  templates: join(import.meta.dirname, 'templates'),
}
