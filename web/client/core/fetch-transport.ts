/** A stream over `fetch`: headers can be sent, and the status of a refusal is known. */
import { createParser } from 'eventsource-parser'
import { fieldOf } from './frames.ts'
import { headersOf, retryAfterMs, type StreamEnd, streamUrl, type Transport } from './transport.ts'

export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return {
    name: 'fetch',
    open(request, events) {
      const controller = new AbortController()
      const { signal } = controller
      void run().then(
        (end) => signal.aborted || events.end(end),
        // A connection that was refused or broke off says no more than that.
        () => signal.aborted || events.end({}),
      )
      return { close: () => controller.abort() }

      async function run(): Promise<StreamEnd> {
        const headers = { Accept: 'text/event-stream', ...headersOf(request.credentials) }
        const response = await fetch(streamUrl(request, false), { headers, signal })
        if (response.status !== 200) return refusal(response)
        const parser = createParser({
          onEvent({ event = 'message', data, id }) {
            if (!signal.aborted) events.frame({ event, data, id })
          },
          onRetry: (ms) => events.retry(ms),
        })
        if (!response.body || !response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
          void response.body?.cancel()
          return { detail: `answered ${response.headers.get('Content-Type')}, not an event stream` }
        }
        const reader = response.body.getReader()
        const decoder = new TextDecoder()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return {}
          parser.feed(decoder.decode(value, { stream: true }))
        }
      }
    },
  }
}

async function refusal(response: Response): Promise<StreamEnd> {
  const { status, headers } = response
  // Whatever the body is, it is only read for its words.
  const detail = fieldOf(await response.json().catch(() => null), 'detail')
  return {
    status,
    retryAfterMs: retryAfterMs(headers, Date.now()),
    detail: typeof detail === 'string' ? detail : undefined,
  }
}
