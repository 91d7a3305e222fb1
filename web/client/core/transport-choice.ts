/** Which transport the options ask for, said at once when it cannot be had here. */
import { misuse } from './errors.ts'
import type { ClientOptions, EventSourceMaker, TransportName, WebSocketMaker } from './options.ts'

export interface Chosen {
  readonly name: TransportName
  /** What opens its streams; `fetch` needs none. */
  readonly Maker: EventSourceMaker | WebSocketMaker | undefined
}

export function chosenTransport(options: ClientOptions): Chosen {
  const { transport = 'auto' } = options
  const name = transport !== 'auto' ? transport : bodiesStream() ? 'fetch' : 'eventsource'
  if (name === 'fetch') return { name, Maker: undefined }
  const needed = name === 'ws' ? 'WebSocket' : 'EventSource'
  const Maker = options[needed] ?? (globalThis as ClientOptions)[needed]
  if (!Maker) throw misuse(`transport "${name}" needs ${needed}, which is not here: give the option ${needed}.`)
  return { name, Maker }
}

function bodiesStream(): boolean {
  return typeof Response === 'function' && 'body' in Response.prototype
}
