// The connection: what does not come back whole is lost and says nothing; what comes back is read to the last digit.

import { describe, expect, it } from 'vitest'
import type { Effects } from '../../core/effects.ts'
import { createClient } from './client.ts'
import { accounts, finalizedBlock, firstAvailableBlock, genesisHash, rentExemption, sendPacket } from './questions.ts'
import { solana } from './rail.ts'
import { openTestbed } from './testbed.ts'

const URL_WITH_KEY = 'http://node.example/?api-key=hunter2'

/** A client of a node that answers as `reply` says. */
function clientOf(reply: (body: string, init: RequestInit) => Promise<Response> | Response) {
  const bed = openTestbed()
  const fetched = ((_url: string, init: RequestInit) => Promise.resolve(reply(init.body as string, init))) as typeof fetch
  return { ...bed, client: createClient({ ...bed.effects, fetch: fetched } satisfies Effects, URL_WITH_KEY) }
}

const json = (value: string, status = 200): Response => new Response(value, { status })
const result = (value: string): Response => json(`{"jsonrpc":"2.0","id":0,"result":${value}}`)

describe('a question', () => {
  it.for<[string, () => Promise<Response> | Response, string?]>([
    ['a broken connection', () => Promise.reject(new TypeError(`Failed to parse URL from ${URL_WITH_KEY}`))],
    ['an answer of the gateway', () => json('<html>Bad gateway</html>', 502)],
    ['a number under the status of a failure', () => json('{"jsonrpc":"2.0","id":0,"result":17}', 503), 'HTTP 503'],
    ['too many requests', () => json('{"jsonrpc":"2.0","error":{"code":429,"message":"slow down"},"id":0}', 429)],
    ['half an answer', () => json('{"jsonrpc":"2.0","id":0,"resu')],
    ['an empty answer', () => json('')],
    ['an answer without a result', () => json('{"jsonrpc":"2.0","id":0}')],
    ['an answer of another form', () => result('"17"')],
    ['a fraction', () => result('17.5')],
    ['a negative number', () => result('-17')],
    ['an answer without end', () => new Response(endless()), 'longer than'],
  ])('that meets %s is lost', async ([, reply, words = 'getFirstAvailableBlock']) => {
    const { client } = clientOf(reply)
    const answer = await client.ask(firstAvailableBlock())
    expect(answer).toMatchObject({ ok: false, refused: false })
    expect(answer.ok ? '' : answer.reason).toContain(words)
    expect(answer.ok ? '' : answer.reason).not.toContain('hunter2')
  })

  it('that nobody answers is lost after its time, and the request is given up', async () => {
    const given: AbortSignal[] = []
    const { client, clock } = clientOf((_body, { signal }) => {
      if (signal) given.push(signal)
      return new Promise<Response>(() => {})
    })
    const asked = client.ask(firstAvailableBlock())
    await Promise.resolve()
    clock.elapse(14_999)
    expect(given.map(({ aborted }) => aborted)).toEqual([false])
    clock.elapse(1)
    expect(await asked).toMatchObject({ ok: false, refused: false, reason: expect.stringContaining('15000 ms') })
    expect(given.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('that the node refuses is refused, with its reason', async () => {
    const { client } = clientOf(() => json('{"jsonrpc":"2.0","id":0,"error":{"code":-32016,"message":"Minimum context slot has not been reached","data":{"contextSlot":5}}}'))
    expect(await client.ask(accounts([], 10n))).toMatchObject({ ok: false, refused: true, reason: expect.stringContaining('inimum context slot') })
  })

  it('is answered to the last digit', async () => {
    for (const digits of ['0', '9007199254740991', '9007199254740993', '18446744073709551615']) {
      const { client } = clientOf(() => result(digits))
      expect(await client.ask(rentExemption(165n))).toEqual({ ok: true, value: BigInt(digits) })
    }
  })

  it('is asked as JSON that holds slots as numbers', async () => {
    const asked: string[] = []
    const { client } = clientOf((body) => {
      asked.push(body)
      return result('{"context":{"slot":5},"value":[]}')
    })
    await client.ask(accounts([], 447_552_000n))
    await client.ask(sendPacket(new Uint8Array([1, 2, 3])))
    expect(JSON.parse(asked[0] ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 0,
      method: 'getMultipleAccounts',
      params: [[], { encoding: 'base64', dataSlice: { offset: 0, length: 165 }, minContextSlot: 447_552_000 }],
    })
    expect(JSON.parse(asked[1] ?? '')).toMatchObject({ id: 1, params: ['AQID', { encoding: 'base64', skipPreflight: true, maxRetries: 0 }] })
  })
})

describe('questions asked together', () => {
  const slots = '{"absoluteSlot":7,"blockHeight":5}'

  it('go out in one request, and are answered in any order', async () => {
    let requests = 0
    const { client } = clientOf(() => {
      requests += 1
      return json(`[{"jsonrpc":"2.0","id":1,"result":3},{"jsonrpc":"2.0","id":0,"result":${slots}}]`)
    })
    expect(await client.askTogether(finalizedBlock(), firstAvailableBlock())).toEqual({ ok: true, value: [{ slot: 7n, height: 5n }, 3n] })
    expect(requests).toBe(1)
  })

  it.for<[string, string]>([
    ['one answer is missing', `[{"jsonrpc":"2.0","id":0,"result":${slots}}]`],
    ['one is refused', `[{"jsonrpc":"2.0","id":0,"result":${slots}},{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}]`],
    ['one has another form', `[{"jsonrpc":"2.0","id":0,"result":${slots}},{"jsonrpc":"2.0","id":1,"result":[]}]`],
    ['the node knows no batches', '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}'],
    ['an answer is nothing', '[null,null]'],
  ])('fail together when %s', async ([, answer]) => {
    const { client } = clientOf(() => json(answer))
    expect(await client.askTogether(finalizedBlock(), firstAvailableBlock())).toMatchObject({ ok: false })
  })

  it('are lost together', async () => {
    const { client } = clientOf(() => Promise.reject(new TypeError('fetch failed')))
    expect(await client.askTogether(finalizedBlock(), genesisHash())).toMatchObject({ ok: false, refused: false })
    expect(await client.askEach([finalizedBlock(), finalizedBlock()])).toMatchObject([{ ok: false }, { ok: false }])
    expect(await client.askEach([])).toEqual([])
  })
})

describe('submitting', () => {
  it.for<[string, string, string]>([
    ['accepted when the network has it already', '{"code":-32002,"message":"Transaction simulation failed: This transaction has already been processed","data":{"err":"AlreadyProcessed","logs":[],"accounts":null,"unitsConsumed":0}}', 'accepted'],
    ['rejected when the node refuses it', '{"code":-32002,"message":"Transaction simulation failed: Blockhash not found","data":{"err":"BlockhashNotFound","logs":[],"accounts":null,"unitsConsumed":0}}', 'rejected'],
    ['rejected when its signature is wrong', '{"code":-32003,"message":"Transaction signature verification failure"}', 'rejected'],
    ['unknown when the node fails inside', '{"code":-32603,"message":"Internal error"}', 'unknown'],
  ])('is %s', async ([, error, state]) => {
    const bed = openTestbed()
    const fetched = (() => Promise.resolve(json(`{"jsonrpc":"2.0","id":0,"error":${error}}`))) as typeof fetch
    const rail = solana.connect({ ...bed.effects, fetch: fetched }, { url: URL_WITH_KEY })
    expect(await rail.submit({ identity: 'x', bytes: new Uint8Array(3), payouts: [], data: {} })).toMatchObject({ state })
  })

  it('is rejected when the node names another transaction', async () => {
    const bed = openTestbed()
    const rail = solana.connect({ ...bed.effects, fetch: () => Promise.resolve(result('"y"')) }, { url: URL_WITH_KEY })
    expect(await rail.submit({ identity: 'x', bytes: new Uint8Array(3), payouts: [], data: {} })).toMatchObject({ state: 'rejected' })
  })
})

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(32)) })
}
