/** All addresses in one application: the API, the streams, operations, and the web app for everything else. */
import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { formatCursor } from '../../shared/src/cursor.ts'
import { API_PREFIX, HEADER } from '../../shared/src/protocol.ts'
import { asProblem, NOT_STORED, Problem } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Store } from '../db/store.ts'
import { problemResponse } from '../http/problem-answers.ts'
import { requestIdOf, requestIds } from '../http/request-id.ts'
import type { WebGuard } from '../http/web-guard.ts'
import { registerAgentOutput } from '../routes/agent-output.ts'
import { registerAgentProfiles } from '../routes/agent-profiles.ts'
import { registerAgents } from '../routes/agents.ts'
import { createApi, type Env } from '../routes/api.ts'
import { registerAttemptLogs } from '../routes/attempt-logs.ts'
import { registerAttempts } from '../routes/attempts.ts'
import { registerBoards } from '../routes/boards.ts'
import { registerCards } from '../routes/cards.ts'
import { registerColumns } from '../routes/columns.ts'
import { registerConversation } from '../routes/conversation.ts'
import { registerDashboard } from '../routes/dashboard.ts'
import { registerEvents } from '../routes/events.ts'
import { registerGit } from '../routes/git.ts'
import { registerMessages } from '../routes/messages.ts'
import { registerMetrics } from '../routes/metrics.ts'
import { type OperationsDependencies, registerOperations } from '../routes/operations.ts'
import { registerSessions } from '../routes/sessions.ts'
import { registerShells } from '../routes/shells.ts'
import { registerSocketIo } from '../routes/socketio.ts'
import { registerStreams } from '../routes/streams.ts'
import { registerSubtasks } from '../routes/subtasks.ts'
import { registerTasks } from '../routes/tasks.ts'
import { registerTopics } from '../routes/topics.ts'
import { registerWorkflowRuns } from '../routes/workflow-runs.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import type { SocketIo } from '../ws/socketio/server.ts'
import { mustExist } from './snapshot-sources.ts'
import { registerWebApp, type WebApp } from './web-app.ts'

export interface AppDependencies extends OperationsDependencies {
  readonly store: Store
  readonly stream: StreamHandlerFactory
  /** null: it is switched off. */
  readonly socketIo: SocketIo | null
  readonly guard: WebGuard
  /** null: it is not built. */
  readonly webApp: WebApp | null
  readonly logger: Logger
}

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/

/** A Fetch handler over Node's request and response. */
export type App = (request: Request, env: HttpBindings) => Promise<Response>

export function createApp(dependencies: AppDependencies): App {
  const { store, logger, webApp, drain, guard } = dependencies
  const app = new Hono<Env>()

  if (guard.allowsOtherOrigins) app.use(corsFor(guard))
  app.use(`${API_PREFIX}/*`, async (c, next) => {
    if (drain.hasBegun && isMutation(c.req.method)) {
      c.header(HEADER.eventId, formatCursor(store.log.epoch, store.log.head))
      drain.refuseMutations()
    }
    await next()
  })

  const v1 = new Hono<Env>()
  const api = createApi(v1, store)
  registerBoards(api)
  registerColumns(api)
  registerCards(api)
  registerAttempts(api)
  registerAttemptLogs(api)
  registerConversation(api)
  registerGit(api)
  registerAgents(api)
  registerAgentProfiles(api)
  registerAgentOutput(api)
  registerTopics(api)
  registerEvents(api, mustExist)
  registerSessions(api)
  registerWorkflowRuns(api)
  registerShells(api)
  registerDashboard(api)
  registerTasks(api)
  registerSubtasks(api)
  registerMessages(api)
  registerMetrics(api)
  registerStreams(app, dependencies.stream)
  registerSocketIo(app, dependencies.socketIo)
  registerOperations(app, dependencies)
  app.route(API_PREFIX, v1)
  app.all(`${API_PREFIX}/*`, (c) => {
    if (isMutation(c.req.method)) c.header(HEADER.eventId, formatCursor(store.log.epoch, store.log.head))
    throw new Problem('not_found', `There is no ${c.req.method} ${c.req.path}.`)
  })
  if (webApp) registerWebApp(app, webApp)

  app.notFound((c) => {
    const isPage = webApp === null && c.req.method === 'GET' && c.req.header('Accept')?.includes('text/html')
    const why = isPage ? ' The web app is not built here: run "npm run build" and start the server again.' : ''
    return problemResponse(new Problem('not_found', `There is no ${c.req.method} ${c.req.path}.${why}`), c.res.headers)
  })
  app.onError((error, c) => {
    if (!(error instanceof Problem)) logger.error({ err: error, path: c.req.path }, 'a request failed')
    else if (error.cause) logger.debug({ err: error.cause, path: c.req.path }, error.message)
    return problemResponse(asProblem(error), c.res.headers)
  })
  const nextRequestId = requestIds()

  /** What is asked of this server by a wrong name, or by a page that may not, gets no further. */
  function refusalOf(incoming: IncomingMessage): Response | undefined {
    const wrongHost = guard.refusalOfHost(incoming)
    // Without the position of the log: a page that got here by a false name could read it.
    if (wrongHost) return problemResponse(wrongHost, new Headers())
    const foreignPage = isMutation(incoming.method ?? '') ? guard.refusalOfPage(incoming) : undefined
    if (!foreignPage) return undefined
    const position = formatCursor(store.log.epoch, store.log.head)
    return problemResponse(foreignPage, new Headers({ [HEADER.eventId]: position }))
  }

  return async (request, { incoming, outgoing }) => {
    // Came on a connection that is being ended: it could be done, but not answered.
    if (incoming.socket.writableEnded) return RESPONSE_ALREADY_SENT
    const requestId = requestIdOf(incoming.headers, nextRequestId)
    const response = refusalOf(incoming) ?? (await app.fetch(request, { incoming, outgoing, requestId }))
    // A stream answers on the raw response; what the context made of that afterwards must not be sent as well.
    if (outgoing.headersSent) return RESPONSE_ALREADY_SENT
    // Here, as a header that the context is given makes a second set of headers of every answer.
    outgoing.setHeader(HEADER.requestId, requestId)
    // An answer that says otherwise (the web app's files) takes the place of this.
    outgoing.setHeader('Cache-Control', NOT_STORED)
    // A connection that is kept for a next request would hold the end up.
    if (drain.hasBegun) outgoing.setHeader('Connection', 'close')
    return response
  }
}

function isMutation(method: string): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method)
}

function corsFor(guard: WebGuard) {
  return withOwnHeaders(
    cors({
      origin: guard.allowsAnyOrigin ? '*' : (origin) => (guard.isListed(origin) ? origin : null),
      allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowHeaders: [
        'Authorization',
        'Cache-Control',
        'Content-Type',
        HEADER.idempotencyKey,
        HEADER.lastEventId,
        HEADER.requestId,
      ],
      exposeHeaders: [HEADER.eventId, HEADER.requestId, HEADER.retryAfter, HEADER.idempotencyReplayed],
      // Cookies go along where origins are listed. Not where any page may call.
      credentials: !guard.allowsAnyOrigin,
      maxAge: 600,
    }),
  )
}

/** A page that may call may send headers of its own, such as a key for the proxy in front. */
function withOwnHeaders(answer: MiddlewareHandler): MiddlewareHandler {
  return async (c, next) => {
    const preflight = await answer(c, next)
    if (!preflight?.headers.has('Access-Control-Allow-Origin')) return preflight
    const asked = (c.req.header('Access-Control-Request-Headers') ?? '').split(',').map((name) => name.trim())
    const allowed = preflight.headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(',') ?? []
    for (const name of asked) {
      if (HEADER_NAME.test(name) && !allowed.includes(name.toLowerCase())) {
        preflight.headers.append('Access-Control-Allow-Headers', name)
      }
    }
    return preflight
  }
}
