// Migrations on a real database: once each, in order, in turns, and never edited.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pool } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { addressOf, onServer } from '../../test/template.ts'
import { migrate } from './migrate.ts'
import { createPool } from './pool.ts'

const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
const server = inject('databaseUrl')
let pool: Pool
let folder: string
let directory: string

beforeAll(async () => {
  await onServer(server, (client) => client.query(`create database ${name}`))
  pool = createPool({ url: addressOf(server, { database: name }), max: 4, applicationName: 'test' })
  folder = mkdtempSync(join(tmpdir(), 'apportion-migrations-'))
})

afterAll(async () => {
  await pool.end()
  await onServer(server, (client) => client.query(`drop database ${name}`))
  rmSync(folder, { recursive: true })
})

beforeEach(async () => {
  await pool.query('drop schema if exists apportion cascade')
  directory = mkdtempSync(join(folder, 'files-'))
})

function write(file: string, text: string, into = directory): void {
  writeFileSync(join(into, file), text)
}

describe('migrating', () => {
  it('applies each file once, in order, and says which', async () => {
    write('0001_first.sql', 'create table apportion.one (n int); insert into apportion.one values (1);')
    expect(await migrate(pool, { directory })).toEqual({ applied: ['0001_first.sql'] })
    write('0002_second-step.sql', 'update apportion.one set n = n + 1')
    expect(await migrate(pool, { directory })).toEqual({ applied: ['0002_second-step.sql'] })
    expect(await migrate(pool, { directory })).toEqual({ applied: [] })
    expect((await pool.query('select n from apportion.one')).rows).toEqual([{ n: 2 }])
  })

  it('applies programs’ files after the engine’s, under their names', async () => {
    const program = mkdtempSync(join(folder, 'program-'))
    write('0001_first.sql', 'create table apportion.one (n int)')
    write('0001_first.sql', 'alter table apportion.one add column m int', program)
    const programs = [{ name: 'custom', directory: program }]
    expect(await migrate(pool, { directory, programs })).toEqual({ applied: ['0001_first.sql', 'custom/0001_first.sql'] })
    expect(await migrate(pool, { directory })).toEqual({ applied: [] })
  })

  it('lets two take turns: one applies, the other finds it done', async () => {
    write('0001_first.sql', 'create table apportion.one (n int)')
    const applied = await Promise.all([1, 2, 3].map(async () => (await migrate(pool, { directory })).applied.length))
    expect(applied.toSorted((a, b) => a - b)).toEqual([0, 0, 1])
  })

  it('leaves nothing behind when a file fails', async () => {
    write('0001_first.sql', 'create table apportion.one (n int)')
    write('0002_wrong.sql', 'create table apportion.two (n int); select 1 / 0;')
    await expect(migrate(pool, { directory })).rejects.toThrow('0002_wrong.sql failed: division by zero')
    expect((await pool.query(`select to_regnamespace('apportion') as found`)).rows).toEqual([{ found: null }])
  })

  it('takes other line ends for the same file', async () => {
    write('0001_first.sql', 'create table apportion.one (\nn int)\n')
    await migrate(pool, { directory })
    write('0001_first.sql', 'create table apportion.one (\r\nn int)\r\n')
    expect(await migrate(pool, { directory })).toEqual({ applied: [] })
  })

  it('refuses an edited file', async () => {
    write('0001_first.sql', 'create table apportion.one (n int)')
    await migrate(pool, { directory })
    write('0001_first.sql', 'create table apportion.one (n bigint)')
    await expect(migrate(pool, { directory })).rejects.toMatchObject({
      code: 'migration_conflict',
      message: expect.stringContaining('0001_first.sql was edited') as string,
    })
  })

  it('refuses a database that a newer version has migrated', async () => {
    write('0001_first.sql', 'create table apportion.one (n int)')
    write('0002_second.sql', 'create table apportion.two (n int)')
    await migrate(pool, { directory })
    rmSync(join(directory, '0002_second.sql'))
    await expect(migrate(pool, { directory })).rejects.toMatchObject({
      code: 'migration_conflict',
      message: expect.stringContaining('newer version: it has 0002_second.sql') as string,
    })
  })

  it.each(['0002_gap.sql', '1_short.sql', '0001_UPPER.sql', '0001.sql'])('asserts that no file is called %s', async (file) => {
    write(file, 'select 1')
    await expect(migrate(pool, { directory })).rejects.toThrow(`migration ${file} is named`)
  })
})
