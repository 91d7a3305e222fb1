/**
 * A stream over EventSource. It hands out only names that it was asked for, so the frames are asked for without names
 * (docs/protocol.md, CT2): those that clients give their events on topics cannot be known. It repeats the last id on frames
 * that have none, does not tell why it was refused, nor whether a stream ended or broke off. Its own reconnecting is not
 * used: it would come back with old credentials, and not at all after most failures.
 */

import type { EventSourceMaker } from './options.ts'
import { streamUrl, type Transport } from './transport.ts'
import { WIRE_NAMES } from './wire-names.ts'

const CLOSED = 2
/** Longer than the fields after the payload: ids have 28 characters at most, topics 200. */
const MAX_TAIL = 400

export function eventSourceTransport(EventSource: EventSourceMaker): Transport {
  return {
    name: 'eventsource',
    open(request, events) {
      const source = new EventSource(`${streamUrl(request, true)}&names=0`)
      const heard = new Set<string>()
      let isOver = false
      hear(['message'])
      // An older server names its frames all the same.
      hear(WIRE_NAMES)
      hear(request.names)
      source.addEventListener('error', () => {
        if (isOver) return
        const isRefusal = source.readyState === CLOSED
        close()
        events.end(isRefusal ? { isRefusal } : { isProper: true })
      })
      return { close, hear }

      function hear(names: Iterable<string>): void {
        for (const name of names) {
          if (heard.has(name)) continue
          heard.add(name)
          source.addEventListener(name, ({ data, lastEventId }) => {
            const text = String(data)
            const event = name === 'message' ? nameIn(text) : name
            if (!isOver) events.frame({ event, data: text, id: ownId(text, lastEventId) })
          })
        }
      }

      function close(): void {
        isOver = true
        source.close()
      }
    },
  }
}

/** From the envelope, whose second field it is. */
function nameIn(data: string): string {
  return /^\{"channel":"[^"]*","event":"([^"]*)"/.exec(data)?.[1] ?? ''
}

/** The last id is the frame's own when its envelope has it too, at its end or before the `topic`. */
function ownId(data: string, lastEventId: string | undefined): string | undefined {
  const [, id] = /"id":"([^"]*)"(?:,"topic":"[^"]*")?\}$/.exec(data.slice(-MAX_TAIL)) ?? []
  return id !== undefined && id === lastEventId ? id : undefined
}
