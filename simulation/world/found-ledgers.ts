// What is there before anybody calls: ledgers with their tokens, wallets, keys and first addresses, made by the verbs that the commands use.

import type { Pool } from 'pg'
import { present } from '../../src/core/assert.ts'
import { createKey, splitKey } from '../../src/engine/api-key.ts'
import { createLedger } from '../../src/engine/create-ledger.ts'
import { createLedgers } from '../../src/engine/ledger.ts'
import { setDestinations } from '../../src/engine/set-destinations.ts'
import { createWallet } from '../../src/engine/wallet.ts'
import type { World } from '../../src/engine/world.ts'
import type { Person } from '../history.ts'
import { PERSON_RIGHTS } from '../workload/doors.ts'
import type { LedgerSetup } from '../workload/workload.ts'
import type { Home, Key } from './doors.ts'
import type { Hand } from './network.ts'

export type Founder = {
  readonly world: World
  /** The database's owner, who alone makes ledgers and persons. */
  readonly owner: Pool
  readonly appRole: string
  readonly hand: Pick<Hand, 'mint'>
  /** Where the network of its rail is; null where the server runs it. */
  readonly railUrl?: string | null
}

/** Makes a ledger as its set-up says. Its tokens must be on the network. */
export async function foundLedger({ world, owner, appRole, hand, railUrl = null }: Founder, setup: LedgerSetup): Promise<Home> {
  const { name, program, programFile, lanes, schema, asset, recipients } = setup
  const tokens = Object.fromEntries(Object.keys(setup.tokens).map((token) => [token, hand.mint(token)]))
  await createLedger(
    { ...world, owner, appRole },
    { name, program, ...(programFile !== null && { programFile: { text: programFile, name: `${name}.json` } }), sandbox: true, railUrl, inboxSchema: schema, tokens, lanes },
  )
  const ledger = await createLedgers(world).open(name)
  const { address: wallet } = await createWallet(world, ledger, 'main')
  if (recipients.length > 0) {
    await setDestinations(world, ledger, recipients.map(({ recipient, address }) => ({ recipient, label: null, destination: { address } })))
  }
  const keys: [Person, Key][] = []
  for (const person of ['owner', 'first', 'second'] as const) {
    const made = await createKey({ ...world, owner }, ledger, { name: person, rights: PERSON_RIGHTS[person] })
    const { bearer, seal } = splitKey(made.key)
    keys.push([person, { bearer, seal: present(seal, `seal of ${person}`) }])
  }
  return { wallet, asset, keys: Object.fromEntries(keys) as Home['keys'] }
}
