// The connection to a Solana node: questions with the shape of their answers, asked alone or several at once of one node. An answer is a
// value: given, refused by the node, or lost on the way, and only the first of them says anything about money.

import { createSolanaRpcFromTransport, isSolanaError, type PendingRpcRequest, type RpcResponse } from '@solana/kit'
import type { z } from 'zod'
import { assert } from '../../core/assert.ts'
import type { Effects } from '../../core/effects.ts'
import { createPost, type Payload, type Post } from './transport.ts'

export type Answer<T> = { readonly ok: true; readonly value: T } | Failure

/** `refused`: the node answered an error. Otherwise nothing usable came back, and the node may have done what it was asked. */
export type Failure = { readonly ok: false; readonly refused: boolean; readonly reason: string; readonly error: unknown }

export type Rpc = ReturnType<typeof rpcOver>

export type Question<T> = {
  readonly method: string
  readonly ask: (rpc: Rpc) => PendingRpcRequest<unknown>
  readonly answer: z.ZodType<T>
  /** Whether an answer of that form is one to this question: as many parts as were asked for. */
  fits?(this: void, value: T): boolean
}

/** The answers to several questions, in their order. */
type Answers<T extends readonly unknown[]> = { readonly [Index in keyof T]: T[Index] }
type Questions<T extends readonly unknown[]> = { readonly [Index in keyof T]: Question<T[Index]> }

export type Client = {
  readonly ask: <T>(question: Question<T>) => Promise<Answer<T>>
  /**
   * Asks in one HTTP request. Behind a balancer each request may reach another node, and what two nodes say does not add up to
   * proof: what must come from one node is asked together. Fails as a whole. The node may work in any order.
   */
  readonly askTogether: <T extends readonly unknown[]>(...questions: Questions<T>) => Promise<Answer<Answers<T>>>
  /** Asks in one HTTP request; each question has an answer of its own. */
  readonly askEach: <T>(questions: readonly Question<T>[]) => Promise<readonly Answer<T>[]>
}

export function createClient(effects: Effects, url: string): Client {
  const post = createPost(effects, url)
  const single = rpcOver((payload) => post([payload]).then(([answer]) => answer))
  const askEach = async <T>(questions: readonly Question<T>[]): Promise<readonly Answer<T>[]> => {
    if (questions.length === 0) return []
    const { rpc, flush } = gathering(post)
    const asked = questions.map((question) => settle(question, () => question.ask(rpc).send()))
    flush(questions.length)
    return Promise.all(asked)
  }
  return {
    ask: (question) => settle(question, () => question.ask(single).send()),
    askEach,
    askTogether: async (...questions) => {
      const answers: readonly Answer<unknown>[] = await askEach(questions)
      const failure = answers.find((answer) => !answer.ok)
      if (failure !== undefined) return failure
      // Each answer was parsed by its question's schema, in this order.
      return { ok: true, value: answers.map((answer) => (answer.ok ? answer.value : null)) as never }
    },
  }
}

function rpcOver(send: (payload: Payload) => Promise<unknown>) {
  // kit checks nothing about the answer's type here; `settle` parses it.
  return createSolanaRpcFromTransport(<T>({ payload }: { readonly payload: unknown }) => send(payload as Payload) as Promise<RpcResponse<T>>)
}

/** An rpc that collects what it is asked until `flush`, then sends all in one request. */
function gathering(post: Post): { readonly rpc: Rpc; readonly flush: (count: number) => void } {
  const gathered: { readonly payload: Payload; readonly answered: PromiseWithResolvers<unknown> }[] = []
  const rpc = rpcOver((payload) => {
    const answered = Promise.withResolvers<unknown>()
    gathered.push({ payload, answered })
    return answered.promise
  })
  const flush = (count: number): void => {
    assert(gathered.length === count, `${gathered.length} of ${count} questions were gathered`)
    post(gathered.map(({ payload }) => payload)).then(
      (answers) => gathered.forEach(({ answered }, index) => answered.resolve(answers[index])),
      (error: unknown) => gathered.forEach(({ answered }) => answered.reject(error)),
    )
  }
  return { rpc, flush }
}

async function settle<T>({ method, answer, fits }: Question<T>, send: () => Promise<unknown>): Promise<Answer<T>> {
  let given: unknown
  try {
    given = await send()
  } catch (error) {
    return failureOf(method, error)
  }
  const parsed = answer.safeParse(given)
  if (parsed.success && fits?.(parsed.data) !== false) return { ok: true, value: parsed.data }
  const issue = parsed.error?.issues[0]
  const where = issue === undefined ? 'its number of parts' : `${issue.path.join('.')}: ${issue.message}`
  return { ok: false, refused: false, reason: `${method}: the node's answer has an unexpected form: ${where}`, error: parsed.error }
}

function failureOf(method: string, error: unknown): Failure {
  // kit gives an error of the node its JSON-RPC code, which is negative; its own are positive.
  const refused = isSolanaError(error) && error.context.__code < 0
  const detail = error instanceof Error ? error.message : String(error)
  return { ok: false, refused, reason: `${method}: ${detail}`, error }
}
