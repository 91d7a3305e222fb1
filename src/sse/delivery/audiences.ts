/** What deliveries need of the registry of listeners, which is `src/sse/bus.ts`. */
import type { Audience } from './audience.ts'
import type { Framing } from './framing.ts'
import type { Selection } from './selection.ts'

export interface Membership {
  readonly audience: Audience
  /** Leaves the audience. Safe to call twice. */
  leave(): void
}

export interface Audiences {
  /** The newest sequence number that was published. */
  readonly head: number
  /** The cursor of a sequence number, as clients see it. */
  cursor(seq: number): string
  /** Joins the audience with this selection and framing. The first member creates it. */
  subscribe(selection: Selection, framing: Framing): Membership
  /** The audiences that listen to a channel. */
  audiencesOf(channel: string): ReadonlySet<Audience>
}
