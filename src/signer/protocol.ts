// The messages between the server and the signer's process. What is not described here is refused. No answer has a place for a key.

import { z } from 'zod'
import { assert } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { Refusal, REFUSALS, type RefusalCode } from '../core/refusal.ts'
import type { Signer } from './signer.ts'

/** Most payouts in one message: more than any rail puts into one artefact, small enough that reading them never hurts. */
export const MAX_PAYOUTS = 1_000

// Keys of all rails fit; nobody sends us a book.
const MAX_KEY_TEXT = 10_000

const id = z.int().positive()
const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const lane = z
  .string()
  .regex(/^[1-9][0-9]{0,18}$/)
  .transform(BigInt)
// A refusal repeats the rail's name: a key that was put there by mistake does not pass for one.
const rail = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)
const wallet = { ledger: uuid, wallet: uuid, label: z.string().min(1).max(200), rail }
const draft: z.ZodType<JsonObject, JsonObject> = z.record(z.string(), z.json())

const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('create'), id, ...wallet }),
  z.strictObject({ type: z.literal('import'), id, ...wallet, key: z.string().min(1).max(MAX_KEY_TEXT) }),
  z.strictObject({ type: z.literal('sign'), id, lane, wallet: uuid, payouts: z.array(uuid).min(1).max(MAX_PAYOUTS).readonly(), draft }),
])

/** A request as the signer reads it. */
export type Request = z.output<typeof request>

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

/** A request as it travels, but for its number: the lane as digits, since JSON has no such integers. */
export type SentRequest = Unnumbered<z.input<typeof request>>

const code = z.enum(Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]])
const detail = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])
const refused = { code, message: z.string(), details: z.record(z.string(), detail) }

export const answer = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), masterKey: z.string() }),
  z.strictObject({ type: z.literal('address'), id, address: z.string() }),
  z.strictObject({ type: z.literal('signed'), id, identity: z.string(), bytes: z.base64() }),
  /** `id` is null where no request is answered: the signer cannot start, or was sent something that is no request. */
  z.strictObject({ type: z.literal('refused'), id: id.nullable(), ...refused }),
  z.strictObject({ type: z.literal('log'), level: z.enum(['debug', 'info', 'warn', 'error']), message: z.string(), fields: draft }),
])

export type Answer = z.output<typeof answer>

/** The three things a signer does, over any way to bring it a request and to bring back the answer. */
export function callsOver(call: (sent: SentRequest) => Promise<Answer>): Pick<Signer, 'create' | 'import' | 'sign'> {
  const address = async (sent: SentRequest): Promise<{ readonly address: string }> => {
    const answered = await call(sent)
    assert(answered.type === 'address', `a ${sent.type} is answered with an address, not with ${answered.type}`)
    return { address: answered.address }
  }
  return {
    create: ({ ledger, wallet: id, label, rail }) => address({ type: 'create', ledger, wallet: id, label, rail }),
    import: ({ ledger, wallet: id, label, rail, key }) => address({ type: 'import', ledger, wallet: id, label, rail, key }),
    sign: async ({ lane: number, wallet: id, payouts, draft: given }) => {
      const answered = await call({ type: 'sign', lane: number.toString(), wallet: id, payouts, draft: given })
      assert(answered.type === 'signed', `a sign is answered with a signature, not with ${answered.type}`)
      return { identity: answered.identity, bytes: Uint8Array.fromBase64(answered.bytes) }
    },
  }
}

/** A refusal as it travels. */
export function refusedAnswer(to: number | null, { code: refusal, message, details }: Refusal): Answer {
  return { type: 'refused', id: to, code: refusal, message, details: details as Record<string, z.infer<typeof detail>> }
}

/** The refusal that arrived. */
export function refusalOf({ code: refusal, message, details }: Extract<Answer, { type: 'refused' }>): Refusal {
  return new Refusal(refusal, message, details)
}

/** Reads a message from outside. Refuses `field_malformed` naming the place, and never repeats what stood there. */
export function parseRequest(message: unknown): Request {
  const parsed = request.safeParse(message)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.map(String).join('.') ?? ''
  throw new Refusal('field_malformed', `the signer takes no such message: ${field === '' ? 'it has another form' : `${field} is wrong`}`, {
    field,
  })
}

/** The number of a message that is otherwise wrong, so that its refusal finds its caller. */
export function idOf(message: unknown): number | null {
  const parsed = z.object({ id }).safeParse(message)
  return parsed.success ? parsed.data.id : null
}
