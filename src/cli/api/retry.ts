/** Faults that pass, and how long to wait before the next try. */

const firstDelayMs = 100
const maxDelayMs = 5_000
/** A longer Retry-After is most likely a mistake of something in between and is cut to this. */
const maxRetryAfterMs = 60_000

/** Exponential, with random jitter over the upper half so that many clients do not retry together. */
export function backOffMs(tries: number): number {
  const full = Math.min(firstDelayMs * 2 ** Math.min(tries, 16), maxDelayMs)
  return full / 2 + Math.random() * (full / 2)
}

/** 502 and 504 come from a proxy whose server is down. */
export function isBusy(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

export function retryAfterMs(header: string | null | undefined): number {
  if (!header) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), maxRetryAfterMs) : 0
}

/** OpenSSL's error codes for an answer that is not TLS. */
const NO_TLS = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/

/** The message of fetch is always "fetch failed"; its cause has the system error, such as ECONNREFUSED. */
export function reasonOf(error: unknown): string {
  const cause = causeOf(error)
  const code = codeOf(error)
  if (code === 'ECONNREFUSED') return 'connection refused'
  if (code !== undefined) return NO_TLS.test(code) ? 'the server there does not use TLS: is it http://?' : code
  return cause instanceof Error ? cause.message : String(cause)
}

const NOBODY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT', 'EACCES'])

/** Whether nobody listens at the address, in contrast to a connection that was made and then broke off. */
export function isNobody(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && (NOBODY.has(code) || NO_TLS.test(code))
}

function codeOf(error: unknown): string | undefined {
  const cause = causeOf(error)
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? error.cause : error
}
