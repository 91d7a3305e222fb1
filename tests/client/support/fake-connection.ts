/** A connection over a transport of the test, which never reaches a server. */
import { fullBackoff } from '../../../web/client/base/backoff.ts'
import { Connection, type ConnectionOptions } from '../../../web/client/connection/connection.ts'

type Needed = Pick<ConnectionOptions, 'transport' | 'clock' | 'listener'>

export function fakeConnection(options: Needed & Partial<ConnectionOptions>): Connection {
  return new Connection({
    baseUrl: 'http://hub',
    auth: undefined,
    fetch,
    backoff: fullBackoff(),
    heartbeatTimeoutMs: undefined,
    probe: async () => ({ status: 200 }),
    ...options,
  })
}
