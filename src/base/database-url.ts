/** The URL of a database. It holds a password, so it is shown without one. */

export function isDatabaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^postgres(ql)?:$/.test(url.protocol) && (url.host !== '' || url.searchParams.has('host'))
}

/** Without the name of the connection, which tells operators the node: a name in the URL would win over it. */
export function withoutConnectionName(text: string): string {
  const url = new URL(text)
  if (!url.searchParams.has('application_name')) return text
  url.searchParams.delete('application_name')
  return url.href
}

/** Scheme, host, port and name. */
export function shownUrl(text: string): string {
  const { host, pathname, searchParams } = new URL(text)
  return `postgres://${host || searchParams.get('host')}${pathname}`
}
