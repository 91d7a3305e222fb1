/** The stream endpoints: a GET is parsed, and its response becomes a connection. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { uuidv7 } from 'uuidv7'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CONTROL, HEADER, RETRY_MS } from '../../shared/src/protocol.ts'
import { Connection, type ConnectionDependencies } from '../connections/connection.ts'
import { jittered } from '../connections/jitter.ts'
import type { Store } from '../db/store.ts'
import type { RequestFields, StreamRequest } from './request.ts'
import { startOf } from './start.ts'
import { acceptsGzip } from './wire/accept-encoding.ts'
import { sseFraming } from './wire/frames.ts'
import { responseTurn } from './wire/response-turn.ts'
import { HttpSink, sendHead } from './wire/sink.ts'

export interface StreamDependencies extends ConnectionDependencies {
  readonly store: Store
  /** Throws if the subject of the channel does not exist and channels of this kind require that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export type StreamContext = Context<{ Bindings: HttpBindings & { readonly requestId: string } }>
export type StreamHandler = (c: StreamContext) => Promise<Response>

/** Makes a handler of GET and HEAD. `parse` returns what the request listens to, or throws a Problem. */
export type StreamHandlerFactory = (parse: (fields: RequestFields, c: StreamContext) => StreamRequest) => StreamHandler

export function createStreamHandlers(dependencies: StreamDependencies): StreamHandlerFactory {
  const { store, drain } = dependencies
  const { bus } = dependencies.delivery
  // One for all: created in the handler, it would retain the request for as long as the stream is open.
  const mayStay = () => !drain.hasBegun
  return (parse) => async (c) => {
    const { incoming, outgoing } = c.env
    const fields: RequestFields = { header: (name) => c.req.header(name), query: (name) => c.req.query(name) }
    const request = parse(fields, c)
    const { selection, limit, timeoutMs } = request
    for (const { kind, id } of selection.channels) await dependencies.mustExist(kind, id)
    if (drain.hasBegun) {
      const start = await startOf(store, selection, fields)
      // Other clients than EventSource are refused.
      if (!fields.header('Accept')?.includes('text/event-stream')) drain.refuseConnections()
      return drainingStream(c, request, bus.cursor(start.kind === 'resume' ? start.seq : bus.head))
    }

    const chunked = incoming.httpVersionMinor > 0
    const gzip = acceptsGzip(fields.header('Accept-Encoding'))
    const headers = { ...headersSoFar(c), ...streamHeaders(gzip) }
    if (c.req.method === 'HEAD') {
      sendHead(outgoing, headers)
      outgoing.end()
      return RESPONSE_ALREADY_SENT
    }
    await responseTurn(outgoing)
    const start = await startOf(store, selection, fields)
    // The client has disconnected meanwhile.
    if (outgoing.destroyed || !outgoing.socket) return RESPONSE_ALREADY_SENT

    // The adapter's own listener would retain the request, its URL and the context for as long as the stream is open.
    outgoing.removeAllListeners('close')
    const connection = new Connection(dependencies, {
      transport: 'sse',
      framing: sseFraming({ chunked, gzip, ...shapeOf(request) }),
      connect: (owner) => new HttpSink(outgoing, owner, { headers, chunked, gzip, mayStay }),
      selection,
      withOpeningFrames: !request.isChannelStream,
      limit,
      timeoutMs,
    })
    await connection.open(start, uuidv7())
    return RESPONSE_ALREADY_SENT
  }
}

/** Headers set by others (CORS, request id) would not reach the client by themselves: the response bypasses the context. */
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

/**
 * An EventSource that is answered 503 never comes back, so during a drain it gets a stream of one frame, with the time to
 * come back after. `id` is the cursor of the client, for the envelope.
 */
function drainingStream(c: StreamContext, request: StreamRequest, id: string): Response {
  const retryMs = jittered(RETRY_MS)
  const framing = sseFraming({ chunked: false, gzip: false, ...shapeOf(request) })
  const body = framing.control(CONTROL.draining, JSON.stringify({ retryMs }), id, false, retryMs)
  return c.body(body, 200, { ...streamHeaders(false), connection: 'close' })
}
