/** Limits are for each client: which one that is, and how much it may change. Rules HA20 to HA24 of docs/security.md. */
import type { IncomingMessage } from 'node:http'
import type { Subject } from '../auth/subject.ts'
import { isLoopback, parseHostName } from '../base/authority.ts'
import type { Config } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import { TokenBuckets } from '../base/token-bucket.ts'
import { type TrustedProxies, trustedProxies } from './client-address.ts'

export interface ClientLimits {
  readonly proxies: TrustedProxies
  /** The address that a request counts for; '' unless limits go by addresses. A socket keeps it. */
  addressOf(incoming: IncomingMessage): string
  /** Whom limits count for: the subject, or the address; undefined: there are none. */
  clientOf(subject: Subject, address: string): string | undefined
  /** Counts a mutation. Throws `rate_limited`; then nothing is counted. */
  spendMutation(subject: Subject, address: string): void
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
  const mutations =
    isLimited && rateMutations < Infinity
      ? new TokenBuckets({ rate: rateMutations, burst: rateBurst }, MAX_CLIENTS)
      : undefined

  function clientOf({ id }: Subject, address: string): string | undefined {
    if (!isLimited) return undefined
    return byAddress ? address : id
  }

  return {
    proxies: proxy,
    addressOf: (incoming) => (byAddress ? proxy.clientOf(incoming) : ''),
    clientOf,
    spendMutation(subject, address) {
      if (!mutations) return
      const waitMs = mutations.take(clientOf(subject, address) ?? '', performance.now())
      if (waitMs === 0) return
      throw new Problem(
        'rate_limited',
        `At most ${rateMutations} changes a second, with bursts of ${rateBurst}; nothing was changed. Send several lines at a time, or try again later.`,
        { retryAfterS: Math.max(1, Math.ceil(waitMs / 1_000)) },
      )
    },
  }
}

/** Whether only this machine reaches it: by loopback, or by a Unix socket. */
export function isLocal(host: string): boolean {
  return host.startsWith('unix:') || isLoopback(parseHostName(host) ?? host)
}
