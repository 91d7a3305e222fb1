/**
 * Decides which other nodes are dead, from what a node sees each time that it looks: a node is dead when its lock was free
 * for a while, or when its lease was not renewed for longer than it should be. Only what was seen without a break counts:
 * while the database was away, or the process of the observer was stopped, the others may have been unable to show
 * themselves.
 *
 *   look      x   x   x   (away)   x   x   x   x
 *   lock free x   x                x   x   x           dead at the last one
 */

export interface SeenNode {
  readonly session: string
  readonly seenAt: number
  readonly hasLock: boolean
}

interface Watched {
  seenAt: number
  /** When the lease was last seen to be renewed. */
  renewedAt: number
  /** When the lock was first seen to be free; null: it is held. */
  freeSince: number | null
}

const FREE_MS = 2_000
const SILENT_MS = 10_000
/** A longer time between two looks is a break. */
const BREAK_MS = 4_000

export class DeathWatch {
  #watched = new Map<string, Watched>()
  #last = -Infinity

  /** What was seen at `at`, in monotonic milliseconds. Returns the sessions of those that are dead. */
  look(at: number, nodes: readonly SeenNode[]): ReadonlySet<string> {
    const before = at - this.#last > BREAK_MS ? new Map<string, Watched>() : this.#watched
    this.#last = at
    this.#watched = new Map(nodes.map((node) => [node.session, seenNow(at, node, before.get(node.session))]))
    return new Set([...this.#watched].filter(([, watched]) => isDead(at, watched)).map(([session]) => session))
  }

  /** It could not look. */
  interrupt(): void {
    this.#last = -Infinity
  }
}

function seenNow(at: number, { seenAt, hasLock }: SeenNode, before: Watched | undefined): Watched {
  return {
    seenAt,
    renewedAt: before?.seenAt === seenAt ? before.renewedAt : at,
    freeSince: hasLock ? null : (before?.freeSince ?? at),
  }
}

function isDead(at: number, { renewedAt, freeSince }: Watched): boolean {
  return at - renewedAt >= SILENT_MS || (freeSince !== null && at - freeSince >= FREE_MS)
}
