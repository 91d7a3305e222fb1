/** CORS headers for pages of other origins. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { HEADER } from '../../shared/src/protocol.ts'
import type { WebGuard } from './web-guard.ts'

const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/

export function corsFor(guard: WebGuard): MiddlewareHandler {
  return withRequestedHeaders(
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
      // Cookies are allowed for listed origins, but not if any page may call.
      credentials: !guard.allowsAnyOrigin,
      maxAge: 600,
    }),
  )
}

/** A page that may call may also send other headers, such as a key for the proxy in front. */
function withRequestedHeaders(answer: MiddlewareHandler): MiddlewareHandler {
  return async (c, next) => {
    const preflight = await answer(c, next)
    if (!preflight?.headers.has('Access-Control-Allow-Origin')) return preflight
    const requested = (c.req.header('Access-Control-Request-Headers') ?? '').split(',').map((name) => name.trim())
    const allowed = preflight.headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(',') ?? []
    for (const name of requested) {
      if (HEADER_NAME.test(name) && !allowed.includes(name.toLowerCase())) {
        preflight.headers.append('Access-Control-Allow-Headers', name)
      }
    }
    return preflight
  }
}
