import { setTimeout as sleep } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { z } from 'zod'
import type { Api } from './api.ts'
import { fetchFrom } from './fetch.ts'
import { Attempt, type AttemptStatus, attemptStatus } from './responses.ts'

export interface AttemptWatch {
  readonly attemptId: string
  /** The id to resume from: that of the event that created the attempt, so that no change is missed. */
  readonly since: string | undefined
  /** Called with each new status, in order, whoever caused it. */
  readonly onStatus: (status: AttemptStatus) => void
}

const envelope = z.object({ data: z.object({ status: attemptStatus }) })

const firstDelayMs = 500
const maxDelayMs = 12_000
/** The server sends a heartbeat every 15 s; a stream without a byte for 2.5 intervals is dead. */
const silenceMs = 37_500

/**
 * Listens to the statuses of an attempt, and resumes after every interruption. It only serves a stop from the board: when
 * it fails for good, the run continues without it. Returns a function that ends it.
 */
export function watchAttempt(api: Api, watch: AttemptWatch): () => void {
  const stop = new AbortController()
  void listen(api, watch, stop.signal).catch(() => {}) // stopped, or failed for good: see above
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
        void fetchStatus(api, watch, signal).catch(() => {}) // the stream will carry the next status
      }
    },
    onRetry(ms) {
      retryMs = ms
    },
  })

  while (!signal.aborted) {
    const shouldReconnect = await readStream(cursor)
    if (!shouldReconnect) return
    parser.reset()
    const delayMs = Math.min(retryMs * 2 ** failures, maxDelayMs)
    failures += 1
    await sleep(delayMs / 2 + Math.random() * (delayMs / 2), undefined, { signal })
  }

  /** Feeds the parser until the stream ends. Resolves to whether to reconnect. */
  async function readStream(from: string | undefined): Promise<boolean> {
    const connection = new AbortController()
    const abort = () => connection.abort()
    const silence = setTimeout(abort, silenceMs)
    signal.addEventListener('abort', abort, { once: true })
    try {
      const query = new URLSearchParams({ channels: `attempt:${watch.attemptId}`, types: 'attempt_status' })
      const credentials = api.credentials()
      const headers: Record<string, string> = {
        Accept: 'text/event-stream',
        'Accept-Encoding': 'identity',
        ...credentials,
      }
      if (from !== undefined) headers['Last-Event-ID'] = from
      const response = await fetchFrom(api.baseUrl, `/sse?${query}`, {
        headers,
        redirect: 'manual',
        signal: connection.signal,
      })
      if (response.status === 401 && api.renewed(credentials)) return true
      // 204 and 4xx mean "do not reconnect"; 429 and 5xx mean "later".
      if (response.status === 204 || (response.status >= 400 && response.status < 500 && response.status !== 429))
        return false
      // A page or a redirect instead of the stream: something else is answering, for now.
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
      // Refused, cut or silent: reconnecting with the cursor is right in each case.
    } finally {
      clearTimeout(silence)
      signal.removeEventListener('abort', abort)
    }
    return true
  }
}

/** After a gap the stream does not carry what was missed, so this reads the attempt itself. */
async function fetchStatus(api: Api, watch: AttemptWatch, signal: AbortSignal): Promise<void> {
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
