// Callers who sell: each waits for its answer, comes back when it is told to, and notes every answer. What they were told is compared with
// what is stored when they are done.

import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { present } from '../src/core/assert.ts'
import type { Effects } from '../src/core/effects.ts'
import { runCallers, type Answered } from './callers.ts'
import type { Answer, Client } from './http.ts'

export type Sold = Answered & {
  /** References that were answered as recorded. */
  readonly acknowledged: readonly string[]
  /** Answers by status. */
  readonly answers: ReadonlyMap<number, number>
  readonly faults: readonly string[]
}

type Selling = {
  readonly effects: Effects
  readonly ledger: string
  readonly token: string
  readonly callers: number
  readonly ms: number
  readonly nowMs: () => number
  /** To whom the next sale is sent; two get the same sale at once. */
  readonly route: (sale: number) => readonly Client[]
}

const RECORDED = 201
const AGAIN = 200
/** The server is full, or away for a moment: both say when to come back. */
const COME_BACK: ReadonlySet<number> = new Set([429, 503])
/** Each share is then more than an address must hold at least. */
const AMOUNT = '1'
const MAX_FAULTS = 10

/** Sells for so long. What is no answer of success and no orderly "come back later" is a fault. */
export async function sell({ effects, ledger, token, callers, ms, nowMs, route }: Selling): Promise<Sold> {
  const acknowledged: string[] = []
  const answers = new Map<number, number>()
  const faults: string[] = []
  const fault = (text: string): void => void (faults.length < MAX_FAULTS && faults.push(text))
  const path = `/v1/ledgers/${ledger}/events`
  const send = async (client: Client, reference: string): Promise<number> => {
    const body = Buffer.from(JSON.stringify({ reference, token_id: token, sale_amount: AMOUNT }))
    for (;;) {
      const answer = await client.send(path, body).catch((error: unknown) => String(error))
      if (typeof answer === 'string') {
        fault(`a connection broke: ${answer}`)
        return 0
      }
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1)
      if (answer.status === RECORDED || answer.status === AGAIN) return answer.status
      const pause = pauseOf(answer)
      if (pause === null) {
        fault(`a sale was answered ${answer.status}: ${answer.text.slice(0, 300)}`)
        return answer.status
      }
      await effects.sleep(pause)
    }
  }
  const answered = await runCallers({ callers, ms, calls: count(), nowMs }, async (sale) => {
    const reference = randomUUID()
    const clients = route(sale)
    const statuses = await Promise.all(clients.map(async (client) => await send(client, reference)))
    const recorded = statuses.filter((status) => status === RECORDED).length
    const again = statuses.filter((status) => status === AGAIN).length
    if (recorded + again === statuses.length && recorded !== 1) fault(`${reference} was sent ${statuses.length} times and recorded ${recorded} times`)
    if (recorded > 0) acknowledged.push(reference)
  })
  return { ...answered, acknowledged, answers, faults }
}

function* count(): Generator<number> {
  for (let number = 0; ; number += 1) yield number
}

/** Milliseconds until the caller may come back; null when it was not asked to. */
function pauseOf({ status, headers }: Answer): number | null {
  const seconds = Number(headers['retry-after'])
  return COME_BACK.has(status) && Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null
}

/** How what is stored differs from what the callers were told. Nobody else records events meanwhile; `before` were there already. */
export async function compareStored(owner: Pool, { acknowledged, before }: { readonly acknowledged: readonly string[]; readonly before: bigint }): Promise<readonly string[]> {
  const { rows } = await owner.query<{ lost: bigint; stored: bigint; counted: bigint; twice: bigint }>(
    `select
        (select count(*) from unnest($1::text[]) as told (reference) where not exists (
          select from apportion.event where event.reference = told.reference collate "C")) as lost,
        (select count(*) from apportion.event) as stored,
        (select sum(event)::bigint from apportion.head) as counted,
        (select count(*) from (select from apportion.event group by lane, reference having count(*) > 1) as found) as twice`,
    [acknowledged],
  )
  const { lost, stored, counted, twice } = present(rows[0], 'a row')
  const expected = before + BigInt(acknowledged.length)
  return [
    ...(lost === 0n ? [] : [`${lost} sales were answered as recorded and are not stored`]),
    ...(twice === 0n ? [] : [`${twice} references are stored twice`]),
    ...(stored === counted ? [] : [`${stored} events are stored, the lanes' heads count ${counted}`]),
    ...(stored === expected ? [] : [`${stored} events are stored, ${expected} were acknowledged`]),
  ]
}

/** The answers as one line. */
export function answersText({ answers }: Sold): string {
  return [...answers].toSorted(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times.toLocaleString('en')}`).join(', ')
}
