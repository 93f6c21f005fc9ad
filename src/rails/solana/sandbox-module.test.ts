// The rail against its sandbox in a process of its own, over HTTP: what in-process tests leave out.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { machine, until } from '../../../test/effects.ts'
import { present } from '../../core/assert.ts'
import type { RailPayout } from '../rail.ts'
import { solana } from './rail.ts'

const directory = mkdtempSync(join(tmpdir(), 'rail-'))
const network = await solana.sandbox.start({ directory })
afterAll(async () => {
  await network.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('starts, funds a wallet for good, and pays from it', async () => {
  const rail = solana.connect(machine, { url: network.url })
  const { address, secret } = await solana.custody.create(machine.random)
  const wallet = { id: 'wallet', address }
  await solana.sandbox.fund(machine, network.url, { address, units: 1_000_000_000n })
  const asset = { asset: 'SOL/9', token: null }
  expect(await rail.balance(wallet, asset)).toBe(1_000_000_000n)
  const to = (await solana.custody.create(machine.random)).address
  const payouts: readonly RailPayout[] = [{ id: machine.id(), units: 5_000_000n, asset, destination: { address: to } }]
  const prepared = await rail.prepare({
    attempt: machine.id(),
    head: 'ab'.repeat(32),
    payouts,
    wallet,
    committed: new Map(),
    sign: (_ids, draft) => solana.custody.sign({ secret, wallet, payouts, draft }),
  })
  if (prepared.state !== 'prepared') throw new Error(JSON.stringify(prepared))
  expect(await rail.submit(prepared.attempt)).toEqual({ state: 'accepted' })
  const settled = await until('the payout', async () => {
    const look = present((await rail.look([{ attempt: prepared.attempt, wallet, payouts }]))[0], 'look')
    return look.state === 'pending' ? undefined : look
  })
  expect(settled).toMatchObject({ state: 'settled', proof: { signature: prepared.attempt.identity } })
  expect(await rail.balance({ id: '', address: to }, asset)).toBe(5_000_000n)
})

it('is unavailable when nobody listens', async () => {
  const rail = solana.connect(machine, { url: 'http://127.0.0.1:1' })
  await expect(rail.identify()).rejects.toMatchObject({ code: 'rail_unavailable' })
  await expect(rail.balance({ id: '', address: (await solana.custody.create(machine.random)).address }, { asset: 'SOL/9', token: null })).rejects.toMatchObject({
    code: 'rail_unavailable',
  })
})
