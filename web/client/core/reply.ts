/**
 * What may come in place of an answer of the API: a redirect, which turns a POST into a GET, and the page of a login or a
 * proxy. Each is one error that says what it was, and nothing is tried again.
 */
import { HEADER } from '../../../shared/src/protocol.ts'
import { withoutQuery } from './answers.ts'
import { BoardcastError } from './errors.ts'

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export interface Asked {
  readonly method: string
  readonly url: string
  readonly init: RequestInit
}

/**
 * Fetches, and follows redirects as long as the method stays what it was. A browser does not say which redirect it was: it
 * is followed, and the answer shows whether the mutation arrived.
 */
export async function fetchAsAsked(fetch: typeof globalThis.fetch, asked: Asked): Promise<Response> {
  const { method, url, init } = asked
  const first = await fetch(url, { ...init, method, redirect: 'manual' })
  const isOpaque = first.type === 'opaqueredirect'
  if (!isOpaque && !REDIRECTS.has(first.status)) return first
  void first.body?.cancel().catch(() => undefined)
  const location = first.headers.get('Location')
  const target = location === null ? undefined : new URL(location, url).href
  if (changesMethod(method, first.status)) throw redirected(asked, first.status, target)
  let response: Response
  try {
    response = await fetch(url, { ...init, method, redirect: 'follow' })
  } catch (cause) {
    // A page may not read what another origin answers, and is not told that this is the reason. Nothing else is retried
    // less usefully: it is a login on another origin, or a wrong address.
    if (isOpaque && !init.signal?.aborted) throw redirected(asked, undefined, undefined, cause)
    throw cause
  }
  if (isOpaque && isMutation(method) && !response.headers.has(HEADER.eventId)) {
    void response.body?.cancel().catch(() => undefined)
    throw redirected(asked, undefined, response.url)
  }
  return response
}

/** The body of a reply, from its text. Throws where it is not one of the API. */
export function bodyOf(text: string, response: Response, asked: Asked): unknown {
  if (text === '' && mayBeEmpty(asked.method, response.status)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new BoardcastError('unexpected', `Expected JSON from ${spelled(asked)} but got ${kindOf(text, response)}.`, {
      status: response.status,
    })
  }
}

function mayBeEmpty(method: string, status: number): boolean {
  return method === 'HEAD' || (method === 'DELETE' && status === 204)
}

function kindOf(text: string, { status, headers, redirected, url }: Response): string {
  const type = headers.get('Content-Type')
  const from = redirected ? ` from ${withoutQuery(url)}` : ''
  if (text === '') return `${status} without a body${from}: a proxy may be in between`
  if (type?.includes('json')) return `${status} ${type}${from} that is not JSON`
  return `${status} ${type ?? 'without a type'}${from}: a login page or a proxy may be in between`
}

function isMutation(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** Fetch, 4.4: 303 makes a GET of everything, 301 and 302 of a POST. */
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
    `${spelled(asked)} was redirected ${to}${effect}: log in again, or give createClient the address that it leads to as baseUrl.`,
    { ...(status !== undefined && { status }), ...(cause !== undefined && { cause }) },
  )
}

/** Without the query: credentials may be in it. */
function spelled({ method, url }: Asked): string {
  return `${method} ${withoutQuery(url)}`
}
