// Checks of what stands in code: the machine's clock and chance, names of rails and programs, sizes, classes and leftovers.

import { LIMITS, OWN_WORDS, PROCESS_ENTRIES, ROOMS, SHARED, TESTS } from './rooms.ts'
import { lineAt, type CodeFile, type Finding, type Node, type TextFile } from './source.ts'

function isTest(path: string): boolean {
  return ROOMS.find(({ files }) => files.test(path))?.name === TESTS
}

// Of these only the member is meant; everything else named like the function itself is.
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ['now'],
  Temporal: ['Now'],
  performance: ['now', 'timeOrigin'],
  process: ['hrtime', 'uptime'],
  AbortSignal: ['timeout'],
  Math: ['random'],
}
const FUNCTIONS = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate'],
  ...['randomUUID', 'randomUUIDv7', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'],
  ...['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync', 'generateKeyPairSigner'],
])
const MODULES = /^(node:)?timers(\/promises)?$/

/** In src the clock, timers and chance are arguments everywhere but where a process begins. */
export function checkEffects(files: readonly CodeFile[]): Finding[] {
  return files
    .filter(({ path }) => path.startsWith('src/') && !PROCESS_ENTRIES.test(path) && !isTest(path))
    .flatMap((file) => [
      ...file.imports
        .filter(({ specifier }) => MODULES.test(specifier))
        .map(({ specifier, line }) => ({ path: file.path, line, problem: `imports ${specifier}: waiting is Effects.sleep` })),
      ...file.nodes.flatMap((node) => {
        const name = effectOf(node)
        return name === undefined ? [] : [findingAt(file, node, `uses ${name}: clock, timers and chance are Effects`)]
      }),
    ])
}

function effectOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return FUNCTIONS.has(node['name'] as string) ? (node['name'] as string) : undefined
  if (node.type === 'NewExpression' && nameOf(node['callee']) === 'Date' && (node['arguments'] as Node[]).length === 0) return 'new Date()'
  if (node.type !== 'MemberExpression') return undefined
  const [object, property] = [nameOf(node['object']), nameOf(node['property'])]
  return MEMBERS[object]?.includes(property) === true ? `${object}.${property}` : undefined
}

function nameOf(value: unknown): string {
  const { type, name, value: constant } = value as Node
  const text = type === 'Identifier' ? name : type === 'Literal' ? constant : undefined
  return typeof text === 'string' ? text : ''
}

/** Shared rooms know no rail and no program by name, in code or SQL; comments may give an example. */
export function checkOwnWords(files: readonly (TextFile & { readonly nodes?: readonly Node[] })[]): Finding[] {
  const folders = new Set(files.flatMap(({ path }) => /^src\/(?:rails|programs)\/[^/]+\//.exec(path)?.[0] ?? []))
  const unknown = [...folders].filter((folder) => OWN_WORDS[folder] === undefined)
  return [
    ...unknown.map((path) => ({ path, line: 1, problem: 'has no words of its own in test/tidy/rooms.ts' })),
    ...files.filter(({ path }) => SHARED.test(path) && !isTest(path)).flatMap(namesOf),
  ]
}

function namesOf(file: TextFile & { readonly nodes?: readonly Node[] }): Finding[] {
  return Object.entries(OWN_WORDS).flatMap(([folder, words]) => {
    const problem = (word: string): string => `names ${word}, which only ${folder} and its registry know`
    if (file.path.endsWith('.sql')) {
      return file.text.split('\n').flatMap((line, index) => {
        const word = words.exec(line.replace(/--.*/, ''))?.[0]
        return word === undefined ? [] : [{ path: file.path, line: index + 1, problem: problem(word) }]
      })
    }
    return (file.nodes ?? []).flatMap((node) => {
      const word = words.exec(textOf(node))?.[0]
      return word === undefined ? [] : [findingAt(file, node, problem(word))]
    })
  })
}

function textOf(node: Node): string {
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') return node['name'] as string
  if (node.type === 'Literal') return String(node['value'])
  if (node.type === 'TemplateElement') return (node['value'] as { raw: string }).raw
  return ''
}

const FUNCTION_NODES = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

/** A file fits one idea, a function a screen; the callbacks of `describe` are no functions in this sense. */
export function checkSizes(files: readonly CodeFile[]): Finding[] {
  return files.flatMap((file) => {
    const lines = file.text.trimEnd().split('\n').length
    const long = file.nodes
      .filter(({ type }) => FUNCTION_NODES.has(type) && !isTest(file.path))
      .map((node) => ({ node, length: file.text.slice(node.start, node.end).split('\n').length }))
      .filter(({ length }) => length > LIMITS.functionLines)
    return [
      ...(lines > LIMITS.fileLines ? [{ path: file.path, line: 1, problem: `has ${lines} lines, at most ${LIMITS.fileLines}` }] : []),
      ...long.map(({ node, length }) => findingAt(file, node, `has a function of ${length} lines, at most ${LIMITS.functionLines}`)),
    ]
  })
}

/** The only class is Refusal; the only error that callers see. */
export function checkClasses(files: readonly CodeFile[]): Finding[] {
  return files.flatMap((file) =>
    file.nodes
      .filter(({ type }) => type === 'ClassDeclaration' || type === 'ClassExpression')
      .map((node) => ({ node, name: node['id'] === null ? 'without a name' : nameOf(node['id']) }))
      .filter(({ name }) => !(name === 'Refusal' && file.path === 'src/core/refusal.ts'))
      .map(({ node, name }) => findingAt(file, node, `has a class ${name}: use functions and readonly data`)),
  )
}

function findingAt(file: TextFile, node: Node, problem: string): Finding {
  return { path: file.path, line: lineAt(file.text, node.start), problem }
}
