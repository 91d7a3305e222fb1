/** Rows of the nodes on the database, with their leases. A session is one start of a node. */
import type { Sql } from '../sql.ts'

/** What a node writes with its lease. */
export interface NodeActivity {
  /** Open streams and sockets. */
  readonly streams: number
  /** Somebody listens to the metrics. */
  readonly wantsMetrics: boolean
}

export interface NodeRow extends NodeActivity {
  readonly node: string
  readonly session: string
  /** Milliseconds since 1970, by the clock of the database, as `seenAt`. */
  readonly startedAt: number
  readonly seenAt: number
  readonly leads: boolean
}

interface StoredNode {
  readonly node: string
  readonly session: string
  readonly startedAt: number
  readonly seenAt: number
  readonly streams: number
  readonly wantsMetrics: number
  readonly leads: number
}

const COLUMNS = `node, session, started_at AS "startedAt", seen_at AS "seenAt", streams,
  wants_metrics AS "wantsMetrics", leads`

/** Sorted by name. */
export async function allNodes(sql: Sql): Promise<NodeRow[]> {
  return (await sql.all<StoredNode>(`SELECT ${COLUMNS} FROM nodes ORDER BY node`)).map(fromRow)
}

export async function insertNode(sql: Sql, row: NodeRow): Promise<void> {
  await sql.run(
    `INSERT INTO nodes (node, session, started_at, seen_at, streams, wants_metrics, leads)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [row.node, row.session, row.startedAt, row.seenAt, row.streams, row.wantsMetrics ? 1 : 0, row.leads ? 1 : 0],
  )
}

/** Does nothing if the row is not there: other nodes took this one for dead. */
export async function renewLease(
  sql: Sql,
  { session, seenAt, streams, wantsMetrics }: NodeActivity & Pick<NodeRow, 'session' | 'seenAt'>,
): Promise<void> {
  await sql.run('UPDATE nodes SET seen_at = ?, streams = ?, wants_metrics = ? WHERE session = ?', [
    seenAt,
    streams,
    wantsMetrics ? 1 : 0,
    session,
  ])
}

/** Deletes the row and returns it, unless the lease was renewed since; undefined if it does not. */
export async function takeNode(
  sql: Sql,
  { session, seenAt }: Pick<NodeRow, 'session' | 'seenAt'>,
): Promise<NodeRow | undefined> {
  const row = await sql.get<StoredNode>(`DELETE FROM nodes WHERE session = ? AND seen_at = ? RETURNING ${COLUMNS}`, [
    session,
    seenAt,
  ])
  return row && fromRow(row)
}

/** Deletes the row, whatever its lease, and returns it; undefined if there is none. */
export async function removeNode(sql: Sql, session: string): Promise<NodeRow | undefined> {
  const row = await sql.get<StoredNode>(`DELETE FROM nodes WHERE session = ? RETURNING ${COLUMNS}`, [session])
  return row && fromRow(row)
}

export async function hasNode(sql: Sql, session: string): Promise<boolean> {
  return (await sql.get('SELECT 1 FROM nodes WHERE session = ?', [session])) !== undefined
}

export async function isLeading(sql: Sql, session: string): Promise<boolean> {
  return (await sql.get('SELECT 1 FROM nodes WHERE session = ? AND leads = 1', [session])) !== undefined
}

export async function hasLeader(sql: Sql): Promise<boolean> {
  return (await sql.get('SELECT 1 FROM nodes WHERE leads = 1')) !== undefined
}

/** The node leads from now on. To be called when no other one does. */
export async function makeLeader(sql: Sql, session: string): Promise<void> {
  await sql.run('UPDATE nodes SET leads = 1 WHERE session = ?', [session])
}

function fromRow({ wantsMetrics, leads, ...row }: StoredNode): NodeRow {
  return { ...row, wantsMetrics: wantsMetrics === 1, leads: leads === 1 }
}
