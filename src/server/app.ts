/** All routes in one application: the API, the streams, operations, and the web app for everything else. */
import { Hono } from 'hono'
import { API_PREFIX, HEADER } from '../../shared/src/protocol.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { asProblem, Problem } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Admission } from '../connections/admission.ts'
import type { Store } from '../db/store.ts'
import type { ClientLimits } from '../http/client-limits.ts'
import { corsFor } from '../http/cors.ts'
import { isMutation } from '../http/methods.ts'
import { problemResponse } from '../http/problem-answers.ts'
import type { WebGuard } from '../http/web-guard.ts'
import { registerAgentOutput } from '../routes/agent-output.ts'
import { registerAgentProfiles } from '../routes/agent-profiles.ts'
import { registerAgents } from '../routes/agents.ts'
import { createApi, type Env } from '../routes/api.ts'
import { registerAttemptLinks } from '../routes/attempt-links.ts'
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
import { type PageLogin, registerPageLogin } from '../routes/page-login.ts'
import { registerSessions } from '../routes/sessions.ts'
import { registerShells } from '../routes/shells.ts'
import { registerSocketIo } from '../routes/socketio.ts'
import { registerStreams } from '../routes/streams.ts'
import { registerSubtasks } from '../routes/subtasks.ts'
import { registerTasks } from '../routes/tasks.ts'
import { registerTickets } from '../routes/tickets.ts'
import { registerTodos } from '../routes/todos.ts'
import { registerTopics } from '../routes/topics.ts'
import { registerWorkflowRuns } from '../routes/workflow-runs.ts'
import { registerWorkflowSteps } from '../routes/workflow-steps.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import type { SocketIo } from '../ws/socketio/server.ts'
import { mustExist } from './snapshot-sources.ts'
import { registerWebApp, type WebApp } from './web-app.ts'

export interface AppDependencies extends OperationsDependencies {
  readonly store: Store
  readonly stream: StreamHandlerFactory
  readonly admission: Admission
  /** null: it is switched off. */
  readonly socketIo: SocketIo | null
  readonly authenticator: Authenticator
  readonly logIn: PageLogin['logIn']
  readonly limits: ClientLimits
  readonly guard: WebGuard
  /** null: it is not built. */
  readonly webApp: WebApp | null
  readonly logger: Logger
}

export function createApp(dependencies: AppDependencies): Hono<Env> {
  const { store, logger, webApp, drain, guard } = dependencies
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
  const api = createApi(v1, store, dependencies.authenticator, dependencies.limits)
  registerBoards(api)
  registerColumns(api)
  registerCards(api)
  registerAttempts(api)
  registerAttemptLinks(api)
  registerAttemptLogs(api)
  registerTodos(api)
  registerConversation(api)
  registerGit(api)
  registerAgents(api)
  registerAgentProfiles(api)
  registerAgentOutput(api)
  registerTopics(api)
  registerEvents(api, mustExist)
  registerSessions(api)
  registerWorkflowRuns(api)
  registerWorkflowSteps(api)
  registerShells(api)
  registerDashboard(api)
  registerTasks(api)
  registerSubtasks(api)
  registerMessages(api)
  registerMetrics(api)
  registerTickets(api)
  registerStreams(app, dependencies.stream, dependencies.admission)
  registerSocketIo(app, dependencies.socketIo)
  registerOperations(app, dependencies)
  app.route(API_PREFIX, v1)
  app.all(`${API_PREFIX}/*`, (c) => {
    if (isMutation(c.req.method)) c.header(HEADER.eventId, store.cursor)
    throw new Problem('not_found', `There is no ${c.req.method} ${c.req.path}.`)
  })
  if (webApp) {
    registerPageLogin(app, { basePath: webApp.basePath, logIn: dependencies.logIn })
    registerWebApp(app, webApp)
  }

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
  return app
}
