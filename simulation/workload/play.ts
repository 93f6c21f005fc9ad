// Carries out what a workload says, through doors. All that is not in a step's data comes from the answers to it.

import type { Json, JsonObject } from '../../src/core/effects.ts'
import { instantText } from '../../src/core/canonical.ts'
import { changeSettings, decidePayouts, draftPlan } from './decide.ts'
import type { Doors } from './doors.ts'
import { insist, type Played } from './insist.ts'
import type { Caller, Deed, HandDeed, InsertDeed, RequestDeed, Step, Workload } from './workload.ts'

/** Told of each step when it has been carried out. */
export type OnPlayed = (caller: Caller, step: Step, played: readonly Played[]) => void

/** All callers beside each other, each one step after the other. */
export async function carryOut({ callers }: Workload, doors: Doors, onPlayed: OnPlayed = () => {}): Promise<void> {
  await Promise.all(callers.map(async (caller) => {
    for (const step of caller.steps) {
      await doors.sleep(step.delayMs)
      onPlayed(caller, step, await play(step.deed, doors))
    }
  }))
}

/** One step. Answers what was offered, in order; the network's own hand offers nothing. */
export async function play(deed: Deed, doors: Doors): Promise<readonly Played[]> {
  switch (deed.do) {
    case 'request':
      return [await sendRequest(deed, doors)]
    case 'insert':
    case 'upsert':
      return [await sendRow(deed, doors)]
    case 'name': {
      const { tag, expect, ledger, recipient, address } = deed
      return [{ tag, expect, ...(await insist(doors, deed, async () => await doors.name(ledger, recipient, address))) }]
    }
    case 'plan':
      return await draftPlan(deed, doors)
    case 'settings':
      return await changeSettings(deed, doors)
    case 'decide':
      return await decidePayouts(deed, doors)
    case 'fund':
    case 'give':
    case 'freeze':
    case 'thaw':
      lendHand(deed, doors)
      return []
  }
}

async function sendRequest(deed: RequestDeed, doors: Doors): Promise<Played> {
  const { tag, expect, person, request, stamp } = deed
  const { body } = request
  const stamped = stamp === null || body === undefined ? request : { ...request, body: withStamp(body, stamp, doors) }
  const isCreation = request.idempotencyKey === undefined && /\/(events|reversals)$/.test(request.path)
  return { tag, expect, ...(await insist(doors, deed, async () => await doors.call({ ...stamped, person }))), isCreation }
}

async function sendRow(deed: InsertDeed, doors: Doors): Promise<Played> {
  const { tag, expect, table, row, stamp } = deed
  const stamped = stamp === null ? row : (withStamp(row, stamp, doors) as JsonObject)
  return { tag, expect, ...(await insist(doors, deed, async () => await doors[deed.do](table, stamped))) }
}

/** The instant stays the same however often it is sent. */
function withStamp(body: Json, field: string, { now }: Doors): Json {
  return { ...(body as JsonObject), [field]: instantText(now()) }
}

function lendHand(deed: HandDeed, { hands }: Doors): void {
  const { ledger, asset } = deed
  switch (deed.do) {
    case 'fund':
      return hands.fund(ledger, asset, BigInt(deed.units))
    case 'give':
      return hands.give(ledger, asset, deed.address, BigInt(deed.units))
    case 'freeze':
    case 'thaw':
      return hands.freeze(ledger, asset, deed.address, deed.do === 'freeze')
  }
}
