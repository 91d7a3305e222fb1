/** What happens to every request around the application: refusals that come first, and headers of every response. */
import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'
import { HEADER } from '../../shared/src/protocol.ts'
import { ANSWER_SECURITY } from '../base/security-headers.ts'
import type { Drain } from '../connections/drain.ts'
import type { Store } from '../db/store.ts'
import { NOT_STORED } from '../http/cache-control.ts'
import { isMutation } from '../http/methods.ts'
import { problemResponse } from '../http/problem-answers.ts'
import { requestIdOf, requestIds } from '../http/request-id.ts'
import type { WebGuard } from '../http/web-guard.ts'
import type { Env } from '../routes/api.ts'

interface RequestDependencies {
  readonly store: Store
  readonly drain: Drain
  readonly guard: WebGuard
}

/** A Fetch handler over Node's request and response. */
export type RequestHandler = (request: Request, env: HttpBindings) => Promise<Response>

export function createRequestHandler(app: Hono<Env>, { store, drain, guard }: RequestDependencies): RequestHandler {
  const nextRequestId = requestIds()

  /** Requests under a foreign host name, and mutations by a foreign page. */
  function refusalOf(incoming: IncomingMessage): Response | undefined {
    const foreignHost = guard.refusalOfHost(incoming)
    // Without `Event-Id`, which a page under a false host name could read.
    if (foreignHost) return problemResponse(foreignHost, new Headers())
    if (!isMutation(incoming.method ?? '')) {
      const foreignReader = guard.refusalOfReader(incoming)
      return foreignReader && problemResponse(foreignReader, new Headers())
    }
    const foreignPage = guard.refusalOfPage(incoming)
    if (!foreignPage) return undefined
    const cursor = store.cursor
    return problemResponse(foreignPage, new Headers({ [HEADER.eventId]: cursor }))
  }

  return async (request, { incoming, outgoing }) => {
    // The connection is being closed: a request on it could be carried out, but not answered.
    if (incoming.socket.writableEnded) return RESPONSE_ALREADY_SENT
    const requestId = requestIdOf(incoming.headers, nextRequestId)
    const response = refusalOf(incoming) ?? (await app.fetch(request, { incoming, outgoing, requestId }))
    // A stream answers on the raw response. What the context made of it afterwards must not be sent as well.
    if (outgoing.headersSent) return RESPONSE_ALREADY_SENT
    // Set on the raw response, because a header set through the context copies all headers of the response.
    outgoing.setHeader(HEADER.requestId, requestId)
    // Overridden by a response with its own, such as the web app's files.
    outgoing.setHeader('Cache-Control', NOT_STORED)
    for (const [name, value] of ANSWER_SECURITY) outgoing.setHeader(name, value)
    // A connection that is kept open for a next request would hold up the shutdown.
    if (drain.isAnnounced) outgoing.setHeader('Connection', 'close')
    return response
  }
}
