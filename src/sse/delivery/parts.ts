/** What all subscriptions share. */
import type { Audiences } from './audiences.ts'
import type { CatchUp } from './catch-up.ts'
import type { Snapshots } from './snapshots.ts'

export interface DeliveryParts {
  readonly bus: Audiences
  readonly snapshots: Snapshots
  readonly catchUp: CatchUp
}
