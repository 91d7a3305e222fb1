/** How a server hears of what other nodes commit: its doorbell, and what operators see of it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../base/logger.ts'
import { type Doorbell, NO_DOORBELL } from '../db/doorbell.ts'
import { type Ephemeral, ON_THIS_NODE } from '../db/ephemeral.ts'
import type { DoorbellKind, Peers } from '../db/peers.ts'
import type { Store } from '../db/store.ts'

/** A doorbell that does not answer holds up the start for no longer than this. */
const PATIENCE_MS = 1_000

export interface WakeUp {
  readonly doorbell: Doorbell
  readonly ephemeral: Ephemeral
  /** null: nobody else writes to the database. */
  readonly kind: DoorbellKind | null
  /** Resolves when the doorbell works, or has failed to, or takes too long. */
  readonly tried: Promise<unknown>
}

export function createWakeUp(peers: Peers | null, epoch: () => string, store: () => Store, logger: Logger): WakeUp {
  if (!peers) return { doorbell: NO_DOORBELL, ephemeral: ON_THIS_NODE, kind: null, tried: Promise.resolve() }
  const { kind, name, passed } = peers
  const { doorbell, tried } = peers.wake({
    epoch,
    store,
    // The message alone: a library may add its settings, and with them the password, to the error.
    onFailure: (error) => logger.warn({ doorbell: name }, `doorbell unavailable: ${reasonOf(error)}`),
    onReturn: () => logger.info({ doorbell: name }, 'doorbell available again'),
  })
  const patience = delay(PATIENCE_MS, undefined, { ref: false })
  return { doorbell, ephemeral: passed, kind, tried: Promise.race([tried, patience]) }
}

function reasonOf(error: unknown): string {
  // Of several addresses that were tried, the outer error has no message.
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
