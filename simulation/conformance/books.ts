// The ledger's books as anybody reads them: by requests, page by page, and from the exported journal with nothing but its published format.

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { assert, present } from '../../src/core/assert.ts'
import { batchSchema, eventSchema, problemSchema } from '../../src/http/contract.ts'
import { balancePageSchema, blockPageSchema, entryPageSchema } from '../../src/http/read-contract.ts'
import type { Answer, Door, LedgerBench, Sent } from './bench.ts'

export type EventDocument = z.infer<typeof eventSchema>
export type Entry = z.infer<typeof entryPageSchema>['items'][number]
export type Balance = z.infer<typeof balancePageSchema>['items'][number]
export type Block = z.infer<typeof blockPageSchema>['items'][number]

const PAGE = 200
/** Real concurrency, as the law asks for it. */
export const CALLERS = 30

/** The law's own sentence where it is broken. */
export function demand(holds: boolean, why: string): asserts holds {
  if (!holds) throw new Error(why)
}

export const sum = (figures: readonly bigint[]): bigint => figures.reduce((all, one) => all + one, 0n)
export const reference = (text: string): string => encodeURIComponent(text)

/** `work` by thirty callers at once, each given its number. */
export async function atOnce<T>(work: (caller: number) => Promise<T>): Promise<readonly T[]> {
  return await Promise.all(Array.from({ length: CALLERS }, async (_, caller) => await work(caller)))
}

export async function post(call: Door, body: Sent['body'], key?: string): Promise<Answer> {
  return await call({ method: 'POST', path: '/events', ...(body !== undefined && { body }), ...(key !== undefined && { key }) })
}

/** Records an event that must be new. */
export async function record({ call, event }: Pick<LedgerBench, 'call' | 'event'>, name: string, units: bigint): Promise<EventDocument> {
  const answer = await post(call, event(name, units))
  demand(answer.status === 201, `the event ${name} was answered with ${answer.status} ${JSON.stringify(answer.body)}`)
  return eventSchema.parse(answer.body)
}

export async function reverse(call: Door, name: string, { by, units }: { readonly by: string; readonly units?: bigint }): Promise<Answer> {
  return await call({ method: 'POST', path: `/events/${reference(name)}/reversals`, body: { reference: by, ...(units !== undefined && { units: units.toString() }) } })
}

export const eventIn = ({ body }: Answer): EventDocument => eventSchema.parse(body)
export const batchIn = ({ body }: Answer): z.infer<typeof batchSchema> => batchSchema.parse(body)
export const codeIn = ({ body }: Answer): string => problemSchema.parse(body).code

/** Every item of a list. */
async function all<Item>(call: Door, path: string, page: z.ZodType<{ readonly items: readonly Item[]; readonly next: string | null }>): Promise<readonly Item[]> {
  const items: Item[] = []
  let cursor: string | null = null
  do {
    const at: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const answer = await call({ method: 'GET', path: `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${at}` })
    demand(answer.status === 200, `${path} was answered with ${answer.status}`)
    const { items: found, next } = page.parse(answer.body)
    items.push(...found)
    cursor = next
  } while (cursor !== null)
  return items
}

const eventPage = z.object({ items: z.array(eventSchema).readonly(), next: z.string().nullable() })

export const readEvents = async (call: Door): Promise<readonly EventDocument[]> => await all(call, '/events', eventPage)
export const readBalances = async (call: Door): Promise<readonly Balance[]> => await all(call, '/balances', balancePageSchema)
export const readBlocks = async (call: Door): Promise<readonly Block[]> => await all(call, '/blocks', blockPageSchema)
export async function readHistory(call: Door, account: string, order: 'oldest' | 'newest' = 'oldest'): Promise<readonly Entry[]> {
  return await all(call, `/accounts/${encodeURIComponent(account)}/history?order=${order}`, entryPageSchema)
}

export type Books = { readonly balances: readonly Balance[]; readonly histories: ReadonlyMap<string, readonly Entry[]>; readonly blocks: readonly Block[] }

/** All of it, while nobody records. */
export async function readBooks(call: Door): Promise<Books> {
  const balances = await readBalances(call)
  const histories = new Map<string, readonly Entry[]>()
  for (const account of new Set(balances.map((balance) => balance.account))) histories.set(account, await readHistory(call, account))
  return { balances, histories, blocks: await readBlocks(call) }
}

/** What is owed to people, paid or on its way: every `payable` and `in_flight`. */
export function owedIn(balances: readonly Balance[], roles: readonly string[] = ['payable', 'in_flight']): bigint {
  return sum(balances.filter(({ account }) => roles.includes(roleOf(account))).map(({ units }) => BigInt(units)))
}

export const roleOf = (account: string): string => account.split(':')[0] ?? ''

export type Transfer = {
  readonly lane: number
  readonly block: number
  readonly event: string
  readonly debit: string
  readonly credit: string
  readonly asset: string
  readonly units: bigint
}

export type Journal = { readonly transfers: readonly Transfer[]; readonly heads: ReadonlyMap<number, string>; readonly broken: readonly string[] }

/** Reads an exported journal as its format page says, hashing as it goes: a block's hash is over the hash before it and its lines. */
export function readJournal(text: string): Journal {
  const transfers: Transfer[] = []
  const heads = new Map<number, string>()
  const broken: string[] = []
  let [lane, block, hash, lines] = [0, 0, '', '']
  for (const line of text.split('\n')) {
    const [mark = '', ...fields] = line.split('\t')
    if (mark === 'L') [lane, block, hash, lines] = [Number(fields[0]), 0, present(fields[5], 'hash before the lane'), '']
    if (mark === 'B' || mark === 'E' || mark === 'T') lines += `${line}\n`
    if (mark === 'B') block = Number(fields[1])
    if (mark === 'T') {
      const [, event = '', , , , debit = '', credit = '', asset = '', units = ''] = fields
      transfers.push({ lane, block, event, debit, credit, asset, units: BigInt(units) })
    }
    if (mark === 'H') {
      hash = createHash('sha256').update(Buffer.from(hash, 'hex')).update(lines).digest('hex')
      if (hash !== fields[0]) broken.push(`block ${block} of lane ${lane} says ${fields[0]}, its lines ${hash}`)
      lines = ''
    }
    if (mark === 'Z') {
      heads.set(lane, hash)
      if (hash !== fields[3]) broken.push(`lane ${lane} ends with ${fields[3]}, its blocks with ${hash}`)
    }
  }
  assert(heads.size > 0, 'a journal has a lane')
  return { transfers, heads, broken }
}
