// Checks of imports: the law between rooms, cycles, files that nobody imports, barrels.

import { BARRELS, ENTRIES, ROOMS, TESTS, type Room } from './rooms.ts'
import type { CodeFile, Finding, Import } from './source.ts'

/** Every import goes where the importing file's room may go. */
export function checkRooms(files: readonly CodeFile[]): Finding[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path)
    if (room === undefined) return [{ path: file.path, line: 1, problem: 'belongs to no room' }]
    return file.imports.flatMap((each) => {
      const problem = each.target === null ? outside(room, each) : inside(file.path, room, each.target)
      return problem === undefined ? [] : [{ path: file.path, line: each.line, problem }]
    })
  })
}

function roomOf(path: string): Room | undefined {
  return ROOMS.find(({ files }) => files.test(path))
}

function outside(room: Room, { specifier }: Import): string | undefined {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
  if (room.packages === undefined || room.packages.includes(name ?? '')) return undefined
  return `${room.name} may not import ${specifier}, only ${room.packages.join(', ')}`
}

function inside(path: string, room: Room, target: string): string | undefined {
  const other = roomOf(target)
  if (other === undefined) return `imports ${target}, which belongs to no room`
  // A room `x/*` is one room for each folder.
  if (other.name === room.name && (!room.name.endsWith('/*') || folderOf(path) === folderOf(target))) return undefined
  if (room.imports.includes('*')) return undefined
  if (other.name === TESTS) return `${room.name} may not import ${target}: it is for tests`
  if (room.imports.includes(other.name)) return undefined
  return `${room.name} may not import ${target} (${other.name}), only ${room.imports.join(', ') || 'itself'}`
}

function folderOf(path: string): string {
  return path.split('/').slice(0, 3).join('/')
}

/** No file imports itself by way of others, not even for types. */
export function checkCycles(files: readonly CodeFile[]): Finding[] {
  const targets = new Map(files.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])]))
  const found: Finding[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      const cycle = [...trail.slice(trail.indexOf(path)), path]
      found.push({ path, line: 1, problem: `imports itself: ${cycle.join(' -> ')}` })
      return
    }
    if (done.has(path)) return
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) visit(path, [])
  return found
}

/** Every file is reached from a program; what only tests reach is dead, unless it is for tests. */
export function checkReached(files: readonly CodeFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const isTest = (path: string): boolean => roomOf(path)?.name === TESTS
  const reached = new Set<string>()
  const reach = (path: string): void => {
    if (reached.has(path)) return
    reached.add(path)
    for (const { target } of byPath.get(path)?.imports ?? []) if (target !== null) reach(target)
  }
  for (const { path } of files) if (ENTRIES.test(path)) reach(path)
  const production = files.filter(({ path }) => !isTest(path) && !reached.has(path))
  for (const { path } of files) if (/\.test\.tsx?$/.test(path)) reach(path)
  const support = files.filter(({ path }) => isTest(path) && !reached.has(path))
  return [...production, ...support].map(({ path }) => ({ path, line: 1, problem: 'nobody imports it' }))
}

/** What a file exports it defines itself; only registries hand on. */
export function checkBarrels(files: readonly CodeFile[]): Finding[] {
  return files
    .filter(({ path }) => !BARRELS.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ reexport }) => reexport)
        .map(({ line, specifier }) => ({ path, line, problem: `exports what it imports from ${specifier}` })),
    )
}
