/** `boardcast token`: makes a token, or reads one. The token, or its claims, are all that is printed on stdout. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import type * as z from 'zod'
import { isChannelPattern } from '../../../shared/src/channels.ts'
import { tokenClaims } from '../../../shared/src/types/token-claims.ts'
import { parseDuration } from '../../text/duration.ts'
import { readEnvironment } from '../process/environment.ts'
import { CommandError, exitCode } from '../process/exit.ts'

export interface TokenOptions {
  readonly subscribe?: readonly string[]
  readonly publish?: readonly string[]
  readonly admin?: boolean
  readonly sub?: string
  readonly agent?: string
  readonly session?: string
  readonly expires: string
  readonly key?: string
  readonly read?: string
  readonly quiet?: boolean
}

interface SigningKey {
  readonly algorithm: string
  readonly key: KeyObject | Uint8Array
}

export async function token(options: TokenOptions): Promise<void> {
  const { read, quiet = false } = options
  if (read !== undefined) return readToken(read === '-' ? readFileSync(0, 'utf8').trim() : read, quiet)
  const claims = claimsOf(options)
  const { algorithm, key } = signingKey(options.key)
  process.stdout.write(`${await new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(key)}\n`)
}

function claimsOf(options: TokenOptions): Record<string, unknown> {
  const { admin = false, sub, agent, session } = options
  const [subscribe, publish] = [patterns('--subscribe', options.subscribe), patterns('--publish', options.publish)]
  if (subscribe.length + publish.length === 0 && !admin) {
    throw usage('the token would open nothing: add --subscribe, --publish or --admin')
  }
  const issuedAt = Math.floor(Date.now() / 1_000)
  const claims = {
    ...(sub !== undefined && { sub }),
    iat: issuedAt,
    exp: issuedAt + Math.ceil(durationMs(options.expires) / 1_000),
    boardcast: { subscribe, publish, ...(admin && { admin }) },
    ...(agent !== undefined && { agent_id: agent }),
    ...(session !== undefined && { session_id: session }),
  }
  const parsed = tokenClaims.safeParse(claims)
  if (!parsed.success) throw usage(faultOf(parsed.error))
  return claims
}

const OPTION_OF: Readonly<Record<string, string>> = { sub: '--sub', agent_id: '--agent', session_id: '--session' }

function faultOf({ issues: [issue] }: z.ZodError): string {
  const isLength = issue?.code === 'too_small' || issue?.code === 'too_big'
  return `${OPTION_OF[String(issue?.path[0])] ?? 'the token'} ${isLength ? 'must have 1 to 200 characters' : issue?.message}`
}

/** An option may be repeated, and may hold commas. */
function patterns(option: string, given: readonly string[] = []): string[] {
  const texts = given.flatMap((each) => each.split(',')).filter((text) => text !== '')
  const wrong = texts.find((text) => !isChannelPattern(text))
  if (wrong === undefined) return texts
  throw usage(
    `${option} ${wrong}: give the name of a channel (board:demo), or the beginning of names and a * (board:*, *)`,
  )
}

function durationMs(text: string): number {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  throw usage(`--expires ${text} is not a duration: write 30s, 10m, 1h or 7d, up to 36500d`)
}

function signingKey(pem: string | undefined): SigningKey {
  if (pem !== undefined) return privateKey(pem)
  const { jwtSecret } = readEnvironment()
  if (jwtSecret !== undefined) return { algorithm: 'HS256', key: new TextEncoder().encode(jwtSecret) }
  throw usage('no key to sign with: set BOARDCAST_JWT_SECRET, or name the file of a private key with --key')
}

/** `given` is the path of a file, or the key itself, which no error may quote. */
function privateKey(given: string): SigningKey {
  const isKey = given.includes('-----BEGIN')
  const option = isKey ? '--key' : `--key ${given}`
  const pem = isKey ? given : readKeyFile(option, given.replace(/^@/, ''))
  const key = parsePrivateKey(option, pem)
  const algorithm = algorithmOf(key)
  if (algorithm !== undefined) return { algorithm, key }
  throw usage(`${option}: no server would accept it. It must be RSA with at least 2048 bits, P-256 or Ed25519`)
}

function readKeyFile(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown'
    throw usage(`${option} cannot be read (${code}): name the file of a private key in PEM form`)
  }
}

/** The error of the parser could quote the key. */
function parsePrivateKey(option: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    const what = pem.includes('PUBLIC KEY')
      ? 'holds a public key, which can only verify'
      : 'holds no private key in PEM form, or an encrypted one'
    throw usage(`${option} ${what}: name the file of the private key`)
  }
}

/** The algorithm that servers verify keys of this kind with. */
function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve } = asymmetricKeyDetails
  if (asymmetricKeyType === 'rsa' && modulusLength >= 2_048) return 'RS256'
  if (asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ES256'
  return asymmetricKeyType === 'ed25519' ? 'EdDSA' : undefined
}

function readToken(text: string, quiet: boolean): void {
  const claims = decoded(text)
  process.stdout.write(`${JSON.stringify(claims, null, process.stdout.isTTY ? 2 : 0)}\n`)
  if (!quiet) process.stderr.write(`boardcast: ${validity(claims.exp)} The signature was not checked.\n`)
}

function decoded(text: string): ReturnType<typeof decodeJwt> {
  try {
    decodeProtectedHeader(text)
    return decodeJwt(text)
  } catch {
    throw usage('--read: this is not a token. A token is three parts of letters and digits between dots')
  }
}

function validity(exp: unknown): string {
  if (exp === undefined) return 'It does not expire.'
  if (typeof exp !== 'number' || Math.abs(exp) > 8.64e12) return 'Its claim exp is malformed.'
  const leftS = Math.floor(exp - Date.now() / 1_000)
  const moment = new Date(exp * 1_000).toISOString()
  return leftS > 0 ? `It is valid for ${durationText(leftS)}, until ${moment}.` : `It expired at ${moment}.`
}

/** The two largest units. */
function durationText(seconds: number): string {
  const units = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = units.findIndex(([amount]) => amount > 0)
  return units
    .slice(Math.max(first, 0), Math.max(first, 0) + 2)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ')
}

function usage(message: string): CommandError {
  return new CommandError(exitCode.usage, `${message}.`)
}
