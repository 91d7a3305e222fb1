/**
 * The key set of an issuer (RFC 7517), fetched from BOARDCAST_JWKS_URL: at the start, every few minutes, and when a token
 * names a key that is not in it. Until a fetch succeeds, the keys of the last one stay valid.
 */
import { calculateJwkThumbprint, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { elapsed } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { type KeyHint, type KeySource, type VerificationKey, withThumbprint } from './keys.ts'

const REFRESH_MS = 5 * 60_000
/** Anybody can send tokens with made-up key ids: these cause one fetch per interval. */
const UNKNOWN_KEY_PAUSE_MS = 10_000
/** Between attempts while no key is known. */
const FAILURE_PAUSE_MS = 1_000
const TIMEOUT_MS = 3_000
const MAX_BYTES = 1024 * 1024
/** Keys without an id that are tried for one token. */
const MAX_CANDIDATES = 16

type JwksAlgorithm = Exclude<VerificationKey['algorithm'], 'HS256'>
const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'] satisfies readonly JwksAlgorithm[]

interface RemoteKeysOptions {
  readonly url: string
  /** The set has changed, so tokens that were verified with it must be verified anew. */
  onChange(): void
  /** The set is up to date. */
  onFetched(): void
  /** Called for the first of several failures in a row, and when a fetch succeeds again. */
  onFailure(reason: string): void
  onRecovery(): void
}

type FindKey = ReturnType<typeof createLocalJWKSet>

export class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions
  readonly #timer: NodeJS.Timeout
  readonly #ending = new AbortController()
  #text = ''
  #find: FindKey | null = null
  #ids: ReadonlySet<string> = new Set()
  #pending: Promise<void> | null = null
  #isFailing = false
  #attemptedAt = -Infinity
  #soughtAt = -Infinity

  /** Begins with the first fetch. */
  constructor(options: RemoteKeysOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#refresh(), REFRESH_MS)
    this.#timer.unref()
    void this.#refresh()
  }

  async candidates(hint: KeyHint): Promise<readonly VerificationKey[]> {
    if (!ALGORITHMS.includes(hint.alg)) return []
    const find = await this.#known()
    const known = await keysFor(find, hint)
    if (known.length > 0 || !this.#maySeek()) return known
    await this.#refresh()
    return keysFor(this.#find ?? find, hint)
  }

  async has(keyId: string): Promise<boolean> {
    await this.#known()
    return this.#ids.has(keyId)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#ending.abort()
  }

  async #known(): Promise<FindKey> {
    if (!this.#find && (this.#pending || elapsed() - this.#attemptedAt >= FAILURE_PAUSE_MS)) await this.#refresh()
    if (this.#find) return this.#find
    throw new Problem('issuer_unavailable', 'The keys of the issuer of tokens cannot be fetched at the moment.', {
      retryAfterS: 2,
    })
  }

  #maySeek(): boolean {
    if (this.#pending) return true
    if (elapsed() - this.#soughtAt < UNKNOWN_KEY_PAUSE_MS) return false
    this.#soughtAt = elapsed()
    return true
  }

  /** Never rejects. */
  #refresh(): Promise<void> {
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null
    })
    return this.#pending
  }

  async #fetch(): Promise<void> {
    const { url, onChange, onFetched, onFailure, onRecovery } = this.#options
    this.#attemptedAt = elapsed()
    try {
      const text = await fetchText(url, this.#ending.signal)
      if (text !== this.#text) {
        const keySet = JSON.parse(text) as JSONWebKeySet
        const find = createLocalJWKSet(keySet)
        this.#ids = await thumbprintsOf(keySet)
        this.#find = find
        this.#text = text
        onChange()
      }
      onFetched()
      if (this.#isFailing) onRecovery()
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing && !this.#ending.signal.aborted) onFailure(reasonOf(error))
      this.#isFailing = true
    }
  }
}

async function keysFor(find: FindKey, { alg, kid }: KeyHint): Promise<VerificationKey[]> {
  const algorithm = alg as JwksAlgorithm
  try {
    return [await withThumbprint(algorithm, await find({ alg, ...(kid !== undefined && { kid }) }))]
  } catch (error) {
    const found: VerificationKey[] = []
    // Otherwise there is none, or it is not a usable key.
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      for await (const key of error) {
        found.push(await withThumbprint(algorithm, key))
        if (found.length === MAX_CANDIDATES) break
      }
    }
    return found
  }
}

/** Entries that are not keys have none. */
async function thumbprintsOf({ keys }: JSONWebKeySet): Promise<Set<string>> {
  const thumbprints = await Promise.allSettled(keys.map(async (key) => calculateJwkThumbprint(key)))
  return new Set(thumbprints.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
}

/** Redirects are not followed: they could lead anywhere. */
async function fetchText(url: string, ending: AbortSignal): Promise<string> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(TIMEOUT_MS)])
  const response = await fetch(url, { signal, redirect: 'error', headers: { Accept: 'application/json' } })
  if (!response.ok || !response.body) throw new Error(`it answered with status ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body) {
    size += chunk.length
    if (size > MAX_BYTES) throw new Error(`its answer is longer than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
