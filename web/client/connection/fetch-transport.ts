/** A stream over `fetch`, the only transport that can send headers and see the status of a refusal. */
import { createParser } from 'eventsource-parser'
import {
  headersOf,
  isEventStream,
  notAStream,
  refusalOf,
  type StreamEnd,
  streamUrl,
  type Transport,
  type TransportEvents,
} from './transport.ts'

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
        const response = await fetch(streamUrl(request), init)
        if (response.status !== 200) return refusalOf(response, Date.now())
        if (!response.body || !isEventStream(response)) {
          void response.body?.cancel().catch(() => undefined)
          return notAStream(response)
        }
        const parse = streamParser(events, signal)
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

const LF = '\n'
const CR = '\r'

/**
 * Parses `text/event-stream` with eventsource-parser. Returns a function that takes the bytes in chunks of any size. One
 * chunk may contain several frames, and handling one of them may close the stream: after `signal` nothing is reported.
 *
 * Line ends are normalised to LF first: the parser holds back a CR at the end of a chunk, and with it a whole event, until
 * the next byte shows whether it was a CRLF.
 */
export function streamParser(
  { frame, retry }: Pick<TransportEvents, 'frame' | 'retry'>,
  signal?: AbortSignal,
): (bytes: Uint8Array) => void {
  const parser = createParser({
    onEvent: ({ event = 'message', data, id }) => signal?.aborted || frame({ event, data, id }),
    onRetry: (ms) => signal?.aborted || retry(ms),
  })
  // The parser looks for a byte order mark in its first text, but the decoder has already removed it.
  parser.feed('')
  const decoder = new TextDecoder()
  let endedInCr = false
  return (bytes) => {
    let text = decoder.decode(bytes, { stream: true })
    if (text === '') return
    if (endedInCr && text.startsWith(LF)) text = text.slice(1)
    endedInCr = text.endsWith(CR)
    parser.feed(text.includes(CR) ? text.replace(/\r\n?/g, LF) : text)
  }
}
