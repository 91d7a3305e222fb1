/** Posts each event to another server. The token of this server is not sent there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backOffMs, reasonOf, retryAfterMs } from '../api/retry.ts'
import { usageError } from '../process/exit.ts'
import type { Talk } from '../process/output.ts'
import type { EventItem } from '../stream/event-source.ts'
import { lossNotice } from './loss-notice.ts'

const REQUEST_MS = 30_000

/** Resolves to whether the event was taken; false also when the signal aborts. */
export type Forward = (item: EventItem, signal: AbortSignal) => Promise<boolean>

/** Throws a usage error for an address that nothing can be posted to. */
export function forwardTo(url: string, talk: Talk): Forward {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageError(`--forward-to ${url}: write the address of a server, such as https://example.com/events.`)
  }
  const notice = lossNotice(new URL(url).origin, talk)
  return async ({ envelope, text }, signal) => {
    for (let tries = 0; ; tries += 1) {
      const outcome = await post(url, envelope.id, text, signal)
      if (signal.aborted) return false
      if (outcome.kind === 'answer') {
        notice.found()
        if (outcome.isTaken) return true
        talk.warn(`--forward-to: ${envelope.event} ${envelope.id} was refused (${outcome.status}), and is passed over`)
        return false
      }
      notice.lost(outcome.reason)
      const delayMs = Math.max(backOffMs(tries), outcome.retryAfterMs)
      await sleep(delayMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return false
    }
  }
}

type Outcome =
  | { readonly kind: 'answer'; readonly isTaken: boolean; readonly status: number }
  | { readonly kind: 'again'; readonly reason: string; readonly retryAfterMs: number }

async function post(url: string, id: string, body: string, stop: AbortSignal): Promise<Outcome> {
  const request = new AbortController()
  const abort = () => request.abort()
  const timer = setTimeout(abort, REQUEST_MS)
  stop.addEventListener('abort', abort, { once: true })
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Event-Id': id, 'Idempotency-Key': id },
      body,
      redirect: 'manual',
      signal: request.signal,
    })
    await response.arrayBuffer()
    const { status, ok } = response
    if (status === 429 || status >= 500) {
      return {
        kind: 'again',
        reason: `HTTP ${status}`,
        retryAfterMs: retryAfterMs(response.headers.get('Retry-After')),
      }
    }
    return { kind: 'answer', isTaken: ok, status }
  } catch (error) {
    return { kind: 'again', reason: request.signal.aborted ? 'no answer in time' : reasonOf(error), retryAfterMs: 0 }
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', abort)
  }
}
