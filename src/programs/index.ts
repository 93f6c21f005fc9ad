// The registry of programs. A new program is one folder and one line here; its migrations stand in a folder of that name.

import { join } from 'node:path'
import type { Program } from '../core/program.ts'
import { saleSplit } from './sale-split/program.ts'

export const programs: ReadonlyMap<string, Program> = new Map([saleSplit].map((program) => [program.name, program]))

/** Where each program's migrations stand, to be applied after the engine's. */
export const programMigrations: readonly { readonly name: string; readonly directory: string }[] = [...programs.keys()].map((name) => ({
  name,
  directory: join(import.meta.dirname, name, 'migrations'),
}))
