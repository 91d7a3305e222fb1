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
    const payload = await verifiedPayload(token, await candidatesOf(sources, headerOf(token)))
    return subjectOf(payload, `token:${createHash('sha256').update(token).digest('base64url').slice(0, 22)}`)
  }
}

/** What a refusal says of a token that is not good. */
export function invalid(detail: string, cause?: unknown): Problem {
  return new Problem('unauthenticated', detail, { cause })
}

function headerOf(token: string): KeyHint {
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return { alg, kid }
  } catch (cause) {
    throw invalid('The token is not a JSON Web Token in its compact form.', cause)
  }
}

async function candidatesOf(sources: readonly KeySource[], hint: KeyHint): Promise<VerificationKey[]> {
  const found: VerificationKey[] = []
  for (const source of sources) found.push(...(await source.candidates(hint)))
  return found
}

async function verifiedPayload(token: string, keys: readonly VerificationKey[]): Promise<JWTPayload> {
  for (const { key, algorithm } of keys) {
    try {
      const options = { algorithms: [algorithm], clockTolerance: LEEWAY_S, currentDate: new Date(now()) }
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw refusalFor(error)
    }
  }
  throw invalid('None of the keys of this server has signed the token.')
}

function refusalFor(error: unknown): Problem {
  if (error instanceof errors.JWTExpired) return new Problem('token_expired', 'The token has expired. Get a new one.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    const what = error.reason === 'invalid' ? 'must be a number' : 'has not come yet'
    return invalid(`The claim "${error.claim}" of the token ${what}.`, error)
  }
  return invalid('The token cannot be verified: it is malformed, or uses extensions that are not supported.', error)
}
