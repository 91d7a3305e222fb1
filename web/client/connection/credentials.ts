/** Credentials of a connection: whether they have changed, and a ticket in place of a token that headers cannot carry. */
import { API_PREFIX } from '../../../shared/src/protocol.ts'
import type { Clock } from '../base/clock.ts'
import { fieldOf } from '../base/frames.ts'
import type { Auth, Credentials } from '../base/options.ts'
import { headersOf, refusalOf, type StreamEnd } from './transport.ts'

export function areSame(a: Credentials, b: Credentials): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
}

/** How long `auth` may take when it is asked again: nothing else goes on meanwhile. */
const ASK_AGAIN_MS = 30_000

/**
 * What `auth` returns. Rejects if it fails, also if it throws at once, and for a token that no header can carry: the error
 * of `fetch` would quote it.
 */
export async function askFor(auth: Auth | undefined): Promise<Credentials> {
  const credentials = await auth?.()
  if (typeof credentials !== 'string') return credentials
  // What was read from a file or a body often ends in a line end.
  const token = credentials.trim()
  if (/[^\x21-\x7e]/.test(token)) throw new Error('the token holds characters that no token has, such as spaces')
  return token
}

/** Asks again after a refusal. Returns `used` if there are no others. */
export async function askAgain(auth: Auth | undefined, used: Credentials, clock: Clock): Promise<Credentials> {
  if (!auth) return used
  let timer: unknown
  const tooLong = new Promise<Credentials>((resolve) => {
    timer = clock.setTimeout(() => resolve(used), ASK_AGAIN_MS)
  })
  try {
    return await Promise.race([askFor(auth), tooLong])
  } catch {
    // The refusal says more than the failure to ask.
    return used
  } finally {
    clock.clearTimeout(timer)
  }
}

export interface TicketOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
}

/** The server gives no ticket: the stream that needed it ends in this way. */
export class NoTicket extends Error {
  readonly end: StreamEnd

  constructor(end: StreamEnd) {
    super(end.detail ?? `no ticket: ${end.status ?? 'no answer'}`)
    this.end = end
  }
}

/**
 * Credentials for the address of a stream or a socket. A token in an address would be in the logs of every proxy, so it is
 * exchanged for a ticket, which counts once and for seconds. Only a server that has no tickets gets the token itself.
 * Rejects with NoTicket.
 */
export async function inAddress(
  { baseUrl, fetch }: TicketOptions,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Credentials> {
  if (typeof credentials !== 'string') return credentials
  const response = await post()
  if (response.status === 404 || response.status === 405) {
    void response.body?.cancel().catch(() => undefined)
    return { query: { token: credentials } }
  }
  if (!response.ok) throw new NoTicket(await refusalOf(response, Date.now()))
  const ticket = fieldOf(await response.json().catch(() => null), 'ticket')
  if (typeof ticket === 'string') return { query: { ticket } }
  throw new NoTicket({ detail: 'expected a ticket but got something else: a login page or a proxy may be in between' })

  async function post(): Promise<Response> {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', ...headersOf(credentials) }
    try {
      return await fetch(`${baseUrl}${API_PREFIX}/tickets`, { method: 'POST', body: '{}', headers, signal })
    } catch (error) {
      throw new NoTicket({ detail: `could not get a ticket: ${error}` })
    }
  }
}
