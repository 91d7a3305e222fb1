import { z } from 'zod'
import { CommandError, exitCode } from '../process/exit.ts'

/** The server did not answer, or stayed busy, for longer than the call's patience. */
export class Unreachable extends CommandError {
  override readonly name = 'Unreachable'

  constructor(message: string) {
    super(exitCode.lost, message)
  }
}

/** The server refused the request; a retry would be refused too. */
export class Refused extends CommandError {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string | undefined
  /** The problem that the server answered with. */
  readonly body: unknown

  constructor(status: number, code: string | undefined, message: string, body?: unknown) {
    super(status === 401 || status === 403 ? exitCode.authentication : exitCode.failed, message)
    this.status = status
    this.code = code
    this.body = body
  }
}

/** Something other than a Boardcast server answered: a redirect or a page. A retry would get the same. */
export class NotTheApi extends CommandError {
  override readonly name = 'NotTheApi'

  constructor(message: string) {
    super(exitCode.failed, message)
  }
}

const problem = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.unknown(), message: z.string() })).optional(),
})

interface Refusal {
  readonly status: number
  readonly body: unknown
  /** The content type of an answer that is not JSON. */
  readonly otherThanJson: string | undefined
}

interface RequestInfo {
  readonly method: string
  readonly path: string
  readonly baseUrl: string
  readonly hasToken: boolean
}

/** A problem body as one readable sentence. */
export function describeRefusal(refusal: Refusal, request: RequestInfo): string {
  const { method, path, hasToken } = request
  const fix = advice(refusal.status, method, hasToken)
  if (refusal.otherThanJson !== undefined) {
    return `${describeForeign(refusal.status, refusal.otherThanJson, request)}${fix}`
  }
  const reason = reasonIn(refusal.body)
  return `${method} ${path} was refused (${refusal.status})${reason && `: ${reason}`}.${fix}`
}

/** The answer of a proxy, a sign-in page or another program, where JSON should be. */
export function describeForeign(status: number, otherThanJson: string, { method, path, baseUrl }: RequestInfo): string {
  return (
    `${method} ${baseUrl}/api/v1${path} answered ${status} with ${otherThanJson} instead of JSON. ` +
    'This is not a Boardcast server, or something in front of it answered, such as a sign-in page. ' +
    'Check --url and BOARDCAST_URL.'
  )
}

/** The target of a redirect, and the URL to use instead if it is known. */
export function describeRedirect(status: number, location: string, request: RequestInfo): string {
  const suffix = `/api/v1${request.path}`
  const url = request.baseUrl + suffix
  const target = URL.canParse(location, url) ? new URL(location, url).href : JSON.stringify(location)
  const base = target.endsWith(suffix) ? target.slice(0, -suffix.length) : undefined
  const fix =
    base === undefined || base === request.baseUrl
      ? 'Set --url or BOARDCAST_URL to the address of the server itself.'
      : `Set BOARDCAST_URL (or --url) to ${base}.`
  return `${request.method} ${url} is redirected to ${target} (${status}), and redirects are not followed. ${fix}`
}

/** Names both fixes: start a server, or set its address. */
export function describeUnreachable(baseUrl: string, reason: string): string {
  return (
    `no server answers at ${baseUrl} (${reason}). ` +
    'Start one with "npm start" or "boardcast serve", or set its address with --url or BOARDCAST_URL.'
  )
}

/** The sentence of a problem, with every faulty field; empty if it has none. */
export function reasonIn(body: unknown): string {
  const { title, detail, errors } = problem.safeParse(body).data ?? {}
  const faults = (errors ?? []).map(({ path, message }) => ({ name: fieldName(path), message }))
  const fields = faults.map(({ name, message }) => `${name}${message}`)
  // The detail of a refused body is the same list, without a separator.
  const isRepeated = faults.length > 0 && faults.every(({ message }) => detail?.includes(message))
  const parts = [...new Set([title, ...(isRepeated ? [] : [detail]), ...fields])].filter(
    (part) => part !== undefined && part !== '',
  )
  return parts.join('; ').replace(/[.\s]+$/, '')
}

function fieldName(path: unknown): string {
  const name = Array.isArray(path) ? path.join('.') : path
  return typeof name === 'string' && name !== '' ? `${name}: ` : ''
}

function advice(status: number, method: string, hasToken: boolean): string {
  if (status === 401) {
    return hasToken
      ? ' Set --token or BOARDCAST_TOKEN to a valid token.'
      : ' Set a token with --token or BOARDCAST_TOKEN.'
  }
  if (status === 403) {
    return ` The token in --token or BOARDCAST_TOKEN is not allowed to ${method === 'GET' ? 'subscribe' : 'publish'} there.`
  }
  return ''
}
