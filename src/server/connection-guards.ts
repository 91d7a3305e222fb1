/** What keeps slow and hostile clients from filling the server with connections. */
import type { Server } from 'node:http'
import type { Config } from '../base/config.ts'
import type { TrustedProxies } from '../http/client-address.ts'
import { isLocal } from '../http/client-limits.ts'
import { HALF_OPEN_EVERY_MS, HALF_OPEN_PER_ADDRESS, HALF_OPEN_TOTAL, HalfOpenConnections } from '../http/half-open.ts'
import { watchConnections } from '../http/open-connections.ts'
import { cutSlowReaders } from '../http/slow-readers.ts'

/** A tenth of the patience, so that it is exceeded by no more than that. */
const LOOKS = 10

export interface ConnectionGuards {
  /** Ends the connections without a request so far. */
  endUnused(): void
  stopGuarding(): void
}

export function createHalfOpen({ host }: Pick<Config, 'host'>, proxies: TrustedProxies): HalfOpenConnections {
  const perAddress = isLocal(host) ? undefined : HALF_OPEN_PER_ADDRESS
  return new HalfOpenConnections({ total: HALF_OPEN_TOTAL, perAddress, everyMs: HALF_OPEN_EVERY_MS }, proxies)
}

export function guardConnections(
  server: Server,
  { requestTimeoutMs }: Pick<Config, 'requestTimeoutMs'>,
  halfOpen: HalfOpenConnections,
): ConnectionGuards {
  const connections = watchConnections(server)
  const stopCutting = cutSlowReaders(connections, requestTimeoutMs, requestTimeoutMs / LOOKS)
  halfOpen.watch(server)
  return {
    endUnused: () => connections.endUnused(),
    stopGuarding() {
      stopCutting()
      halfOpen.stop()
    },
  }
}
