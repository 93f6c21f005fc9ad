// The settings of the signer's process, as they cross to it in its environment and are taken out of it there.

import type { Pool } from 'pg'
import { Refusal } from '../core/refusal.ts'
import type { MasterKey } from './envelope.ts'
import { makeMasterKeyFile, readMasterKey, readMasterKeyFile } from './master-key.ts'
import { masterKeysInUse } from './store.ts'

/** The master key is 32 bytes as hex or base64: the text itself, or the path of a file that holds it. */
export type SignerSettings = {
  /** The database, as the signer's role. */
  readonly signerUrl: string
  /** In the sandbox alone a missing file is made. */
  readonly sandbox: boolean
} & ({ readonly masterKey: string } | { readonly masterKeyFile: string })

const URL_SETTING = 'SIGNER_DATABASE_URL'
const KEY_SETTING = 'APPORTION_MASTER_KEY'
const FILE_SETTING = 'APPORTION_MASTER_KEY_FILE'
const SANDBOX_SETTING = 'APPORTION_SANDBOX'

type Environment = Record<string, string | undefined>

/** The whole environment of the signer's process: of the server's own it gets only what an operating system may demand, and compiled code. */
export function environmentOf(settings: SignerSettings, own: Environment): Environment {
  return {
    ...(own['SystemRoot'] !== undefined && { SystemRoot: own['SystemRoot'] }),
    // Where the launcher keeps compiled code, beside the code itself: a start takes a third of the processor's time with it.
    ...(own['NODE_COMPILE_CACHE'] !== undefined && { NODE_COMPILE_CACHE: own['NODE_COMPILE_CACHE'] }),
    [URL_SETTING]: settings.signerUrl,
    ...('masterKey' in settings ? { [KEY_SETTING]: settings.masterKey } : { [FILE_SETTING]: settings.masterKeyFile }),
    ...(settings.sandbox && { [SANDBOX_SETTING]: '1' }),
  }
}

/** Takes the settings out of the environment, so that nothing that runs later finds them there. Refuses `configuration_invalid`. */
export function takeSettings(environment: Environment): SignerSettings {
  const take = (name: string): string | undefined => {
    const value = environment[name]
    delete environment[name]
    return value === '' ? undefined : value
  }
  const [signerUrl, masterKey, masterKeyFile, sandbox] = [take(URL_SETTING), take(KEY_SETTING), take(FILE_SETTING), take(SANDBOX_SETTING)]
  if (signerUrl === undefined) throw new Refusal('configuration_invalid', `${URL_SETTING} is missing`, { setting: URL_SETTING })
  const common = { signerUrl, sandbox: sandbox === '1' }
  if (masterKey !== undefined && masterKeyFile === undefined) return { ...common, masterKey }
  if (masterKey === undefined && masterKeyFile !== undefined) return { ...common, masterKeyFile }
  throw new Refusal('configuration_invalid', `give either ${KEY_SETTING} or ${FILE_SETTING}, and not both`, {
    setting: KEY_SETTING,
    other: FILE_SETTING,
  })
}

/**
 * The master key that the settings name, if it is the one under which the database's wallets are sealed.
 * Refuses `configuration_invalid`, `master_key_mismatch`.
 */
export async function masterKeyFor(
  pool: Pool,
  settings: SignerSettings,
  random: (bytes: number) => Uint8Array<ArrayBuffer>,
): Promise<MasterKey> {
  const inUse = await masterKeysInUse(pool)
  const key = readKey(settings, { mayMake: settings.sandbox && inUse.length === 0, random })
  const other = inUse.find(({ master_key_id: id }) => id !== key.id)
  if (other === undefined) return key
  throw new Refusal(
    'master_key_mismatch',
    `${other.wallets} wallets are sealed under the master key ${other.master_key_id}, but the one given is ${key.id}: give the first`,
    { needed: other.master_key_id, given: key.id, wallets: other.wallets.toString() },
  )
}

function readKey(
  settings: SignerSettings,
  { mayMake, random }: { mayMake: boolean; random: (bytes: number) => Uint8Array<ArrayBuffer> },
): MasterKey {
  if ('masterKey' in settings) return readMasterKey(settings.masterKey, KEY_SETTING)
  // Never beside wallets that exist: a new key could not open them, and would hide that the old one is lost.
  if (mayMake) return makeMasterKeyFile(settings.masterKeyFile, FILE_SETTING, random)
  return readMasterKeyFile(settings.masterKeyFile, FILE_SETTING)
}
