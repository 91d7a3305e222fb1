/** The keys that tokens are verified with. Each key has one algorithm; what a token says of its own keys is ignored. */
import { webcrypto } from 'node:crypto'

export type Algorithm = 'HS256' | 'RS256' | 'ES256' | 'EdDSA'

export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: webcrypto.CryptoKey
}

/** The fields of a token's header that help to choose keys. Nobody has verified them. */
export interface KeyHint {
  readonly alg?: string | undefined
  readonly kid?: string | undefined
}

export interface KeySource {
  /** Keys that may have signed the token. Rejects with `issuer_unavailable` if they cannot be known. */
  candidates(hint: KeyHint): Promise<readonly VerificationKey[]>
}

/** Keys that stay the same while the server runs. */
export function fixedKeys(keys: readonly VerificationKey[]): KeySource {
  return { candidates: ({ alg }) => Promise.resolve(keys.filter(({ algorithm }) => algorithm === alg)) }
}

export async function hmacKey(secret: string): Promise<VerificationKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['verify'])
  return { algorithm: 'HS256', key }
}
