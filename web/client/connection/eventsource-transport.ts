/**
 * A stream over EventSource. An EventSource delivers only event names that it was asked for, and the names that clients
 * give their events on topics cannot be known, so the frames are requested without names (docs/protocol.md, CT2). An
 * EventSource repeats the last id on frames that have none, and reports neither why it was refused nor whether a stream
 * ended or broke off. Its own reconnecting is not used: it would send old credentials, and gives up after most failures.
 */

import { WIRE_NAMES } from '../base/channels.ts'
import type { EventSourceMaker } from '../base/options.ts'
import { streamUrl, type Transport } from './transport.ts'

const CLOSED = 2
/** More than the fields after the payload need: an id has 28 characters at most, a topic 200. */
const MAX_TAIL = 400

/** `withCredentials`: cookies go to another origin too. */
export function eventSourceTransport(EventSource: EventSourceMaker, withCredentials = false): Transport {
  return {
    name: 'eventsource',
    open(request, events) {
      const source = new EventSource(`${streamUrl(request)}&names=0`, { withCredentials })
      const listening = new Set<string>()
      let isClosed = false
      listenFor(['message'])
      // An older server does not know `names=0`.
      listenFor(WIRE_NAMES)
      listenFor(request.names)
      source.addEventListener('error', () => {
        if (isClosed) return
        const isRefusal = source.readyState === CLOSED
        close()
        events.end(isRefusal ? { isRefusal } : { isCleanEnd: true })
      })
      return { close, listenFor }

      function listenFor(names: Iterable<string>): void {
        for (const name of names) {
          if (listening.has(name)) continue
          listening.add(name)
          source.addEventListener(name, ({ data, lastEventId }) => {
            const text = String(data)
            const event = name === 'message' ? nameIn(text) : name
            if (!isClosed) events.frame({ event, data: text, id: ownId(text, lastEventId) })
          })
        }
      }

      function close(): void {
        isClosed = true
        source.close()
      }
    },
  }
}

/** The event name is the second field of the envelope. */
function nameIn(data: string): string {
  return /^\{"channel":"[^"]*","event":"([^"]*)"/.exec(data)?.[1] ?? ''
}

/** The last id is the frame's own if its envelope contains it too, at the end or before `topic`. */
function ownId(data: string, lastEventId: string | undefined): string | undefined {
  const [, id] = /"id":"([^"]*)"(?:,"topic":"[^"]*")?\}$/.exec(data.slice(-MAX_TAIL)) ?? []
  return id !== undefined && id === lastEventId ? id : undefined
}
