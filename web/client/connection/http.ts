/** What an HTTP answer means for a stream. */
import { fieldOf } from '../base/frames.ts'
import type { StopReason } from '../base/types.ts'
import type { StreamEnd } from './transport.ts'

/** The longest wait that a server can ask for. Anything longer is a mistake of something in between. */
export const MAX_WAIT_MS = 86_400_000

/** `Retry-After` in milliseconds, a day at most; undefined without one. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers.get('Retry-After')
  if (!text) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MAX_WAIT_MS)
}

/** Ignores the case and the parameters of the type. */
export function isEventStream({ headers }: Response): boolean {
  const [essence = ''] = (headers.get('Content-Type') ?? '').split(';')
  return essence.trim().toLowerCase() === 'text/event-stream'
}

/** For a 200 that is not a stream. It may be temporary, such as the page of a login or a proxy. */
export function notAStream({ headers, url }: Response): StreamEnd {
  const type = headers.get('Content-Type') ?? 'an answer without a type'
  const from = url ? ` from ${withoutQuery(url)}` : ''
  return { detail: `expected an event stream but got ${type}${from}: a login page or a proxy may be in between` }
}

/** For an answer other than 200. */
export async function refusalOf(response: Response, now: number): Promise<StreamEnd> {
  const { status, headers } = response
  const detail = fieldOf(await response.json().catch(() => null), 'detail')
  return {
    status,
    retryAfterMs: retryAfterMs(headers, now),
    detail: typeof detail === 'string' ? detail : undefined,
  }
}

/** Why an answer with this status stops the stream; undefined for 200 and for failures that may be temporary. */
export function stopReason(status: number): StopReason | undefined {
  switch (status) {
    case 200:
      return undefined
    case 204:
      return 'no-content'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'forbidden'
    case 404:
      return 'not-found'
    case 408:
    case 425:
    case 429:
      return undefined
    default:
      return status >= 200 && status < 500 ? 'refused' : undefined
  }
}

/** For error messages: the query may contain credentials. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
