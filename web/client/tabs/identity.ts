/**
 * Whom credentials speak for, as a key under which tabs share a stream. It follows from what a token says of its holder,
 * rights included, and not from the token: another one of the same holder has the same key, and nobody can get the token
 * from it.
 */
import type { Credentials } from '../base/options.ts'

/** Claims that change when a token is renewed. */
const OF_THE_TOKEN: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'jti'])

/**
 * `named`: the user's option `identity`. Undefined: nothing tells whom the credentials speak for, or there is no digest
 * here.
 */
export async function identityOf(credentials: Credentials, named: string | undefined): Promise<string | undefined> {
  if (credentials === null || credentials === undefined) return named ?? ''
  const claims = typeof credentials === 'string' ? claimsOf(credentials) : undefined
  if (claims !== undefined) return digest(`token ${named ?? ''} ${claims}`)
  if (named !== undefined) return digest(`named ${named}`)
  return typeof credentials === 'string' ? digest(`password ${credentials}`) : undefined
}

/** Undefined if the token is not a JSON Web Token, or says nothing of its holder. */
function claimsOf(token: string): string | undefined {
  const ofHolder = Object.entries(payloadOf(token) ?? {}).filter(([name]) => !OF_THE_TOKEN.has(name))
  return ofHolder.length > 0 ? JSON.stringify(ofHolder.sort(([a], [b]) => (a < b ? -1 : 1))) : undefined
}

/** What a JSON Web Token says, whoever signed it; undefined for other tokens. */
export function payloadOf(token: string): object | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof claims === 'object' && claims !== null ? claims : undefined
  } catch {
    // Some other token with two dots.
    return undefined
  }
}

async function digest(text: string): Promise<string | undefined> {
  // Only where the page came over https, or from this machine; the same holds for what tabs share by.
  const { subtle } = globalThis.crypto as { readonly subtle?: typeof globalThis.crypto.subtle }
  const bytes = await subtle?.digest('SHA-256', new TextEncoder().encode(text))
  return bytes && Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
