// How a process starts and ends as people see it: a signal in mid-start leaves nothing, and what cannot be used is refused in words.

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../test/effects.ts'
import { endAll, processesOf, run } from './program.fixture.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'apportion-start-'))
})
afterEach(async () => {
  await endAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

const databaseBegun = async (): Promise<true> =>
  await until('the database to begin', async () => (existsSync(join(folder, 'postgres', 'postmaster.pid')) ? true : undefined))

describe('a signal during the start', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the server in order and leaves no process', async (signal) => {
    const server = run('src/main.ts', [], { APPORTION_DATA: folder })
    await databaseBegun()
    server.child.kill(signal)
    expect([await server.ended, server.err()]).toEqual([0, ''])
    expect(server.out()).toContain('stopped; nothing is left running')
    expect(server.out()).not.toContain('What to do next')
    expect(processesOf(folder)).toEqual([])
  })

  it('ends a command with the code of the signal and leaves no process', async () => {
    const command = run('src/cli/main.ts', ['ledger', 'list'], { APPORTION_DATA: folder })
    await databaseBegun()
    command.child.kill('SIGINT')
    expect([await command.ended, command.err()]).toEqual([130, ''])
    expect(processesOf(folder)).toEqual([])
  })
})
