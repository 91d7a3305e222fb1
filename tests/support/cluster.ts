/** Nodes in processes of their own on one database of PostgreSQL, and what tests ask of them. */
import { onTestFinished } from 'vitest'
import { ChildServer } from './child-server.ts'
import type { PostgresServer } from './postgres.ts'
import { SocketClient } from './socket.ts'

export interface ClusterNode {
  readonly node: string
  readonly startedAt: string
  readonly seenAt: string
  readonly streams: number
  readonly leader: boolean
}

export interface LoggedEvent {
  readonly id: string
  /** The domain name. */
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
}

export class TestCluster {
  readonly databaseUrl: string

  private constructor(databaseUrl: string) {
    this.databaseUrl = databaseUrl
  }

  static async create(postgres: PostgresServer): Promise<TestCluster> {
    return new TestCluster(await postgres.database())
  }

  /** On a database that is there. */
  static on(databaseUrl: string): TestCluster {
    return new TestCluster(databaseUrl)
  }

  /** Starts a node; it ends with the test. */
  start(node: string, env: Readonly<Record<string, string>> = {}): Promise<ChildServer> {
    return ChildServer.start({ BOARDCAST_DATABASE_URL: this.databaseUrl, BOARDCAST_NODE: node, ...env })
  }

  startAll(nodes: readonly string[]): Promise<ChildServer[]> {
    return Promise.all(nodes.map((node) => this.start(node)))
  }
}

/** The nodes as one of them reports them. */
export async function nodesAt({ url }: { readonly url: string }): Promise<readonly ClusterNode[]> {
  const response = await fetch(`${url}/stats`)
  if (!response.ok) throw new Error(`/stats: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { cluster: { nodes: ClusterNode[] } }).cluster.nodes
}

export async function leaderAt(server: { readonly url: string }): Promise<string | undefined> {
  return (await nodesAt(server)).find(({ leader }) => leader)?.node
}

/** The log as a node reads it now. */
export async function logAt({ url }: { readonly url: string }): Promise<LoggedEvent[]> {
  const response = await fetch(`${url}/api/v1/events?channels=global&limit=1000`)
  if (!response.ok) throw new Error(`/events: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { events: LoggedEvent[] }).events
}

/** `agent.connected a`, `agent.disconnected a`, ...: presence as the log has it. */
export async function presenceAt(server: { readonly url: string }): Promise<string[]> {
  return (await logAt(server)).flatMap(({ event, data }) =>
    /^agent\.(dis)?connected$/.test(event) ? [`${event} ${data.agent_id}`] : [],
  )
}

/** A running attempt, made over a node. */
export async function attemptOn({ url }: { readonly url: string }): Promise<string> {
  const board = await post<{ id: string }>(url, '/boards', { name: 'Work' })
  const card = await post<{ id: string }>(url, `/boards/${board.id}/cards`, { title: 'A card' })
  const attempt = await post<{ id: string }>(url, `/cards/${card.id}/attempts`, { agent: 'worker', status: 'running' })
  return attempt.id
}

/** A message with this time to live. */
export async function messageOn({ url }: { readonly url: string }, ttl_seconds: number): Promise<void> {
  await post(url, '/messages', { from_agent: 'one', to_agent: 'two', content: 'short-lived', ttl_seconds })
}

/** The events by which attempts were settled as interrupted. */
export async function interruptionsAt(server: { readonly url: string }): Promise<LoggedEvent[]> {
  return (await logAt(server)).filter(
    ({ data }) => data.error === 'interrupted' || data.attempt?.error === 'interrupted',
  )
}

async function post<T>(url: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** A socket of an agent on a node, which the log has. It ends with the test. */
export async function agentOn(server: ChildServer, agentId: string): Promise<SocketClient> {
  const socket = await SocketClient.open(server.url, `/ws?global=0&agent_id=${agentId}`)
  onTestFinished(() => socket[Symbol.asyncDispose]())
  await eventually(`${agentId} is connected`, async () =>
    (await presenceAt(server)).includes(`agent.connected ${agentId}`),
  )
  return socket
}

/** Resolves when the condition holds. */
export async function eventually(what: string, holds: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  for (const end = performance.now() + withinMs; ; ) {
    if (await holds()) return
    if (performance.now() >= end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
