// One PostgreSQL for the whole run, in a temporary folder, with a migrated template from which tests clone databases.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { endServer } from '../src/store/embedded/postmaster.ts'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { machine } from './effects.ts'
import { dropTemplate, makeTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server's own database, as the superuser. */
    databaseUrl: string
  }
}

const PREFIX = 'apportion-test-'

// Nothing here has to survive a crash of the machine.
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/** With TEST_DATABASE_URL (a superuser's) the tests run on that server instead: to see them on an older PostgreSQL. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  return given === undefined ? onEmbedded(project) : onGiven(project, given)
}

async function onGiven(project: TestProject, url: string): Promise<() => Promise<void>> {
  await dropTemplate(url)
  await makeTemplate(url)
  project.provide('databaseUrl', url)
  return () => dropTemplate(url)
}

async function onEmbedded(project: TestProject): Promise<() => Promise<void>> {
  sweep()
  const folder = mkdtempSync(join(tmpdir(), PREFIX))
  writeFileSync(join(folder, 'pid'), String(process.pid))
  const server = await startEmbedded({
    dataDirectory: join(folder, 'database'),
    effects: machine,
    settings: FAST,
    dieWithParent: true,
  })
  await makeTemplate(server.url)
  project.provide('databaseUrl', server.url)
  return async () => {
    // Stopping in order would first write out every test's database.
    await endServer(server.pid, 'SIGQUIT', machine)
    remove(folder)
  }
}

// Folders of runs that were killed; their servers ended with them.
function sweep(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    if (!isOwnerAlive(folder)) remove(folder)
  }
}

function isOwnerAlive(folder: string): boolean {
  try {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}
