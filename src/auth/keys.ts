/** The keys that tokens are verified with. Each has one algorithm; keys that a token brings along are ignored. */
import { webcrypto } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, importSPKI } from 'jose'
import type { PublicKey } from '../base/key-settings.ts'

export type Algorithm = 'HS256' | PublicKey['algorithm']

export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: webcrypto.CryptoKey
  /** The same for the same key after a restart. Tells nothing about a secret. */
  readonly id: string
}

/** The fields of a token's header that help to choose keys. They are not verified. */
export interface KeyHint {
  readonly alg: string
  readonly kid: string | undefined
}

export interface KeySource {
  /** Keys that may have signed the token. Rejects with `issuer_unavailable` while none is known. */
  candidates(hint: KeyHint): Promise<readonly VerificationKey[]>
  /** Whether the key is valid now. Rejects likewise. */
  has(keyId: string): Promise<boolean>
}

/** Keys that stay the same while the server runs. */
export function fixedKeys(keys: readonly VerificationKey[]): KeySource {
  return {
    candidates: ({ alg }) => Promise.resolve(keys.filter(({ algorithm }) => algorithm === alg)),
    has: (keyId) => Promise.resolve(keys.some(({ id }) => id === keyId)),
  }
}

export async function hmacKey(secret: string, id: string): Promise<VerificationKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['verify'])
  return { algorithm: 'HS256', key, id }
}

export async function publicKey({ algorithm, key }: PublicKey): Promise<VerificationKey> {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString()
  return withThumbprint(algorithm, await importSPKI(pem, algorithm, { extractable: true }))
}

/** `key` is public and can be exported. Its id is its thumbprint (RFC 7638). */
export async function withThumbprint(algorithm: Algorithm, key: webcrypto.CryptoKey): Promise<VerificationKey> {
  return { algorithm, key, id: await calculateJwkThumbprint(await exportJWK(key)) }
}
