import { z } from 'zod'
import { CommandError, exitCode } from '../process/exit.ts'

/** Nobody answers, or only to say "later", for longer than the call had patience. */
export class Unreachable extends CommandError {
  override readonly name = 'Unreachable'

  constructor(message: string) {
    super(exitCode.lost, message)
  }
}

/** The server answered no, and would again. */
export class Refused extends CommandError {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string | undefined

  constructor(status: number, code: string | undefined, message: string) {
    super(status === 401 || status === 403 ? exitCode.authentication : exitCode.failed, message)
    this.status = status
    this.code = code
  }
}

/** Something else than a Boardcast server answers: a redirect, or a page. To ask again gives the same. */
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
  /** Of an answer that is not JSON: what it is instead. */
  readonly otherThanJson: string | undefined
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly baseUrl: string
  readonly hasToken: boolean
}

/** A problem body as one readable sentence. */
export function describeRefusal(refusal: Refusal, asked: Asked): string {
  if (refusal.otherThanJson !== undefined) {
    return `${describeForeign(refusal.status, refusal.otherThanJson, asked)}${advice(refusal.status, asked.hasToken)}`
  }
  const parsed = problem.safeParse(refusal.body)
  const what = parsed.success ? whatIsWrong(parsed.data) : ''
  return `${asked.method} ${asked.path} was refused (${refusal.status})${what && `: ${what}`}.${advice(refusal.status, asked.hasToken)}`
}

/** A page where JSON should be: a proxy's, a sign-in's, or another program's. */
export function describeForeign(status: number, otherThanJson: string, asked: Asked): string {
  return (
    `${asked.method} ${asked.baseUrl}/api/v1${asked.path} answered ${status} with ${otherThanJson} instead of JSON. ` +
    'That is no Boardcast server, or something in front of it, such as a sign-in page. Check --url and BOARDCAST_URL.'
  )
}

/** Where it leads, and the address to give instead if that can be known. */
export function describeRedirect(status: number, location: string, asked: Asked): string {
  const suffix = `/api/v1${asked.path}`
  const url = asked.baseUrl + suffix
  const target = URL.canParse(location, url) ? new URL(location, url).href : JSON.stringify(location)
  const base = target.endsWith(suffix) ? target.slice(0, -suffix.length) : undefined
  const fix =
    base === undefined || base === asked.baseUrl
      ? 'Give an address that leads to the server itself with --url or BOARDCAST_URL.'
      : `Set BOARDCAST_URL (or --url) to ${base}.`
  return `${asked.method} ${url} is redirected to ${target} (${status}), and redirects are not followed. ${fix}`
}

/** Names the two ways out: start one, or say where it is. */
export function describeUnreachable(baseUrl: string, reason: string): string {
  return (
    `nobody answers at ${baseUrl} (${reason}). ` +
    'Start a server with "npm start" or "boardcast serve", or say where it is with --url or BOARDCAST_URL.'
  )
}

function whatIsWrong({ title, detail, errors }: z.infer<typeof problem>): string {
  const fields = (errors ?? []).map(({ path, message }) => `${fieldName(path)}${message}`)
  const parts = [...new Set([title, detail, ...fields])].filter((part) => part !== undefined && part !== '')
  return parts.join('; ').replace(/[.\s]+$/, '')
}

function fieldName(path: unknown): string {
  const name = Array.isArray(path) ? path.join('.') : path
  return typeof name === 'string' && name !== '' ? `${name}: ` : ''
}

function advice(status: number, hasToken: boolean): string {
  if (status === 401) {
    return hasToken
      ? ' Get a fresh token for --token or BOARDCAST_TOKEN.'
      : ' Give a token with --token or BOARDCAST_TOKEN.'
  }
  if (status === 403) return ' The token in --token or BOARDCAST_TOKEN needs the right to publish there.'
  return ''
}
