/**
 * The path prefix under which a proxy serves this server, such as `/tools/board`; '' when the server has its own host
 * name.
 */

/**
 * First segments of this server's routes. None of them may start a prefix: the server could not tell whether the proxy
 * has stripped it.
 */
const OWN = new Set(
  'api assets asyncapi.json boards docs events health metrics openapi.json schemas sign-in sign-out socket.io sse stats ws'.split(
    ' ',
  ),
)
const MAX_LENGTH = 256
/** Unreserved characters only: the prefix is written into HTML and URLs, and `//host` would name another host. */
const SEGMENTS = /^(?:\/[A-Za-z0-9._~-]+)+$/

/** The prefix without its trailing slash; undefined when the text is not a valid one. `/` and '' mean no prefix: ''. */
export function parsePrefix(text: string): string | undefined {
  const path = text.endsWith('/') ? text.slice(0, -1) : text
  if (path === '') return ''
  if (path.length > MAX_LENGTH || !SEGMENTS.test(path)) return undefined
  return path.split('/').some((segment) => segment === '.' || segment === '..') ? undefined : path
}

/** Whether one of the server's own routes starts with the first segment of the prefix. */
export function isOwnAddress(prefix: string): boolean {
  return OWN.has(prefix.split('/')[1] ?? '')
}

/** The URL of a request without the base path. Proxies may forward the base path or strip it; both work. */
export function withoutBasePath(url: string, basePath: string): string {
  if (!url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url
}
