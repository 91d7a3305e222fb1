/** All routes in one application: the API, the streams, operations, and the web app for everything else. */

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { API_PREFIX, HEADER } from '../../shared/src/protocol.ts'
import type { PageLogins } from '../auth/page-logins.ts'
import { asProblem, Problem } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Admission } from '../connections/admission.ts'
import { OutcomeUnknown } from '../db/storage-fault.ts'
import type { Store } from '../db/store.ts'
import type { BadTokens } from '../http/bad-tokens.ts'
import type { ClientLimits } from '../http/client-limits.ts'
import { corsFor } from '../http/cors.ts'
import { isMutation } from '../http/methods.ts'
import { problemResponse } from '../http/problem-answers.ts'
import type { WebGuard } from '../http/web-guard.ts'
import { createApi, credentialFields, type Env } from '../routes/api.ts'
import { registerApiRoutes } from '../routes/api-routes.ts'
import { type OperationsDependencies, registerOperations } from '../routes/operations.ts'
import { registerPageLogin } from '../routes/page-login.ts'
import { registerSocketIo } from '../routes/socketio.ts'
import { registerStreams } from '../routes/streams.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import type { SocketIo } from '../ws/socketio/server.ts'
import { registerContract } from './contract.ts'
import { type DocsSettings, registerDocs } from './docs.ts'
import { mustExist } from './snapshot-sources.ts'
import { registerWebApp, type WebApp } from './web-app.ts'

export interface AppDependencies extends OperationsDependencies {
  readonly store: Store
  readonly stream: StreamHandlerFactory
  readonly admission: Admission
  /** null: it is switched off. */
  readonly socketIo: SocketIo | null
  readonly logins: PageLogins
  readonly limits: ClientLimits
  readonly badTokens: BadTokens
  readonly guard: WebGuard
  /** null: it is not built. */
  readonly webApp: WebApp | null
  readonly docs: DocsSettings
  readonly logger: Logger
}

export function createApp(dependencies: AppDependencies): Hono<Env> {
  const { store, logger, webApp, drain, guard, authenticator, badTokens } = dependencies
  const app = new Hono<Env>()

  if (guard.allowsOtherOrigins) app.use(corsFor(guard))
  app.use(`${API_PREFIX}/*`, async (c, next) => {
    if (drain.hasBegun && isMutation(c.req.method)) {
      c.header(HEADER.eventId, store.cursor)
      drain.refuseMutations()
    }
    await next()
  })

  const v1 = new Hono<Env>()
  const api = createApi(v1, store, authenticator, dependencies.limits)
  registerApiRoutes(api, mustExist)
  registerStreams(app, dependencies.stream, dependencies.admission)
  registerSocketIo(app, dependencies.socketIo)
  registerOperations(app, dependencies)
  registerContract(app)
  registerDocs(app, dependencies.docs)
  app.route(API_PREFIX, v1)
  app.all(`${API_PREFIX}/*`, async (c) => {
    if (isMutation(c.req.method)) c.header(HEADER.eventId, store.cursor)
    // Whoever has no token does not learn which routes there are.
    await authenticator.authenticate(credentialFields(c), false)
    throw new Problem('not_found', `There is no ${c.req.method} ${c.req.path}.`)
  })
  if (webApp) {
    registerPageLogin(app, { basePath: webApp.basePath, logins: dependencies.logins, guard, badTokens })
    registerWebApp(app, webApp)
  }

  app.notFound((c) => {
    const isPage = webApp === null && c.req.method === 'GET' && c.req.header('Accept')?.includes('text/html')
    const why = isPage ? ' The web app is not built here: run "npm run build" and start the server again.' : ''
    return problemResponse(new Problem('not_found', `There is no ${c.req.method} ${c.req.path}.${why}`), c.res.headers)
  })
  app.onError(async (error, c) => {
    if (error instanceof OutcomeUnknown) {
      // No answer is right. The client sees what it sees when a process ends.
      logger.warn({ err: error.cause, path: c.req.path }, error.message)
      c.env.incoming.socket.destroy()
      return RESPONSE_ALREADY_SENT
    }
    if (!(error instanceof Problem)) logger.error({ err: error, path: c.req.path }, 'a request failed')
    else if (error.cause) logger.debug({ err: error.cause, path: c.req.path }, error.message)
    return problemResponse(await badTokens.heldRefusalOf(asProblem(error), c.env.incoming), c.res.headers)
  })
  return app
}
