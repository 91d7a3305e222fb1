/** A stream over Server-Sent Events. */
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { parseJson } from '../../text/json-line.ts'
import type { Api } from '../api/api.ts'
import { fetchFrom } from '../api/fetch.ts'
import { retryAfterMs } from '../api/retry.ts'
import { type Frame, queryOf, type StreamQuery, StreamRefused } from './transport.ts'

export async function* openSse(api: Api, query: StreamQuery, signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
  const response = await fetchFrom(api.baseUrl, `/sse?${queryOf(query)}`, {
    // Uncompressed: of a compressed stream that is cut, the last events may be lost although their bytes have come.
    headers: { Accept: 'text/event-stream', 'Accept-Encoding': 'identity', ...api.credentials() },
    redirect: 'manual',
    signal,
  })
  const { body } = response
  if (response.status !== 200 || body === null || !isEventStream(response)) throw await refusalOf(response)
  let frames: Frame[] = []
  let retry: number | undefined
  const parser = createParser({
    onRetry(ms) {
      retry = ms
    },
    onEvent(event) {
      frames.push(frameOf(event, retry))
      retry = undefined
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (frames.length === 0) continue
    const batch = frames
    frames = []
    yield batch
  }
}

function frameOf({ event, data, id }: EventSourceMessage, retry: number | undefined): Frame {
  const fields = {
    ...(event !== undefined && { event }),
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry }),
  }
  const raw = `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n${id === undefined ? '' : `id: ${id}\n`}\n`
  return { text: data, raw, checkpoint: id, fields }
}

function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\s*(;|$)/i.test(headers.get('Content-Type') ?? '')
}

async function refusalOf(response: Response): Promise<StreamRefused> {
  const { status, headers } = response
  const location = headers.get('Location')
  if (status === 200 || location !== null) {
    await response.body?.cancel()
    const what = location === null ? `${headers.get('Content-Type') ?? 'something'}` : `a redirect to ${location}`
    return new StreamRefused(0, `${status} with ${what} instead of an event stream`, {})
  }
  const body = parseJson(await response.text().catch(() => ''))
  return new StreamRefused(status, `HTTP ${status}`, { body, retryAfterMs: retryAfterMs(headers.get('Retry-After')) })
}
