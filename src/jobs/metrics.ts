/** Prometheus metrics. Read when they are asked for: nothing is counted on the way of an event. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type ConnectionRegistry, TRANSPORTS } from '../connections/registry.ts'
import type { Doorbell } from '../db/doorbell.ts'
import type { Store } from '../db/store.ts'
import type { Bus } from '../sse/bus.ts'
import type { Membership } from './membership.ts'

export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
}

export function createMetrics({
  store,
  bus,
  connections,
  doorbell,
  membership,
}: {
  store: Store
  bus: Bus
  connections: ConnectionRegistry
  doorbell: Doorbell
  membership: Pick<Membership, 'nodeCount' | 'isLeader'>
}): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  }

  const streams = new Gauge({
    name: 'boardcast_streams',
    help: 'Open streams and sockets by transport.',
    labelNames: ['transport'],
    registers: [registry],
    collect() {
      const { byTransport } = connections.counts()
      for (const transport of TRANSPORTS) streams.set({ transport }, byTransport[transport])
    },
  })
  gauge('boardcast_streams_behind', 'Streams that are reading from the log.', () => connections.counts().behind)
  gauge('boardcast_stream_bytes', 'Bytes written to streams since start.', () => connections.counts().bytesWritten)
  gauge('boardcast_stream_pending_bytes', 'Bytes that wait for sockets.', () => connections.counts().pendingBytes)
  gauge('boardcast_audiences', 'Groups of streams that share frames.', () => bus.audienceCount)
  gauge('boardcast_log_newest', 'Newest sequence number of the log.', () => store.bounds.newest)
  gauge('boardcast_log_oldest', 'Sequence number of the log after which nothing is missing.', () => store.bounds.oldest)
  gauge('boardcast_log_chatter_events', 'Events of the log that retention may trim.', () => store.transient.events)
  gauge('boardcast_log_chatter_bytes', 'Bytes of payload that retention may trim.', () => store.transient.bytes)
  gauge('boardcast_nodes', 'Nodes on the database.', () => membership.nodeCount)
  gauge('boardcast_leader', '1 if this node leads, else 0.', () => (membership.isLeader ? 1 : 0))

  gauge('boardcast_doorbell_up', '1 while other nodes are woken at once, 0 while they only poll.', () =>
    doorbell.status === 'ok' ? 1 : 0,
  )

  return { contentType: registry.contentType, text: () => registry.metrics() }
}
