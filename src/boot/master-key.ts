// Where the signer's master key comes from: a setting; only while all ledgers are sandboxes a file that the signer makes itself.

import { join } from 'node:path'
import type { Config } from '../config.ts'
import { Refusal } from '../core/refusal.ts'

type Source = ({ readonly masterKey: string } | { readonly masterKeyFile: string }) & { readonly sandbox: boolean }

/** Refuses `configuration_invalid` when a ledger pays real money and no master key was given. */
export function masterKeyOf(
  { masterKey, masterKeyFile, dataDirectory }: Config,
  ledgers: readonly { readonly sandbox: boolean; readonly name: string }[],
): Source {
  const real = ledgers.find(({ sandbox }) => !sandbox)
  const sandbox = real === undefined
  if (masterKey !== undefined) return { masterKey, sandbox }
  if (masterKeyFile !== undefined) return { masterKeyFile, sandbox }
  if (sandbox) return { masterKeyFile: join(dataDirectory, 'master.key'), sandbox }
  throw new Refusal(
    'configuration_invalid',
    `the ledger ${real.name} pays real money: set APPORTION_MASTER_KEY to 32 random bytes in hex, and keep a copy elsewhere than the database`,
  )
}
