// The registry of programs. A new program is one folder and one line here; its migrations stand in a folder of that name.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { InstalledProgram, Program, Programs } from '../core/program.ts'
import { custom } from './custom/program.ts'
import { saleSplit } from './sale-split/program.ts'

/** The one that a first start shows. */
export const firstProgram: Program = saleSplit

export const programs: Programs = new Map<string, InstalledProgram>([saleSplit, custom].map((program) => [program.name, program]))

/** Where each program's migrations stand, to be applied after the engine's. */
export const programMigrations: readonly { readonly name: string; readonly directory: string }[] = [...programs.keys()]
  .map((name) => ({ name, directory: join(import.meta.dirname, name, 'migrations') }))
  .filter(({ directory }) => existsSync(directory))
