/**
 * How events look on sockets. Board and dashboard sockets have the bare payloads of the streams, and as there only the
 * last message of an event has an id. Channel sockets have envelopes, each with the id of its event. Names and ids contain
 * nothing that JSON would escape.
 */

import { EVERYONE } from '../../shared/src/protocol.ts'
import { now } from '../base/clock.ts'
import type { FramedEvent, Framing, Packet } from '../sse/delivery/framing.ts'
import { actorField, topicField } from '../sse/wire/frames.ts'
import { textFrames } from './text-frames.ts'

export const boardFraming: Framing = {
  key: 'ws',
  frame: ({ event, data }, _at, id, marked) => bare(event, data, id, marked),
  control: (event, data, id, marked) => bare(event, data, id, marked),
  pack,
}

export const channelFraming: Framing = {
  key: 'ws channels',
  frame: enveloped,
  control: (event, data, id) => enveloped({ channel: EVERYONE, event, data }, now(), id),
  pack,
}

/** For clients with one cursor for the connection, which must know after which messages they may resume. */
export const markedChannelFraming: Framing = {
  ...channelFraming,
  key: 'ws channels more',
  frame(shown, at, id, marked) {
    const text = enveloped(shown, at, id)
    return marked ? text : `${text.slice(0, -1)},"more":true}`
  },
}

function pack(frames: readonly string[]): Packet {
  return { bytes: textFrames(frames.includes('') ? frames.filter((text) => text !== '') : frames) }
}

function bare(event: string, data: string, id: string, marked: boolean): string {
  return `{"type":"${event}","payload":${data}${marked ? `,"id":"${id}"` : ''}}`
}

function enveloped({ channel, event, data, actor, topic }: FramedEvent, at: number, id: string): string {
  return `{"type":"event","id":"${id}","channel":"${channel}","event":"${event}","data":${data},"timestamp":${at}${actorField(actor)}${topicField(topic)}}`
}
