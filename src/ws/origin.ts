/** Browsers say which page asks for a socket, and let every page ask: it must be our own, or one that is listed. */
import type { IncomingMessage } from 'node:http'
import { Problem } from '../errors.ts'

/** Throws `forbidden`. Programs that are no browsers name no origin, and are not asked. */
export function refuseForeignPage({ headers }: IncomingMessage, corsOrigins: readonly string[]): void {
  const { origin, host } = headers
  if (origin === undefined || corsOrigins.includes(origin) || corsOrigins.includes('*')) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new Problem('forbidden', `Pages of ${origin} may not open sockets here. List it in BOARDCAST_CORS_ORIGINS.`)
}
