// An image of PGlite's process: its memory, its files and what it has open. Bringing one back costs a copy of the memory in use, where
// truncating tables costs that and a new plan of every statement; and each history begins on the same bytes, to the last counter.

import { assert } from '../../src/core/assert.ts'

/** The parts of emscripten's module that an image is made of. */
type Module = {
  readonly HEAPU8: Uint8Array
  readonly stackSave: () => number
  readonly FS: FileSystem
  readonly MEMFS: { readonly ops_table: { readonly dir: { readonly node: Operations }; readonly file: { readonly node: Operations; readonly stream: Operations } } }
}

type FileSystem = {
  readonly root: Node
  streams: (Stream | null | undefined)[]
  readonly nameTable: (Node | undefined)[]
  readonly hashAddNode: (node: Node) => void
  readonly isDir: (mode: number) => boolean
  readonly isFile: (mode: number) => boolean
}

type Operations = Record<string, (...given: never[]) => unknown>

type Node = { parent: Node; name: string; readonly mode: number; readonly mounted: { readonly root: Node } | null; contents: unknown; usedBytes?: number }
/** Signed where a file's first bytes came straight from memory. */
type Bytes = Uint8Array | Int8Array
type FileNode = Node & { contents: Bytes; usedBytes: number }
type DirectoryNode = Node & { contents: Record<string, Node> }
type Stream = { fd: number | null; position: number; flags: number; readonly node: Node }

export type Image = {
  readonly restore: () => void
  /** Memory that it holds. */
  readonly bytes: number
}

/** Bytes of a file that were written since the image, from one place to another. */
type Written = { from: number; to: number }

type Watch = { readonly written: Map<FileNode, Written>; hasMoved: boolean }

const watches = new WeakMap<Module, Watch>()

/** Takes an image of a PGlite that nothing is asked of. One of a PGlite counts at a time: the last. */
export function takeImage(pglite: { readonly Module: unknown }): Image {
  const module = pglite.Module as Module
  const watch = watches.get(module) ?? startWatch(module)
  const memory = usedMemory(module)
  const stack = module.stackSave()
  const streams = [...module.FS.streams.entries()].flatMap(([fd, stream]) =>
    stream === null || stream === undefined ? [] : [{ fd, stream, position: stream.position, flags: stream.flags }],
  )
  const nodes = allNodes(module.FS).map((node) => ({ node, parent: node.parent, name: node.name, ...copyOf(module.FS, node) }))
  const files = new Map(nodes.flatMap(({ node, file }) => (file === undefined ? [] : [[node as FileNode, file]])))
  watch.written.clear()
  watch.hasMoved = false
  return {
    bytes: memory.length,
    restore: () => {
      assert(module.stackSave() === stack, 'an image is brought back between two questions')
      module.HEAPU8.set(memory)
      for (const [node, written] of watch.written) {
        const kept = files.get(node)
        if (kept !== undefined) restoreFile(node, kept, written)
      }
      if (watch.hasMoved) restoreTree(module.FS, nodes)
      module.FS.streams.length = 0
      for (const { fd, stream, position, flags } of streams) module.FS.streams[fd] = Object.assign(stream, { fd, position, flags })
      watch.written.clear()
      watch.hasMoved = false
    },
  }
}

/** Memory up to the last byte that is not zero: what lies beyond was never used. */
function usedMemory({ HEAPU8: heap }: Module): Uint8Array {
  const words = new Uint32Array(heap.buffer, 0, heap.length / Uint32Array.BYTES_PER_ELEMENT)
  let count = words.length
  while (count > 0 && words[count - 1] === 0) count -= 1
  return heap.slice(0, count * Uint32Array.BYTES_PER_ELEMENT)
}

/** From now on it is noticed which files are written and whether names come, go or move. */
function startWatch(module: Module): Watch {
  const watch: Watch = { written: new Map(), hasMoved: false }
  const { dir, file } = module.MEMFS.ops_table
  const write = file.stream['write'] as unknown as (...given: unknown[]) => number
  file.stream['write'] = (...given: unknown[]): number => {
    const [{ node }, , , length, position] = given as [{ node: FileNode }, unknown, unknown, number, number]
    noticeWritten(watch, node, { from: position, to: position + length })
    return write(...given)
  }
  const setattr = file.node['setattr'] as unknown as (node: FileNode, attributes: { readonly size?: number }) => void
  file.node['setattr'] = (node: FileNode, attributes: { readonly size?: number }): void => {
    if (attributes.size !== undefined) noticeWritten(watch, node, { from: Math.min(attributes.size, node.usedBytes), to: Math.max(attributes.size, node.usedBytes) })
    setattr(node, attributes)
  }
  for (const name of ['mknod', 'rename', 'unlink', 'rmdir', 'symlink']) {
    const operation = dir.node[name] as unknown as (...given: unknown[]) => unknown
    dir.node[name] = (...given: unknown[]): unknown => {
      watch.hasMoved = true
      return operation(...given)
    }
  }
  watches.set(module, watch)
  return watch
}

function noticeWritten({ written }: Watch, node: FileNode, { from, to }: Written): void {
  const range = written.get(node)
  if (range === undefined) written.set(node, { from, to })
  else {
    range.from = Math.min(range.from, from)
    range.to = Math.max(range.to, to)
  }
}

function allNodes(files: FileSystem): readonly Node[] {
  const found: Node[] = []
  const visit = (node: Node): void => {
    found.push(node)
    if (node.mounted !== null && node.mounted.root !== node) visit(node.mounted.root)
    if (files.isDir(node.mode) && isPlain(node.contents)) Object.values(node.contents).forEach(visit)
  }
  visit(files.root)
  return found
}

function isPlain(contents: unknown): contents is Record<string, Node> {
  return typeof contents === 'object' && contents !== null && !ArrayBuffer.isView(contents)
}

function isBytes(contents: unknown): contents is Bytes {
  return contents instanceof Uint8Array || contents instanceof Int8Array
}

type Kept = { readonly file?: Bytes; readonly entries?: Readonly<Record<string, Node>> }

function copyOf(files: FileSystem, node: Node): Kept {
  if (files.isFile(node.mode)) {
    assert(isBytes(node.contents), `the file ${node.name} is in memory`)
    return { file: node.contents.slice(0, node.usedBytes) }
  }
  if (files.isDir(node.mode) && isPlain(node.contents)) return { entries: { ...node.contents } }
  return {}
}

function restoreFile(node: FileNode, kept: Bytes, { from, to }: Written): void {
  if (node.contents.length < kept.length) node.contents = kept.slice()
  else {
    node.contents.set(kept.subarray(from, to), from)
    // A file that grows again must find zeros where nothing was written.
    if (to > kept.length) node.contents.fill(0, Math.max(kept.length, from), to)
  }
  node.usedBytes = kept.length
}

function restoreTree(files: FileSystem, nodes: readonly ({ readonly node: Node; readonly parent: Node; readonly name: string } & Kept)[]): void {
  files.nameTable.fill(undefined)
  for (const { node, parent, name, entries } of nodes) {
    if (entries !== undefined) (node as DirectoryNode).contents = { ...entries }
    Object.assign(node, { parent, name })
    files.hashAddNode(node)
  }
}
