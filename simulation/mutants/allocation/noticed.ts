// Runs the properties of every allocation against the copy of the core in a folder.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CASES } from '../../../test/allocation/cases.ts'
import { MORE_PROPERTIES } from '../../../test/allocation/kept.ts'
import { PROPERTIES, type Subject } from '../../../test/allocation/properties.ts'

const FILES = ['allocate.ts', 'allocate/case.ts', 'allocate/division.ts', 'allocate/explain.ts', 'allocate/rounding.ts', 'allocate/state.ts', 'allocate/words.ts']

/** Enough for each fault there is; the suite itself runs them oftener. */
const RUNS = 60

/** The property that the copy breaks, or null when it holds them all. */
export async function noticed(folder: string): Promise<string | null> {
  try {
    const parts = await Promise.all(FILES.map(async (file) => (await import(pathToFileURL(join(folder, file)).href)) as Partial<Subject>))
    const subject = Object.assign({}, ...parts) as Subject
    for (const { name, check } of [...PROPERTIES, ...MORE_PROPERTIES, CASES]) {
      try {
        check(subject, RUNS)
      } catch {
        return name
      }
    }
    return null
  } catch {
    return 'it does not load'
  }
}
