// The master key from a setting or a file. In the sandbox alone the file is made on first start. It must never repeat what it read.

import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Refusal } from '../core/refusal.ts'
import { KEY_BYTES, masterKeyOf, type MasterKey } from './envelope.ts'

const HEX = /^[0-9a-fA-F]{64}$/
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/

/** Reads 32 bytes as hex or base64. `setting` is named in the refusal `configuration_invalid`. */
export function readMasterKey(text: string, setting: string): MasterKey {
  const trimmed = text.trim()
  if (HEX.test(trimmed)) return masterKeyOf(Uint8Array.fromHex(trimmed))
  if (BASE64.test(trimmed)) return masterKeyOf(Uint8Array.fromBase64(trimmed))
  throw new Refusal(
    'configuration_invalid',
    `${setting} must be ${KEY_BYTES} bytes as 64 hex digits or as base64; it has ${trimmed.length} characters. Make one with: openssl rand -hex ${KEY_BYTES}`,
    { setting, characters: trimmed.length },
  )
}

/** Reads the key from a file that an operator made. Refuses `configuration_invalid`. */
export function readMasterKeyFile(path: string, setting: string): MasterKey {
  const text = readText(path)
  if (text !== null) return readMasterKey(text, setting)
  throw new Refusal('configuration_invalid', `${setting} names ${path}, which cannot be read: make it with: openssl rand -hex ${KEY_BYTES}`, {
    setting,
    path,
  })
}

/**
 * Makes the file with a new key, readable by its owner alone, unless it is there, and reads it. Two that start at once end with the same
 * key: the file appears whole, under its name, for one of them only.
 */
export function makeMasterKeyFile(path: string, setting: string, random: (bytes: number) => Uint8Array<ArrayBuffer>): MasterKey {
  if (readText(path) !== null) return readMasterKeyFile(path, setting)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${random(8).toHex()}`
  try {
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeSync(file, `${random(KEY_BYTES).toHex()}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    linkSync(draft, path)
    syncFolder(dirname(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readMasterKeyFile(path, setting)
}

// Wallets are sealed under this key at once: its name must be on disk before they are.
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
