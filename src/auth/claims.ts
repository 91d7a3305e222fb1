/** The subject that the claims of a token describe. */
import { tokenClaims } from '../../shared/src/types/token-claims.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import type { Subject } from './subject.ts'

/** Clocks of issuer and server may differ by this much. */
export const LEEWAY_S = 5

/**
 * The subject of claims whose signature, by the key `keyId`, and dates are good. `fallbackId` is its id if the claims name
 * neither a subject nor an agent. Throws `unauthenticated` and names the claims that are malformed. Unknown claims are ignored.
 */
export function subjectOf(payload: unknown, keyId: string, fallbackId: string): Subject {
  const parsed = tokenClaims.safeParse(payload)
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')} ${faultOf(message)}`)
    throw new Problem('unauthenticated', `The claims of the token are malformed: ${faults.join('; ')}.`, {
      tokenError: 'invalid_token',
    })
  }
  const { sub, exp, boardcast, agent_id: agentId = null, session_id: sessionId = null } = parsed.data
  return {
    id: sub !== undefined ? `sub:${sub}` : agentId !== null ? `agent:${agentId}` : fallbackId,
    actor: sub ?? agentId,
    subscribe: ChannelPatterns.of(boardcast.subscribe),
    publish: ChannelPatterns.of(boardcast.publish),
    isAdmin: boardcast.admin,
    agentId,
    sessionId,
    keyId,
    expiresAt: exp === undefined ? Infinity : (exp + LEEWAY_S) * 1_000,
  }
}

/** zod writes "Invalid input: expected string, received number"; here it follows the name of the claim. */
function faultOf(message: string): string {
  return message.replace(/^Invalid (?:input|string): /, 'is invalid: ').replace(/^Too /, 'is too ')
}
