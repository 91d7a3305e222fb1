/** Starts a server: opens the database, creates the parts, connects them and listens. */
import type { ChannelKind } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { createAuthenticator } from '../auth/create-authenticator.ts'
import { OPERATOR } from '../auth/subject.ts'
import { issueTicket } from '../auth/tickets.ts'
import type { Config } from '../base/config.ts'
import { createLogger, type Logger } from '../base/logger.ts'
import { Admission } from '../connections/admission.ts'
import { ConnectionLimit } from '../connections/connection-limit.ts'
import { Drain } from '../connections/drain.ts'
import { Heartbeat } from '../connections/heartbeat.ts'
import { ConnectionRegistry } from '../connections/registry.ts'
import { StallCutter } from '../connections/stall-cutter.ts'
import { createLeader } from '../db/lease.ts'
import { writeMeta } from '../db/meta.ts'
import { StorageUnavailable } from '../db/storage-fault.ts'
import { createStore, type Store } from '../db/store.ts'
import type { Publish } from '../db/tail.ts'
import { createBadTokens } from '../http/bad-tokens.ts'
import { createClientLimits } from '../http/client-limits.ts'
import { createWebGuard } from '../http/web-guard.ts'
import { ClusterMembership } from '../jobs/cluster-membership.ts'
import { createMessageExpiry } from '../jobs/message-expiry.ts'
import { createMetrics } from '../jobs/metrics.ts'
import { forgetAnswers } from '../jobs/old-answers.ts'
import { createRetention } from '../jobs/retention.ts'
import { shareMetrics } from '../jobs/shared-metrics.ts'
import { createSoleMembership } from '../jobs/sole-membership.ts'
import { Bus } from '../sse/bus.ts'
import { CatchUp } from '../sse/delivery/catch-up.ts'
import { Snapshots } from '../sse/delivery/snapshots.ts'
import { createStreamHandlers } from '../sse/handlers.ts'
import { createListeners } from '../sse/listeners.ts'
import { pageUrlOf, urlOf } from './addresses.ts'
import { createApp } from './app.ts'
import { createHalfOpen, guardConnections } from './connection-guards.ts'
import { addressOf, createHttpServer, listen } from './http-server.ts'
import { openStore } from './open-store.ts'
import type { OpenedStore } from './opened-store.ts'
import { createRequestHandler } from './request-handler.ts'
import { RunningServer } from './running-server.ts'
import { mustExist, snapshotSources } from './snapshot-sources.ts'
import { createSockets } from './sockets.ts'
import { createWakeUp } from './wake-up.ts'

interface Opened extends OpenedStore {
  readonly config: Config
  readonly webRoot: string | null
  readonly logger: Logger
}

/** `webRoot` is the folder of the built web app, null if it is not built. Rejects with a ConfigError for a wrong setting. */
export async function start(config: Config, webRoot: string | null): Promise<RunningServer> {
  const opened = await openStore(config)
  try {
    return await serve({ config, webRoot, logger: createLogger(config.logLevel), ...opened })
  } catch (error) {
    // Harmless: the process is about to exit, and nothing was written.
    await opened.storage.close().catch(() => {})
    throw opened.explain(error) ?? error
  }
}

async function serve({
  config,
  webRoot,
  logger,
  storage,
  transactions,
  log,
  session,
  peers,
}: Opened): Promise<RunningServer> {
  const cursor = (seq: number) => formatCursor(log.epoch, seq)
  const onError = reporting('a stream failed')
  const storageWatch = storage.watch({
    onFault: ({ reason }, cause) => logger.error({ err: cause, db: storage.name }, `storage unavailable: ${reason}`),
    onRecovery: () => logger.info({ db: storage.name }, 'storage available again'),
  })
  const wakeUp = createWakeUp(
    peers,
    () => log.epoch,
    () => store,
    logger,
  )
  const store: Store = createStore(transactions, log, onPublish, {
    health: storageWatch,
    doorbell: wakeUp.doorbell,
    ephemeral: wakeUp.ephemeral,
    onLost: () => onUnpublished(new Error('events were trimmed before they could be published')),
    onEpoch,
    isWatched: () => registry.size > 0 || bus.isUsed || logger.isLevelEnabled('debug'),
    onPassedOver: () => snapshots.forget(),
    onError: reporting('the log could not be read'),
  })
  const registry = new ConnectionRegistry()
  const { node } = config
  const membership = session
    ? new ClusterMembership({
        store,
        session,
        node,
        logger,
        activity: () => ({ streams: registry.size, wantsMetrics: bus.audiencesOf('metrics').size > 0 }),
        onError: reporting('looking after the nodes failed'),
      })
    : createSoleMembership({ store, storage, logger, node, streams: () => registry.size })
  const leader = createLeader(store, membership.lease)

  const drain = new Drain(registry)
  const stallCutter = new StallCutter(registry)
  const heartbeat = new Heartbeat(config.heartbeatMs, cursor)
  const bus = new Bus(store.head, cursor, onUnpublished)
  const snapshots = new Snapshots(store, bus, snapshotSources, onError, (kind) => !session || kind !== 'metrics')
  const catchUp = new CatchUp(store, onError)
  const listeners = createListeners(bus, snapshots, onUnpublished)
  const retention = createRetention(store, leader, config.retention, reporting('retention failed'))

  /** Failures of the storage are reported by the guard, once. */
  function reporting(message: string): (error: unknown) => void {
    return (error) => {
      if (!(error instanceof StorageUnavailable)) logger.error({ err: error }, message)
    }
  }

  function onUnpublished(error: unknown): void {
    logger.error({ err: error }, 'publishing failed; all streams are cut and will resume')
    registry.destroyAll()
  }

  /** Clients come back with cursors of the former epoch, and get a gap and fresh state. */
  function onEpoch(head: number): void {
    logger.warn({ epoch: log.epoch, head }, 'the database has a new epoch: all streams are cut and start afresh')
    registry.destroyAll()
    snapshots.forget()
    bus.beginAt(head)
  }

  function onPublish(...[events, ephemeral, head]: Parameters<Publish>): void {
    listeners.advance(events, ephemeral, head)
    retention.check()
    if (logger.isLevelEnabled('debug')) {
      for (const { seq, type, data } of events) logger.debug({ id: cursor(seq), type, data }, 'published')
    }
  }

  const settled = await membership.join()
  retention.start()
  if (settled > 0) logger.warn({ attempts: settled }, 'attempts that a crash interrupted were settled as failed')
  if (webRoot === null) logger.warn({}, 'the web app is not built, so pages are answered with 404: run "npm run build"')

  const authenticator = await createAuthenticator(config, {
    store,
    logger,
    onKeys: (isWithdrawn) => void registry.expireWithdrawn(isWithdrawn),
  })
  const guard = createWebGuard(config, authenticator.isOn)
  const limits = createClientLimits(config, authenticator.isOn)
  const badTokens = createBadTokens(config.rateBadTokens, limits.proxies)
  const admission = new Admission({
    authenticator,
    clients: limits,
    limit: new ConnectionLimit(config.maxStreams),
  })
  const live = {
    store,
    admission,
    delivery: { bus, snapshots, catchUp },
    registry,
    drain,
    heartbeat,
    heartbeatMs: config.heartbeatMs,
    maxAgeMs: config.streamMaxAgeMs,
    mustExist: (kind: ChannelKind, id: string) => store.read(({ sql }) => mustExist(sql, kind, id)),
  }
  const halfOpen = createHalfOpen(config, limits.proxies)
  const sockets = await createSockets(config, {
    ...live,
    guard,
    badTokens,
    halfOpen,
    isMember: (sql) => membership.isMember(sql),
    onError,
  })
  const app = createApp({
    store,
    bus,
    connections: registry,
    drain,
    metrics: createMetrics({ store, bus, connections: registry, membership, doorbell: wakeUp.doorbell }),
    doorbellStatus: () => (wakeUp.kind === null ? null : { kind: wakeUp.kind, status: wakeUp.doorbell.status }),
    node,
    membership,
    address: () => addressOf(server),
    stream: createStreamHandlers(live),
    admission,
    socketIo: sockets.socketIo,
    authenticator,
    logins: authenticator.logins,
    limits,
    badTokens,
    guard,
    docs: { basePath: config.basePath, hasRights: authenticator.isOn },
    webApp: webRoot === null ? null : { root: webRoot, basePath: config.basePath, hasRights: authenticator.isOn },
    logger,
  })
  const server = createHttpServer(config, createRequestHandler(app, { store, drain, guard }))
  const { endUnused, stopGuarding } = guardConnections(server, config, halfOpen)
  sockets.listenOn(server)
  await wakeUp.tried
  try {
    await listen(server, config)
  } catch (error) {
    await membership.leave()
    throw error
  }
  const stopSharing = session ? shareMetrics(leader, membership, reporting('computing the metrics failed')) : () => {}
  const stopForgetting = forgetAnswers(leader, reporting('forgetting old answers failed'))
  const messageExpiry = createMessageExpiry(store, leader, reporting('expiring messages failed'))
  membership.start(() => sockets.presence.tellAgain())
  storageWatch.start(() => store.tryAnyway((tx) => writeMeta(tx.sql, 'probe', tx.now)))

  const { port } = addressOf(server) ?? config
  const url = urlOf(config, port)
  logger.info({ url, node, db: storage.name, epoch: log.epoch, head: store.head }, 'listening')

  async function pageLink(): Promise<string | null> {
    const pageUrl = pageUrlOf(config, port)
    if (pageUrl === null) return null
    const { ticket } = await store.transact((tx) => issueTicket(tx, OPERATOR))
    return `${pageUrl}?ticket=${ticket}`
  }

  async function stop(): Promise<void> {
    heartbeat.stop()
    sockets.stop()
    authenticator.stop()
    stopGuarding()
    stopForgetting()
    stopSharing()
    snapshots.stop()
    stallCutter.stop()
    storageWatch.stop()
    await Promise.all([retention.stop(), messageExpiry.stop()])
    await membership.leave()
    try {
      await storage.close()
    } catch (error) {
      // Everything committed is in the database, and is found there at the next start.
      logger.error({ err: error }, 'the database could not be closed properly')
    }
  }

  const { drainMs } = config
  return new RunningServer({
    url,
    port,
    logger,
    server,
    sockets,
    registry,
    drain,
    drainMs,
    endUnusedConnections: endUnused,
    stop,
    pageLink,
  })
}
