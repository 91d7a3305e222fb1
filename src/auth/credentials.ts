/** Finds the credential of a request. The first of these counts: header, ticket, token in the query, cookie. */
import type { CredentialFields } from './authenticator.ts'

export const TOKEN_COOKIE = 'boardcast_token'

export interface Credential {
  readonly from: 'header' | 'ticket' | 'query' | 'cookie'
  readonly text: string
}

/** undefined: there is none. `inQuery`: whether a ticket or token in the query counts, as on streams and sockets. */
export function credentialOf(fields: CredentialFields, inQuery: boolean): Credential | undefined {
  const bearer = bearerOf(fields.header('Authorization'))
  if (bearer !== undefined) return { from: 'header', text: bearer }
  if (inQuery) {
    const ticket = fields.query('ticket')
    if (ticket !== undefined) return { from: 'ticket', text: ticket }
    const token = fields.query('token')
    if (token !== undefined) return { from: 'query', text: token }
  }
  const cookie = cookieOf(fields.header('Cookie'), TOKEN_COOKIE)
  return cookie === undefined ? undefined : { from: 'cookie', text: cookie }
}

/** Other schemes are ignored: they belong to a proxy in front. */
function bearerOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^Bearer +(\S.*)$/i.exec(header)?.[1]?.trimEnd()
}

/** Browsers send the cookie with the longest path first. */
function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const end = pair.indexOf('=')
    if (end > 0 && pair.slice(0, end).trim() === name) return decoded(pair.slice(end + 1).trim())
  }
  return undefined
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value // Whoever checks the credential refuses it.
  }
}
