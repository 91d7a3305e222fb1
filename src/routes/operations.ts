/** Health, statistics and metrics. */

import type { AddressInfo } from 'node:net'
import type { Context, Hono } from 'hono'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { authorizeAdmin } from '../auth/rights.ts'
import { nowIso } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import type { Drain } from '../connections/drain.ts'
import type { ConnectionRegistry } from '../connections/registry.ts'
import type { Doorbell } from '../db/doorbell.ts'
import { readMeta, writeMeta } from '../db/meta.ts'
import type { DoorbellKind } from '../db/peers.ts'
import type { Store } from '../db/store.ts'
import type { Membership, ReportedNode } from '../jobs/membership.ts'
import type { Metrics } from '../jobs/metrics.ts'
import type { Bus } from '../sse/bus.ts'
import { credentialFields, type Env } from './api.ts'

export interface OperationsDependencies {
  readonly store: Store
  readonly bus: Bus
  readonly connections: ConnectionRegistry
  readonly drain: Drain
  readonly metrics: Metrics
  readonly authenticator: Authenticator
  /** The name of this node. */
  readonly node: string
  readonly membership: Pick<Membership, 'report'>
  address(): AddressInfo | null
  /** null: nobody else writes to the database. */
  doorbellStatus(): { readonly kind: DoorbellKind; readonly status: Doorbell['status'] } | null
}

export function registerOperations(
  app: Hono<Env>,
  {
    store,
    bus,
    connections,
    drain,
    metrics,
    authenticator,
    node,
    membership,
    address,
    doorbellStatus,
  }: OperationsDependencies,
): void {
  const startedAt = performance.now()

  async function requireAdmin(c: Context<Env>): Promise<void> {
    authorizeAdmin(await authenticator.authenticate(credentialFields(c), false))
  }

  /** Asks without refusing anybody. */
  async function isAdmin(c: Context<Env>): Promise<boolean> {
    try {
      return (await authenticator.authenticate(credentialFields(c), false)).isAdmin
    } catch {
      return false // Harmless: whoever has no valid token gets what is open to everyone.
    }
  }

  app.get('/health', async (c) => {
    const channelStats = bus.channelStats()
    return c.json({
      status: 'healthy',
      type: 'boardcast',
      node,
      port: address()?.port ?? null,
      connectedClients: connections.size,
      activeChannels: Object.keys(channelStats).length,
      // The names of channels are not for everyone.
      channelStats: (await isAdmin(c)) ? channelStats : {},
      timestamp: nowIso(),
    })
  })

  // Answering at all proves that the event loop runs.
  app.get('/health/live', (c) => c.json({ status: 'live' }))

  app.get('/health/ready', async (c) => {
    if (drain.isAnnounced) throw new Problem('draining', 'The server is shutting down.', { retryAfterS: 2 })
    await store.transact((tx) => writeMeta(tx.sql, 'probe', tx.now))
    const head = await store.read(async (snapshot) => {
      await readMeta(snapshot.sql, 'probe')
      return snapshot.head
    })
    if (bus.head < head)
      throw new Problem('overloaded', 'Committed events are waiting to be published.', { retryAfterS: 1 })
    const doorbell = doorbellStatus()
    return c.json({ status: 'ready', ...(doorbell && { doorbell }) })
  })

  app.get('/stats', async (c) => {
    await requireAdmin(c)
    const { nodes, head } = await membership.report()
    const { epoch, bounds, transient } = store
    const { total, byTransport, behind, bytesWritten, pendingBytes } = connections.counts()
    const memory = process.memoryUsage()
    const channelStats = bus.channelStats()
    return c.json({
      node,
      cluster: { nodes: nodes.map(shown), head: formatCursor(epoch, head) },
      connectedClients: total,
      activeChannels: Object.keys(channelStats).length,
      channelStats,
      connections: { total, ...byTransport, behind },
      bytes: { written: bytesWritten, pending: pendingBytes },
      audiences: bus.audienceCount,
      log: {
        epoch,
        oldest: formatCursor(epoch, bounds.oldest),
        newest: formatCursor(epoch, bounds.newest),
        chatter: { events: transient.events, bytes: transient.bytes },
      },
      uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
      memory: { rss: memory.rss, heapUsed: memory.heapUsed, external: memory.external },
      timestamp: nowIso(),
    })
  })

  app.get('/metrics', async (c) => {
    await requireAdmin(c)
    return c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType })
  })
}

function shown({ node, startedAt, seenAt, streams, leads }: ReportedNode) {
  return {
    node,
    startedAt: new Date(startedAt).toISOString(),
    seenAt: new Date(seenAt).toISOString(),
    streams,
    leader: leads,
  }
}
