// Opens the database: the embedded server or one's own, its roles, its tables and its grants, in that order.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Effects } from '../core/effects.ts'
import { isFileProgram } from '../core/program.ts'
import { applyInboxGrants } from '../engine/inbox-grants.ts'
import { makeInboxViews } from '../engine/inbox-views.ts'
import { programMigrations, programs } from '../programs/index.ts'
import { distributeTables } from '../store/citus.ts'
import { startEmbedded } from '../store/embedded/start.ts'
import { migrate, readMigrations } from '../store/migrate.ts'
import { createPool } from '../store/pool.ts'
import { isReady, markReady } from '../store/readiness.ts'
import { applyGrants, ensureRoles, GRANTS, type Roles } from '../store/roles.ts'

export type DatabaseSettings = {
  readonly databaseUrl?: string
  readonly appDatabaseUrl?: string
  readonly signerDatabaseUrl?: string
  readonly dataDirectory: string
}

export type Database = Roles & {
  readonly ownerUrl: string
  readonly embedded: boolean
  /** For people: what runs where, without a secret. */
  readonly place: string
  /** Leaves the embedded server; stops it when nobody else uses it. */
  readonly stop: () => Promise<void>
}

/** Makes the database ready for work. Safe to call from several processes at once. Refuses as its parts do, in words. */
export async function openDatabase(
  effects: Pick<Effects, 'now' | 'sleep' | 'random'>,
  settings: DatabaseSettings,
): Promise<Database> {
  const { url: ownerUrl, place, embedded, stop } = await openServer(effects, settings)
  try {
    const roles = await ensureRoles(ownerUrl, {
      ...(settings.appDatabaseUrl !== undefined && { appUrl: settings.appDatabaseUrl }),
      ...(settings.signerDatabaseUrl !== undefined && { signerUrl: settings.signerDatabaseUrl }),
    })
    const owner = createPool({ url: ownerUrl, max: 1, applicationName: 'apportion migrate' })
    try {
      const wanted = { texts: await textsOfThisVersion(), roles }
      if (!(await isReady(owner, wanted))) {
        await migrate(owner, { programs: programMigrations })
        await distributeTables(owner)
        await applyGrants(owner, roles)
        await makeInboxViews(owner, { app: roles.app, programs })
        await applyInboxGrants(owner, { app: roles.app, programs })
        await markReady(owner, wanted)
      }
    } finally {
      await owner.end()
    }
    return { ...roles, ownerUrl, embedded, place, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Everything that is done to a database before it is used: when it was done with the same texts, it need not be done again. */
async function textsOfThisVersion(): Promise<readonly string[]> {
  const migrations = await readMigrations({ programs: programMigrations })
  const grants = [...programs.values()].flatMap((program) => (isFileProgram(program) ? [] : [JSON.stringify([program.name, program.views, program.grants])]))
  return [...migrations.map(({ name, sha256 }) => `${name} ${sha256}`), await readFile(GRANTS, 'utf8'), ...grants]
}

async function openServer(
  effects: Pick<Effects, 'now' | 'sleep' | 'random'>,
  { databaseUrl, dataDirectory }: DatabaseSettings,
): Promise<{ url: string; place: string; embedded: boolean; stop: () => Promise<void> }> {
  if (databaseUrl !== undefined) return { url: databaseUrl, place: 'the server of DATABASE_URL', embedded: false, stop: async () => {} }
  const server = await startEmbedded({ dataDirectory: join(dataDirectory, 'postgres'), effects })
  const { port } = new URL(server.url)
  const place = `embedded, 127.0.0.1:${port}, ${server.adopted ? 'was running already' : 'started'}`
  return {
    url: server.url,
    place,
    embedded: true,
    stop: async () => {
      await server.stop()
    },
  }
}
