/** Tokens for loads with rights on. */
import { SignJWT } from 'jose'

const SECRET = 'the-secret-of-a-benchmark-longer-than-32-bytes'

/** Settings of a server with rights on, where a subject may open as many streams as a load needs. */
export const RIGHTS_ON = { BOARDCAST_JWT_SECRET: SECRET, BOARDCAST_MAX_STREAMS: '100000' }

/** For what the pattern matches; for the first board of a server alone unless it is given. */
export function signToken(sub: string, pattern = 'board:bench-0'): Promise<string> {
  const patterns = [pattern]
  return new SignJWT({ sub, boardcast: { subscribe: patterns, publish: patterns } })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET))
}

/** A line of a request, for the generator. */
export function headerOf(token: string): string {
  return `Authorization: Bearer ${token}\r\n`
}
