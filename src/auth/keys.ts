/** The keys that tokens are verified with. Each has one algorithm; keys that a token brings along are ignored. */
import { webcrypto } from 'node:crypto'
import { importSPKI } from 'jose'
import type { PublicKey } from '../base/key-settings.ts'

export type Algorithm = 'HS256' | PublicKey['algorithm']

export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: webcrypto.CryptoKey
}

/** The fields of a token's header that help to choose keys. They are not verified. */
export interface KeyHint {
  readonly alg: string
  readonly kid: string | undefined
}

export interface KeySource {
  /** Keys that may have signed the token. Rejects with `issuer_unavailable` while none is known. */
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

export async function publicKey({ algorithm, key }: PublicKey): Promise<VerificationKey> {
  return { algorithm, key: await importSPKI(key.export({ type: 'spki', format: 'pem' }).toString(), algorithm) }
}
