// An image brings back every byte of memory and files, whatever was done since.

import { createHash } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import { expect, it } from 'vitest'
import { takeImage } from './image.ts'

type Node = { readonly mode: number; readonly mounted: { readonly root: Node } | null; readonly contents?: unknown; readonly usedBytes: number }

const IS_DIRECTORY = 0o040000
const IS_FILE = 0o100000
const TYPE = 0o170000

/** Each file by its path, with a hash of what is in it. */
function filesOf(module: { readonly FS: { readonly root: Node } }): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (node: Node, path: string): void => {
    if (node.mounted !== null && node.mounted.root !== node) visit(node.mounted.root, path)
    if ((node.mode & TYPE) === IS_DIRECTORY) for (const [name, child] of Object.entries((node.contents ?? {}) as Record<string, Node>)) visit(child, `${path}/${name}`)
    if ((node.mode & TYPE) === IS_FILE) found.set(path, createHash('sha256').update((node.contents as Uint8Array).subarray(0, node.usedBytes)).digest('hex'))
  }
  visit(module.FS.root, '')
  return found
}

it('brings back memory and files byte by byte', async () => {
  const database = await PGlite.create({ startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'] })
  const module = (database as unknown as { readonly Module: { readonly HEAPU8: Uint8Array; readonly FS: { readonly root: Node } } }).Module
  await database.exec('create table one (number integer primary key, text text); create table other (number integer primary key, text text)')
  const image = takeImage(database)
  const memory = module.HEAPU8.slice()
  const files = filesOf(module)
  const MUCH = 'insert into one select number, repeat(md5(number::text), 8) from generate_series(1, 20000) number'
  const works = [
    [MUCH],
    [MUCH, 'checkpoint', 'delete from one where number % 2 = 0', 'vacuum one', 'reindex table one'],
    ['drop table other', 'create schema made', 'create table made.new as select * from pg_class', 'create role made', 'checkpoint', 'vacuum full'],
    ['truncate one', MUCH, 'begin', 'drop table one', 'rollback', 'select pg_switch_wal()', 'checkpoint'],
  ]
  for (const work of works) {
    for (const text of work) await database.exec(text)
    image.restore()
    expect(filesOf(module)).toEqual(files)
    expect(Buffer.compare(memory.subarray(0, image.bytes), module.HEAPU8.subarray(0, image.bytes))).toBe(0)
    const { rows } = await database.query('select (select count(*)::integer from one) as one, (select count(*)::integer from other) as other')
    expect(rows).toEqual([{ one: 0, other: 0 }])
    image.restore()
  }
  await database.close()
})
