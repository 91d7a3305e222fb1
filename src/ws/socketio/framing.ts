/** Packets of Socket.IO's protocol, version 5: an event (2) of the main namespace, its name and its argument. */
import { EVERYONE } from '../../../shared/src/protocol.ts'
import type { FramedEvent, Framing } from '../../sse/delivery/framing.ts'
import { actorField, topicField } from '../../sse/wire/frames.ts'

export const socketIoFraming: Framing = {
  key: 'socketio',
  frame: (shown, _at, id) => message(shown, id),
  control: (event, data, id) => message({ channel: EVERYONE, event, data }, id),
  pack(frames) {
    const texts = frames.filter((text) => text !== '')
    return { bytes: Buffer.from(texts.join('')), texts }
  },
}

function message({ channel, event, data, actor, topic }: FramedEvent, id: string): string {
  return `2["message",{"type":"${event}","data":${data},"channel":"${channel}","id":"${id}"${actorField(actor)}${topicField(topic)}}]`
}
