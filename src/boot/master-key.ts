// Where the signer's master key comes from: a setting; only while all ledgers are sandboxes a file that the signer makes itself.

import { join } from 'node:path'
import type { Config } from '../config.ts'
import { Refusal } from '../core/refusal.ts'

type KeySettings = Pick<Config, 'masterKey' | 'masterKeyFile' | 'dataDirectory'>

type Source = ({ readonly masterKey: string } | { readonly masterKeyFile: string }) & { readonly sandbox: boolean }

const fileIn = (dataDirectory: string): string => join(dataDirectory, 'master.key')

/** Refuses `configuration_invalid` when a ledger pays real money and no master key was given. */
export function masterKeyOf(
  { masterKey, masterKeyFile, dataDirectory }: KeySettings,
  ledgers: readonly { readonly sandbox: boolean; readonly name: string }[],
): Source {
  const real = ledgers.find(({ sandbox }) => !sandbox)
  const sandbox = real === undefined
  if (masterKey !== undefined) return { masterKey, sandbox }
  if (masterKeyFile !== undefined) return { masterKeyFile, sandbox }
  if (sandbox) return { masterKeyFile: fileIn(dataDirectory), sandbox }
  throw new Refusal(
    'configuration_invalid',
    `the ledger ${real.name} pays real money: set APPORTION_MASTER_KEY to 32 random bytes in hex, and keep a copy elsewhere than the database`,
  )
}

/** A second server on one database, with a data folder of its own, lacks the first one's key: it is told where that lies. */
export function namingTheFile(error: unknown, { masterKey, masterKeyFile, dataDirectory }: KeySettings): unknown {
  const own = masterKey === undefined && masterKeyFile === undefined
  if (!own || !(error instanceof Refusal) || !ABOUT_THE_KEY.has(error.code)) return error
  const advice = `If a server with another data folder made this database's wallets, copy its master.key to ${fileIn(dataDirectory)}.`
  return new Refusal(error.code, `${error.message}. ${advice}`, error.details)
}

const ABOUT_THE_KEY: ReadonlySet<string> = new Set(['master_key_mismatch', 'configuration_invalid'])
