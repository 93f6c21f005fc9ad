// kill -9 at random moments under load, of a server and of PostgreSQL: callers of two servers on one lane send again what was not answered,
// and find everything there once.

import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startOwnServer, type OwnServer } from '../../test/database.ts'
import { machine, until } from '../../test/effects.ts'
import { openGate, type Gate } from '../../test/gate.ts'
import { accounts, breaks, openHouse, record, sale, type Home, type House, type Process } from '../../test/house.ts'
import { startRecordingProcess } from '../../test/recording-process.ts'
import { Refusal } from '../core/refusal.ts'

let own: OwnServer
let gate: Gate
let house: House
beforeAll(async () => {
  own = await startOwnServer()
  gate = await openGate(own.url)
  house = await openHouse(gate.through(own.url))
})
afterAll(async () => {
  await house.close()
  await gate.close()
  await own.remove()
})

const COIN = 1_000_000_000n
const KILLS = 3
const CALLERS = 8

/** Each reference is there once, those that were answered and those that were not until they were sent again; the journal is sound. */
async function audit(home: Home, references: readonly string[]): Promise<void> {
  const { rows } = await house.database.pool.query<{ reference: string }>('select reference from apportion.event where lane = $1', [home.lane])
  expect(rows.map(({ reference }) => reference).toSorted()).toEqual([...references].toSorted())
  expect((await accounts(house, home))['expected']).toBe(BigInt(references.length) * COIN)
  expect(await breaks(house, home)).toEqual([])
}

describe('kill -9 under load', () => {
  it('of a server: whoever was answered is there once, and its successor tells the others', async () => {
    const home = await house.makeLedger()
    const { name: ledger, token } = home
    const all: string[] = []
    const answers = new Map<string, string[]>()
    const told = (reference: string, state: string): void => void answers.getOrInsertComputed(reference, () => []).push(state)
    for (let kill = 0; kill < KILLS; kill += 1) {
      const references = Array.from({ length: 400 }, (_, index) => `sale ${kill} ${index}`)
      all.push(...references)
      const process = startRecordingProcess(house.database.appUrl, told)
      process.record({ ledger, token, amount: '1', references })
      const before = answers.size
      // In the middle of it, some answers later than the first.
      const enough = before + randomInt(1, 200)
      await until('answers', () => (answers.size > enough ? true : undefined))
      await process.kill()
    }
    const answered = new Set(answers.keys())
    const successor = startRecordingProcess(house.database.appUrl, told)
    successor.record({ ledger, token, amount: '1', references: all })
    await until('all answers', () => (all.every((reference) => (answers.get(reference)?.length ?? 0) > (answered.has(reference) ? 1 : 0)) ? true : undefined))
    await successor.kill()
    for (const reference of all) {
      const states = answers.get(reference) ?? []
      expect([reference, states]).toEqual([reference, answered.has(reference) ? ['recorded', 'duplicate'] : [expect.stringMatching(/^(recorded|duplicate)$/)]])
    }
    await audit(home, all)
  })

  it('of PostgreSQL, with all its sessions: two servers at one lane go on when it is back, and nothing is lost or there twice', async () => {
    const home = await house.makeLedger()
    const servers = [house.main, house.start()]
    const all: string[] = []
    const told = new Map<string, string[]>()
    let stopping = false
    const sell = async (process: Process, place: number, caller: number): Promise<void> => {
      for (let turn = 0; !stopping; turn += 1) {
        const reference = `${place} ${caller} ${turn}`
        const states: string[] = []
        all.push(reference)
        told.set(reference, states)
        while (states.at(-1) === undefined || states.at(-1) === 'database_unavailable') {
          states.push(await tryOnce(process, home, reference))
          if (states.at(-1) === 'database_unavailable') await machine.sleep(20)
        }
      }
    }
    const callers = servers.flatMap((process, place) => Array.from({ length: CALLERS }, async (_, caller) => await sell(process, place, caller)))
    for (let kill = 0; kill < KILLS; kill += 1) {
      const enough = all.length + randomInt(100, 300)
      await until('sales', () => (all.length > enough ? true : undefined))
      await own.kill()
      gate.aim((await own.restart()).url)
    }
    const enough = all.length + 100
    await until('more sales', () => (all.length > enough ? true : undefined))
    stopping = true
    await Promise.all(callers)
    // The last answer of each is one that it is there; "duplicate" only where an earlier call was not answered.
    for (const [reference, states] of told) {
      const last = states.length === 1 ? ['recorded'] : ['recorded', 'duplicate']
      expect([reference, last.includes(states.at(-1) ?? '')]).toEqual([reference, true])
    }
    expect([...told.values()].flat()).toContain('database_unavailable')
    await audit(home, all)
  })
})

async function tryOnce(process: Process, home: Home, reference: string): Promise<string> {
  try {
    const [result] = await record(process, home, [sale(home, reference, '1')])
    return result?.state ?? 'nothing'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
