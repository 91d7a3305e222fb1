/** Tokens with any claims, and servers with rights on. */
import { SignJWT } from 'jose'
import { startTestServer, type TestServer } from './server.ts'

/** What servers of these tests verify with, unless they are given another. A comma would make two of it in a setting. */
export const SECRET = 'a secret of these tests longer than 32 bytes'

export interface Claims {
  readonly sub?: string
  /** Seconds since 1970. */
  readonly exp?: number
  readonly nbf?: number
  readonly agent_id?: string
  readonly session_id?: string
  readonly boardcast?: {
    readonly subscribe?: readonly string[]
    readonly publish?: readonly string[]
    readonly admin?: boolean
  }
}

/** A token of HS256. Claims of other types than a server accepts may be given, too. */
export function sign(claims: Claims | Record<string, unknown>, secret = SECRET): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

/** A token that may subscribe and publish, each on the channels of its patterns. */
export function tokenFor(subscribe: readonly string[], publish = subscribe, more: Claims = {}): Promise<string> {
  return sign({ ...more, boardcast: { subscribe, publish, ...more.boardcast } })
}

/** Seconds since 1970, as claims hold them; `offsetS` from now. */
export function seconds(offsetS = 0): number {
  return Math.floor(Date.now() / 1_000) + offsetS
}

/** The headers of a request with the token. */
export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` }
}

/** A server that verifies tokens of SECRET. Its own methods send no token: pass `bearer(…)` to `call`. */
export function startServerWithRights(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  return startTestServer({ jwtSecrets: [SECRET], ...overrides })
}

/** The routes of a server, called with a token. */
export function actingAs(server: TestServer, token: string) {
  async function call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    return server.call<T>(method, path, body, { ...bearer(token), ...headers })
  }
  return {
    call,
    /** Throws unless the answer is 2xx. */
    async post<T = Record<string, never>>(path: string, body: unknown): Promise<T & { eventId: string }> {
      const answer = await call<T>('POST', path, body)
      if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      return { ...answer.body, eventId: answer.eventId }
    },
  }
}
