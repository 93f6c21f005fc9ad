// The master key's forms and file. What was read is never repeated.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { masterKeyOf } from './envelope.ts'
import { random, refusalOf } from './fixture.ts'
import { makeMasterKeyFile, readMasterKey, readMasterKeyFile } from './master-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'apportion-master-key-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SETTING = 'APPORTION_MASTER_KEY'

describe('the master key', () => {
  const bytes = random(32)
  const forms: readonly [string, string][] = [
    ['hex', bytes.toHex()],
    ['hex in capitals', bytes.toHex().toUpperCase()],
    ['base64', bytes.toBase64()],
    ['base64 without its end', bytes.toBase64({ omitPadding: true })],
    ['hex with a line feed', `${bytes.toHex()}\n`],
  ]
  it.each(forms)('is read from %s', (_, text) => {
    expect(readMasterKey(text, SETTING)).toEqual(masterKeyOf(bytes))
  })

  const wrong: readonly [string, string][] = [
    ['empty', ''],
    ['31 bytes of hex', random(31).toHex()],
    ['33 bytes of hex', random(33).toHex()],
    ['31 bytes of base64', random(31).toBase64()],
    ['64 bytes of base64', random(64).toBase64()],
    ['a passphrase', 'correct horse battery staple'],
    ['hex with a letter too far', `${random(31).toHex()}0g`],
  ]
  it.each(wrong)('is refused when it is %s, without repeating it', async (_, text) => {
    const refusal = await refusalOf(() => readMasterKey(text, SETTING))
    expect(refusal.code).toBe('configuration_invalid')
    expect(refusal.message).toContain(SETTING)
    if (text !== '') expect(refusal.message + JSON.stringify(refusal.details)).not.toContain(text)
  })

  it('is made in a file that its owner alone can read, and found there again', () => {
    const path = join(folder, 'deep', 'er', 'master.key')
    const made = makeMasterKeyFile(path, SETTING, random)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe(`${made.bytes.toHex()}\n`)
    expect(makeMasterKeyFile(path, SETTING, random)).toEqual(made)
    expect(readMasterKeyFile(path, SETTING)).toEqual(made)
  })

  it('is the first one made when two make it at once', () => {
    const path = join(folder, 'twice.key')
    let first: ReturnType<typeof readMasterKeyFile> | undefined
    // The other one makes its file after we have looked and before we have written.
    const second = makeMasterKeyFile(path, SETTING, (bytesWanted) => {
      first ??= makeMasterKeyFile(path, SETTING, random)
      return random(bytesWanted)
    })
    expect(second).toEqual(first)
  })

  it('is refused when its file is missing, naming setting and path', async () => {
    const refusal = await refusalOf(() => readMasterKeyFile(join(folder, 'nowhere'), 'APPORTION_MASTER_KEY_FILE'))
    expect(refusal.code).toBe('configuration_invalid')
    expect(refusal.details).toEqual({ setting: 'APPORTION_MASTER_KEY_FILE', path: join(folder, 'nowhere') })
  })

  it('is not replaced when its file is damaged', async () => {
    const path = join(folder, 'damaged.key')
    writeFileSync(path, 'half a ke')
    expect((await refusalOf(() => makeMasterKeyFile(path, SETTING, random))).code).toBe('configuration_invalid')
    expect(readFileSync(path, 'utf8')).toBe('half a ke')
  })
})
