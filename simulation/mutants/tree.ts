// A copy of the program with a mutant in it. The copy shares the installed packages and nothing else.

import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Edit, Mutant } from './mutant.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** What tests and simulation need of the program; none of it is changed by them. */
const COPIED = ['src', 'simulation', 'test', 'scripts', 'docs', 'bench', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'README.md', 'ARCHITECTURE.md']

/** The text of a file with an edit in it. Throws when what the edit changes does not stand there exactly once. */
export function edited(text: string, { file, from, to }: Edit): string {
  const places = text.split(from).length - 1
  if (places !== 1) throw new Error(`${file} holds ${places} times, not once: ${from}`)
  return text.replace(from, () => to)
}

/** What is wrong with a mutant as the code stands now, or null. */
export function problemOf({ edits, tests }: Mutant): string | null {
  try {
    for (const [file, changes] of Map.groupBy(edits, ({ file }) => file)) changes.reduce(edited, readFileSync(join(ROOT, file), 'utf8'))
  } catch (error) {
    return (error as Error).message
  }
  const missing = tests.find((file) => !existsSync(join(ROOT, file)))
  return missing === undefined ? null : `there is no test ${missing}`
}

/** Makes the copy in `folder`, which must not exist. */
export function copyWith(folder: string, { edits }: Pick<Mutant, 'edits'>): void {
  mkdirSync(folder, { recursive: true })
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
  for (const edit of edits) {
    const place = join(folder, edit.file)
    writeFileSync(place, edited(readFileSync(place, 'utf8'), edit))
  }
}
