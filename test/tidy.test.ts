// The house's style as a test, with bad samples that show that each rule can fail.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkClasses, checkEffects, checkOwnWords, checkSizes } from './tidy/code.ts'
import { checkBarrels, checkCycles, checkReached, checkRooms } from './tidy/imports.ts'
import { parseAll, readProject, type CodeFile, type Finding, type TextFile } from './tidy/source.ts'
import { checkFirstLines, checkNames, checkText } from './tidy/text.ts'

const files = readProject(join(import.meta.dirname, '..'))
const code = parseAll(files)
const parsed = new Map(code.map((file) => [file.path, file]))
const withNodes = files.map((file) => parsed.get(file.path) ?? file)

// An import names what it brings twice in the tree.
const lines = (findings: readonly Finding[]): string[] => [
  ...new Set(findings.map(({ path, line, problem }) => `${path}:${line} ${problem}`)),
]

type Rule = {
  readonly name: string
  readonly findings: readonly Finding[]
  /** The same check on a sample. */
  readonly check: (files: readonly TextFile[]) => Finding[]
  /** What must be found: [path, text, a part of the problem]. */
  readonly bad: readonly (readonly [string, string, string])[]
  /** What must not: [path, text]. */
  readonly good: readonly (readonly [string, string])[]
}

const onCode =
  (check: (files: readonly CodeFile[]) => Finding[]) =>
  (sample: readonly TextFile[]): Finding[] =>
    check(parseAll(sample))

/** Joins what would be found in this very file. */
const whole = (...parts: readonly string[]): string => parts.join('')

const long = (count: number, of: string): string => Array.from({ length: count }, () => of).join('\n')

const RULES: readonly Rule[] = [
  {
    name: 'rooms import only what they may',
    findings: checkRooms(code),
    check: onCode(checkRooms),
    bad: [
      ['src/core/a.ts', `import { b } from '../store/b.ts'`, 'core may not import src/store/b.ts (store)'],
      ['src/core/a.ts', `import assert from 'node:assert/strict'`, 'core may not import node:assert/strict'],
      ['src/core/a.ts', `import { Pool } from 'pg'`, 'core may not import pg'],
      ['src/programs/a/b.ts', `import type { R } from '../../rails/rail.ts'`, 'programs/* may not import src/rails/rail.ts'],
      ['src/programs/a/b.ts', `import { c } from '../c/d.ts'`, 'programs/* may not import src/programs/c/d.ts'],
      ['src/rails/a/b.ts', `import { c } from '../c/d.ts'`, 'rails/* may not import src/rails/c/d.ts'],
      ['src/rails/a/b.ts', `import { c } from '../../programs/a/b.ts'`, 'rails/* may not import'],
      ['src/store/a.ts', `import { c } from '../engine/b.ts'`, 'store may not import'],
      ['src/engine/a.ts', `import { c } from '../rails/x/y.ts'`, 'engine may not import src/rails/x/y.ts (rails/*)'],
      ['src/engine/a.ts', `const c = await import('../http/y.ts')`, 'engine may not import src/http/y.ts'],
      ['src/engine/a.ts', `type C = import('../signer/y.ts').C`, 'engine may not import src/signer/y.ts'],
      ['src/engine/a.ts', `import { c } from '../../test/effects.ts'`, 'it is for tests'],
      ['src/engine/a.ts', `import { c } from './b.test.ts'`, 'it is for tests'],
      ['src/signer/a.ts', `import { c } from '../engine/b.ts'`, 'signer may not import'],
      ['src/http/a.ts', `import { c } from '../store/b.ts'`, 'http may not import'],
      ['src/worker/a.ts', `import { c } from '../config.ts'`, 'worker may not import'],
      ['src/cli/a.ts', `import { c } from '../store/b.ts'`, 'cli may not import'],
      ['src/config.ts', `import { c } from './engine/b.ts'`, 'config may not import'],
      ['src/core/a.ts', `import { version } from '../../package.json' with { type: 'json' }`, 'core may not import package.json'],
      ['scripts/a.js', `import { c } from '../src/core/b.ts'`, 'scripts may not import'],
      ['src/stuff.ts', '', 'belongs to no room'],
      ['src/core/a.ts', `import { c } from '../elsewhere/b.ts'`, 'src/elsewhere/b.ts, which belongs to no room'],
    ],
    good: [
      ['src/core/rules/a.ts', `import { b } from '../b.ts'; import { z } from 'zod'`],
      ['src/engine/a.ts', `import { b } from '../store/b.ts'; import { programs } from '../programs/index.ts'`],
      ['src/rails/a/sandbox/b.ts', `import { c } from '../c.ts'; import kit from 'kit'`],
      ['src/core/a.test.ts', `import { testDatabase } from '../../test/database.ts'`],
      ['src/main.ts', `import { c } from './http/app.ts'`],
    ],
  },
  {
    name: 'no file imports itself by way of others',
    findings: checkCycles(code),
    check: (sample) => checkCycles(parseAll([...sample, { path: 'src/core/two.ts', text: `import type { A } from './one.ts'` }])),
    bad: [
      ['src/core/one.ts', `import type { B } from './two.ts'`, 'src/core/one.ts -> src/core/two.ts -> src/core/one.ts'],
      ['src/core/one.ts', `export * from './one.ts'`, 'src/core/one.ts -> src/core/one.ts'],
    ],
    good: [['src/core/one.ts', `import { z } from 'zod'`]],
  },
  {
    name: 'every file is reached from a program, or by tests if it is for them',
    findings: checkReached(code),
    check: onCode(checkReached),
    bad: [
      ['src/core/a.ts', '', 'nobody imports it'],
      ['test/a.ts', '', 'nobody imports it'],
      ['src/core/a.ts', `import { a } from './a.ts'`, 'nobody imports it'],
    ],
    good: [
      ['src/main.ts', ''],
      ['src/core/a.test.ts', ''],
    ],
  },
  {
    name: 'only registries hand on what others define',
    findings: checkBarrels(code),
    check: onCode(checkBarrels),
    bad: [
      ['src/core/index.ts', `export * from './money.ts'`, 'exports what it imports from ./money.ts'],
      ['src/core/a.ts', `export { b } from './b.ts'`, 'exports what it imports from ./b.ts'],
    ],
    good: [
      ['src/rails/index.ts', `export { solana } from './solana/rail.ts'`],
      ['src/core/a.ts', `export const a = 1`],
    ],
  },
  {
    name: 'clock, timers and chance are arguments',
    findings: checkEffects(code),
    check: onCode(checkEffects),
    bad: [
      ['src/core/a.ts', 'const a = Date.now()', 'Date.now'],
      ['src/core/a.ts', `const a = Date['now']()`, 'Date.now'],
      ['src/core/a.ts', 'const now = Date.now', 'Date.now'],
      ['src/store/a.ts', 'const a = new Date()', 'new Date()'],
      ['src/store/a.ts', 'const a = Temporal.Now.instant()', 'Temporal.Now'],
      ['src/engine/a.ts', 'const a = performance.now()', 'performance.now'],
      ['src/engine/a.ts', 'const a = process.hrtime.bigint()', 'process.hrtime'],
      ['src/worker/a.ts', 'setTimeout(() => {}, 5)', 'setTimeout'],
      ['src/worker/a.ts', 'globalThis.setInterval(() => {}, 5)', 'setInterval'],
      ['src/worker/a.ts', `import { setTimeout } from 'node:timers/promises'`, 'imports node:timers/promises'],
      ['src/rails/a/b.ts', 'const a = AbortSignal.timeout(5)', 'AbortSignal.timeout'],
      ['src/rails/a/b.ts', 'const a = Math.random()', 'Math.random'],
      ['src/rails/a/sandbox/b.ts', 'const a = crypto.randomUUID()', 'randomUUID'],
      ['src/signer/a.ts', `import { randomBytes } from 'node:crypto'`, 'randomBytes'],
      ['src/signer/a.ts', 'crypto.getRandomValues(new Uint8Array(5))', 'getRandomValues'],
      ['src/signer/a.ts', 'await crypto.subtle.generateKey(a, b, c)', 'generateKey'],
    ],
    good: [
      ['src/core/a.ts', `const a = 'Date.now()' // setTimeout\nconst b = new Date(5)`],
      ['src/engine/a.ts', 'await world.sleep(5); const a = world.now(); const b = world.random(5)'],
      ['src/world.ts', 'const a = Date.now()'],
      ['src/rails/a/sandbox/process.ts', 'const a = Date.now()'],
      ['src/core/a.test.ts', 'const a = Date.now()'],
    ],
  },
  {
    name: 'shared rooms name no rail and no program',
    findings: checkOwnWords(withNodes),
    check: (sample) => checkOwnWords(sample.map((file) => parseAll([file])[0] ?? file)),
    bad: [
      ['src/engine/a.ts', `if (rail === 'solana') pay()`, 'names solana'],
      ['src/core/a.ts', 'const lamports = 5n', 'names lamport'],
      ['src/http/a.ts', 'const sql = `select ${a} from profit_events`', 'names profit_events'],
      ['src/worker/a.ts', 'const saleSplit = 5', 'names saleSplit'],
      ['src/store/migrations/0001_a.sql', '-- what\ncreate table profit_events ()', 'names profit_events'],
      ['src/rails/coins/rail.ts', '', 'has no words of its own'],
      ['src/programs/tips/program.ts', '', 'has no words of its own'],
    ],
    good: [
      ['src/engine/a.ts', '// solana, say\nconst a = 5'],
      ['src/store/a.sql', 'select 1 -- one lamport'],
      ['src/rails/index.ts', `import { solana } from './solana/rail.ts'`],
      ['src/programs/sale-split/program.ts', `const rail = 'solana'`],
      ['src/engine/a.test.ts', `const rail = 'solana'`],
    ],
  },
  {
    name: 'a file fits one idea, a function a screen',
    findings: checkSizes(code),
    check: onCode(checkSizes),
    bad: [
      ['src/core/a.ts', long(401, 'a()'), 'has 401 lines, at most 400'],
      ['src/core/a.test.ts', long(401, 'a()'), 'has 401 lines'],
      ['src/core/a.ts', `function f() {\n${long(69, 'a()')}\n}`, 'has a function of 71 lines, at most 70'],
      ['src/core/a.ts', `const f = () => {\n${long(69, 'a()')}\n}`, 'has a function of 71 lines'],
      ['src/core/a.ts', `const f = { g() {\n${long(69, 'a()')}\n} }`, 'has a function of 71 lines'],
    ],
    good: [
      ['src/core/a.ts', `${long(399, 'a()')}\na()\n`],
      ['src/core/a.ts', `function f() {\n${long(68, 'a()')}\n}`],
      ['src/core/a.test.ts', `describe('a', () => {\n${long(100, 'a()')}\n})`],
    ],
  },
  {
    name: 'the only class is Refusal',
    findings: checkClasses(code),
    check: onCode(checkClasses),
    bad: [
      ['src/engine/a.ts', 'class Ledger {}', 'has a class Ledger'],
      ['src/engine/a.ts', 'const a = class {}', 'has a class without a name'],
      ['src/engine/a.ts', 'class Refusal extends Error {}', 'has a class Refusal'],
    ],
    good: [['src/core/refusal.ts', 'export class Refusal extends Error {}']],
  },
  {
    name: 'files are called by what they hold',
    findings: checkNames(files),
    check: checkNames,
    bad: [
      ['src/core/utils.ts', '', 'is called utils.ts'],
      ['src/core/money-helper.ts', '', 'is called money-helper.ts'],
      ['src/common/money.ts', '', 'is called common'],
      ['src/engine/payout-manager.test.ts', '', 'is called payout-manager.test.ts'],
      ['src/core/MoneyMath.ts', '', 'kebab-case'],
      ['src/core/money_math.ts', '', 'kebab-case'],
      ['src/store/migrations/first.sql', '', 'NNNN_name.sql'],
    ],
    good: [
      ['src/core/money-math.test.ts', ''],
      ['vitest.config.ts', ''],
      ['src/store/migrations/0001_engine.sql', ''],
      ['docs/decisions/0001-runtime.md', ''],
    ],
  },
  {
    name: 'the first line says what a file holds',
    findings: checkFirstLines(files),
    check: checkFirstLines,
    bad: [
      ['src/core/a.ts', `import { b } from './b.ts'`, 'does not begin with a comment'],
      ['src/core/a.ts', '//', 'does not begin with a comment'],
      ['scripts/a.js', '#!/usr/bin/env node\nawait a()', 'does not begin with a comment'],
      ['src/store/a.sql', 'select 1', 'does not begin with a comment'],
    ],
    good: [
      ['scripts/a.js', '#!/usr/bin/env node\n// Does a.\nawait a()'],
      ['src/store/a.sql', '-- What a is.\nselect 1'],
      ['README.md', '# A'],
    ],
  },
  {
    name: 'nothing is left undone, and no machine is named',
    findings: checkText(files),
    check: checkText,
    bad: [
      ['src/core/a.ts', whole('// TO', 'DO: b'), 'leaves something undone'],
      ['src/core/a.ts', whole('// @ts-', 'ignore'), 'silences the compiler'],
      ['src/core/a.ts', `${'<'.repeat(7)} ours`, 'has a merge conflict'],
      ['docs/a.md', whole('see /', 'home/somebody'), 'names a place of one machine'],
      ['scripts/a.js', whole(`const a = '/`, `root/x'`), 'names a place of one machine'],
      ['docs/a.md', whole('C:', '\\Users'), 'names a place of one machine'],
    ],
    good: [
      ['src/core/a.ts', `// The todo list, /usr/bin, https://example.com/home/x and ~/code/x`],
      ['src/core/a.ts', String.raw`const a = /\d:\w/`],
    ],
  },
]

describe.each(RULES)('$name', ({ findings, check, bad, good }) => {
  it('in this project', () => {
    expect(lines(findings)).toEqual([])
  })

  it.each(bad)('and not in a sample %s: %j', (path, text, problem) => {
    expect(lines(check([{ path, text }]))).toContainEqual(expect.stringContaining(problem))
  })

  it.each(good)('as in a sample %s: %j', (path, text) => {
    expect(lines(check([{ path, text }]))).toEqual([])
  })
})

it('all of the project is read', () => {
  expect(code.length).toBeGreaterThan(50)
  expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining(['LICENSE', 'package.json', 'src/store/grants.sql']))
})
