/** Signing a browser in by a link with a ticket, and when it must be asked first. Rules AU21, AU22 and AU27 of docs/security.md. */
import { Problem } from '../base/errors.ts'
import type { Store } from '../db/store.ts'
import type { Authenticator } from './authenticator.ts'
import type { SessionToken, SessionTokens } from './session-tokens.ts'
import { OPERATOR, type Subject } from './subject.ts'
import { redeemTicket } from './tickets.ts'

export interface PageLogin {
  readonly session: SessionToken
  /** Who the browser would be signed in as. */
  readonly actor: string | null
  /**
   * Anybody can send somebody a link that signs him in as its sender, who would see what he does then. Whoever has every
   * right sees it anyway.
   */
  readonly mustAsk: boolean
}

export interface PageLogins {
  /** Uses a ticket up. `cookie` is the header of the browser. null while rights are off. Rejects with `unauthenticated`. */
  byTicket(ticket: string, cookie: string | undefined): Promise<PageLogin | null>
  /** After the question. null while rights are off. Rejects with `unauthenticated` and `token_expired`. */
  byToken(token: string): Promise<SessionToken | null>
}

export function logInsWithoutRights(store: Store): PageLogins {
  return {
    async byTicket(ticket) {
      await redeemTicket(store, ticket)
      return null
    },
    byToken: () => Promise.resolve(null),
  }
}

/** `redeem` uses a ticket up. */
export function createPageLogins(
  redeem: (ticket: string) => Promise<Subject>,
  sessions: SessionTokens,
  authenticator: Authenticator,
): PageLogins {
  /** Whether the browser is signed in with other rights than these. */
  async function isSomebodyElse(cookie: string | undefined, holder: Subject): Promise<boolean> {
    const fields = { header: (name: string) => (name === 'Cookie' ? cookie : undefined), query: () => undefined }
    try {
      return identityOf(await authenticator.authenticate(fields, false)) !== identityOf(holder)
    } catch (error) {
      // Otherwise it is not known, as while the keys of the issuer cannot be fetched.
      return !(error instanceof Problem && error.body.status === 401)
    }
  }

  return {
    async byTicket(ticket, cookie) {
      const holder = await redeem(ticket)
      const mustAsk = holder.id !== OPERATOR.id || (await isSomebodyElse(cookie, holder))
      return { session: await sessions.sign(holder), actor: holder.actor, mustAsk }
    },
    byToken: async (token) => sessions.sign(await authenticator.verify(token)),
  }
}

function identityOf({ actor, subscribe, publish, isAdmin, agentId, sessionId }: Subject): string {
  return JSON.stringify([actor, subscribe.key, publish.key, isAdmin, agentId, sessionId])
}
