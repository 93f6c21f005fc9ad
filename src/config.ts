// The settings of a process, from its environment: read once, checked whole, and shown without a secret. Nothing else reads the environment.

import { join, resolve } from 'node:path'
import { z } from 'zod'
import { clip, quote } from './core/money.ts'
import { Refusal } from './core/refusal.ts'

/** Optional settings are absent where nothing was given: their absence means the default that the comment names. */
export type Config = {
  /** One's own PostgreSQL as the owner of the tables; absent: the embedded server. */
  readonly databaseUrl?: string
  /** The same database as the server's role and as the signer's; absent: the owner makes both roles. */
  readonly appDatabaseUrl?: string
  readonly signerDatabaseUrl?: string
  /** Absolute path of the folder for whatever this clone keeps: database, sandbox, keys, chosen ports. */
  readonly dataDirectory: string
  readonly host: string
  /** Absent: a free port, chosen once and remembered in the data folder. */
  readonly port?: number
  /** The signer's master key as text, or the file that holds it; absent: a file in the data folder, made for sandboxes alone. */
  readonly masterKey?: string
  readonly masterKeyFile?: string
  /** Who runs commands: a person's key, with its seal. Absent: the owner of this machine. */
  readonly key?: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

export type Environment = Readonly<Record<string, string | undefined>>

/** A setting as `doctor` shows it: `value` has every secret replaced. */
export type ShownSetting = { readonly name: string; readonly value: string; readonly from: 'environment' | 'default' }

const DEFAULT_DATA = join(import.meta.dirname, '..', '.apportion')
const DEFAULT_HOST = '127.0.0.1'

const MASTER_KEY = /^\s*([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=?)\s*$/

const databaseUrl = z.string().refine(isDatabaseUrl, 'must be an address of the form postgresql://user:password@host:port/database')

const settings = z.object({
  DATABASE_URL: databaseUrl.optional(),
  APP_DATABASE_URL: databaseUrl.optional(),
  SIGNER_DATABASE_URL: databaseUrl.optional(),
  APPORTION_DATA: z.string().optional(),
  HOST: z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'must be a host name or an IP address, such as 127.0.0.1').optional(),
  PORT: z
    .string()
    .regex(/^[1-9][0-9]{0,4}$/, 'must be a port from 1 to 65535')
    .transform(Number)
    .pipe(z.number().max(65_535, 'must be a port from 1 to 65535'))
    .optional(),
  APPORTION_MASTER_KEY: z.string().regex(MASTER_KEY, 'must be 32 bytes as 64 hex digits or as base64').optional(),
  APPORTION_MASTER_KEY_FILE: z.string().optional(),
  APPORTION_KEY: z.string().regex(/^apk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}(\.[A-Za-z0-9_-]{43})?$/, 'must be a key as it was shown when it was made: apk_…').optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error').optional(),
})

type SettingName = keyof typeof settings.shape

// Whether a setting's value may be shown: whole, as an address without its password, or not at all.
const SHOWN: Readonly<Record<SettingName, 'whole' | 'address' | 'never'>> = {
  DATABASE_URL: 'address',
  APP_DATABASE_URL: 'address',
  SIGNER_DATABASE_URL: 'address',
  APPORTION_DATA: 'whole',
  HOST: 'whole',
  PORT: 'whole',
  APPORTION_MASTER_KEY: 'never',
  APPORTION_MASTER_KEY_FILE: 'whole',
  APPORTION_KEY: 'never',
  LOG_LEVEL: 'whole',
}

const DEFAULTS: Readonly<Record<SettingName, string>> = {
  DATABASE_URL: 'the embedded server, in the data folder',
  APP_DATABASE_URL: 'a role that the owner makes',
  SIGNER_DATABASE_URL: 'a role that the owner makes',
  APPORTION_DATA: DEFAULT_DATA,
  HOST: DEFAULT_HOST,
  PORT: 'a free one, remembered in the data folder',
  APPORTION_MASTER_KEY: 'none',
  APPORTION_MASTER_KEY_FILE: 'a file in the data folder, made when only sandboxes use it',
  APPORTION_KEY: 'none: commands act as the owner',
  LOG_LEVEL: 'info',
}

/** Reads and checks all settings; an empty one counts as not given. Refuses `configuration_invalid`, naming the variable. */
export function readConfig(environment: Environment): Config {
  const parsed = settings.safeParse(given(environment))
  if (!parsed.success) throw refusalOf(parsed.error, environment)
  const { data } = parsed
  if (data.DATABASE_URL === undefined) {
    for (const name of ['APP_DATABASE_URL', 'SIGNER_DATABASE_URL'] as const) {
      if (data[name] !== undefined) throw invalid(name, 'is given without DATABASE_URL: the embedded server makes its own roles')
    }
  }
  if ((data.APP_DATABASE_URL === undefined) !== (data.SIGNER_DATABASE_URL === undefined)) {
    throw invalid('APP_DATABASE_URL', 'and SIGNER_DATABASE_URL go together: give both or neither')
  }
  if (data.APPORTION_MASTER_KEY !== undefined && data.APPORTION_MASTER_KEY_FILE !== undefined) {
    throw invalid('APPORTION_MASTER_KEY', 'and APPORTION_MASTER_KEY_FILE are both given: give one of them')
  }
  return {
    ...(data.DATABASE_URL !== undefined && { databaseUrl: data.DATABASE_URL }),
    ...(data.APP_DATABASE_URL !== undefined && { appDatabaseUrl: data.APP_DATABASE_URL }),
    ...(data.SIGNER_DATABASE_URL !== undefined && { signerDatabaseUrl: data.SIGNER_DATABASE_URL }),
    dataDirectory: resolve(data.APPORTION_DATA ?? DEFAULT_DATA),
    host: data.HOST ?? DEFAULT_HOST,
    ...(data.PORT !== undefined && { port: data.PORT }),
    ...(data.APPORTION_MASTER_KEY !== undefined && { masterKey: data.APPORTION_MASTER_KEY.trim() }),
    ...(data.APPORTION_MASTER_KEY_FILE !== undefined && { masterKeyFile: resolve(data.APPORTION_MASTER_KEY_FILE) }),
    ...(data.APPORTION_KEY !== undefined && { key: data.APPORTION_KEY }),
    logLevel: data.LOG_LEVEL ?? 'info',
  }
}

/** Every setting with what it stands at, without a secret. */
export function shownSettings(environment: Environment): readonly ShownSetting[] {
  const known = given(environment)
  return Object.entries(SHOWN).map(([key, how]): ShownSetting => {
    const name = key as SettingName
    const value = known[name]
    if (value === undefined) return { name, value: DEFAULTS[name], from: 'default' }
    const shown = how === 'whole' ? value : how === 'address' ? withoutPassword(value) : '(given, not shown)'
    return { name, value: shown, from: 'environment' }
  })
}

function given(environment: Environment): Partial<Record<SettingName, string>> {
  const names = Object.keys(settings.shape) as SettingName[]
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])))
}

function refusalOf({ issues }: z.ZodError, environment: Environment): Refusal {
  const [issue] = issues
  const name = (issue?.path[0] ?? 'a setting') as SettingName
  const value = environment[name] ?? ''
  return invalid(name, `${issue?.message ?? 'is invalid'}${SHOWN[name] === 'whole' ? `, not ${quote(value)}` : ''}`)
}

function invalid(setting: SettingName, problem: string): Refusal {
  return new Refusal('configuration_invalid', `${setting} ${clip(problem, 300)}`, { setting })
}

function isDatabaseUrl(text: string): boolean {
  return URL.canParse(text) && ['postgres:', 'postgresql:'].includes(new URL(text).protocol)
}

/** The address with its password, wherever it stands in it, replaced. An address that is none is not shown at all. */
function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return '(given, not shown)'
  const url = new URL(text)
  if (url.password !== '') url.password = '***'
  for (const name of [...url.searchParams.keys()]) if (/pass|secret|key/i.test(name)) url.searchParams.set(name, '***')
  return url.href
}
