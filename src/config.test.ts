// Settings: what is accepted, what is refused and how, and that no secret is ever repeated.

import { isAbsolute } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readConfig, shownSettings, type Environment } from './config.ts'
import { Refusal } from './core/refusal.ts'

const KEY = 'ab'.repeat(32)
const OWNER = 'postgresql://owner:s3cret-owner@db.example:5432/money'
const APP = 'postgresql://app:s3cret-app@db.example:5432/money'
const SIGNER = 'postgres://signer:s3cret-signer@db.example/money?sslpassword=s3cret-ssl'

function refusalFor(environment: Environment): Refusal {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('settings', () => {
  it('has a default for everything', () => {
    const config = readConfig({})
    expect(config).toEqual({ dataDirectory: config.dataDirectory, host: '127.0.0.1', logLevel: 'info' })
    expect(isAbsolute(config.dataDirectory)).toBe(true)
    expect(config.dataDirectory.endsWith('.apportion')).toBe(true)
  })

  it('takes an empty variable as not given', () => {
    expect(readConfig({ DATABASE_URL: '', PORT: '', LOG_LEVEL: '', HOST: '' })).toEqual(readConfig({}))
  })

  it('reads all that is given', () => {
    expect(
      readConfig({
        DATABASE_URL: OWNER,
        APP_DATABASE_URL: APP,
        SIGNER_DATABASE_URL: SIGNER,
        APPORTION_DATA: '/var/lib/apportion',
        HOST: '0.0.0.0',
        PORT: '8080',
        APPORTION_MASTER_KEY: ` ${KEY}\n`,
        LOG_LEVEL: 'warn',
      }),
    ).toEqual({
      databaseUrl: OWNER,
      appDatabaseUrl: APP,
      signerDatabaseUrl: SIGNER,
      dataDirectory: '/var/lib/apportion',
      host: '0.0.0.0',
      port: 8080,
      masterKey: KEY,
      logLevel: 'warn',
    })
  })

  it.each<[string, Environment, string]>([
    ['a port of zero', { PORT: '0' }, 'PORT'],
    ['a port beyond the last', { PORT: '65536' }, 'PORT'],
    ['a port that is no number', { PORT: '80 80' }, 'PORT'],
    ['a port with a sign', { PORT: '+80' }, 'PORT'],
    ['a host with a path', { HOST: 'http://localhost' }, 'HOST'],
    ['an unknown log level', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL'],
    ['an address of another database', { DATABASE_URL: 'mysql://owner:s3cret-owner@db/money' }, 'DATABASE_URL'],
    ['an address that is none', { DATABASE_URL: 's3cret-owner' }, 'DATABASE_URL'],
    ['a role without an owner', { APP_DATABASE_URL: APP }, 'APP_DATABASE_URL'],
    ['one role without the other', { DATABASE_URL: OWNER, SIGNER_DATABASE_URL: SIGNER }, 'APP_DATABASE_URL'],
    ['a master key that is too short', { APPORTION_MASTER_KEY: 's3cret' }, 'APPORTION_MASTER_KEY'],
    ['two master keys', { APPORTION_MASTER_KEY: KEY, APPORTION_MASTER_KEY_FILE: '/run/key' }, 'APPORTION_MASTER_KEY'],
  ])('refuses %s, naming the variable and no secret', (_, environment, setting) => {
    const refusal = refusalFor(environment)
    expect(refusal.code).toBe('configuration_invalid')
    expect(refusal.details).toEqual({ setting })
    expect(refusal.message).toContain(setting)
    expect(inspect(refusal, { depth: 9, showHidden: true })).not.toMatch(/s3cret|abab/)
  })

  it('says what was wrong with a value that is no secret', () => {
    expect(refusalFor({ PORT: '99999' }).message).toBe('PORT must be a port from 1 to 65535, not "99999"')
  })

  it('shows every setting without a secret', () => {
    const shown = shownSettings({ DATABASE_URL: OWNER, APP_DATABASE_URL: APP, SIGNER_DATABASE_URL: SIGNER, APPORTION_MASTER_KEY: KEY, PORT: '1' })
    expect(JSON.stringify(shown)).not.toMatch(/s3cret|abab/)
    const values = Object.fromEntries(shown.map(({ name, value, from }) => [name, [value, from]]))
    expect(values).toMatchObject({
      DATABASE_URL: ['postgresql://owner:***@db.example:5432/money', 'environment'],
      SIGNER_DATABASE_URL: ['postgres://signer:***@db.example/money?sslpassword=***', 'environment'],
      APPORTION_MASTER_KEY: ['(given, not shown)', 'environment'],
      PORT: ['1', 'environment'],
      HOST: ['127.0.0.1', 'default'],
    })
    expect(shownSettings({ DATABASE_URL: 's3cret-owner' })[0]?.value).toBe('(given, not shown)')
  })
})
