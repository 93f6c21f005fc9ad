// Who asks: a bearer key of one ledger, with the right that the route takes. Nothing of a request is read before this has passed.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { present } from '../core/assert.ts'
import { quote } from '../core/money.ts'
import { Refusal } from '../core/refusal.ts'
import type { Right } from '../core/right.ts'
import { invalidKey, type Authenticator, type Grant } from '../engine/api-key.ts'
import type { Ledger, Ledgers } from '../engine/ledger.ts'

/** Whose request it is, and the one ledger that it can see. */
export type Caller = { readonly grant: Grant; readonly ledger: Ledger }

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null
  }
  interface FastifyContextConfig {
    /** What a key must be allowed to do for this route. */
    readonly right?: Right
  }
}

/** Wrong keys an address may send in a minute. Nobody can guess 32 random bytes; this keeps scripts that try off the database and the log. */
const MAX_FAILURES = 30
const FAILURES_WINDOW_MS = 60_000

/** Checks every request to the routes of this instance. A right key is served however many wrong ones came from its address. */
export function requireKey(app: FastifyInstance, { keys, ledgers }: { keys: Authenticator; ledgers: Ledgers }): void {
  const failures = app.createRateLimit({ max: MAX_FAILURES, timeWindow: FAILURES_WINDOW_MS })
  const identify = async (request: FastifyRequest): Promise<Grant> => {
    try {
      const given = bearerOf(request)
      // A key that was seen before is checked in any case; only guesses would cost a query each.
      if (!keys.isKnown(given)) refuseExcess(await failures(request, { increment: false }), request)
      return await keys.authenticate(given)
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'key_invalid') throw error
      refuseExcess(await failures(request), request)
      throw error
    }
  }
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request) => {
    const grant = await identify(request)
    const { ledger: asked } = request.params as { readonly ledger?: string }
    // The same answer whether it does not exist or is somebody else's: a key tells nothing of other ledgers.
    if (asked !== undefined && asked !== grant.ledger) {
      throw new Refusal('ledger_not_found', `this key knows no ledger ${quote(asked)}: GET /v1/ledgers names its own`, { field: 'ledger' })
    }
    const { right } = request.routeOptions.config
    if (!grant.rights.has(present(right, 'right of the route'))) {
      const rights = [...grant.rights]
      throw new Refusal('permission_missing', `this takes a key with the right to ${right}; this one may ${rights.join(', ')}`, { right: right ?? null, rights })
    }
    request.caller = { grant, ledger: await ledgers.open(grant.ledger) }
  })
}

export function callerOf({ caller }: FastifyRequest): Caller {
  return present(caller, 'caller')
}

const BEARER = /^Bearer +(\S+)$/i

function bearerOf({ headers: { authorization } }: FastifyRequest): string {
  if (authorization === undefined || authorization === '') throw invalidKey('is missing')
  const given = BEARER.exec(authorization)?.[1]
  if (given === undefined) throw invalidKey('was not sent as a bearer token')
  return given
}

function refuseExcess(counted: Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>, { ip }: FastifyRequest): void {
  if (counted.isAllowed || !counted.isExceeded) return
  const { ttlInSeconds } = counted
  throw new Refusal('rate_exceeded', `more than ${MAX_FAILURES} wrong keys came from ${ip} within a minute: try again in ${ttlInSeconds} s with a right one`, {
    limit: MAX_FAILURES,
    retry_after_seconds: ttlInSeconds,
  })
}
