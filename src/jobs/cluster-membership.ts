/**
 * The membership of one node among several. Every second it looks at the others, and every other time it renews its lease:
 *
 *   look   renew the lease, read the rows and locks of all     on the connection of the session
 *     row gone     others took this node for dead: return
 *     others dead  the leader removes them; if the leader is dead, whoever is first
 *
 * Rows are added and removed in transactions that write, which run one after the other, so all of this happens once. A
 * node that shows itself just before its row is deleted keeps it: the row is deleted with the lease that was seen.
 */
import type { Logger } from '../base/logger.ts'
import type { Lease } from '../db/lease.ts'
import { readMeta, writeMeta } from '../db/meta.ts'
import type { NodeSession } from '../db/node-session.ts'
import {
  allNodes,
  hasLeader,
  hasNode,
  insertNode,
  isLeading,
  makeLeader,
  type NodeActivity,
  type NodeRow,
  removeNode,
  renewLease,
  takeNode,
} from '../db/rows/nodes.ts'
import type { Sql } from '../db/sql.ts'
import type { Store, Tx } from '../db/store.ts'
import { disconnectNode } from '../domain/presence.ts'
import { DeathWatch } from './death-watch.ts'
import type { Membership } from './membership.ts'
import { withPatience } from './patience.ts'
import { settleLastRun } from './settling.ts'

const LOOK_EVERY_MS = 1_000
const RENEW_EVERY = 2
/** A node that starts looks so often until it knows who is alive. */
const START_LOOK_EVERY_MS = 200

export interface ClusterMembershipOptions {
  readonly store: Store
  readonly session: NodeSession
  readonly node: string
  readonly logger: Logger
  activity(): NodeActivity
  onError(error: unknown): void
}

interface Seen {
  /** By the clock of the database. */
  readonly now: number
  readonly nodes: readonly NodeRow[]
  /** The sessions of other nodes that are dead. */
  readonly dead: ReadonlySet<string>
  /** The sessions that hold their locks. */
  readonly locked: ReadonlySet<string>
}

export class ClusterMembership implements Membership {
  readonly lease: Lease
  readonly #options: ClusterMembershipOptions
  readonly #watch = new DeathWatch()
  #seen: Seen = { now: 0, nodes: [], dead: new Set(), locked: new Set() }
  #timer: NodeJS.Timeout | undefined
  #looks = 0
  #isLooking = false
  /** A transaction about nodes is on its way. */
  #isTending = false
  #wasLeader = false
  #hasLostName = false
  #isLeaving = false

  constructor(options: ClusterMembershipOptions) {
    this.#options = options
    const { id } = options.session
    this.lease = { isHeld: (sql) => isLeading(sql, id), isLikely: () => this.isLeader }
  }

  get isLeader(): boolean {
    return this.#own?.leads ?? false
  }

  get nodeCount(): number {
    return this.#seen.nodes.length
  }

  get wantsMetrics(): boolean {
    return this.#options.activity().wantsMetrics || this.#seen.nodes.some(({ wantsMetrics }) => wantsMetrics)
  }

  get #own(): NodeRow | undefined {
    return this.#seen.nodes.find(({ session }) => session === this.#options.session.id)
  }

  isMember(sql: Sql): Promise<boolean> {
    return hasNode(sql, this.#options.session.id)
  }

  async join(): Promise<number> {
    const { store, node } = this.#options
    let seen = await this.#look(false)
    const isOpen = ({ node: name, session }: NodeRow) =>
      name !== node && !seen.locked.has(session) && !seen.dead.has(session)
    while (seen.nodes.some(isOpen)) {
      await new Promise((resolve) => setTimeout(resolve, START_LOOK_EVERY_MS))
      seen = await this.#look(false)
    }
    const settled = await store.transact(async (tx) => {
      for (const row of seen.nodes) if (seen.dead.has(row.session)) await bury(tx, await takeNode(tx.sql, row))
      // The lock of the name is held here, so whoever had the name before is dead.
      const predecessor = (await allNodes(tx.sql)).find((row) => row.node === node)
      if (predecessor) await bury(tx, await removeNode(tx.sql, predecessor.session))
      const isAlone = (await allNodes(tx.sql)).length === 0
      const crashed = isAlone && (await readMeta(tx.sql, 'in_use')) === '1'
      const ended = isAlone ? await settleLastRun(tx, { crashed }) : 0
      await this.#enter(tx, seen.now)
      return ended
    })
    await this.#look(false)
    return settled
  }

  start(onReturn: () => void): void {
    this.#timer = setInterval(() => void this.#tick(onReturn), LOOK_EVERY_MS)
    this.#timer.unref()
  }

  async report() {
    const { store } = this.#options
    return store.read(async ({ sql, head }) => ({ nodes: await allNodes(sql), head }))
  }

  async leave(): Promise<void> {
    const { store, session, node, logger } = this.#options
    this.#isLeaving = true
    clearInterval(this.#timer)
    try {
      const locked = await this.#look(false).then(
        (seen) => seen.locked,
        () => null,
      )
      await withPatience(() =>
        store.tryAnyway(async (tx) => {
          const own = await removeNode(tx.sql, session.id)
          if (own) await disconnectNode(tx, node)
          // One that is seen to be dead may still have its row.
          const others = (await allNodes(tx.sql)).filter((other) => locked?.has(other.session) ?? true)
          const [next] = others.toSorted((a, b) => b.seenAt - a.seenAt)
          if (!next) await writeMeta(tx.sql, 'in_use', '0')
          else if (own?.leads) await makeLeader(tx.sql, next.session)
        }),
      )
    } catch (error) {
      logger.error({ err: error }, 'the stop could not be noted: other nodes will find this one dead')
    }
  }

  async #tick(onReturn: () => void): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      this.#looks += 1
      const seen = await this.#look(this.#looks % RENEW_EVERY === 0)
      const leader = seen.nodes.find(({ leads }) => leads)
      if (this.#isLeaving) return
      if (!this.#own) this.#tend(() => this.#return(onReturn))
      else if (this.isLeader ? seen.dead.size > 0 : !leader || seen.dead.has(leader.session)) {
        this.#tend(() => this.#removeDead(seen))
      }
    } catch {
      // The store reports that the database is away.
      this.#watch.interrupt()
    } finally {
      this.#isLooking = false
    }
  }

  /** Not waited for: the lease must be renewed meanwhile. */
  #tend(work: () => Promise<void>): void {
    if (this.#isTending) return
    this.#isTending = true
    work()
      .catch(this.#options.onError)
      .finally(() => {
        this.#isTending = false
      })
  }

  async #look(renews: boolean): Promise<Seen> {
    const { session, activity } = this.#options
    const found = await session.look(async (sql, sight) => {
      if (renews) await renewLease(sql, { session: session.id, seenAt: sight.now, ...activity() })
      const nodes = await allNodes(sql)
      return { now: sight.now, nodes, locked: nodes.map(({ session }) => session).filter(sight.holds) }
    })
    const locked = new Set(found.locked)
    const others = found.nodes.filter((row) => row.session !== session.id)
    const dead = this.#watch.look(
      performance.now(),
      others.map((row) => ({ ...row, hasLock: locked.has(row.session) })),
    )
    this.#seen = { ...found, locked, dead }
    this.#noteLead()
    return this.#seen
  }

  #noteLead(): void {
    const { node, logger } = this.#options
    if (this.isLeader === this.#wasLeader) return
    this.#wasLeader = this.isLeader
    logger.info({ node }, this.isLeader ? 'this node leads' : 'this node leads no more')
  }

  async #removeDead({ nodes, dead }: Seen): Promise<void> {
    const { store, session, logger } = this.#options
    const removed = await store.transact(async (tx) => {
      const taken: string[] = []
      if (!(await this.isMember(tx.sql))) return taken
      for (const row of nodes) {
        if (!dead.has(row.session)) continue
        const gone = await takeNode(tx.sql, row)
        await bury(tx, gone)
        if (gone) taken.push(gone.node)
      }
      if (!(await hasLeader(tx.sql))) await makeLeader(tx.sql, session.id)
      return taken
    })
    for (const dead of removed) logger.warn({ dead }, 'another node is dead; its agents were told as disconnected')
  }

  /** Other nodes took this one for dead, and told its agents as disconnected. */
  async #return(onReturn: () => void): Promise<void> {
    const { store, node, session, logger } = this.#options
    const { now } = this.#seen
    const isIn = await store.tryAnyway(async (tx) => {
      if (this.#isLeaving) return false
      const other = (await allNodes(tx.sql)).find((row) => row.node === node)
      if (!other) await this.#enter(tx, now)
      return !other || other.session === session.id
    })
    if (isIn) onReturn()
    else if (!this.#hasLostName && !this.#isLeaving) {
      this.#hasLostName = true
      logger.error({ node }, 'another node has taken the name of this one: restart this one under another name')
    }
  }

  async #enter(tx: Tx, now: number): Promise<void> {
    const { session, node, activity } = this.#options
    const leads = !(await hasLeader(tx.sql))
    await insertNode(tx.sql, { node, session: session.id, startedAt: now, seenAt: now, leads, ...activity() })
    await writeMeta(tx.sql, 'in_use', '1')
  }
}

/** The sockets on a node that is gone have closed. Does nothing if the node is not. */
async function bury(tx: Tx, row: NodeRow | undefined): Promise<void> {
  if (row) await disconnectNode(tx, row.node)
}
