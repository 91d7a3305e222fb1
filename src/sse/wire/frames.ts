/**
 * SSE text (WHATWG HTML, 9.2.5) and its framing for HTTP. A frame is `event:`, one `data:` line of JSON, `id:` and a
 * blank line. Payloads come from `jsonLine`, which emits no line break of any kind, and names and ids cannot contain one,
 * so no field can forge a frame.
 *
 * The id comes last because widely used readers (npm `eventsource` 1 and 2, `@microsoft/fetch-event-source`, scripts
 * that read line by line) store it as soon as they read it, not at the blank line as the standard requires. If a
 * connection is cut inside a frame whose id comes first, they resume after an event that they never received.
 */

import { EVERYONE } from '../../../shared/src/protocol.ts'
import { now } from '../../base/clock.ts'
import { jsonLine } from '../../base/json.ts'
import type { FramedEvent, Framing, Packet } from '../delivery/framing.ts'
import { gzipBlock } from './gzip.ts'

export interface HttpFraming {
  /** HTTP/1.1: the bytes are chunks. HTTP/1.0: they are bare, and the body ends with the connection. */
  readonly chunked: boolean
  readonly gzip: boolean
  /** Channel streams: `{channel, event, data, timestamp, actor, id}` around every payload. */
  readonly envelope: boolean
  /** Without `event:` lines, for an EventSource that cannot know every name; the envelope has the name. Default: false. */
  readonly nameless?: boolean
}

const framings = new Map<string, Framing>()

/** Equal options give the same framing. */
export function sseFraming(choice: HttpFraming): Framing {
  const { chunked, gzip, envelope, nameless } = choice
  const key = `sse${envelope ? ' envelope' : ''}${nameless ? ' nameless' : ''}${gzip ? ' gzip' : ''}${chunked ? '' : ' 1.0'}`
  let framing = framings.get(key)
  if (!framing) {
    framing = makeFraming(key, choice)
    framings.set(key, framing)
  }
  return framing
}

function makeFraming(key: string, { chunked, gzip, envelope, nameless }: HttpFraming): Framing {
  const text = !envelope ? bareFrame : nameless ? namelessFrame : envelopeFrame
  return {
    key,
    frame: text,
    control(event, data, id, marked, retryMs) {
      const frame = text({ channel: EVERYONE, event, data }, now(), id, marked)
      return retryMs === undefined ? frame : `retry: ${retryMs}\n${frame}`
    },
    pack(frames) {
      const joined = frames.length === 1 && frames[0] !== undefined ? frames[0] : frames.join('')
      // An event may end a channel without a frame. An empty chunk would end the body.
      if (joined === '') return NOTHING
      if (!gzip) return { bytes: chunked ? chunkOfText(joined) : Buffer.from(joined) }
      const { block, plain } = gzipBlock(Buffer.from(joined))
      return { bytes: chunked ? chunk(block) : block, plain }
    },
  }
}

/** One HTTP/1.1 chunk (RFC 9112, 7.1). */
export function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, CRLF])
}

const CRLF = Buffer.from('\r\n', 'latin1')
const NOTHING: Packet = { bytes: Buffer.alloc(0) }

function chunkOfText(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = `${length.toString(16)}\r\n`
  const bytes = Buffer.allocUnsafe(head.length + length + 2)
  bytes.write(head, 0, 'latin1')
  bytes.write(text, head.length, 'utf8')
  bytes.write('\r\n', head.length + length, 'latin1')
  return bytes
}

function bareFrame({ event, data }: FramedEvent, _at: number, id: string, marked: boolean): string {
  return `event: ${event}\ndata: ${data}\n${marked ? `id: ${id}\n` : ''}\n`
}

function envelopeFrame(shown: FramedEvent, at: number, id: string, marked: boolean): string {
  return `event: ${shown.event}\ndata: ${envelope(shown, at, id)}\n${marked ? `id: ${id}\n` : ''}\n`
}

function namelessFrame(shown: FramedEvent, at: number, id: string, marked: boolean): string {
  return `data: ${envelope(shown, at, id)}\n${marked ? `id: ${id}\n` : ''}\n`
}

/** The text of an envelope around the text of a payload. Names and ids contain nothing that JSON would escape. */
export function envelope({ channel, event, data, actor, topic }: FramedEvent, at: number, id: string): string {
  // Clients look for the id at the end (web/client/connection/eventsource-transport.ts).
  return `{"channel":"${channel}","event":"${event}","data":${data},"timestamp":${at}${actorField(actor)},"id":"${id}"${topicField(topic)}}`
}

/** The field `actor` in the text of an object, or nothing. Unlike a name, an actor may be any text. */
export function actorField(actor: string | null | undefined): string {
  return actor === null ? ',"actor":null' : actor === undefined ? '' : `,"actor":${jsonLine(actor)}`
}

/** The field `topic` in the text of an object, or nothing. */
export function topicField(topic: string | undefined): string {
  return topic === undefined ? '' : `,"topic":"${topic}"`
}
