/** What stands between the client and the server, as far as its answers tell. */
import type { IncomingHttpHeaders } from 'node:http'

/** What there are fixes for. */
export type MiddleKind = 'nginx' | 'apache' | 'caddy' | 'lighttpd' | 'other'

export interface Middle {
  readonly kind: MiddleKind
  /** How it is called in a sentence. */
  readonly name: string
}

const KINDS: ReadonlyArray<readonly [RegExp, Middle]> = [
  [/\b(nginx|openresty|tengine)\b/i, { kind: 'nginx', name: 'nginx' }],
  [/\bApache\b/i, { kind: 'apache', name: 'Apache' }],
  [/\bCaddy\b/i, { kind: 'caddy', name: 'Caddy' }],
  [/\blighttpd\b/i, { kind: 'lighttpd', name: 'lighttpd' }],
]

/** Nothing names itself: HAProxy and most load balancers do not, and the server does not either. */
export const UNNAMED: Middle = { kind: 'other', name: 'the proxy or load balancer' }

/** By `Server`, which a proxy sets unless the server behind it did, otherwise by `Via`. */
export function middleOf(headers: IncomingHttpHeaders): Middle {
  const [server, via] = [String(headers.server ?? ''), String(headers.via ?? '')]
  for (const text of [server, via]) {
    const known = KINDS.find(([pattern]) => pattern.test(text))
    if (known !== undefined) return known[1]
  }
  const named = /^[A-Za-z][\w.-]*/.exec(server)?.[0] ?? /\b[\d.]+ ([A-Za-z][\w.-]*)/.exec(via)?.[1]
  return named === undefined ? UNNAMED : { kind: 'other', name: named }
}
