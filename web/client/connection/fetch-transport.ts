/** A stream over `fetch`, the only transport that can send headers and see the status of a refusal. */
import { isEventStream, notAStream, refusalOf } from './http.ts'
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
        // A connection that was refused or broke off gives no other reason.
        () => signal.aborted || events.end({}),
      )
      return { close: () => controller.abort() }

      async function run(): Promise<StreamEnd> {
        const headers = { Accept: 'text/event-stream', ...headersOf(request.credentials) }
        // Sends `Cache-Control: no-cache` as an EventSource does, without a preflight request across origins.
        const init = { headers, signal, cache: 'no-store' } as const
        const response = await fetch(streamUrl(request, false), init)
        if (response.status !== 200) return refusalOf(response, Date.now())
        if (!response.body || !isEventStream(response)) {
          void response.body?.cancel().catch(() => undefined)
          return notAStream(response)
        }
        // One chunk may contain several frames, and handling one of them may close the stream.
        const parse = streamParser({
          frame: (frame) => signal.aborted || events.frame(frame),
          retry: (ms) => signal.aborted || events.retry(ms),
        })
        const reader = response.body.getReader()
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return { isCleanEnd: true }
          parse(value)
        }
      }
    },
  }
}
