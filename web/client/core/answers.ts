/** What answered in place of a stream, in words. */
import { fieldOf } from './frames.ts'
import { retryAfterMs, type StreamEnd } from './transport.ts'

/** By its essence: parameters do not matter, and neither does the case. */
export function isEventStream({ headers }: Response): boolean {
  const [essence = ''] = (headers.get('Content-Type') ?? '').split(';')
  return essence.trim().toLowerCase() === 'text/event-stream'
}

/** A 200 that is no stream: it may pass by itself, as a login or a proxy's page does. */
export function notAStream({ headers, url }: Response): StreamEnd {
  const type = headers.get('Content-Type') ?? 'something without a type'
  const from = url ? ` from ${withoutQuery(url)}` : ''
  return { detail: `expected an event stream but got ${type}${from}: a login page or a proxy may be in between` }
}

/** Of an answer other than 200. Its body is read for its words only. */
export async function refusalOf(response: Response, now: number): Promise<StreamEnd> {
  const { status, headers } = response
  const detail = fieldOf(await response.json().catch(() => null), 'detail')
  return {
    status,
    retryAfterMs: retryAfterMs(headers, now),
    detail: typeof detail === 'string' ? detail : undefined,
  }
}

/** Credentials may be in the query. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
