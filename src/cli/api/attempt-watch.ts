import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { z } from 'zod'
import type { Api } from './api.ts'
import { Attempt, type AttemptStatus, attemptStatus } from './replies.ts'

export interface AttemptWatch {
  readonly attemptId: string
  /** The id to listen from: that of the event that made the attempt, so that no change in between is missed. */
  readonly since: string | undefined
  /** Statuses in order, whoever caused them. */
  readonly onStatus: (status: AttemptStatus) => void
}

const envelope = z.object({ data: z.object({ status: attemptStatus }) })

const firstDelayMs = 500
const maxDelayMs = 12_000
/** The server's heartbeat is every 15 s; 2.5 of them without a byte is a dead stream. */
const silenceMs = 37_500

/**
 * Listens to what others do to an attempt, and comes back where it was after every interruption. Listening is a
 * courtesy to the person who presses "stop": when it fails for good, the run goes on without it. Returns the undo.
 */
export function watchAttempt(api: Api, watch: AttemptWatch): () => void {
  const stop = new AbortController()
  void listen(api, watch, stop.signal).catch(() => {}) // ended by the undo, or see above
  return () => stop.abort()
}

async function listen(api: Api, watch: AttemptWatch, signal: AbortSignal): Promise<void> {
  let cursor = watch.since
  let retryMs = firstDelayMs
  let failures = 0

  const parser = createParser({
    onEvent({ id, event, data }) {
      if (id !== undefined) cursor = id
      failures = 0
      if (event === 'attempt_status') {
        const parsed = envelope.safeParse(parseJson(data))
        if (parsed.success) watch.onStatus(parsed.data.data.status)
      } else if (event === 'gap') {
        void askStatus(api, watch, signal).catch(() => {}) // the next status comes by the stream
      }
    },
    onRetry(ms) {
      retryMs = ms
    },
  })

  while (!signal.aborted) {
    const goOn = await readStream(cursor)
    if (!goOn) return
    parser.reset()
    const delayMs = Math.min(retryMs * 2 ** failures, maxDelayMs)
    failures += 1
    await sleep(delayMs / 2 + Math.random() * (delayMs / 2), undefined, { signal })
  }

  /** Feeds the parser until the stream ends; answers whether it is worth coming back. */
  async function readStream(from: string | undefined): Promise<boolean> {
    const connection = new AbortController()
    const abort = () => connection.abort()
    const silence = setTimeout(abort, silenceMs)
    signal.addEventListener('abort', abort, { once: true })
    try {
      const query = new URLSearchParams({ channels: `attempt:${watch.attemptId}`, types: 'attempt_status' })
      const headers: Record<string, string> = {
        Accept: 'text/event-stream',
        'Accept-Encoding': 'identity',
        ...api.credentials,
      }
      if (from !== undefined) headers['Last-Event-ID'] = from
      const response = await fetch(`${api.baseUrl}/sse?${query}`, {
        headers,
        redirect: 'manual',
        signal: connection.signal,
      })
      // 204 and the 4xx mean "do not come back"; 429 and the 5xx mean "later".
      if (response.status === 204 || (response.status >= 400 && response.status < 500 && response.status !== 429))
        return false
      // A page in place of the stream, or a redirect: somebody else answers, for now.
      const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream') === true
      if (!response.ok || !isStream || response.body === null) {
        await response.body?.cancel()
        return true
      }
      const decoder = new TextDecoder()
      for await (const chunk of response.body) {
        silence.refresh()
        parser.feed(decoder.decode(chunk, { stream: true }))
      }
    } catch {
      // Refused, cut or silent: all the same to a listener that comes back with its cursor.
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
    }
    return true
  }
}

/** After a gap the stream no longer tells what was missed; the attempt itself does. */
async function askStatus(api: Api, watch: AttemptWatch, signal: AbortSignal): Promise<void> {
  const { value } = await api.read(Attempt, 'GET', `/attempts/${watch.attemptId}`, { signal })
  watch.onStatus(value.status)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
