/** The membership of a server that has its database for itself. */
import { now } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { createLeader, SOLE_NODE } from '../db/lease.ts'
import type { Storage } from '../db/storage.ts'
import type { Store } from '../db/store.ts'
import { noteStart, noteStop } from './clean-stop.ts'
import type { Membership } from './membership.ts'

export interface SoleMembershipOptions {
  readonly store: Store
  readonly storage: Storage
  readonly logger: Logger
  readonly node: string
  /** The number of open streams and sockets. */
  streams(): number
}

export function createSoleMembership({ store, storage, logger, node, streams }: SoleMembershipOptions): Membership {
  const startedAt = now()
  return {
    lease: SOLE_NODE,
    isLeader: true,
    nodeCount: 1,
    // They are computed where they are shown.
    wantsMetrics: false,
    isMember: async () => true,
    join: () => noteStart(store, createLeader(store, SOLE_NODE), storage),
    start() {},
    report: async () => ({
      nodes: [{ node, startedAt, seenAt: now(), streams: streams(), leads: true }],
      head: store.head,
    }),
    leave: () => noteStop(store, storage, logger),
  }
}
