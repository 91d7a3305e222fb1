/** Where a server can be reached. */
import type { Config } from '../base/config.ts'

/** The address in the log and on stdout; `port` is the one that it listens on. */
export function urlOf({ host, socketPath }: Config, port: number): string {
  return socketPath === undefined ? httpUrl(host, port) : `unix:${socketPath}`
}

/** The address for a browser on this machine; null: no browser can reach a Unix socket. */
export function pageUrlOf({ host, socketPath, basePath }: Config, port: number): string | null {
  if (socketPath !== undefined) return null
  return `${httpUrl(LOOPBACK_OF[host] ?? host, port)}${basePath}/`
}

/** Of the addresses that stand for all addresses of a machine. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
