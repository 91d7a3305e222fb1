/**
 * A page that is opened with `?ticket=`: the ticket is used up, the browser gets a cookie for it, if need be after a
 * question, and is sent to the same page without the ticket, which so stays out of its history.
 */
import type { Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { TOKEN_COOKIE } from '../auth/credentials.ts'
import type { PageLogins } from '../auth/page-logins.ts'
import type { SessionToken } from '../auth/session-tokens.ts'
import { parsePrefix } from '../base/base-path.ts'
import { Problem } from '../base/errors.ts'
import type { BadTokens } from '../http/bad-tokens.ts'
import type { WebGuard } from '../http/web-guard.ts'
import type { Env } from './api.ts'
import { QUESTION_SECURITY, signInQuestion, TARGET_FIELD, TOKEN_FIELD } from './sign-in-question.ts'

export interface PageLoginDependencies {
  /** The path that browsers see in front of every address; '': a proxy may set it for each request. */
  readonly basePath: string
  readonly logins: PageLogins
  readonly guard: WebGuard
  readonly badTokens: BadTokens
}

const SIGN_IN = '/sign-in'
const SIGN_OUT = '/sign-out'
const ANY_HOST = 'http://localhost'
const MAX_FORM_BYTES = 64 * 1024
/** Of the value: browsers keep 4,096 bytes of a cookie, its name and its attributes included (RFC 6265, 6.1). */
const MAX_COOKIE_LENGTH = 3_900

/** To be registered after the API and before the pages. */
export function registerPageLogin(app: Hono<Env>, dependencies: PageLoginDependencies): void {
  const { basePath, logins, guard, badTokens } = dependencies
  const prefixOf = (c: Context<Env>) => basePath || parsePrefix(c.req.header('X-Forwarded-Prefix') ?? '') || ''

  /** null if the credential is not good: the page is shown all the same, and asks for one. */
  async function unlessBad<T>(c: Context<Env>, login: Promise<T>): Promise<T | null> {
    try {
      return await login
    } catch (error) {
      if (!(error instanceof Problem) || error.body.status !== 401) throw error
      const refusal = await badTokens.heldRefusalOf(error, c.env.incoming)
      if (refusal !== error) throw refusal
      return null
    }
  }

  function signedIn(c: Context<Env>, session: SessionToken | null | undefined, target: string): Response {
    const prefix = prefixOf(c)
    if (session) c.header('Set-Cookie', cookieOf(session, `${prefix}/`, isHttps(c)))
    c.header('Referrer-Policy', 'no-referrer')
    // Whoever opens the link again, or reloads it, has the cookie already.
    return c.redirect(prefix + target, 303)
  }

  app.get('*', async (c, next) => {
    const ticket = c.req.query('ticket')
    // A program that previews links sends HEAD, and must not use the ticket up.
    if (ticket === undefined || c.req.method !== 'GET') return next()
    const target = pathOf(c.req.url)
    const login = await unlessBad(c, logins.byTicket(ticket, c.req.header('Cookie')))
    if (login?.session) mustFit(login.session)
    if (!login?.mustAsk) return signedIn(c, login?.session, target)
    for (const [name, value] of Object.entries(QUESTION_SECURITY)) c.header(name, value)
    const prefix = prefixOf(c)
    const { session, actor } = login
    const page = prefix + target
    return c.html(signInQuestion({ action: prefix + SIGN_IN, page, token: session.token, target, actor }))
  })

  app.post(SIGN_IN, bodyLimit({ maxSize: MAX_FORM_BYTES, onError: refuseForm }), async (c) => {
    // Otherwise any page could answer the question.
    const refusal = guard.refusalOfSignIn(c.env.incoming)
    if (refusal) throw refusal
    const { [TOKEN_FIELD]: token, [TARGET_FIELD]: target } = await c.req.parseBody()
    const session = await unlessBad(c, logins.byToken(String(token)))
    return signedIn(c, session, pathOf(String(target)))
  })

  app.post(SIGN_OUT, (c) => {
    // Otherwise any page could sign a browser out.
    const refusal = guard.refusalOfSignIn(c.env.incoming)
    if (refusal) throw refusal
    c.header('Set-Cookie', cookieOf({ token: '', maxAgeS: 0 }, `${prefixOf(c)}/`, isHttps(c)))
    return c.body(null, 204)
  })
}

function refuseForm(): never {
  throw new Problem('too_large', `The form may have at most ${MAX_FORM_BYTES} bytes.`)
}

/** A browser drops a longer one without a word, and the page would ask for a token. */
function mustFit({ token }: SessionToken): void {
  if (token.length <= MAX_COOKIE_LENGTH) return
  throw new Problem(
    'bad_request',
    'The rights of this ticket are longer than a cookie. Ask for one with fewer "channels", or for a token with shorter patterns.',
  )
}

function cookieOf({ token, maxAgeS }: SessionToken, path: string, isSecure: boolean): string {
  const attributes = `Path=${path}; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return `${TOKEN_COOKIE}=${token}; ${attributes}`
}

/** Only a proxy serves https. */
function isHttps(c: Context<Env>): boolean {
  return c.req.header('X-Forwarded-Proto')?.split(',')[0]?.trim().toLowerCase() === 'https'
}

/** The path and the query of an address, without credentials. */
function pathOf(address: string): string {
  if (!URL.canParse(address, ANY_HOST)) return '/'
  const { pathname, searchParams } = new URL(address, ANY_HOST)
  for (const name of ['ticket', 'token']) searchParams.delete(name)
  const query = searchParams.toString()
  // Two slashes at the beginning would name another host.
  return `${pathname.replace(/^\/+/, '/')}${query === '' ? '' : `?${query}`}`
}
