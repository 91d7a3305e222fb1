/**
 * Tokens of the server's own, for the cookie that a browser gets for a ticket. Their key is kept in the database, so that
 * they work beside the keys of any issuer. They name the key and the holder of the token behind the ticket: they
 * are valid only with that key, and share the limits of that holder.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { now } from '../base/clock.ts'
import { readMeta, writeMeta } from '../db/meta.ts'
import type { Store } from '../db/store.ts'
import { LEEWAY_S } from './claims.ts'
import { hmacKey, type KeySource } from './keys.ts'
import { patternsOf } from './stored-subject.ts'
import { SERVER_KEY, type Subject } from './subject.ts'

const KEY_ID = 'boardcast-session'
/** The claim about the credential that was behind the ticket. */
export const ORIGIN_CLAIM = 'boardcast_origin'
const LIFETIME_MS = 12 * 60 * 60 * 1_000

export interface SessionToken {
  readonly token: string
  readonly maxAgeS: number
}

/** The key and the id of a subject. */
export interface Origin {
  readonly key: string
  readonly id: string
}

export interface SessionTokens extends KeySource {
  /** A token with the rights of the subject, for 12 h, or for as long as its own credential is valid if that is shorter. */
  sign(subject: Subject): Promise<SessionToken>
  /** The id of a password or secret. It tells nothing to those who cannot read the database. */
  idOf(kind: 'password' | 'secret', text: string): string
}

/** Makes the key if the database has none. */
export async function openSessionTokens(store: Store): Promise<SessionTokens> {
  const secret = await store.transact(async ({ sql }) => {
    const known = await readMeta(sql, 'session_key')
    if (known !== undefined) return known
    const fresh = randomBytes(32).toString('base64url')
    await writeMeta(sql, 'session_key', fresh)
    return fresh
  })
  const keys = [await hmacKey(secret, SERVER_KEY)]
  return {
    candidates: ({ alg, kid }) => Promise.resolve(alg === 'HS256' && kid === KEY_ID ? keys : []),
    has: (keyId) => Promise.resolve(keyId === SERVER_KEY),
    idOf: (kind, text) => createHmac('sha256', secret).update(`${kind}:${text}`).digest('base64url').slice(0, 22),
    async sign(subject) {
      const nowS = Math.floor(now() / 1_000)
      const exp = Math.floor(Math.min(nowS + LIFETIME_MS / 1_000, subject.expiresAt / 1_000 - LEEWAY_S))
      const token = await new SignJWT({ ...claimsOf(subject), exp })
        .setProtectedHeader({ alg: 'HS256', kid: KEY_ID })
        .sign(new TextEncoder().encode(secret))
      return { token, maxAgeS: Math.max(0, exp - nowS) }
    },
  }
}

function claimsOf({ id, subscribe, publish, isAdmin, agentId, sessionId, keyId }: Subject) {
  const boardcast = { subscribe: patternsOf(subscribe), publish: patternsOf(publish), admin: isAdmin }
  return {
    ...(id.startsWith('sub:') && { sub: id.slice('sub:'.length) }),
    ...(agentId !== null && { agent_id: agentId }),
    ...(sessionId !== null && { session_id: sessionId }),
    boardcast,
    [ORIGIN_CLAIM]: { key: keyId, id } satisfies Origin,
  }
}
