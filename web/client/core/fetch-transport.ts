/** A stream over `fetch`: headers can be sent, and the status of a refusal is known. */
import { isEventStream, notAStream, refusalOf } from './answers.ts'
import { streamParser } from './stream-parser.ts'
import { headersOf, type StreamEnd, streamUrl, type Transport } from './transport.ts'

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
        // As an EventSource asks: it sends `Cache-Control: no-cache`, for which other origins need no preflight.
        const init = { headers, signal, cache: 'no-store' } as const
        const response = await fetch(streamUrl(request, false), init)
        if (response.status !== 200) return refusalOf(response, Date.now())
        if (!response.body || !isEventStream(response)) {
          void response.body?.cancel().catch(() => undefined)
          return notAStream(response)
        }
        const take = streamParser({
          frame: (frame) => signal.aborted || events.frame(frame),
          retry: (ms) => signal.aborted || events.retry(ms),
        })
        const reader = response.body.getReader()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return { isProper: true }
          take(value)
        }
      }
    },
  }
}
