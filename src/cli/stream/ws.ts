/** A stream over a channel socket. Its channels and its cursor are in the address, so it opens and resumes like one over SSE. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import WebSocket from 'ws'
import { CLOSE } from '../../../shared/src/protocol.ts'
import { parseJson } from '../../text/json-line.ts'
import type { Api } from '../api/api.ts'
import { socketPathOf } from '../api/fetch.ts'
import { retryAfterMs } from '../api/retry.ts'
import { isControl } from './envelope.ts'
import { type Frame, queryOf, type StreamQuery, StreamRefused } from './transport.ts'

/** Messages that wait while nobody asks for them; then the socket is not read. */
const MAX_WAITING = 256
const MAX_REFUSAL_CHARACTERS = 65_536

export async function* openWs(api: Api, query: StreamQuery, signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
  signal.throwIfAborted()
  const socket = new WebSocket(addressOf(api.baseUrl, query), { headers: { ...api.credentials() } })
  const abort = () => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  let frames: Frame[] = []
  let failure: Error | undefined
  let wake = () => {}
  socket.on('message', (data) => {
    frames.push(frameOf(String(data)))
    if (frames.length >= MAX_WAITING) socket.pause()
    wake()
  })
  socket.on('error', (error) => {
    failure ??= error
  })
  let isClosed = false
  socket.on('close', (code, reason) => {
    isClosed = true
    if (code === CLOSE.refused) failure = new StreamRefused(404, String(reason), { body: { title: String(reason) } })
    if (code === CLOSE.expired) failure = new StreamRefused(401, 'the token has expired', {})
    wake()
  })
  try {
    await opened(socket)
    for (;;) {
      if (frames.length > 0) {
        const batch = frames
        frames = []
        yield batch
        socket.resume()
      } else if (isClosed) {
        if (failure !== undefined) throw failure
        return
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    signal.removeEventListener('abort', abort)
    socket.terminate()
  }
}

function addressOf(baseUrl: string, query: StreamQuery): string {
  const path = `/ws?global=0&more=1&${queryOf(query)}`
  const socketPath = socketPathOf(baseUrl)
  return socketPath === undefined ? baseUrl.replace(/^http/, 'ws') + path : `ws+unix:${socketPath}:${path}`
}

/** Rejects with StreamRefused if the upgrade was answered, and with the error of the system if there was no answer. */
function opened(socket: WebSocket): Promise<unknown> {
  const refused = new Promise<never>((_, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      void refusalOf(response).then(reject)
    })
  })
  return Promise.race([once(socket, 'open'), refused])
}

async function refusalOf(response: IncomingMessage): Promise<StreamRefused> {
  const { statusCode: status = 0, headers } = response
  let text = ''
  try {
    for await (const chunk of response) {
      text += chunk
      if (text.length > MAX_REFUSAL_CHARACTERS) break
    }
  } catch {
    // The status alone says enough.
  }
  const isOther = status < 400
  return new StreamRefused(isOther ? 0 : status, isOther ? `${status} instead of a WebSocket` : `HTTP ${status}`, {
    body: parseJson(text),
    retryAfterMs: retryAfterMs(headers['retry-after']),
  })
}

function frameOf(text: string): Frame {
  const message = parseJson(text)
  if (typeof message !== 'object' || message === null) return { text, raw: text, checkpoint: undefined }
  const { type, event, id, more } = message as Readonly<Record<string, unknown>>
  if (type !== 'event') return { text, raw: text, checkpoint: undefined, isNoEvent: true }
  const isCheckpoint = typeof id === 'string' && more !== true && (event === 'heartbeat' || !isControl(String(event)))
  return { text, raw: text, checkpoint: isCheckpoint ? id : undefined }
}
