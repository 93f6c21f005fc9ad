// Checks of names and text: file names, first lines, leftovers, places of one machine.

import type { Finding, TextFile } from './source.ts'

const FORBIDDEN = /(^|[-.])(utils?|helpers?|managers?|services?|common|misc|stuff)([-.]|$)/
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config))?\.(ts|tsx|js)$/
const MIGRATION = /^\d{4}_[a-z0-9]+([_-][a-z0-9]+)*\.sql$/

/** Files are called by what they hold, in kebab-case; migrations by number and name. */
export function checkNames(files: readonly TextFile[]): Finding[] {
  return files.flatMap(({ path }) => {
    const parts = path.split('/')
    const name = parts.at(-1) ?? ''
    const bad = parts.find((part) => FORBIDDEN.test(part))
    if (bad !== undefined) return [{ path, line: 1, problem: `is called ${bad}, which says nothing of what it holds` }]
    if (/\.(ts|tsx|js)$/.test(name) && !KEBAB.test(name)) return [{ path, line: 1, problem: 'is not called in kebab-case' }]
    if (parts.at(-2) === 'migrations' && !MIGRATION.test(name)) return [{ path, line: 1, problem: 'is not called NNNN_name.sql' }]
    return []
  })
}

/** The first line says what the file holds. */
export function checkFirstLines(files: readonly TextFile[]): Finding[] {
  return files.flatMap(({ path, text }) => {
    const start = /\.(ts|tsx|js)$/.test(path) ? /^(#![^\n]*\n)?\/\/ \S/ : path.endsWith('.sql') ? /^-- \S/ : undefined
    return start === undefined || start.test(text) ? [] : [{ path, line: 1, problem: 'does not begin with a comment that says what it holds' }]
  })
}

// Written so that this file does not find itself.
const LEFTOVERS: readonly (readonly [RegExp, string])[] = [
  [/\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/, 'leaves something undone'],
  [/@ts-(ignore|nocheck)\b/, 'silences the compiler'],
  [/^(<{7}|>{7}) /, 'has a merge conflict'],
]
// A folder below a home folder or a mount; the system's own places are the same everywhere.
const MACHINE = /(?<![\w.~/])\/(home|root|Users|work|workspace|mnt|media)\/[\w.-]|\b[A-Z]:\\[A-Za-z]/

/** Nothing undone, and no path of somebody's machine. */
export function checkText(files: readonly TextFile[]): Finding[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const leftover = LEFTOVERS.find(([pattern]) => pattern.test(line))
      const problem = leftover?.[1] ?? (MACHINE.test(line) ? 'names a place of one machine' : undefined)
      return problem === undefined ? [] : [{ path, line: index + 1, problem }]
    }),
  )
}
