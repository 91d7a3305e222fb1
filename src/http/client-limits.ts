/** Limits are for each client: which one that is, and how much it may change. Rules HA10 to HA15 of docs/security.md. */
import type { IncomingMessage } from 'node:http'
import type { Subject } from '../auth/subject.ts'
import { isLoopback, parseHostName } from '../base/authority.ts'
import type { Config } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import { TokenBuckets } from '../base/token-bucket.ts'
import { type TrustedProxies, trustedProxies } from './client-address.ts'
import { HeldRefusals } from './held-refusals.ts'

export interface ClientLimits {
  readonly proxies: TrustedProxies
  /** The address that a request counts for; '' unless limits go by addresses. A socket keeps it. */
  addressOf(incoming: IncomingMessage): string
  /** Whom limits count for: the subject, or the address; undefined: there are none. */
  clientOf(subject: Subject, address: string): string | undefined
  /** Counts a mutation. Throws `rate_limited`; then nothing is counted. */
  spendMutation(subject: Subject, address: string): void
  /** As `spendMutation` for a request. Rejects when the refusal may be answered: at once, or after a while (HA15). */
  admitMutation(subject: Subject, incoming: IncomingMessage): Promise<never> | undefined
}

type LimitSettings = Pick<Config, 'host' | 'trustedProxies' | 'rateMutations' | 'rateBurst'>

/** Clients that are remembered. Each is about 200 bytes. */
const MAX_CLIENTS = 20_000

export function createClientLimits(
  { host, trustedProxies: proxies, rateMutations, rateBurst }: LimitSettings,
  isAuthOn: boolean,
): ClientLimits {
  const byAddress = !isAuthOn && !isLocal(host)
  const isLimited = isAuthOn || byAddress
  const proxy = trustedProxies(proxies)
  const refusals = new HeldRefusals()
  const mutations =
    isLimited && rateMutations < Infinity
      ? new TokenBuckets({ rate: rateMutations, burst: rateBurst }, MAX_CLIENTS)
      : undefined

  function clientOf({ id }: Subject, address: string): string | undefined {
    if (!isLimited) return undefined
    return byAddress ? address : id
  }

  function addressOf(incoming: IncomingMessage): string {
    return byAddress ? proxy.clientOf(incoming) : ''
  }

  /** The refusal of a change of the client. */
  function refusalOf(client: string): Problem | undefined {
    const waitMs = mutations?.take(client, performance.now()) ?? 0
    if (waitMs === 0) return undefined
    return new Problem(
      'rate_limited',
      `At most ${rateMutations} changes a second, with bursts of ${rateBurst}; nothing was changed. Send several lines at a time, or try again later.`,
      { retryAfterS: Math.max(1, Math.ceil(waitMs / 1_000)) },
    )
  }

  return {
    proxies: proxy,
    addressOf,
    clientOf,
    spendMutation(subject, address) {
      const refusal = refusalOf(clientOf(subject, address) ?? '')
      if (refusal) throw refusal
    },
    admitMutation(subject, incoming) {
      if (!mutations) return undefined
      const client = clientOf(subject, addressOf(incoming)) ?? ''
      const refusal = refusalOf(client)
      return refusal && refusals.hold(client, incoming, refusal)
    },
  }
}

/** Whether only this machine reaches it: by loopback, or by a Unix socket. */
export function isLocal(host: string): boolean {
  return host.startsWith('unix:') || isLoopback(parseHostName(host) ?? host)
}
