/** Puts the parts together: opens the store, builds the streams and the application, listens, and takes it all down. */
import { closeSync, existsSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'

import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { ChannelKind } from '../shared/src/channels.ts'
import { formatCursor } from '../shared/src/cursor.ts'
import { formatAuthority, parseAuthority } from './base/authority.ts'
import { withoutBasePath } from './base/base-path.ts'
import { type Config, ConfigError, loadConfig, refuseOpenWithoutRights } from './base/config.ts'
import { createLogger, type Logger } from './base/logger.ts'
import { Drain } from './connections/drain.ts'
import { Heartbeat } from './connections/heartbeat.ts'
import { ConnectionRegistry } from './connections/registry.ts'
import { StallCutter } from './connections/stall-cutter.ts'
import type { LogEvent } from './db/log-event.ts'
import { writeMeta } from './db/meta.ts'
import { StorageGuard } from './db/sqlite/storage-guard.ts'
import { StorageUnavailable } from './db/storage-fault.ts'
import { type Announcement, createStore } from './db/store.ts'
import { answerUnreadable, answerUnreadableAddress } from './http/unreadable-request.ts'
import { watchUnused } from './http/unused-connections.ts'
import { createWebGuard } from './http/web-guard.ts'
import { noteStart, noteStop } from './jobs/clean-stop.ts'
import { createHousekeeping } from './jobs/housekeeping.ts'
import { createMessageExpiry } from './jobs/message-expiry.ts'
import { createMetrics } from './jobs/metrics.ts'
import { createApp } from './server/app.ts'
import { closeQuietly, type OpenedStore, openStore } from './server/open-store.ts'
import { mustExist, snapshotSources } from './server/snapshot-sources.ts'
import { createSockets } from './server/sockets.ts'
import { listenFault, storageFault } from './server/start-faults.ts'
import { Bus } from './sse/bus.ts'
import { CatchUp } from './sse/delivery/catch-up.ts'
import { Snapshots } from './sse/delivery/snapshots.ts'
import { createStreamHandlers } from './sse/handlers.ts'
import { createListeners } from './sse/listeners.ts'

export { type Config, ConfigError } from './base/config.ts'
export { backUp, renewEpoch, restore } from './db/sqlite/backup.ts'

export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Drains the streams, finishes the requests in flight and closes the file. Safe to call twice. */
  close(): Promise<void>
  /** Cuts every connection and closes the file at once. */
  abort(): Promise<void>
}

/** Ask for an end: a supervisor, Ctrl-C, a terminal that is closed. */
const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** The program: settings from the environment, one line on stdout when it listens, and an end by signal. */
export async function main(): Promise<void> {
  const server = await startServer()
  let signals = 0
  let isHungUp = false
  function onSignal(signal: NodeJS.Signals): void {
    signals += 1
    isHungUp ||= signal === 'SIGHUP'
    void (signals === 1 ? server.close() : server.abort()).then(() => {
      if (isHungUp) leaveTerminal()
      process.exit(0)
    })
  }
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal)
  // Last: who reads this may send a signal at once.
  process.stdout.write(`boardcast listening on ${server.url}\n`)
}

/** At its end Node sets the terminal back as it was, and aborts when that terminal is closed: with exit 134, after all was well. */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd)
    } catch {
      // Harmless: it was closed before.
    }
  }
}

/** Starts a server; `overrides` take the place of what the environment says. */
export async function startServer(overrides: Partial<Config> = {}): Promise<RunningServer> {
  const config = { ...loadConfig(process.env), ...overrides }
  refuseOpenWithoutRights(config)
  const opened = await openStore(config)
  try {
    return await serve({ config, logger: createLogger(config.logLevel), ...opened })
  } catch (error) {
    closeQuietly(opened.database)
    const fault = storageFault(config, error)
    if (fault || !(error instanceof StorageUnavailable)) throw fault ?? error
    throw new ConfigError(`BOARDCAST_DB=${config.dbPath} cannot be used: ${error.fault.reason}`, { cause: error })
  }
}

interface Opened extends OpenedStore {
  readonly config: Config
  readonly logger: Logger
}

async function serve({ config, logger, database, log }: Opened): Promise<RunningServer> {
  const cursor = (seq: number) => formatCursor(log.epoch, seq)
  const onError = reporting('a stream failed')
  const storageGuard = new StorageGuard({
    database,
    maxWalBytes: config.maxWalBytes,
    onFault: ({ reason }, cause) => logger.error({ err: cause, db: config.dbPath }, `storage unavailable: ${reason}`),
    onRecovery: () => logger.info({ db: config.dbPath }, 'storage available again'),
  })
  const store = createStore(database, log, onCommit, { health: storageGuard })
  const registry = new ConnectionRegistry()
  const drain = new Drain(registry)
  const stallCutter = new StallCutter(registry)
  const bus = new Bus(log.head, cursor, onUnpublished)
  const snapshots = new Snapshots(store, bus, snapshotSources, onError)
  const catchUp = new CatchUp(store, onError)
  const heartbeat = new Heartbeat(config.heartbeatMs, cursor)
  const housekeeping = createHousekeeping(store, config.retention, reporting('housekeeping failed'))
  const listeners = createListeners(bus, snapshots, onUnpublished)

  /** What the storage fails at is the guard's to report, once. */
  function reporting(message: string): (error: unknown) => void {
    return (error) => {
      if (!(error instanceof StorageUnavailable)) logger.error({ err: error }, message)
    }
  }

  function onUnpublished(error: unknown): void {
    logger.error({ err: error }, 'publishing failed; all streams are cut and will resume')
    registry.destroyAll()
  }

  function onCommit(events: readonly LogEvent[], announcements: readonly Announcement[]): void {
    listeners.advance(events, announcements)
    housekeeping.check()
    if (logger.isLevelEnabled('debug')) {
      for (const { seq, type, data } of events) logger.debug({ id: cursor(seq), type, data }, 'published')
    }
  }

  const settled = await noteStart(store, database)
  if (settled > 0) logger.warn({ attempts: settled }, 'attempts that a crash interrupted were settled as failed')

  const { basePath } = config
  const webRoot = findWebRoot()
  if (webRoot === null) logger.warn({}, 'the web app is not built, so pages are answered with 404: run "npm run build"')
  const hub = { bus, snapshots, catchUp }
  const mustExistNow = (kind: ChannelKind, id: string) => store.read(({ sql }) => mustExist(sql, kind, id))

  const answer = getRequestListener((request, env) => app(request, env as HttpBindings), {
    // For requests that name no host, which HTTP/1.0 allows.
    hostname: 'localhost',
    errorHandler: answerUnreadableAddress,
  })
  // A hundred channels with long names are a request of 26 KB; Node's default is 16.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (incoming, outgoing) => {
    simplifyHost(incoming)
    if (basePath !== '') incoming.url = withoutBasePath(incoming.url ?? '/', basePath)
    void answer(incoming, outgoing)
  })
  server.keepAliveTimeout = config.keepAliveMs
  const endUnused = watchUnused(server)
  server.on('clientError', answerUnreadable)
  const live = {
    store,
    hub,
    registry,
    drain,
    heartbeat,
    heartbeatMs: config.heartbeatMs,
    maxAgeMs: config.streamMaxAgeMs,
    mustExist: mustExistNow,
  }
  const guard = createWebGuard(config)
  const sockets = await createSockets(config, { ...live, guard, onError })
  const app = createApp({
    store,
    bus,
    connections: registry,
    drain,
    metrics: createMetrics({ log, bus, connections: registry }),
    address: () => addressOf(server),
    stream: createStreamHandlers(live),
    socketIo: sockets.socketIo,
    guard,
    webApp: webRoot === null ? null : { root: webRoot, basePath },
    logger,
  })
  sockets.listenOn(server)
  try {
    await listen(server, config)
  } catch (error) {
    await noteStop(store, database, logger)
    throw listenFault(config, error) ?? error
  }
  const messageExpiry = createMessageExpiry(store, reporting('expiring messages failed'))
  storageGuard.start(() => store.tryAnyway((tx) => writeMeta(tx.sql, 'probe', tx.now)))

  const { port } = addressOf(server) ?? { port: config.port }
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  logger.info({ url, db: config.dbPath, epoch: log.epoch, position: log.head }, 'listening')

  let ended: Promise<void> | null = null
  let closedDatabase: Promise<void> | null = null

  /** The file is closed once, after everything that may still write. */
  function closeDatabase(): Promise<void> {
    closedDatabase ??= stopAndClose()
    return closedDatabase
  }

  async function stopAndClose(): Promise<void> {
    heartbeat.stop()
    sockets.stop()
    housekeeping.stop()
    messageExpiry.stop()
    snapshots.stop()
    stallCutter.stop()
    storageGuard.stop()
    await noteStop(store, database, logger)
    try {
      database.close()
    } catch (error) {
      // What was committed is in the write-ahead log, and found there at the next start.
      logger.error({ err: error }, 'the database could not be closed properly')
    }
  }

  async function close(): Promise<void> {
    logger.info({ streams: registry.size }, 'draining')
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    await drain.run(config.drainMs)
    server.closeIdleConnections()
    // Until now one could still ask, and learn when to come back.
    endUnused()
    const patience = setTimeout(() => {
      server.closeAllConnections()
      sockets.destroyAll()
    }, config.drainMs)
    await closed
    clearTimeout(patience)
    await closeDatabase()
    logger.info({}, 'closed')
  }

  return {
    url,
    port,
    close() {
      ended ??= close()
      return ended
    },
    async abort() {
      // A drain that is under way is not waited for: what it would do to the streams is done.
      server.close()
      server.closeAllConnections()
      sockets.destroyAll()
      ended ??= closeDatabase()
      await closeDatabase()
    },
  }
}

function listen(server: Server, { port, host }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 4_096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** The adapter refuses an IPv6 address in `Host` unless it is in its shortest form and without a zone, and an empty port. */
function simplifyHost({ headers }: IncomingMessage): void {
  if (!headers.host?.startsWith('[') && !headers.host?.endsWith(':')) return
  const authority = parseAuthority(headers.host)
  if (authority) headers.host = formatAuthority(authority)
}

function addressOf(server: Server): AddressInfo | null {
  const address = server.address()
  return address === null || typeof address === 'string' ? null : address
}

/** The built web app lies beside the built program; a program run from its sources finds it in dist. */
function findWebRoot(): string | null {
  const candidates = ['./web', '../web', '../dist/web'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return candidates.find((path) => existsSync(`${path}/index.html`)) ?? null
}
