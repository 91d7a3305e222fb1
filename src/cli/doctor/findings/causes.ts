/**
 * What can be in the way, how it is named, and the setting that removes it, for each kind of proxy. A fix is a line for the
 * block that has the proxying (nginx: the `location`), or names the line to remove. Tests apply each one as it is written.
 */
import type { Middle, MiddleKind } from './middle.ts'

interface Cause {
  /** `who` is the proxy; `what` is a header, a number or a time. */
  says(who: string, what: string): string
  readonly fixes: Readonly<Partial<Record<MiddleKind, (what: string) => string>>>
}

export const CAUSES = {
  buffers: {
    says: (who) => `${who} buffers the stream`,
    fixes: {
      nginx: () => 'proxy_buffering off;',
      caddy: () => 'remove "buffer_responses" (newer versions: "response_buffers")',
      lighttpd: () => 'server.stream-response-body = 2',
      other: () => 'turn off the buffering of responses',
    },
  },
  delays: {
    says: (who, what) => `${who} holds every event back for ${what}`,
    fixes: { other: () => 'hand events on at once (HAProxy: option http-no-delay)' },
  },
  holdsFirst: {
    says: (who) => `${who} holds the beginning of a stream back until more of it comes`,
    fixes: { other: () => 'turn off what inspects or collects responses before it hands them on' },
  },
  forcesGzip: {
    says: (who) => `${who} makes the server compress for clients that did not ask for it`,
    fixes: {
      nginx: () => 'proxy_set_header Accept-Encoding $http_accept_encoding;',
      apache: () => 'remove "RequestHeader set Accept-Encoding"',
      caddy: () => 'remove "header_up Accept-Encoding"',
      other: () => 'hand Accept-Encoding on as it comes (HAProxy: remove "http-request set-header Accept-Encoding")',
    },
  },
  holdsGzip: {
    says: (who) => `${who} compresses the stream and holds events back while it does`,
    fixes: {
      // The server then compresses, and nginx leaves alone what is compressed.
      nginx: () => 'proxy_set_header Accept-Encoding $http_accept_encoding;',
      other: () => 'hand Accept-Encoding on, or turn off the compression of text/event-stream',
    },
  },
  breaksGzip: {
    says: (who) => `${who} says that the stream is compressed, but it cannot be decompressed`,
    fixes: { other: () => 'turn off the compression of text/event-stream' },
  },
  dropsEncoding: {
    says: (who) => `${who} does not hand on Accept-Encoding, so that streams are not compressed`,
    fixes: {
      nginx: () => 'proxy_set_header Accept-Encoding $http_accept_encoding;',
      apache: () => 'remove "RequestHeader unset Accept-Encoding"',
      caddy: () => 'remove "header_up -Accept-Encoding"',
      other: () => 'hand Accept-Encoding on (HAProxy: remove "http-request del-header Accept-Encoding")',
    },
  },
  cutsQuiet: {
    says: (who, what) => `${who} cuts a stream that is quiet for ${what}`,
    fixes: {
      nginx: () => 'proxy_read_timeout 1h;',
      apache: () => 'ProxyTimeout 3600',
      caddy: () => 'remove "read_timeout"',
      other: () => 'an idle timeout above the interval of heartbeats (HAProxy: timeout server 1h, timeout client 1h)',
    },
  },
  endsOld: {
    says: (who, what) => `${who} ends every stream after ${what}, although heartbeats come`,
    fixes: { other: () => 'raise the longest time that a response may take, or exempt /sse from it' },
  },
  cutsSocket: {
    says: (who, what) => `${who} cuts a WebSocket that is quiet for ${what}`,
    fixes: {
      other: () => 'an idle timeout for sockets above the interval of heartbeats (HAProxy: timeout tunnel 1h)',
    },
  },
  /** In answers. */
  hides: {
    says: (who, what) => `${who} removes ${what} from answers`,
    fixes: {
      nginx: (what) => `proxy_pass_header ${what};`,
      apache: (what) => `remove "Header unset ${what}"`,
      caddy: (what) => `remove "header_down -${what}"`,
      other: (what) => `hand ${what} on (HAProxy: remove "http-response del-header ${what}")`,
    },
  },
  /** In requests. */
  drops: {
    says: (who, what) => `${who} removes ${what} from requests`,
    fixes: {
      nginx: (what) => `proxy_set_header ${what} $http_${what.toLowerCase().replaceAll('-', '_')};`,
      apache: (what) => `remove "RequestHeader unset ${what}"`,
      caddy: (what) => `remove "header_up -${what}"`,
      other: (what) => `hand ${what} on (HAProxy: remove "http-request del-header ${what}")`,
    },
  },
  dropsQuery: {
    says: (who) => `${who} removes the query from addresses`,
    fixes: {
      nginx: () => 'proxy_pass …$is_args$args;',
      other: () => 'hand addresses on as they come, with what follows the question mark',
    },
  },
  blocksPosts: {
    says: (who, what) => `${who} answers a POST with ${what}`,
    fixes: {
      nginx: () => 'remove "limit_except"',
      other: () => 'hand POST requests on as they come',
    },
  },
  replacesHost: {
    says: (who) => `${who} sends its own Host, so that changes and sockets from the page are refused`,
    fixes: {
      nginx: () => 'proxy_set_header Host $http_host;',
      apache: () => 'ProxyPreserveHost On',
      caddy: () => 'remove "header_up Host"',
      other: () => 'hand Host on as it comes (HAProxy: remove "http-request set-header Host")',
    },
  },
  blocksUpgrade: {
    says: (who) => `${who} does not hand on the upgrade to a WebSocket`,
    fixes: {
      nginx: () =>
        'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
      apache: () => 'ProxyPass … upgrade=websocket',
      caddy: () => 'remove "header_up -Upgrade"',
      lighttpd: () => 'proxy.header = ( "upgrade" => "enable" )',
      other: () => 'hand upgrades on (HAProxy: remove "http-request del-header Upgrade")',
    },
  },
  silencesSocket: {
    says: (who) => `${who} upgrades to a WebSocket, but hands no messages on`,
    fixes: {},
  },
  limitsStreams: {
    says: (who, what) => `${who} admits only ${what}`,
    fixes: {
      nginx: () => 'limit_conn ZONE 100;',
      other: () => 'raise the number of connections that one client may have (HAProxy: maxconn 10000)',
    },
  },
  changesType: {
    says: (who, what) => `${who} answers with ${what} in place of an event stream`,
    fixes: {
      nginx: () => 'proxy_pass_header Content-Type;',
      apache: () => 'remove "Header set Content-Type"',
      caddy: () => 'remove "header_down Content-Type"',
      other: () => 'hand Content-Type on (HAProxy: remove "http-response set-header Content-Type")',
    },
  },
  changesCaching: {
    says: (who, what) => `${who} sends ${what}: caches and proxies behind it may store or change the stream`,
    fixes: {
      nginx: () => 'proxy_pass_header Cache-Control;',
      apache: () => 'remove "Header unset Cache-Control"',
      caddy: () => 'remove "header_down -Cache-Control"',
      other: () => 'hand Cache-Control on as it comes',
    },
  },
} as const satisfies Readonly<Record<string, Cause>>

export type CauseName = keyof typeof CAUSES

/** `shows` is what was measured, in words. */
export function causeOf(
  name: CauseName,
  { kind, name: who }: Middle,
  shows: string,
  what = '',
): { culprit: string; fix?: string } {
  const { says, fixes }: Cause = CAUSES[name]
  const fix = (fixes[kind] ?? (kind === 'other' ? undefined : fixes.other))?.(what)
  return { culprit: `${says(who, what)}: ${shows}`, ...(fix !== undefined && { fix }) }
}

/** `840 ms`, `2.9 s`, `31 s`. */
export function timeOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return `${ms < 10_000 ? (ms / 1_000).toFixed(1) : Math.round(ms / 1_000)} s`
}
