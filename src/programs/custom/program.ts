// The program custom: business as data. Its ledgers bring asset, accounts, plan and the reading of their events in one JSON file each; there
// is no code for any of them.

import { join } from 'node:path'
import { z } from 'zod'
import { programOf } from './read.ts'
import { readJsonDocument } from '../../core/json-document.ts'
import type { FileProgram } from '../../core/program.ts'

const NAME = 'custom'

export const custom: FileProgram = {
  name: NAME,
  summary: 'divides by a file of its own',
  event: z.record(z.string(), z.unknown()),
  read: (text, file) => ({ name: NAME, ...programOf(readJsonDocument(text, file)) }),
  templates: join(import.meta.dirname, 'templates'),
}
