// The auditor shares no code with what it judges: it sees types of the public contract, the simulation's own words, and Node's hashes.

import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOM = import.meta.dirname

const files = readdirSync(ROOM, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))

/** Each import of a text, with whether it brings types alone. */
function importsOf(text: string): readonly { readonly from: string; readonly isType: boolean }[] {
  return [...text.matchAll(/^(import|export)( type)?\s[^'"]*?from '([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm)].map(([, , type, from, called, bare]) => {
    return { from: from ?? called ?? bare ?? '', isType: type !== undefined }
  })
}

/** What is wrong with an import of a file; null for nothing. */
function problemOf(file: string, { from, isType }: { from: string; isType: boolean }): string | null {
  if (from === 'node:crypto') return null
  const path = from.startsWith('.') ? normalize(join('simulation/auditor', file, '..', from)) : from
  if (path.startsWith('simulation/auditor/')) return null
  const isSeen = path === 'simulation/history.ts' || path === 'zod' || /^src\/http\/(read-)?contract(-[a-z]+)?\.ts$/.test(path)
  return isSeen && isType ? null : `${file} imports ${isType ? 'types of ' : ''}${from}`
}

describe('the auditor', () => {
  it('imports types of the contract, its own files, and nothing else', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap((file) => importsOf(readFileSync(join(ROOM, file), 'utf8')).flatMap((each) => problemOf(file, each) ?? []))).toEqual([])
  })

  it.each([
    [`import { divide } from '../../src/core/allocate.ts'`, true],
    [`import type { Json } from '../../src/core/effects.ts'`, true],
    [`import { payoutSchema } from '../../src/http/contract.ts'`, true],
    [`import type { payoutSchema } from '../../src/http/contract.ts'`, false],
    [`import { Pool } from 'pg'`, true],
    [`import {\n  readFileSync,\n} from 'node:fs'`, true],
    [`const { a } = await import('../../src/core/a.ts')`, true],
    [`import '../world/doors.ts'`, true],
    [`import { sum } from './balances.ts'`, false],
  ])('would find %s: %s', (text, isWrong) => {
    expect(importsOf(text).some((each) => problemOf('auditor.ts', each) !== null)).toBe(isWrong)
  })
})
