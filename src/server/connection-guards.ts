/** What keeps slow and hostile clients from filling the server with connections. */
import type { Server } from 'node:http'
import type { Config } from '../base/config.ts'
import type { TrustedProxies } from '../http/client-address.ts'
import { isLocal } from '../http/client-limits.ts'
import { HALF_OPEN_EVERY_MS, HALF_OPEN_PER_ADDRESS, HALF_OPEN_TOTAL, limitHalfOpen } from '../http/half-open.ts'
import { watchConnections } from '../http/open-connections.ts'
import { cutSlowReaders } from '../http/slow-readers.ts'

/** A tenth of the patience, so that it is exceeded by no more than that. */
const LOOKS = 10

export interface ConnectionGuards {
  /** Ends the connections without a request so far. */
  endUnused(): void
  stopGuarding(): void
}

export function guardConnections(
  server: Server,
  { host, requestTimeoutMs }: Pick<Config, 'host' | 'requestTimeoutMs'>,
  proxies: TrustedProxies,
): ConnectionGuards {
  const connections = watchConnections(server)
  const stopCutting = cutSlowReaders(connections, requestTimeoutMs, requestTimeoutMs / LOOKS)
  const stopLimiting = limitHalfOpen(
    server,
    {
      total: HALF_OPEN_TOTAL,
      perAddress: isLocal(host) ? undefined : HALF_OPEN_PER_ADDRESS,
      everyMs: HALF_OPEN_EVERY_MS,
    },
    proxies,
  )
  return {
    endUnused: () => connections.endUnused(),
    stopGuarding() {
      stopCutting()
      stopLimiting()
    },
  }
}
