/** The holder of a credential: who it is, and what the credential allows. */
import { ChannelPatterns } from '../base/channel-patterns.ts'

export interface Subject {
  /** Whom limits and idempotency keys belong to; empty while rights are off. */
  readonly id: string
  /** Who is named as the author of events: the token's `sub`, the agent of a bound token, else null. */
  readonly actor: string | null
  readonly subscribe: ChannelPatterns
  readonly publish: ChannelPatterns
  /** May read statistics and metrics of the server. Says nothing about channels. */
  readonly isAdmin: boolean
  /** The agent and the session that the token is bound to: it speaks for no other. */
  readonly agentId: string | null
  readonly sessionId: string | null
  /** The key that the credential was verified with. When that is withdrawn, the credential is worth nothing. */
  readonly keyId: string
  /** When the credential lapses, in milliseconds since 1970; Infinity: never. */
  readonly expiresAt: number
}

/** Somebody without a name who may do everything. */
function almighty(id: string, keyId: string): Subject {
  return {
    id,
    actor: null,
    subscribe: ChannelPatterns.all,
    publish: ChannelPatterns.all,
    isAdmin: true,
    agentId: null,
    sessionId: null,
    keyId,
    expiresAt: Infinity,
  }
}

/** The key of nobody: a ticket of a time without rights opens nothing once they are on. */
const NO_KEY = ''

/** Stands for the server, which vouches for those who have started it. */
export const SERVER_KEY = 'server'

/** Everybody, while rights are off. */
export const ANYBODY: Subject = almighty('', NO_KEY)

/** Whoever has the password, or has started the server. */
export const OPERATOR: Subject = almighty('operator', SERVER_KEY)
