// A process of the true program ends at the point that it was ordered to, with just that done or not done; and without orders it does not.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openHouse, type Home, type House } from '../../test/house.ts'
import type { PointName } from '../points.ts'
import { tryApportion } from '../process.ts'
import { ordering } from './preload.ts'
import { followTold } from './rig.ts'

let house: House
let home: Home
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'apportion-ordered-'))
  house = await openHouse()
  home = await house.makeLedger()
})
afterAll(async () => {
  await house.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Names an address by the command, which ends at a point; answers whether the address counts by then, and what was told. */
async function nameAddress(recipient: string, point: PointName | null) {
  const tell = join(folder, recipient)
  const told = followTold(tell)
  const { execArgv, env } = ordering({ process: 'server', at: point === null ? {} : { [point]: 1 }, tell })
  const { url, appUrl, signerUrl } = house.database
  const settings = { DATABASE_URL: url, APP_DATABASE_URL: appUrl, SIGNER_DATABASE_URL: signerUrl, NODE_OPTIONS: execArgv.join(' '), ...env }
  const { code } = await tryApportion(join(folder, 'data'), ['recipient', 'set', recipient, home.addresses.ai, '--ledger', home.name], settings)
  const { rows } = await house.database.pool.query('select from apportion.destination where ledger = $1 and recipient = $2', [home.ledger.id, recipient])
  return { code, addresses: rows.length, told: told().map(({ what }) => what) }
}

it.each<[PointName | null, number]>([
  ['destination not committed', 0],
  ['destination set', 1],
  [null, 1],
])('ordered to end at %s: %i addresses', async (point, addresses) => {
  const ended = { type: 'ended', process: 'server', point }
  expect(await nameAddress(`after ${point ?? 'nothing'}`.replaceAll(' ', '-'), point)).toEqual({ code: point === null ? 0 : null, addresses, told: point === null ? [] : [ended] })
})
