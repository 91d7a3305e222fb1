/** Verifies tokens: signature, dates and claims. The algorithm is that of the key, never the token's choice. */
import { createHash } from 'node:crypto'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { LEEWAY_S, subjectOf } from './claims.ts'
import type { KeyHint, KeySource, VerificationKey } from './keys.ts'
import { ORIGIN_CLAIM, type Origin } from './session-tokens.ts'
import { SERVER_KEY, type Subject } from './subject.ts'

/** In characters. A longer token is refused before any of it is decoded. */
const MAX_TOKEN_LENGTH = 8_192

/** Rejects with `unauthenticated`, `token_expired`, or `issuer_unavailable`. */
export type VerifyToken = (token: string) => Promise<Subject>

export function createTokenVerifier(sources: readonly KeySource[]): VerifyToken {
  return async (token) => {
    if (token.length > MAX_TOKEN_LENGTH) {
      throw invalid(`The token is longer than ${MAX_TOKEN_LENGTH} characters, the longest that is accepted.`)
    }
    const { payload, keyId } = await verified(token, candidatesOf(sources, headerOf(token)))
    const subject = subjectOf(payload, keyId, idOf(token))
    return keyId === SERVER_KEY ? likeItsOrigin(subject, payload, sources) : subject
  }
}

/**
 * The id of a holder without a name. The signature is left out: several spellings of one are valid (its last character has
 * bits to spare), and each would have limits of its own.
 */
function idOf(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'))
  return `token:${createHash('sha256').update(signed).digest('base64url').slice(0, 22)}`
}

/** The subject of a token of the server's own, which stands for the one that it was given out for. */
async function likeItsOrigin(subject: Subject, payload: JWTPayload, sources: readonly KeySource[]): Promise<Subject> {
  const origin = payload[ORIGIN_CLAIM] as Origin | undefined
  if (!origin) throw invalid('The token was made by another version of the server. Get a new one.')
  await mustBeValid(sources, origin.key)
  return { ...subject, id: origin.id, keyId: origin.key }
}

/** Rejects with `unauthenticated` if the key was withdrawn. */
export async function mustBeValid(sources: readonly KeySource[], keyId: string): Promise<void> {
  if (!(await isValid(sources, keyId))) throw invalid('The key behind it is not valid any more. Get a new one.')
}

export async function isValid(sources: readonly KeySource[], keyId: string): Promise<boolean> {
  for (const source of sources) if (await source.has(keyId)) return true
  return false
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

async function verified(
  token: string,
  keys: AsyncGenerator<VerificationKey>,
): Promise<{ payload: JWTPayload; keyId: string }> {
  for await (const { key, algorithm, id } of keys) {
    try {
      const options = { algorithms: [algorithm], clockTolerance: LEEWAY_S, currentDate: new Date(now()) }
      return { payload: (await jwtVerify(token, key, options)).payload, keyId: id }
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
