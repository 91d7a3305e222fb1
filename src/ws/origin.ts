/** Browsers say which page asks for a socket, and let every page ask: it must be our own, or one that is listed. */
import type { IncomingMessage } from 'node:http'

export function isForeignPage({ headers }: IncomingMessage, corsOrigins: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin === undefined || corsOrigins.includes(origin) || corsOrigins.includes('*')) return false
  return !(URL.canParse(origin) && new URL(origin).host === host)
}
