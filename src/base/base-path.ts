/**
 * The path under which browsers reach this server when a proxy serves it beside other things, such as `/tools/board`;
 * '' when it has a host of its own.
 */

/** First segments of this server's own addresses: under one of them it would be unclear whether the prefix was stripped. */
const OWN = new Set(
  'api assets asyncapi.json boards docs events health metrics openapi.json socket.io sse stats ws'.split(' '),
)
const MAX_LENGTH = 256
/** Unreserved characters only: the prefix is written into HTML and into addresses, and `//host` would be another host. */
const SEGMENTS = /^(?:\/[A-Za-z0-9._~-]+)+$/

/** The prefix without a slash at its end, or undefined when the text is no such path. `/` and '' are no prefix: ''. */
export function parsePrefix(text: string): string | undefined {
  const path = text.endsWith('/') ? text.slice(0, -1) : text
  if (path === '') return ''
  if (path.length > MAX_LENGTH || !SEGMENTS.test(path)) return undefined
  return path.split('/').some((segment) => segment === '.' || segment === '..') ? undefined : path
}

/** Whether the addresses of this server itself begin so. */
export function isOwnAddress(prefix: string): boolean {
  return OWN.has(prefix.split('/')[1] ?? '')
}

/** The URL of a request as the server knows it: a proxy may pass the base path on, or strip it. */
export function withoutBasePath(url: string, basePath: string): string {
  if (!url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url
}
