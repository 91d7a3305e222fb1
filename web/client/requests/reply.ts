/**
 * Answers that do not come from the API: redirects, which turn a POST into a GET, and the pages of logins and proxies. Each
 * becomes an error that says what it was. They are not retried.
 */
import { HEADER } from '../../../shared/src/protocol.ts'
import { BoardcastError } from '../base/errors.ts'
import { withoutQuery } from '../connection/transport.ts'

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export interface Asked {
  readonly method: string
  readonly url: string
  readonly init: RequestInit
}

/**
 * Fetches, and follows redirects as long as they keep the method. A browser does not reveal which redirect it got, and
 * nothing reveals the redirects that follow the first one: then the answer shows whether a mutation arrived.
 */
export async function fetchUnchanged(fetch: typeof globalThis.fetch, asked: Asked): Promise<Response> {
  const { method, url, init } = asked
  const first = await fetch(url, { ...init, method, redirect: 'manual' })
  const isOpaque = first.type === 'opaqueredirect'
  if (!isOpaque && !REDIRECTS.has(first.status)) return first
  void first.body?.cancel().catch(() => undefined)
  if (changesMethod(method, first.status)) throw redirected(asked, first.status, targetOf(first, url))
  let response: Response
  try {
    response = await fetch(url, { ...init, method, redirect: 'follow' })
  } catch (cause) {
    // A page may not read the answer of another origin, such as a login's, and does not learn that this was the reason.
    if (isOpaque && !init.signal?.aborted) throw redirected(asked, undefined, undefined, cause)
    if (isRedirectLoop(cause)) throw redirectLoop(asked, first.status, cause)
    throw cause
  }
  if (isMutation(method) && response.status < 500 && !response.headers.has(HEADER.eventId)) {
    void response.body?.cancel().catch(() => undefined)
    throw redirected(asked, undefined, response.url)
  }
  return response
}

/** Node's fetch gives up after twenty redirects. */
function isRedirectLoop(failure: unknown): boolean {
  const { cause } = failure instanceof Error ? failure : {}
  return cause instanceof Error && cause.message === 'redirect count exceeded'
}

function redirectLoop(asked: Asked, status: number, cause: unknown): BoardcastError {
  return new BoardcastError(
    'unexpected',
    `${describe(asked)} was redirected again and again: a login or a proxy in between sends requests in a circle.`,
    { status, cause },
  )
}

function targetOf({ headers }: Response, url: string): string | undefined {
  const location = headers.get('Location')
  return location !== null && URL.canParse(location, url) ? new URL(location, url).href : (location ?? undefined)
}

/** Parses the body of a reply. Throws if it is not one of the API. */
export function bodyOf(text: string, response: Response, asked: Asked): unknown {
  if (text === '' && mayBeEmpty(asked.method, response.status)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new BoardcastError(
      'unexpected',
      `Expected JSON from ${describe(asked)} but got ${describeAnswer(text, response)}.`,
      { status: response.status },
    )
  }
}

function mayBeEmpty(method: string, status: number): boolean {
  return method === 'HEAD' || (method === 'DELETE' && status === 204)
}

function describeAnswer(text: string, { status, headers, redirected, url }: Response): string {
  const type = headers.get('Content-Type')
  const from = redirected ? ` from ${withoutQuery(url)}` : ''
  if (text === '') return `${status} without a body${from}: a proxy may be in between`
  if (type?.includes('json')) return `${status} ${type}${from} that is not JSON`
  return `${status} ${type ?? 'without a type'}${from}: a login page or a proxy may be in between`
}

function isMutation(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** Fetch standard, 4.4: a 303 turns every method into GET, a 301 or 302 turns POST into GET. */
function changesMethod(method: string, status: number): boolean {
  return isMutation(method) && (status === 303 || (method === 'POST' && (status === 301 || status === 302)))
}

function redirected(
  asked: Asked,
  status: number | undefined,
  target: string | undefined,
  cause?: unknown,
): BoardcastError {
  const to = target ? `to ${withoutQuery(target)}` : 'to where this page cannot read the answer'
  const effect = isMutation(asked.method) ? ', where it did not arrive as it was sent' : ''
  return new BoardcastError(
    'unexpected',
    `${describe(asked)} was redirected ${to}${effect}: log in again, or give createClient the address that it leads to as baseUrl.`,
    { ...(status !== undefined && { status }), ...(cause !== undefined && { cause }) },
  )
}

function describe({ method, url }: Asked): string {
  return `${method} ${withoutQuery(url)}`
}
