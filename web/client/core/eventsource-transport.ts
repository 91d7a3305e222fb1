/**
 * A stream over EventSource. It hands out only names that it was asked for, repeats the last id on frames that have none,
 * and does not tell why it was refused. Its own reconnecting is not used: it would come back with old credentials.
 */

import type { EventSourceMaker } from './options.ts'
import { streamUrl, type Transport } from './transport.ts'
import { WIRE_NAMES } from './wire-names.ts'

const CLOSED = 2

export function eventSourceTransport(EventSource: EventSourceMaker): Transport {
  return {
    name: 'eventsource',
    open(request, events) {
      const source = new EventSource(streamUrl(request, true))
      const heard = new Set<string>()
      let isOver = false
      hear(WIRE_NAMES)
      hear(request.names)
      source.addEventListener('error', () => {
        if (isOver) return
        const isRefusal = source.readyState === CLOSED
        close()
        events.end(isRefusal ? { isRefusal } : {})
      })
      return { close, hear }

      function hear(names: Iterable<string>): void {
        for (const event of names) {
          if (heard.has(event)) continue
          heard.add(event)
          source.addEventListener(event, ({ data, lastEventId }) => {
            if (!isOver) events.frame({ event, data: String(data), id: ownId(String(data), lastEventId) })
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

/** The last id is the frame's own when its envelope, which ends with it, has it too. */
function ownId(data: string, lastEventId: string | undefined): string | undefined {
  return lastEventId && data.endsWith(`"id":"${lastEventId}"}`) ? lastEventId : undefined
}
