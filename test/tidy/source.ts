// The project's files as text and, for code, as a syntax tree with its imports. Knows no rule.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { parseAst } from 'vitest/node'

/** A file, with its path from the project's root (`/` on every system). */
export type TextFile = { readonly path: string; readonly text: string }

/** A node of the syntax tree (ESTree, with TypeScript's nodes). */
export type Node = { readonly type: string; readonly start: number; readonly end: number; readonly [key: string]: unknown }

export type Import = {
  /** As it is written. */
  readonly specifier: string
  /** The file it names; null for a package or a module of Node's. */
  readonly target: string | null
  readonly line: number
  /** `export … from`: a barrel. */
  readonly reexport: boolean
}

export type CodeFile = TextFile & { readonly nodes: readonly Node[]; readonly imports: readonly Import[] }

export type Finding = { readonly path: string; readonly line: number; readonly problem: string }

const SKIPPED = new Set(['node_modules', '.git', '.apportion', 'dist', 'coverage'])
const TEXT = /\.(ts|tsx|m?js|sql|json|md|yml|yaml|html|css|sh)$|(^|\/)[^.]+$/
const CODE = /\.(ts|tsx|m?js)$/

/** Every text file of the project; not what is installed, generated or data. */
export function readProject(root: string): TextFile[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => TEXT.test(path) && path !== 'package-lock.json' && !path.split('/').some((part) => SKIPPED.has(part)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** The files that are code, parsed. */
export function parseAll(files: readonly TextFile[]): CodeFile[] {
  return files.filter(({ path }) => CODE.test(path)).map(parse)
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function parse(file: TextFile): CodeFile {
  // The parser takes a first line `#!` as it is.
  const lang = file.path.endsWith('x') ? 'tsx' : file.path.endsWith('.ts') ? 'ts' : 'js'
  const nodes = [...walk(parseAst(file.text, { lang }) as unknown as Node)]
  return { ...file, nodes, imports: nodes.flatMap((node) => importsOf(file, node)) }
}

function* walk(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) yield* walk(child)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

const IMPORTS = new Set(['ImportDeclaration', 'ExportNamedDeclaration', 'ExportAllDeclaration', 'ImportExpression', 'TSImportType'])

function importsOf(file: TextFile, node: Node): Import[] {
  const specifier = IMPORTS.has(node.type) ? literal(node['source'] ?? node['argument']) : programOf(node)
  if (specifier === undefined) return []
  const target = specifier.startsWith('.') ? posix.normalize(posix.join(dirname(file.path), specifier)) : null
  return [{ specifier, target, line: lineAt(file.text, node.start), reexport: node.type.startsWith('Export') }]
}

// `new URL('./process.ts', import.meta.url)` names a program that is started, or a thread.
function programOf(node: Node): string | undefined {
  if (node.type !== 'NewExpression' || (node['callee'] as Node)['name'] !== 'URL') return undefined
  const [path, base] = node['arguments'] as Node[]
  const text = literal(path)
  if (text === undefined || base?.type !== 'MemberExpression' || !CODE.test(text)) return undefined
  return text.startsWith('.') ? text : `./${text}`
}

function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'TSLiteralType') return literal(value['literal'])
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined
}
