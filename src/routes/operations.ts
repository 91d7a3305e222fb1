/** Health, statistics and metrics. */

import type { AddressInfo } from 'node:net'
import type { Context, Hono } from 'hono'
import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { named } from '../../shared/src/names.ts'
import { timestamp } from '../../shared/src/types/time.ts'
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
import type { PlainOperation } from './operation.ts'

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

const health = named(
  'Health',
  z.strictObject({
    status: z.literal('healthy'),
    type: z.literal('boardcast'),
    node: z.string(),
    /** null: it listens on no port. */
    port: z.int().min(0).max(65_535).nullable(),
    connectedClients: z.int().min(0),
    activeChannels: z.int().min(0),
    channelStats: z.record(z.string(), z.int().min(0)),
    timestamp,
  }),
)
const live = named('Liveness', z.strictObject({ status: z.literal('live') }))
const ready = named(
  'Readiness',
  z.strictObject({
    status: z.literal('ready'),
    /** Where nodes share a database. */
    doorbell: z
      .strictObject({ kind: z.enum(['postgres', 'redis', 'poll']), status: z.enum(['ok', 'degraded']) })
      .optional(),
  }),
)
const stats = named('Stats', z.looseObject({ node: z.string(), timestamp }))

const forOperators = { tag: 'Operations', credentials: 'none', right: 'Needs no token.', errors: [] } as const
const forAdmins = { ...forOperators, credentials: 'header', right: 'Needs a token with `admin`.' } as const

/** By the paths that they are registered under. */
export const operatorOperations: readonly PlainOperation[] = [
  {
    ...forOperators,
    operationId: 'getHealth',
    path: '/health',
    summary: 'Reads the state of this process. With a token with `admin` it names the channels.',
    answer: {
      kind: 'json',
      schema: health,
      example: {
        status: 'healthy',
        type: 'boardcast',
        node: 'n1',
        port: 8080,
        connectedClients: 1,
        activeChannels: 1,
        channelStats: { [`board:${exampleIds.board}`]: 1 },
        timestamp: exampleTime,
      },
    },
  },
  {
    ...forOperators,
    operationId: 'getLiveness',
    path: '/health/live',
    summary: 'Answers while the process runs.',
    answer: { kind: 'json', schema: live, example: { status: 'live' } },
  },
  {
    ...forOperators,
    operationId: 'getReadiness',
    path: '/health/ready',
    summary: 'Answers 200 while the process can write and publish.',
    errors: ['draining', 'overloaded', 'storage_unavailable'],
    answer: { kind: 'json', schema: ready, example: { status: 'ready' } },
  },
  {
    ...forAdmins,
    operationId: 'getStats',
    path: '/stats',
    summary: 'Reads statistics of this process. Versions may add fields.',
    answer: {
      kind: 'json',
      schema: stats,
      example: { node: 'n1', connectedClients: 1, uptimeSeconds: 60, timestamp: exampleTime },
    },
  },
  {
    ...forAdmins,
    operationId: 'getMetrics',
    path: '/metrics',
    summary: 'Reads the metrics of this process, for Prometheus.',
    answer: {
      kind: 'text',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      example: '# TYPE boardcast_connections gauge\nboardcast_connections{transport="sse"} 1\n',
    },
  },
]

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
