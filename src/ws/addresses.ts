/** The addresses of WebSockets. */
import { API_PREFIX } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'

const CHANNELS = ['', API_PREFIX].map((prefix) => `${prefix}/ws`)
const DASHBOARD = CHANNELS.map((path) => `${path}/dashboard`)

/** Where a GET without an upgrade is answered with `upgradeRequired`. */
export const SOCKET_PATHS: readonly string[] = [...CHANNELS, ...DASHBOARD]

/** Whether a socket there is of the dashboard; undefined: there is none. */
export function isDashboardPath(path: string): boolean | undefined {
  // Some clients connect to the bare host, where a plain GET is the page.
  if (path === '/' || CHANNELS.includes(path)) return false
  return DASHBOARD.includes(path) ? true : undefined
}

/** A browser's plain GET of the address tells why its socket failed. */
export function upgradeRequired(path: string): Problem {
  return new Problem(
    'upgrade_required',
    `${path} is a WebSocket: open it with ws:// and an upgrade. GET /sse is the stream over HTTP.`,
  )
}
