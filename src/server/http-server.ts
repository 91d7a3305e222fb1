/** Node's HTTP server: how it hands requests to the application, where it listens, and what it does with odd requests. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { HEADER } from '../../shared/src/protocol.ts'
import { formatAuthority, parseAuthority } from '../base/authority.ts'
import { withoutBasePath } from '../base/base-path.ts'
import type { Config } from '../base/config.ts'
import { answersToUnreadable, answerUnreadableAddress } from '../http/unreadable-request.ts'
import type { RequestHandler } from './request-handler.ts'
import { listenFault } from './start-faults.ts'
import { listenOnSocket } from './unix-socket.ts'

/** A hundred channels with long names are a request of 26 KB; Node's default limit is 16. */
const MAX_HEADER_BYTES = 64 * 1024
/** For the address and the headers, and for the first byte of a connection. */
const HEADERS_TIMEOUT_MS = 20_000
const CHECK_EVERY_MS = 2_000
const BACKLOG = 4_096

export function createHttpServer(
  { node, basePath, keepAliveMs, requestTimeoutMs }: Config,
  handle: RequestHandler,
): Server {
  const listener = getRequestListener((request, env) => handle(request, env as HttpBindings), {
    // For requests without a Host, which HTTP/1.0 allows.
    hostname: 'localhost',
    errorHandler: answerUnreadableAddress,
  })
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersTimeoutMs(requestTimeoutMs),
      // A stream's request is short; only what the client sends counts.
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, requestTimeoutMs),
    },
    (incoming, outgoing) => {
      simplifyHost(incoming)
      // Here, so that no answer goes without it, whoever writes it.
      outgoing.setHeader(HEADER.node, node)
      if (basePath !== '') incoming.url = withoutBasePath(incoming.url ?? '/', basePath)
      void listener(incoming, outgoing)
    },
  )
  server.keepAliveTimeout = keepAliveMs
  server.on('clientError', answersToUnreadable(node))
  return server
}

/** How long the address and the headers of a request may take, and what a client of Socket.IO sends in their place. */
export function headersTimeoutMs(requestTimeoutMs: number): number {
  return Math.min(HEADERS_TIMEOUT_MS, requestTimeoutMs)
}

/** Resolves when the server listens. Rejects with a ConfigError if the fault is in HOST or PORT. */
export async function listen(server: Server, config: Config): Promise<void> {
  const { port, host, socketPath, socketMode } = config
  if (socketPath !== undefined) return listenOnSocket(server, { path: socketPath, mode: socketMode, backlog: BACKLOG })
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host, backlog: BACKLOG }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    throw listenFault(config, error) ?? error
  }
}

/** null: it does not listen. */
export function addressOf(server: Server): AddressInfo | null {
  const address = server.address()
  return address === null || typeof address === 'string' ? null : address
}

/** The adapter refuses an empty port in `Host`, and an IPv6 address with a zone or not in its shortest form. */
function simplifyHost({ headers }: IncomingMessage): void {
  if (!headers.host?.startsWith('[') && !headers.host?.endsWith(':')) return
  const authority = parseAuthority(headers.host)
  if (authority) headers.host = formatAuthority(authority)
}
