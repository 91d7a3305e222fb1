/** Verifies tokens: signature, dates and claims. The algorithm is that of the key, never the token's choice. */
import { createHash } from 'node:crypto'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { LEEWAY_S, subjectOf } from './claims.ts'
import type { KeyHint, KeySource, VerificationKey } from './keys.ts'
import type { Subject } from './subject.ts'

/** In characters. A longer token is refused before any of it is decoded. */
const MAX_TOKEN_LENGTH = 8_192

/** Rejects with `unauthenticated`, `token_expired`, or `issuer_unavailable`. */
export type VerifyToken = (token: string) => Promise<Subject>

export function createTokenVerifier(sources: readonly KeySource[]): VerifyToken {
  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) {
      throw invalid(`The token is longer than ${MAX_TOKEN_LENGTH} characters, the longest that is accepted.`)
    }
    const payload = await verifiedPayload(token, candidatesOf(sources, headerOf(token)))
    return subjectOf(payload, `token:${createHash('sha256').update(token).digest('base64url').slice(0, 22)}`)
  }
}

/** The refusal of a credential. It has no cause, because what a parser quotes could get into the log. */
export function invalid(detail: string): Problem {
  return new Problem('unauthenticated', detail, { tokenError: 'invalid_token' })
}

function headerOf(token: string): KeyHint {
  const { alg, kid } = decodedHeader(token)
  if (typeof alg === 'string' && (kid === undefined || typeof kid === 'string')) return { alg, kid }
  throw notAToken()
}

function decodedHeader(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw notAToken()
  }
}

function notAToken(): Problem {
  return invalid('The token is not a JSON Web Token in compact form.')
}

/** Those that need no issuer come first, and work while it does not answer. */
async function* candidatesOf(sources: readonly KeySource[], hint: KeyHint): AsyncGenerator<VerificationKey> {
  for (const source of sources) yield* await source.candidates(hint)
}

async function verifiedPayload(token: string, keys: AsyncGenerator<VerificationKey>): Promise<JWTPayload> {
  for await (const { key, algorithm } of keys) {
    try {
      const options = { algorithms: [algorithm], clockTolerance: LEEWAY_S, currentDate: new Date(now()) }
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw refusalFor(error)
    }
  }
  throw invalid('The token is not signed with a key that this server knows.')
}

function refusalFor(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) {
    return new Problem('token_expired', 'The token has expired. Get a new one.', { tokenError: 'invalid_token' })
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const what = error.reason === 'invalid' ? 'must be a number' : 'is in the future'
    return invalid(`The claim ${error.claim} of the token ${what}.`)
  }
  return invalid('The token is malformed, or has extensions that this server does not support.')
}
