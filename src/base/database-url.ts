/** The URL of a database. It holds a password, so it is shown without one. */

export function isDatabaseUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^postgres(ql)?:$/.test(url.protocol) && (url.host !== '' || url.searchParams.has('host'))
}

/** Scheme, host, port and name. */
export function shownUrl(text: string): string {
  const { host, pathname, searchParams } = new URL(text)
  return `postgres://${host || searchParams.get('host')}${pathname}`
}
