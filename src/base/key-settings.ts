/** Settings that hold keys. Their faults never quote the value. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { isLoopback, parseHostName } from './authority.ts'

/** A key of `BOARDCAST_JWT_PUBLIC_KEY`. Its kind fixes the algorithm. */
export interface PublicKey {
  readonly algorithm: 'RS256' | 'ES256' | 'EdDSA'
  readonly key: KeyObject
}

const MIN_RSA_BITS = 2_048
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g

/** `BOARDCAST_TOKEN`: it must fit into a header and a cookie. */
export const password = z
  .string()
  .regex(/^[\x21-\x3a\x3c-\x7e]+$/, 'must be of visible ASCII characters without spaces and semicolons')
  .max(8_192, 'must be at most 8192 characters long')

/** `BOARDCAST_JWT_SECRET`: comma separated. */
export const secretList = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ''))
  .refine((secrets) => secrets.length > 0, 'holds no secret')
  .refine(
    (secrets) => !secrets.some((secret) => secret.includes('-----BEGIN')),
    'holds a key in PEM form. A public key belongs in BOARDCAST_JWT_PUBLIC_KEY',
  )

/** `BOARDCAST_JWT_PUBLIC_KEY`: one or more keys in PEM form, or `@` and the file that holds them. */
export const publicKeys = z.string().transform((given, context): readonly PublicKey[] => {
  try {
    return parsePublicKeys(given.startsWith('@') ? readKeyFile(given.slice(1)) : given)
  } catch (error) {
    if (!(error instanceof KeyFault)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})

/** `BOARDCAST_JWKS_URL`. Keys that arrive over an unprotected network could be anybody's. */
export const jwksUrl = z.string().refine((text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(parseHostName(url.hostname) ?? ''))
}, 'must be an https URL without a password, or an http URL of this machine')

class KeyFault extends Error {}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown'
    throw new KeyFault(`names the file ${path}, which cannot be read (${code})`)
  }
}

function parsePublicKeys(text: string): PublicKey[] {
  // Files with settings often hold the line ends of a key as \n.
  const blocks = [...text.replaceAll('\\n', '\n').matchAll(BLOCK)]
  if (blocks.length === 0) {
    throw new KeyFault('must hold a public key in PEM form (-----BEGIN PUBLIC KEY-----), or @ and the path of a file')
  }
  return blocks.map(([pem, kind = '']) => {
    if (kind.includes('PRIVATE')) throw new KeyFault('holds a private key. The server needs the public key only')
    return withAlgorithm(parsePem(pem))
  })
}

function parsePem(pem: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch {
    throw new KeyFault('holds a key that cannot be read. It must be a public key in PEM form')
  }
}

function withAlgorithm(key: KeyObject): PublicKey {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength >= MIN_RSA_BITS) return { algorithm: 'RS256', key }
      throw new KeyFault(`holds an RSA key of ${modulusLength} bits, and needs at least ${MIN_RSA_BITS}`)
    case 'ec':
      if (namedCurve === 'prime256v1') return { algorithm: 'ES256', key }
      break
    case 'ed25519':
      return { algorithm: 'EdDSA', key }
  }
  throw new KeyFault('holds a key of another kind than RSA (RS256), P-256 (ES256) and Ed25519 (EdDSA)')
}
