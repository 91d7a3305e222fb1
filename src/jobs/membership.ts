/** A node's place among those on its database: whether it leads, who else is there, and its own coming and going. */
import type { Lease } from '../db/lease.ts'
import type { NodeRow } from '../db/rows/nodes.ts'
import type { Sql } from '../db/sql.ts'

export type ReportedNode = Pick<NodeRow, 'node' | 'startedAt' | 'seenAt' | 'streams' | 'leads'>

export interface Membership {
  readonly lease: Lease
  /** When it was last looked up, as `nodeCount`. Only the lease decides. */
  readonly isLeader: boolean
  readonly nodeCount: number
  /** Somebody listens to the metrics, on any node. */
  readonly wantsMetrics: boolean
  /** Inside a transaction: false if other nodes have taken this one for dead, and it has not come back yet. */
  isMember(sql: Sql): Promise<boolean>
  /**
   * Takes the node in, and settles what nodes that are dead have left. To be called before clients can connect. Resolves to
   * the number of attempts that were ended.
   */
  join(): Promise<number>
  /** Shows from now on that the node is alive. `onReturn`: it was taken for dead, and has come back. */
  start(onReturn: () => void): void
  /** The nodes that are alive, and the head of the log. */
  report(): Promise<{ readonly nodes: readonly ReportedNode[]; readonly head: number }>
  /** Its agents are disconnected, and somebody else leads. Never rejects. */
  leave(): Promise<void>
}
