/** The claims of a token (docs/security.md, Tokens), and the subject that they describe. */
import * as z from 'zod'
import { externalId, text } from '../../shared/src/types/text.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import type { Subject } from './subject.ts'

/** Clocks of issuer and server may differ by this much. */
export const LEEWAY_S = 5

const pattern = z
  .string()
  .max(257)
  .regex(
    /^(?:[A-Za-z0-9:_./-]+\*?|\*)$/,
    'must be the name of a channel, or the beginning of names before a * at the end',
  )

const claims = z.object({
  sub: text(1, 200)
    .refine((value) => !/\p{Cc}/u.test(value), 'may not hold control characters')
    .optional(),
  exp: z.number().optional(),
  boardcast: z
    .object({
      subscribe: z.array(pattern).default([]),
      publish: z.array(pattern).default([]),
      admin: z.boolean().default(false),
    })
    .default({ subscribe: [], publish: [], admin: false }),
  agent_id: externalId.optional(),
  session_id: externalId.optional(),
})

/**
 * The subject of claims whose signature and dates are good. `fallbackId` is its id if the claims name neither a subject nor
 * an agent. Throws `unauthenticated` and names the claims that are malformed. Unknown claims are ignored.
 */
export function subjectOf(payload: unknown, fallbackId: string): Subject {
  const parsed = claims.safeParse(payload)
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
    expiresAt: exp === undefined ? Infinity : (exp + LEEWAY_S) * 1_000,
  }
}

/** zod writes "Invalid input: expected string, received number"; here it follows the name of the claim. */
function faultOf(message: string): string {
  return message.replace(/^Invalid (?:input|string): /, 'is invalid: ').replace(/^Too /, 'is too ')
}
