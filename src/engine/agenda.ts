// What there is to do on a lane now, for whoever does it.

import { agendaOf, type Agenda } from '../store/agenda.ts'
import type { Desk } from './world.ts'

/** A kind of work on a lane. */
export type LaneWork = keyof Agenda

export async function agenda({ store, now }: Pick<Desk, 'store' | 'now'>, lane: bigint): Promise<Agenda> {
  return await agendaOf(store.pool, lane, now())
}
