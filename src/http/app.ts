// The HTTP application: routes, their description, and what every request goes through. It starts nothing and reads no clock.

import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { present } from '../core/assert.ts'
import { Refusal } from '../core/refusal.ts'
import { createAuthenticator } from '../engine/api-key.ts'
import { createIdempotency } from '../engine/idempotency.ts'
import type { Ledgers } from '../engine/ledger.ts'
import type { Recorder } from '../engine/recorder.ts'
import { checkInTurn, type RangeChecker } from '../engine/verify/checker.ts'
import type { Desk } from '../engine/world.ts'
import { requireKey } from './auth.ts'
import { BODY_LIMIT, parseJsonBody } from './body.ts'
import { handleErrors, notFound, sendProblem } from './errors.ts'
import { describeApi } from './openapi.ts'
import { createPasses, MAX_PASSES } from './passes.ts'
import { accountRoutes } from './routes/accounts.ts'
import { allocateRoutes } from './routes/allocate.ts'
import { approvalRoutes } from './routes/approvals.ts'
import { eventRoutes } from './routes/events.ts'
import { explainRoutes } from './routes/explain.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { journalRoutes } from './routes/journal.ts'
import { ledgerRoutes } from './routes/ledgers.ts'
import type { App, ImportJournal, Parts } from './routes/parts.ts'
import { distributionRoutes, payoutRoutes } from './routes/payouts.ts'
import { planRoutes } from './routes/plans.ts'
import { previewRoutes } from './routes/previews.ts'
import { factRoutes, settingsRoutes } from './routes/settings.ts'
import { recipientRoutes } from './routes/recipients.ts'
import { reportRoutes } from './routes/reports.ts'
import { snapshotRoutes } from './routes/snapshots.ts'

export type AppOptions = {
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  /** The worker's tasks that are failing now. */
  readonly faults: () => readonly unknown[]
  /** Who checks the ranges of a journal; when left out, this process, one after the other. */
  readonly verifyRanges?: RangeChecker
  /** Imports with the owner's database role; when left out, the API imports nothing. */
  readonly importJournal?: ImportJournal
}

/** A path's parameter may be a whole reference; longer paths do not fit the 16 kB that Node reads of a request's head. */
const MAX_PARAMETER = 16_384
/** A request that has not arrived whole by then is cut off, so that it cannot hold up an orderly end. */
const REQUEST_LIMIT_MS = 30_000

// What browsers shall do with answers that are data: show nothing of them, guess no type, tell nobody. The library's other headers are
// for pages.
const HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
}

/** The application, ready to listen. `close` answers what was asked and takes nothing new. */
export async function createApp(desk: Desk, { ledgers, recorder, faults, verifyRanges, importJournal }: AppOptions): Promise<FastifyInstance> {
  const app: App = Fastify({
    logger: false,
    genReqId: () => desk.id(),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_LIMIT_MS,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    frameworkErrors: (_, request, reply) => void sendProblem(reply, notFound(request.method, request.url)),
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body: Buffer, done) => {
    try {
      done(null, parseJsonBody(body))
    } catch (error) {
      done(error as Error)
    }
  })
  handleErrors(app, desk.log)
  refuseUnknown(app)
  watch(app, desk, await (headers ??= constantHeaders()))
  await app.register(rateLimit, { global: false })
  await describeApi(app, [...desk.programs.values()])
  healthRoutes(app, { desk, failingTasks: () => faults().length })
  const parts: Parts = { desk, ledgers, recorder, idempotency: createIdempotency(desk), passes: createPasses('previews', MAX_PASSES), verifyRanges: verifyRanges ?? checkInTurn(desk.store), importJournal: importJournal ?? null }
  await app.register(
    async (v1: App) => {
      requireKey(v1, { keys: createAuthenticator(desk), ledgers })
      const reads = [ledgerRoutes, eventRoutes, distributionRoutes, payoutRoutes, recipientRoutes, accountRoutes, reportRoutes, explainRoutes, allocateRoutes]
      for (const routes of [...reads, snapshotRoutes, planRoutes, previewRoutes, approvalRoutes, settingsRoutes, factRoutes, keyRoutes, journalRoutes]) routes(v1, parts)
    },
    { prefix: '/v1' },
  )
  await app.ready()
  return app
}

/** Of this process: whoever makes several applications makes them once. */
let headers: ReturnType<typeof constantHeaders> | null = null

/**
 * The headers that are the same for every answer. The library makes them once, aside: anew each time they cost as much as all the rest of a
 * small answer, and its hooks alone a twentieth of it.
 */
async function constantHeaders(): Promise<Readonly<Record<string, string>>> {
  const aside = Fastify()
  let made: Readonly<Record<string, string>> | null = null
  await aside.register(helmet, { ...HEADERS, global: false })
  aside.get('/', async (_, reply) => {
    reply.helmet()
    made = { ...(reply.raw.getHeaders() as Record<string, string>), 'cache-control': 'no-store' }
    return ''
  })
  await aside.inject('/')
  await aside.close()
  return present<Readonly<Record<string, string>>>(made, 'headers')
}

/** Every answer carries its request's id; answers of money are kept by nobody on the way. */
function watch(app: App, { log }: Pick<Desk, 'log'>, constant: Readonly<Record<string, string>>): void {
  // Not asynchronous: each promise that a request waits for costs it a turn.
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(constant)
    reply.header('request-id', request.id)
    done()
  })
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onResponse', (request, reply, done) => {
    // A connection that was busy when closing began would be kept open for its next request, and hold up the end.
    if (closing) request.raw.socket.end()
    // The pattern and not the path, which may hold what people put there by mistake.
    log('debug', 'answered a request', {
      request: request.id,
      route: `${request.method} ${request.routeOptions.url ?? 'unknown'}`,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    })
    done()
  })
}

/** Unknown paths are 404; known ones with another method are 405 and name their methods. */
function refuseUnknown(app: App): void {
  const known: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = new RegExp(`^${url.replaceAll('.', String.raw`\.`).replaceAll(/:[^/]+/g, '[^/]+')}$`)
    known.push({ pattern, methods: [method].flat() })
  })
  app.setNotFoundHandler(async ({ method, url }, reply) => {
    const [path = ''] = url.split('?', 1)
    const methods = [...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods))]
    if (methods.length === 0) return await sendProblem(reply, notFound(method, url))
    const allowed = methods.join(', ')
    return await sendProblem(
      reply.header('allow', allowed),
      new Refusal('method_unsupported', `this path takes ${allowed}, not ${method}`, { method, allowed: methods }),
    )
  })
}
