/** GET of a stream: what is asked for is parsed, a subscription opened, and all of it undone at the end. */
import type { ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { uuidv7 } from 'uuidv7'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CONTROL, HEADER, RETRY_MS } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { Store } from '../db/store.ts'
import { spread } from './delivery/connections.ts'
import { OpenStream, type StreamHost } from './open-stream.ts'
import type { Asking, StreamRequest } from './request.ts'
import { startOf } from './start.ts'
import { sseFraming } from './wire/frames.ts'
import { HttpSink, sendHead } from './wire/sink.ts'

export interface StreamDependencies extends StreamHost {
  readonly store: Store
  readonly heartbeatMs: number
  /** Throws when the thing that a channel of this kind is about does not exist, and the kind demands that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export type StreamContext = Context<{ Bindings: HttpBindings & { readonly requestId: string } }>
export type StreamHandler = (c: StreamContext) => Promise<Response>

/** A handler of GET and HEAD; `parse` says what the request listens to, or throws a Problem. */
export type StreamHandlerFactory = (parse: (asking: Asking, c: StreamContext) => StreamRequest) => StreamHandler

export function createStreamHandlers(dependencies: StreamDependencies): StreamHandlerFactory {
  const { store, connections } = dependencies
  const { bus } = dependencies.hub
  // One for all: made in the handler, it would keep the whole of its request alive as long as the stream.
  const mayStay = () => !connections.isDraining
  return (parse) => async (c) => {
    const { incoming, outgoing } = c.env
    const asking: Asking = { header: (name) => c.req.header(name), query: (name) => c.req.query(name) }
    const request = parse(asking, c)
    for (const { kind, id } of request.selection.channels) await dependencies.mustExist(kind, id)
    if (connections.isDraining) {
      const start = await startOf(store, request.selection, asking)
      const reached = start.kind === 'resume' ? start.seq : bus.head
      return refuseWhileDraining(c, request, bus.cursor(reached))
    }

    const chunked = incoming.httpVersionMinor > 0
    const gzip = acceptsGzip(asking.header('Accept-Encoding'))
    const headers = { ...headersSoFar(c), ...streamHeaders(gzip) }
    if (c.req.method === 'HEAD') {
      sendHead(outgoing, headers)
      outgoing.end()
      return RESPONSE_ALREADY_SENT
    }
    await itsTurn(outgoing)
    const start = await startOf(store, request.selection, asking)
    // Gone while it was looked up: nobody is left to answer.
    if (outgoing.destroyed || !outgoing.socket) return RESPONSE_ALREADY_SENT

    // The adapter's own listener would keep the request, its URL and the context as long as the stream.
    outgoing.removeAllListeners('close')
    const framing = sseFraming({ chunked, gzip, ...shapeOf(request) })
    const stream = new OpenStream(dependencies, request, framing, (owner) => {
      return new HttpSink(outgoing, owner, { headers, chunked, gzip, mayStay })
    })
    try {
      const { heartbeatMs } = dependencies
      await stream.subscription.open(start, { connectionId: uuidv7(), heartbeatMs, retryMs: spread(RETRY_MS) })
    } catch (error) {
      stream.onClose()
      throw error
    }
    return RESPONSE_ALREADY_SENT
  }
}

/**
 * A response gets its socket when the one before it on the connection is through. A client need not pipeline to be early:
 * an answer with a Content-Length, such as a file of the web app, is whole for it before it is ended here.
 */
function itsTurn(outgoing: ServerResponse): Promise<void> {
  if (outgoing.socket || outgoing.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const { assignSocket } = outgoing
    outgoing.assignSocket = (socket) => {
      assignSocket.call(outgoing, socket)
      resolve()
    }
    outgoing.req.socket.once('close', () => resolve())
  })
}

/** What others set (CORS, request id) does not reach the wire by itself: the answer bypasses the context. */
function headersSoFar(c: StreamContext): Record<string, string> {
  return { ...Object.fromEntries(c.res.headers), [HEADER.requestId]: c.env.requestId }
}

function streamHeaders(gzip: boolean): Record<string, string> {
  return {
    'content-type': 'text/event-stream; charset=utf-8',
    // no-transform: a proxy that compresses would hold frames back.
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    vary: 'Accept-Encoding, Origin',
    ...(gzip && { 'content-encoding': 'gzip' }),
  }
}

function shapeOf({ isChannelStream, isNameless }: StreamRequest): { envelope: boolean; nameless: boolean } {
  return { envelope: isChannelStream, nameless: isNameless }
}

/** Whether `Accept-Encoding` (RFC 9110, 12.5.3) allows gzip by name or by `*`. */
export function acceptsGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>()
  for (const part of (header ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    weights.set(coding, weight === undefined ? 1 : Number(weight.slice(2)))
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/**
 * A 503 would end an EventSource for ever: one that asks for the stream by its name learns when to come back. `id` is what
 * the client has reached, for the envelope.
 */
function refuseWhileDraining(c: StreamContext, request: StreamRequest, id: string): Response {
  const retryMs = spread(RETRY_MS)
  if (!c.req.header('Accept')?.includes('text/event-stream')) {
    throw new Problem('draining', 'The server is going down. Come back in a moment.', { retryAfterS: 2 })
  }
  const framing = sseFraming({ chunked: false, gzip: false, ...shapeOf(request) })
  const body = framing.control(CONTROL.draining, JSON.stringify({ retryMs }), id, false, retryMs)
  return c.body(body, 200, { ...streamHeaders(false), connection: 'close' })
}
