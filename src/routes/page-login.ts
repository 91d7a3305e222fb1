/**
 * A page that is opened with `?ticket=`: the ticket is used up, the browser gets a cookie for it, and is sent to the same
 * page without the ticket, which so stays out of its history.
 */
import type { Context, Hono } from 'hono'
import { TOKEN_COOKIE } from '../auth/credentials.ts'
import type { SessionToken } from '../auth/session-tokens.ts'
import { parsePrefix } from '../base/base-path.ts'
import type { Env } from './api.ts'

export interface PageLogin {
  /** The path that browsers see in front of every address; '': a proxy may set it for each request. */
  readonly basePath: string
  /** Uses the ticket up. Resolves to null if it is not valid, and while rights are off. */
  logIn(ticket: string): Promise<SessionToken | null>
}

/** To be registered after the API and before the pages. */
export function registerPageLogin(app: Hono<Env>, { basePath, logIn }: PageLogin): void {
  app.get('*', async (c, next) => {
    const ticket = c.req.query('ticket')
    // A program that previews links sends HEAD, and must not use the ticket up.
    if (ticket === undefined || c.req.method !== 'GET') return next()
    const prefix = basePath || parsePrefix(c.req.header('X-Forwarded-Prefix') ?? '') || ''
    const session = await logIn(ticket)
    if (session) c.header('Set-Cookie', cookieOf(session, `${prefix}/`, isHttps(c)))
    c.header('Referrer-Policy', 'no-referrer')
    // Whoever opens the link again, or reloads it, has the cookie already.
    return c.redirect(prefix + withoutCredentials(new URL(c.req.url)), 303)
  })
}

function cookieOf({ token, maxAgeS }: SessionToken, path: string, isSecure: boolean): string {
  const attributes = `Path=${path}; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return `${TOKEN_COOKIE}=${token}; ${attributes}`
}

/** Only a proxy serves https. */
function isHttps(c: Context<Env>): boolean {
  return c.req.header('X-Forwarded-Proto')?.split(',')[0]?.trim().toLowerCase() === 'https'
}

function withoutCredentials({ pathname, searchParams }: URL): string {
  for (const name of ['ticket', 'token']) searchParams.delete(name)
  const query = searchParams.toString()
  // Two slashes at the beginning would name another host.
  return `${pathname.replace(/^\/+/, '/')}${query === '' ? '' : `?${query}`}`
}
