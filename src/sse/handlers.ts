/** The stream endpoints: a GET is parsed, and its response becomes a connection. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import { uuidv7 } from 'uuidv7'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CONTROL, type ControlEvent, HEADER, RETRY_MS } from '../../shared/src/protocol.ts'
import type { Subject } from '../auth/subject.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import { STREAM_SECURITY } from '../base/security-headers.ts'
import { type Admission, retryWhenFull, tooManyConnections } from '../connections/admission.ts'
import { Connection, type ConnectionDependencies } from '../connections/connection.ts'
import type { Place } from '../connections/connection-limit.ts'
import { jittered } from '../connections/jitter.ts'
import type { Store } from '../db/store.ts'
import type { Selection } from './delivery/selection.ts'
import type { RequestFields, StreamRequest } from './request.ts'
import { startOf } from './start.ts'
import { acceptsGzip } from './wire/accept-encoding.ts'
import { sseFraming } from './wire/frames.ts'
import { responseTurn } from './wire/response-turn.ts'
import { HttpSink, sendHead } from './wire/sink.ts'

export interface StreamDependencies extends ConnectionDependencies {
  readonly store: Store
  readonly admission: Admission
  /** Throws if the subject of the channel does not exist and channels of this kind require that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export type StreamContext = Context<{ Bindings: HttpBindings & { readonly requestId: string } }>
export type StreamHandler = (c: StreamContext) => Promise<Response>

/** Returns what a request listens to, or throws a Problem. */
type StreamParser = (fields: RequestFields, sees: ChannelPatterns, c: StreamContext) => StreamRequest

/** Makes a handler of GET and HEAD. */
export type StreamHandlerFactory = (parse: StreamParser) => StreamHandler

export function createStreamHandlers(dependencies: StreamDependencies): StreamHandlerFactory {
  const { store, drain, admission } = dependencies
  const { bus } = dependencies.delivery
  // One for all: created in the handler, it would retain the request for as long as the stream is open.
  const mayStay = () => !drain.hasBegun
  return (parse) => async (c) => {
    const fields: RequestFields = { header: (name) => c.req.header(name), query: (name) => c.req.query(name) }
    try {
      return await open(c, fields, parse)
    } catch (thrown) {
      const retryMs = retryOfOutage(thrown)
      if (retryMs === undefined || !acceptsEvents(fields) || c.env.outgoing.headersSent) throw thrown
      // Perhaps nobody is authenticated, so its id tells nothing about the log.
      return farewell(c, parse(fields, ChannelPatterns.none, c), CONTROL.overloaded, retryMs, bus.cursor(0))
    }
  }

  async function open(c: StreamContext, fields: RequestFields, parse: StreamParser): Promise<Response> {
    const { incoming, outgoing } = c.env
    const subject = await admission.authenticate(fields)
    const request = parse(fields, subject.subscribe, c)
    const { selection } = request
    // Before anything is looked up: the answer must not tell what exists.
    admission.authorize(subject, selection.channels)
    for (const { kind, id } of selection.channels) await dependencies.mustExist(kind, id)
    if (drain.hasBegun) {
      if (!acceptsEvents(fields)) drain.refuseConnections()
      return farewell(c, request, CONTROL.draining, jittered(RETRY_MS), await cursorOf(selection, fields))
    }

    const chunked = incoming.httpVersionMinor > 0
    const gzip = acceptsGzip(fields.header('Accept-Encoding'))
    const headers = { ...headersSoFar(c), ...streamHeaders(gzip) }
    if (c.req.method === 'HEAD') {
      sendHead(outgoing, headers)
      outgoing.end()
      return RESPONSE_ALREADY_SENT
    }
    const place = admission.take(subject, admission.addressOf(incoming))
    if (!place) {
      const retryMs = retryWhenFull()
      if (!acceptsEvents(fields)) throw tooManyConnections(retryMs)
      return farewell(c, request, CONTROL.overloaded, retryMs, await cursorOf(selection, fields))
    }
    let connection: Connection | undefined
    try {
      await responseTurn(outgoing)
      const start = await startOf(store, selection, fields)
      // The client has disconnected meanwhile.
      if (outgoing.destroyed || !outgoing.socket) return RESPONSE_ALREADY_SENT

      // The adapter's own listener would retain the request, its URL and the context for as long as the stream is open.
      outgoing.removeAllListeners('close')
      connection = new Connection(dependencies, {
        transport: 'sse',
        framing: sseFraming({ chunked, gzip, ...shapeOf(request) }),
        connect: (owner) => new HttpSink(outgoing, owner, { headers, chunked, gzip, mayStay }),
        withOpeningFrames: !request.isChannelStream,
        ...connectionOptions(request, subject, place),
      })
      await connection.open(start, uuidv7())
      return RESPONSE_ALREADY_SENT
    } finally {
      // A connection gives it back by itself.
      if (!connection) place.giveBack()
    }
  }

  async function cursorOf(selection: Selection, fields: RequestFields): Promise<string> {
    const start = await startOf(store, selection, fields)
    return bus.cursor(start.kind === 'resume' ? start.seq : bus.head)
  }
}

function connectionOptions({ selection, limit, timeoutMs }: StreamRequest, subject: Subject, place: Place) {
  return { selection, limit, timeoutMs, subject, place }
}

/** What passes by itself: the issuer of tokens, or the database, does not answer. An EventSource would give up for good. */
const OUTAGES: ReadonlySet<string> = new Set(['issuer_unavailable', 'storage_unavailable'])

/** When to come back after an outage; undefined for every other failure. */
function retryOfOutage(thrown: unknown): number | undefined {
  if (!(thrown instanceof Problem) || !OUTAGES.has(thrown.code)) return undefined
  return jittered((thrown.retryAfterS ?? 1) * 1_000)
}

/** A browser's EventSource. */
function acceptsEvents(fields: RequestFields): boolean {
  return fields.header('Accept')?.includes('text/event-stream') ?? false
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
    ...STREAM_SECURITY,
    ...(gzip && { 'content-encoding': 'gzip' }),
  }
}

function shapeOf({ isChannelStream, isNameless }: StreamRequest): { envelope: boolean; nameless: boolean } {
  return { envelope: isChannelStream, nameless: isNameless }
}

/**
 * An EventSource that is answered 503 or 429 never comes back, so it gets a stream of one frame, with the time to come back
 * after. `id` is the cursor of the client, for the envelope.
 */
function farewell(
  c: StreamContext,
  request: StreamRequest,
  event: ControlEvent,
  retryMs: number,
  id: string,
): Response {
  const framing = sseFraming({ chunked: false, gzip: false, ...shapeOf(request) })
  const body = framing.control(event, JSON.stringify({ retryMs }), id, false, retryMs)
  return c.body(body, 200, { ...streamHeaders(false), connection: 'close' })
}
